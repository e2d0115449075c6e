/**
 * The ports where other servers of the organization bring mail and submissions (ADR 9): the bindings of the connectors
 * `Default <server>` (LMTP, 2525) and `Client Proxy <server>` (2465). Mutual TLS from the first byte: nobody without a
 * certificate of the organization's server authority is read. While this server is alone, nobody needs them, and they
 * are closed.
 */
import type { Socket } from 'node:net';
import type { Directory } from '../directory/api.ts';
import { betweenServers } from '../directory/connectors.ts';
import type { ReceiveConnector, Server, ServerId } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';
import type { Log } from '../observe/log.ts';
import { tally } from '../observe/metrics/tally.ts';
import { acceptServer } from '../tls/server-accept.ts';
import type { ServerIdentity } from '../tls/server-identity.ts';
import { Connection } from '../wire/connection.ts';
import { Listeners, type Listening } from './accept.ts';
import { inactivity } from './component-state.ts';
import type { FrontEndService } from './front-end.ts';
import { RunningService } from './running-service.ts';
import { connectorFor } from './smtp-accept.ts';

/** Another server's machine that is gone is noticed after this and some seconds more. */
const KEEP_ALIVE_MS = 30_000;

/** Serves one server until it is gone. */
export type ServeServer = (
  connection: Connection,
  peer: Server,
  asSetNow: () => ReceiveConnector,
  stop: AbortSignal,
) => Promise<void>;

export interface ServerConnectorsOptions {
  readonly directory: Directory;
  readonly server: ServerId;
  readonly identity: ServerIdentity;
  readonly serve: Readonly<Record<'delivery' | 'client-proxy', ServeServer>>;
  readonly log: Log;
}

export class ServerConnectors implements FrontEndService {
  readonly #options: ServerConnectorsOptions;
  readonly #listeners: Listeners;
  readonly #service: RunningService;
  #connectors: readonly ReceiveConnector[] = [];
  #inactive: Failure | null = null;

  constructor(options: ServerConnectorsOptions) {
    this.#options = options;
    this.#listeners = new Listeners((socket, listening) => void this.#accept(socket, listening));
    this.#service = new RunningService({
      directory: options.directory,
      server: options.server,
      services: ['transport'],
      concerns: ['connector', 'service', 'component', 'server'],
      log: options.log,
      connections: tally.connections.smtp,
      apply: (running) => this.#apply(running.size > 0),
    });
  }

  get listening(): readonly Listening[] {
    return this.#listeners.listening;
  }

  get problems(): readonly Failure[] {
    return this.#service.problems;
  }

  start(): Promise<void> {
    return this.#service.start();
  }

  settled(): Promise<void> {
    return this.#service.settled();
  }

  drain(ms: number): Promise<void> {
    return this.#service.drain(ms);
  }

  async #apply(running: boolean): Promise<readonly Failure[]> {
    const { directory, server } = this.#options;
    const others = (await directory.servers()).some(({ id }) => id !== server);
    this.#inactive = await inactivity(directory, server, 'HubTransport');
    const connectors = await directory.connectors(server);
    this.#connectors = connectors.filter((each) => each.enabled && betweenServers(each) !== null);
    const wanted = running && others ? this.#connectors.flatMap(({ bindings }) => bindings) : [];
    return this.#listeners.apply(wanted.map((binding) => ({ ...binding, implicitTls: false })));
  }

  async #accept(socket: Socket, listening: Listening): Promise<void> {
    const { identity, directory, log, serve } = this.#options;
    const peer = socket.remoteAddress ?? '';
    try {
      const connector = connectorFor(this.#connectors, listening.wanted, peer);
      const purpose = connector === null ? null : betweenServers(connector);
      if (connector === null || purpose === null)
        throw new Failure('NOPERM', 'no receive connector takes this address');
      if (this.#inactive !== null) throw this.#inactive;
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
      const role = purpose === 'client-proxy' ? 'front-end' : 'any';
      const accepted = await acceptServer(socket, { identity, directory, role });
      const connection = new Connection(accepted.socket);
      const asSetNow = (): ReceiveConnector => this.#connectors.find(({ id }) => id === connector.id) ?? connector;
      this.#service.run(
        connection,
        () => {},
        async (stop) => {
          await serve[purpose](connection, accepted.server, asSetNow, stop);
          return null;
        },
      );
    } catch (error) {
      socket.destroy();
      const code = error instanceof Failure ? error.code : 'SERVERBUG';
      tally.connections.smtp.refused.add([code]);
      const text = error instanceof Failure ? error.message : String(error);
      log.warn({ protocol: 'smtp', peer, port: listening.port, code, text }, 'refused on a port between servers');
    }
  }
}
