/**
 * Settings objects of which every server has one: Get-/Set-PopSettings, -ImapSettings (exchange-behaviour.md §1.2),
 * -ClientAccessServer.
 */
import type { DirectoryChange } from '../../api.ts';
import { settingsValues } from '../../audit.ts';
import type { ClientAccessServerSettings, ImapSettings, PopSettings, Server, ServerId } from '../../model.ts';
import { clientAccessServerSchema } from '../../settings/client-access-server.ts';
import { imapSettingsSchema, popSettingsSchema } from '../../settings/mail-protocol.ts';
import { checkMailProtocolSettings, checkScope } from '../../settings/rules.ts';
import type { SettingsSchema } from '../../settings/schema.ts';
import { jsonOf } from './rows.ts';
import type { OnRefused, Reader, Transaction } from './seam.ts';
import { existingServer } from './topology.ts';

type Kind = DirectoryChange['kind'] & ('pop-settings' | 'imap-settings' | 'client-access-server');

/** One kind of them on every server. */
export class ProtocolSettings<S extends object> {
  readonly #kind: Kind;
  readonly #schema: SettingsSchema<S>;
  readonly #check: (settings: S) => void;
  readonly #onRefused: OnRefused;

  constructor(kind: Kind, schema: SettingsSchema<S>, check: (settings: S) => void, onRefused: OnRefused) {
    this.#kind = kind;
    this.#check = check;
    this.#schema = schema;
    this.#onRefused = onRefused;
  }

  async read(reader: Reader, server: Server): Promise<S> {
    return this.#load(server, await this.#stored(reader, server.id));
  }

  async set(transaction: Transaction, id: ServerId, patch: Partial<S>): Promise<S> {
    const server = await existingServer(transaction, id);
    const checked = this.#schema.check(patch);
    checkScope(this.#schema, checked, server);
    const stored = await this.#stored(transaction, id);
    const now = this.#load(server, stored);
    const next = this.#schema.merge(now, checked);
    this.#check(next);
    await transaction.run(
      `INSERT INTO protocol_settings (server, protocol, settings) VALUES (?, ?, ?)
       ON CONFLICT (server, protocol) DO UPDATE SET settings = excluded.settings`,
      id,
      this.#kind,
      JSON.stringify({ ...stored, ...this.#schema.store(checked) }),
    );
    transaction.note(this.#kind, id);
    transaction.audit(
      this.#schema.title,
      server.name,
      settingsValues(this.#schema, now),
      settingsValues(this.#schema, next),
    );
    return next;
  }

  async #stored(reader: Reader, server: ServerId): Promise<object> {
    const sql = 'SELECT settings FROM protocol_settings WHERE server = ? AND protocol = ?';
    const row = await reader.get(sql, server, this.#kind);
    const stored = row === null ? {} : jsonOf(row, 'settings');
    return typeof stored === 'object' && stored !== null ? stored : {};
  }

  #load(server: Server, stored: object): S {
    return this.#schema.load(stored, { fqdn: server.fqdn }, this.#onRefused);
  }
}

export const popSettingsOf = (onRefused: OnRefused): ProtocolSettings<PopSettings> =>
  new ProtocolSettings('pop-settings', popSettingsSchema, checkMailProtocolSettings, onRefused);
export const imapSettingsOf = (onRefused: OnRefused): ProtocolSettings<ImapSettings> =>
  new ProtocolSettings('imap-settings', imapSettingsSchema, checkMailProtocolSettings, onRefused);
export const clientAccessServerOf = (onRefused: OnRefused): ProtocolSettings<ClientAccessServerSettings> =>
  new ProtocolSettings('client-access-server', clientAccessServerSchema, () => {}, onRefused);
