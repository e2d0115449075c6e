/**
 * Settings objects of which every server has one: Get-/Set-PopSettings, -ImapSettings (exchange-behaviour.md §1.2),
 * -ClientAccessServer. Kept once read.
 */
import type { DirectoryChange } from '../../api.ts';
import { settingsValues } from '../../audit.ts';
import type { Actor, ClientAccessServerSettings, ImapSettings, PopSettings, Server, ServerId } from '../../model.ts';
import { clientAccessServerSchema } from '../../settings/client-access-server.ts';
import { imapSettingsSchema, popSettingsSchema } from '../../settings/mail-protocol.ts';
import { checkMailProtocolSettings, checkScope } from '../../settings/rules.ts';
import type { SettingsSchema } from '../../settings/schema.ts';
import type { DirectoryFile } from './file.ts';
import { jsonOf } from './rows.ts';
import type { Topology } from './topology.ts';

type Kind = DirectoryChange['kind'] & ('pop-settings' | 'imap-settings' | 'client-access-server');

/** One kind of them on every server. */
export class ProtocolSettings<S extends object> {
  readonly #file: DirectoryFile;
  readonly #topology: Topology;
  readonly #schema: SettingsSchema<S>;
  readonly #kind: Kind;
  readonly #check: (settings: S) => void;
  readonly #onRefused: (name: string) => void;
  readonly #known = new Map<ServerId, S>();

  constructor(
    file: DirectoryFile,
    topology: Topology,
    schema: SettingsSchema<S>,
    kind: Kind,
    check: (settings: S) => void,
    onRefused: (name: string) => void,
  ) {
    this.#file = file;
    this.#topology = topology;
    this.#schema = schema;
    this.#kind = kind;
    this.#check = check;
    this.#onRefused = onRefused;
  }

  forget(change: DirectoryChange): void {
    if (change.kind === this.#kind || change.kind === 'server') this.#known.clear();
  }

  get(server: ServerId): S {
    const known = this.#known.get(server);
    if (known !== undefined) return known;
    const settings = this.#load(this.#topology.server(server), this.#stored(server));
    this.#known.set(server, settings);
    return settings;
  }

  set(actor: Actor, id: ServerId, patch: Partial<S>): S {
    const server = this.#topology.server(id);
    const checked = this.#schema.check(patch);
    checkScope(this.#schema, checked, server);
    this.#file.write(actor, (transaction) => {
      const stored = this.#stored(id);
      const now = this.#load(server, stored);
      const next = this.#schema.merge(now, checked);
      this.#check(next);
      this.#file.run(
        `INSERT INTO protocol_settings (server, protocol, settings) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET settings = ?3`,
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
    });
    return this.get(id);
  }

  #stored(server: ServerId): object {
    const row = this.#file.get(
      'SELECT settings FROM protocol_settings WHERE server = ? AND protocol = ?',
      server,
      this.#kind,
    );
    const stored = row === null ? {} : jsonOf(row, 'settings');
    return typeof stored === 'object' && stored !== null ? stored : {};
  }

  #load(server: Server, stored: object): S {
    return this.#schema.load(stored, { fqdn: server.fqdn }, this.#onRefused);
  }
}

export const popSettingsOf = (file: DirectoryFile, topology: Topology, onRefused: (name: string) => void) =>
  new ProtocolSettings<PopSettings>(
    file,
    topology,
    popSettingsSchema,
    'pop-settings',
    checkMailProtocolSettings,
    onRefused,
  );
export const imapSettingsOf = (file: DirectoryFile, topology: Topology, onRefused: (name: string) => void) =>
  new ProtocolSettings<ImapSettings>(
    file,
    topology,
    imapSettingsSchema,
    'imap-settings',
    checkMailProtocolSettings,
    onRefused,
  );
export const clientAccessServerOf = (file: DirectoryFile, topology: Topology, onRefused: (name: string) => void) =>
  new ProtocolSettings<ClientAccessServerSettings>(
    file,
    topology,
    clientAccessServerSchema,
    'client-access-server',
    () => {},
    onRefused,
  );
