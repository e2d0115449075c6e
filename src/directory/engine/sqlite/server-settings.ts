/** What belongs to one server: POP and IMAP settings, receive connectors, services. Few rows, kept once read. */
import { randomUUID } from 'node:crypto';
import { Failure } from '../../../observe/failure.ts';
import type { DirectoryChange } from '../../api.ts';
import { checkAgainstOthers } from '../../connectors.ts';
import {
  type ConnectorId,
  connectorId,
  type ImapSettings,
  type MailProtocolSettings,
  type PopSettings,
  type ReceiveConnector,
  type Server,
  type ServerId,
  type ServiceName,
  type ServiceState,
  serverId,
} from '../../model.ts';
import { initialState, serviceFacts, servicesOf } from '../../services.ts';
import { imapSettingsSchema, popSettingsSchema } from '../../settings/mail-protocol.ts';
import { type ConnectorSettings, receiveConnectorSchema } from '../../settings/receive-connector.ts';
import { checkConnector, checkMailProtocolSettings, checkScope } from '../../settings/rules.ts';
import type { SettingsSchema } from '../../settings/schema.ts';
import type { DirectoryFile } from './file.ts';
import { jsonOf, type Row, STARTUP_TYPES, textOf } from './rows.ts';
import type { Topology } from './topology.ts';

/** Settings of one protocol on every server. */
export class ProtocolSettings<S extends MailProtocolSettings> {
  readonly #file: DirectoryFile;
  readonly #topology: Topology;
  readonly #schema: SettingsSchema<S>;
  readonly #kind: 'pop-settings' | 'imap-settings';
  readonly #onRefused: (name: string) => void;
  readonly #known = new Map<ServerId, S>();

  constructor(
    file: DirectoryFile,
    topology: Topology,
    schema: SettingsSchema<S>,
    kind: 'pop-settings' | 'imap-settings',
    onRefused: (name: string) => void,
  ) {
    this.#file = file;
    this.#topology = topology;
    this.#schema = schema;
    this.#kind = kind;
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

  set(id: ServerId, patch: Partial<S>): S {
    const server = this.#topology.server(id);
    const checked = this.#schema.check(patch);
    checkScope(this.#schema, checked, server);
    this.#file.write((note) => {
      const stored = this.#stored(id);
      checkMailProtocolSettings(this.#schema.merge(this.#load(server, stored), checked));
      this.#file.run(
        `INSERT INTO protocol_settings (server, protocol, settings) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET settings = ?3`,
        id,
        this.#kind,
        JSON.stringify({ ...stored, ...this.#schema.store(checked) }),
      );
      note(this.#kind, id);
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
  new ProtocolSettings<PopSettings>(file, topology, popSettingsSchema, 'pop-settings', onRefused);
export const imapSettingsOf = (file: DirectoryFile, topology: Topology, onRefused: (name: string) => void) =>
  new ProtocolSettings<ImapSettings>(file, topology, imapSettingsSchema, 'imap-settings', onRefused);

export class Connectors {
  readonly #file: DirectoryFile;
  readonly #topology: Topology;
  readonly #onRefused: (name: string) => void;
  readonly #known = new Map<ServerId, readonly ReceiveConnector[]>();

  constructor(file: DirectoryFile, topology: Topology, onRefused: (name: string) => void) {
    this.#file = file;
    this.#topology = topology;
    this.#onRefused = onRefused;
  }

  forget(change: DirectoryChange): void {
    if (change.kind === 'connector' || change.kind === 'server') this.#known.clear();
  }

  /** In the order in which they were made. */
  of(server: ServerId): readonly ReceiveConnector[] {
    const known = this.#known.get(server);
    if (known !== undefined) return known;
    this.#topology.server(server);
    const connectors = this.#file
      .all('SELECT * FROM connector WHERE server = ? ORDER BY number', server)
      .map((row) => this.#load(row));
    this.#known.set(server, connectors);
    return connectors;
  }

  add(given: Omit<ReceiveConnector, 'id'>): ReceiveConnector {
    const { server, ...rest } = given;
    const id = connectorId(randomUUID());
    const { fqdn } = this.#topology.server(server);
    const settings = receiveConnectorSchema.merge(
      receiveConnectorSchema.defaults({ fqdn }),
      receiveConnectorSchema.check(rest),
    );
    this.#file.write((note) => {
      this.#checkRules(server, id, settings);
      this.#file.run(
        'INSERT INTO connector (id, server, name, settings) VALUES (?, ?, ?, ?)',
        id,
        server,
        settings.name,
        JSON.stringify(receiveConnectorSchema.store(settings)),
      );
      note('connector', id);
    });
    return { ...settings, id, server };
  }

  change(id: ConnectorId, patch: Partial<ConnectorSettings>): ReceiveConnector {
    const checked = receiveConnectorSchema.check(patch);
    return this.#file.write((note) => {
      const { id: _, server, ...now } = this.#existing(id);
      const settings = receiveConnectorSchema.merge(now, checked);
      this.#checkRules(server, id, settings);
      this.#file.run(
        'UPDATE connector SET name = ?, settings = ? WHERE id = ?',
        settings.name,
        JSON.stringify(receiveConnectorSchema.store(settings)),
        id,
      );
      note('connector', id);
      return { ...settings, id, server };
    });
  }

  remove(id: ConnectorId): void {
    this.#file.write((note) => {
      if (this.#file.run('DELETE FROM connector WHERE id = ?', id) === 0) throw noConnector();
      note('connector', id);
    });
  }

  #checkRules(server: ServerId, id: ConnectorId, settings: ConnectorSettings): void {
    checkConnector(settings);
    const others = this.#file
      .all('SELECT * FROM connector WHERE server = ? AND id <> ?', server, id)
      .map((row) => this.#load(row));
    if (others.some((other) => other.name.toLowerCase() === settings.name.toLowerCase()))
      throw new Failure('ALREADYEXISTS', `the receive connector ${settings.name} exists already`);
    checkAgainstOthers(settings, others);
  }

  #existing(id: ConnectorId): ReceiveConnector {
    const row = this.#file.get('SELECT * FROM connector WHERE id = ?', id);
    if (row === null) throw noConnector();
    return this.#load(row);
  }

