/**
 * The port of a back end (ProxyTargetPort: IMAP4 1993, POP3 1995) where front ends of other servers bring sessions
 * (exchange-behaviour.md §8, ADR 9). Only servers of the organization with the front-end role come in: mutual TLS, the
 * directory asked for each connection. Follows settings, the back-end service and the list of servers: while there is
 * no other front end, nobody needs the port, and it is closed.
 */
import type { Socket } from 'node:net';
import type { Directory, DirectoryChange } from '../../directory/api.ts';
import type { MailProtocolSettings, Server, ServerId, ServiceName } from '../../directory/model.ts';
import type { Placement } from '../../directory/placement.ts';
import { Listeners, type Listening, type WantedBinding } from '../../frontend/accept.ts';
import { RunningService } from '../../frontend/running-service.ts';
import { Failure } from '../../observe/failure.ts';
import type { Log } from '../../observe/log.ts';
import { tally } from '../../observe/metrics/tally.ts';
import { acceptServer } from '../../tls/server-accept.ts';
import type { ServerIdentity } from '../../tls/server-identity.ts';
import { Connection } from '../../wire/connection.ts';
import type { BackEnd } from '../in-process-link.ts';
import { serveArrival } from './arrival.ts';
import type { ProxyProtocol } from './dialect.ts';

/** A front end's machine that is gone is noticed after this and some seconds more. */
export const FRONT_END_KEEP_ALIVE_MS = 30_000;

export interface BackEndPortOptions {
  readonly protocol: ProxyProtocol;
  readonly directory: Directory;
  readonly server: Pick<Server, 'id' | 'name'>;
  readonly identity: ServerIdentity;
  readonly placement: Placement;
  readonly backEnd: Pick<BackEnd, 'open' | 'sessions'>;
  readonly log: Log;
}

interface Side {
  readonly service: ServiceName;
  readonly settings: DirectoryChange['kind'];
  read(directory: Directory, server: ServerId): Promise<MailProtocolSettings>;
}

const SIDES: Readonly<Record<ProxyProtocol, Side>> = {
  imap: {
    service: 'imap4-backend',
    settings: 'imap-settings',
    read: (directory, server) => directory.imapSettings(server),
  },
  pop3: {
    service: 'pop3-backend',
    settings: 'pop-settings',
    read: (directory, server) => directory.popSettings(server),
  },
};

export class BackEndPort {
  readonly service: ServiceName;
  readonly #options: BackEndPortOptions;
  readonly #side: Side;
  readonly #listeners: Listeners;
  readonly #running: RunningService;

  constructor(options: BackEndPortOptions) {
    this.#options = options;
    this.#side = SIDES[options.protocol];
    this.service = this.#side.service;
    this.#listeners = new Listeners((socket) => void this.#accept(socket));
    this.#running = new RunningService({
      directory: options.directory,
      server: options.server.id,
      services: [this.#side.service],
      concerns: [this.#side.settings, 'service', 'server'],
      log: options.log,
      connections: tally.proxied[options.protocol].accepted,
      apply: async (running) => this.#listeners.apply(running.size > 0 ? await this.#wanted() : []),
    });
  }

  get listening(): readonly Listening[] {
    return this.#listeners.listening;
  }

  get problems(): readonly Failure[] {
    return this.#running.problems;
  }

  /** @throws Failure when the port cannot be opened */
  start(): Promise<void> {
    return this.#running.start();
  }

  settled(): Promise<void> {
    return this.#running.settled();
  }

  drain(ms: number): Promise<void> {
    return this.#running.drain(ms);
  }

  /** On the addresses where this server's clients come in, too. */
  async #wanted(): Promise<readonly WantedBinding[]> {
    const { directory, server } = this.#options;
    const others = (await directory.servers()).some((one) => one.frontEnd && one.id !== server.id);
    if (!others) return [];
    const {
      proxyTargetPort: port,
      unencryptedOrTlsBindings,
      sslBindings,
    } = await this.#side.read(directory, server.id);
    const addresses = new Set([...unencryptedOrTlsBindings, ...sslBindings].map(({ address }) => address));
    return [...addresses].map((address) => ({ address, port, implicitTls: true }));
  }

  async #accept(socket: Socket): Promise<void> {
    const { protocol, identity, directory, placement, server, backEnd, log } = this.#options;
    const peer = socket.remoteAddress;
    try {
      socket.setKeepAlive(true, FRONT_END_KEEP_ALIVE_MS);
      const accepted = await acceptServer(socket, { identity, directory, role: 'front-end' });
      const connection = new Connection(accepted.socket);
      this.#running.run(
        connection,
        () => {},
        async (stop) => {
          const frontEnd = accepted.server;
          const backend = await serveArrival({
            protocol,
            connection,
            frontEnd,
            server,
            directory,
            placement,
            backEnd,
            log,
            stop,
          });
          return backend === null ? null : { backend, release: () => {} };
        },
      );
    } catch (error) {
      socket.destroy();
      const code = error instanceof Failure ? error.code : 'SERVERBUG';
      tally.proxied[protocol].accepted.refused.add([code]);
      // Whoever this is has shown nothing that a log should repeat.
      if (error instanceof Failure)
        log.warn(
          { protocol, peer, code, text: error.message },
          'nobody of this organization: refused on a back-end port',
        );
      else log.error({ protocol, peer, err: error }, 'a front end could not be let in');
    }
  }
}
