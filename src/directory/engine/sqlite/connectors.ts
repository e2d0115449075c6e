/** Receive connectors of every server (exchange-behaviour.md §3). Few rows, kept once read. */
import { randomUUID } from 'node:crypto';
import { Failure } from '../../../observe/failure.ts';
import type { DirectoryChange } from '../../api.ts';
import { settingsValues } from '../../audit.ts';
import { checkAgainstOthers } from '../../connectors.ts';
import {
  type Actor,
  type ConnectorId,
  connectorId,
  type ReceiveConnector,
  type ServerId,
  serverId,
} from '../../model.ts';
import { type ConnectorSettings, receiveConnectorSchema } from '../../settings/receive-connector.ts';
import { checkConnector } from '../../settings/rules.ts';
import type { DirectoryFile } from './file.ts';
import { jsonOf, type Row, textOf } from './rows.ts';
import type { Topology } from './topology.ts';

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

  add(actor: Actor, given: Omit<ReceiveConnector, 'id'>): ReceiveConnector {
    const { server, ...rest } = given;
    const id = connectorId(randomUUID());
    const { fqdn } = this.#topology.server(server);
    const settings = receiveConnectorSchema.merge(
      receiveConnectorSchema.defaults({ fqdn }),
      receiveConnectorSchema.check(rest),
    );
    this.#file.write(actor, (transaction) => {
      this.#checkRules(server, id, settings);
      this.#file.run(
        'INSERT INTO connector (id, server, name, settings) VALUES (?, ?, ?, ?)',
        id,
        server,
        settings.name,
        JSON.stringify(receiveConnectorSchema.store(settings)),
      );
      transaction.note('connector', id);
      transaction.audit(
        receiveConnectorSchema.title,
        this.#auditName(server, settings.name),
        null,
        settingsValues(receiveConnectorSchema, settings),
      );
    });
    return { ...settings, id, server };
  }

  change(actor: Actor, id: ConnectorId, patch: Partial<ConnectorSettings>): ReceiveConnector {
    const checked = receiveConnectorSchema.check(patch);
    return this.#file.write(actor, (transaction) => {
      const { id: _, server, ...now } = this.#existing(id);
      const settings = receiveConnectorSchema.merge(now, checked);
      this.#checkRules(server, id, settings);
      this.#file.run(
        'UPDATE connector SET name = ?, settings = ? WHERE id = ?',
        settings.name,
        JSON.stringify(receiveConnectorSchema.store(settings)),
        id,
      );
      transaction.note('connector', id);
      transaction.audit(
        receiveConnectorSchema.title,
        this.#auditName(server, settings.name),
        settingsValues(receiveConnectorSchema, now),
        settingsValues(receiveConnectorSchema, settings),
      );
      return { ...settings, id, server };
    });
  }

  remove(actor: Actor, id: ConnectorId): void {
    this.#file.write(actor, (transaction) => {
      const { id: _, server, ...now } = this.#existing(id);
      this.#file.run('DELETE FROM connector WHERE id = ?', id);
      transaction.note('connector', id);
      transaction.audit(
        receiveConnectorSchema.title,
        this.#auditName(server, now.name),
        settingsValues(receiveConnectorSchema, now),
        null,
      );
    });
  }

  #auditName(server: ServerId, name: string): string {
    return `${this.#topology.server(server).name}\\${name}`;
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