  #load(row: Row): ReceiveConnector {
    const server = serverId(textOf(row, 'server'));
    const { fqdn } = this.#topology.server(server);
    const settings = receiveConnectorSchema.load(jsonOf(row, 'settings'), { fqdn }, this.#onRefused);
    return { ...settings, id: connectorId(textOf(row, 'id')), server };
  }
}

const noConnector = (): Failure => new Failure('NONEXISTENT', 'there is no such receive connector');

export class Services {
  readonly #file: DirectoryFile;
  readonly #topology: Topology;
  readonly #known = new Map<ServerId, readonly ServiceState[]>();

  constructor(file: DirectoryFile, topology: Topology) {
    this.#file = file;
    this.#topology = topology;
  }

  forget(change: DirectoryChange): void {
    if (change.kind === 'service' || change.kind === 'server') this.#known.clear();
  }

  /** Every service the server's roles bring, in the table's order. */
  of(id: ServerId): readonly ServiceState[] {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const rows = this.#file.all('SELECT * FROM service WHERE server = ?', id);
    const states = servicesOf(this.#topology.server(id)).map((facts): ServiceState => {
      const row = rows.find((one) => one['service'] === facts.service);
      const startupType = STARTUP_TYPES.find((type) => type === row?.['startup_type']);
      if (row === undefined || startupType === undefined) return initialState(facts);
      return { service: facts.service, startupType, running: row['running'] === 1 };
    });
    this.#known.set(id, states);
    return states;
  }

  set(id: ServerId, service: ServiceName, patch: Partial<Omit<ServiceState, 'service'>>): ServiceState {
    if (patch.startupType !== undefined && !STARTUP_TYPES.includes(patch.startupType))
      throw new Failure('CANNOT', `StartupType must be one of ${STARTUP_TYPES.join(', ')}`);
    return this.#file.write((note) => {
      this.#known.delete(id);
      const now = this.of(id).find((state) => state.service === service);
      if (now === undefined) {
        const { displayName, side } = serviceFacts(service);
        const role = side === 'frontEnd' ? 'front end' : 'back end';
        throw new Failure('NONEXISTENT', `${displayName} is not on this server: it has no ${role}`);
      }
      const next: ServiceState = {
        service,
        startupType: patch.startupType ?? now.startupType,
        running: patch.running ?? now.running,
      };
      if (next.running && next.startupType === 'Disabled' && patch.running === true)
        throw new Failure('CANNOT', `${serviceFacts(service).displayName} is disabled; set its StartupType first`);
      this.#file.run(
        `INSERT INTO service (server, service, startup_type, running) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET startup_type = ?3, running = ?4`,
        id,
        service,
        next.startupType,
        Number(next.running),
      );
      note('service', id);
      return next;
    });
  }
}
