/**
 * Accepts SMTP clients for the receive connectors of one server (exchange-behaviour.md §3): several connectors may
 * share a binding, the one with the most specific RemoteIPRange takes the client; MaxInboundConnection and its
 * per-source limits are counted for each connector. The session itself is smtp/server's.
 */
import type { Socket } from 'node:net';
import type { Directory } from '../directory/api.ts';
import { betweenServers } from '../directory/connectors.ts';
import type { ComponentName, ConnectorId, ReceiveConnector, ServerId, ServiceName } from '../directory/model.ts';
import { narrowestMatch } from '../directory/settings/ip-range.ts';
import { Failure } from '../observe/failure.ts';
import type { Log } from '../observe/log.ts';
import { tally } from '../observe/metrics/tally.ts';
import type { CertificateStore } from '../tls/certificates.ts';
import { Connection } from '../wire/connection.ts';
import { Listeners, type Listening, type WantedBinding } from './accept.ts';
import { inactivity } from './component-state.ts';
import type { FrontEndService } from './front-end.ts';
import { secure } from './handshake.ts';
import type { Arrival } from './load-balancers.ts';
import { InboundConnections } from './limits.ts';
import { RunningService } from './running-service.ts';

/**
 * Serves one client until it is gone. `tlsNow`: TLS is on already (a binding with implicit TLS).
 * `stop` is aborted when the client should hear 421 and go. `asSetNow`: the connector with its settings of that moment.
 */
export type SmtpSessionFactory = (
  connection: Connection,
  connector: ReceiveConnector,
  tlsNow: boolean,
  stop: AbortSignal,
  asSetNow: () => ReceiveConnector,
) => Promise<void>;

export interface SmtpFrontEndOptions {
  readonly directory: Directory;
  readonly server: ServerId;
  readonly session: SmtpSessionFactory;
  readonly certificates: CertificateStore;
  readonly log: Log;
}

const SERVICE_OF: Readonly<Record<ReceiveConnector['transportRole'], ServiceName>> = {
  FrontendTransport: 'frontend-transport',
  HubTransport: 'transport',
};
const COMPONENT_OF: Readonly<Record<ReceiveConnector['transportRole'], ComponentName>> = {
  FrontendTransport: 'FrontendTransport',
  HubTransport: 'HubTransport',
};

export const createSmtpFrontEnd = (options: SmtpFrontEndOptions): FrontEndService => new SmtpFrontEnd(options);

/** The connector for a client that came in on a binding; null: none takes its address. */
export function connectorFor(
  connectors: readonly ReceiveConnector[],
  binding: WantedBinding,
  client: string,
): ReceiveConnector | null {
  let best: ReceiveConnector | null = null;
  let narrowest: bigint | null = null;
  for (const connector of connectors) {
    const bindings = binding.implicitTls ? connector.implicitTlsBindings : connector.bindings;
    if (!bindings.some((each) => each.address === binding.address && each.port === binding.port)) continue;
    const size = narrowestMatch(connector.remoteIpRanges, client);
    if (size === null || (narrowest !== null && size >= narrowest)) continue;
    best = connector;
    narrowest = size;
  }
  return best;
}

class SmtpFrontEnd implements FrontEndService {
  readonly #options: SmtpFrontEndOptions;
  readonly #listeners: Listeners;
  readonly #service: RunningService;
  readonly #inbound = new Map<ConnectorId, InboundConnections>();
  #connectors: readonly ReceiveConnector[] = [];
  #inactive: Readonly<Record<ReceiveConnector['transportRole'], Failure | null>> = {
    FrontendTransport: null,
    HubTransport: null,
  };

  constructor(options: SmtpFrontEndOptions) {
    this.#options = options;
    this.#listeners = new Listeners(
      (socket, listening, arrival) => this.#accept(socket, listening, arrival),
      (balancer, { port }, text) => {
        tally.connections.smtp.refused.add(['PROXY']);
        options.log.warn({ protocol: 'smtp', balancer, port, text }, 'connection of a load balancer refused');
      },
    );
    this.#service = new RunningService({
      directory: options.directory,
      server: options.server,
      services: Object.values(SERVICE_OF),
      concerns: ['connector', 'client-access-server', 'service', 'component'],
      log: options.log,
      connections: tally.connections.smtp,
      apply: (running) => this.#apply(running),
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

  async #apply(running: ReadonlySet<ServiceName>): Promise<readonly Failure[]> {
    const { directory, server } = this.#options;
    const connectors = await directory.connectors(server);
    this.#listeners.trustLoadBalancers((await directory.clientAccessServer(server)).proxyProtocolIpRanges);
    this.#inactive = {
      FrontendTransport: await inactivity(directory, server, COMPONENT_OF.FrontendTransport),
      HubTransport: await inactivity(directory, server, COMPONENT_OF.HubTransport),
    };
    // Those between servers have a door of their own (smtp-servers.ts).
    this.#connectors = connectors.filter(
      (each) => each.enabled && running.has(SERVICE_OF[each.transportRole]) && betweenServers(each) === null,
    );
    const wanted = new Map<string, WantedBinding>();
    const want = (binding: WantedBinding): void => {
      wanted.set(`${binding.address} ${binding.port} ${binding.implicitTls}`, binding);
    };
    for (const connector of this.#connectors) {
      for (const binding of connector.bindings) want({ ...binding, implicitTls: false });
      for (const binding of connector.implicitTlsBindings) want({ ...binding, implicitTls: true });
    }
    return this.#listeners.apply([...wanted.values()]);
  }

  #accept(socket: Socket, listening: Listening, arrival: Arrival): void {
    const connection = new Connection(socket, arrival.ends);
    const client = connection.remote.address;
    try {
      const connector = connectorFor(this.#connectors, listening.wanted, client);
      if (connector === null) throw new Failure('NOPERM', 'no receive connector takes your address');
      const inactive = this.#inactive[connector.transportRole];
      if (inactive !== null) throw inactive;
      let inbound = this.#inbound.get(connector.id);
      if (inbound === undefined) {
        inbound = new InboundConnections();
        this.#inbound.set(connector.id, inbound);
      }
      const release = inbound.admit(arrival.isBalancer ? null : client, connector);
      this.#service.run(connection, release, (stop) => this.#serve(connection, connector, listening, stop));
    } catch (error) {
      const failure = error instanceof Failure ? error : new Failure('UNAVAILABLE', 'service not available');
      tally.connections.smtp.refused.add([failure.code]);
      this.#options.log.warn(
        { protocol: 'smtp', client, port: listening.port, code: failure.code, text: failure.message },
        'connection refused',
      );
      if (!listening.implicitTls) {
        // RFC 5321 §3.1, RFC 3463: 554 when it will not change, 421 when it may.
        const line = failure.code === 'NOPERM' ? `554 5.7.1 ${failure.message}` : `421 4.3.2 ${failure.message}`;
        connection.out.ascii(`${line}\r\n`);
      }
      connection.end();
    }
  }

  async #serve(
    connection: Connection,
    connector: ReceiveConnector,
    listening: Listening,
    stop: AbortSignal,
  ): Promise<null> {
    if (listening.implicitTls) {
      const { fqdn, tlsCertificateName, connectionInactivityTimeout } = connector;
      const handshake = this.#options.certificates.socketOptions({ certificateName: fqdn, tlsCertificateName });
      if (!(await secure(connection, handshake, connectionInactivityTimeout * 1000))) {
        tally.connections.smtp.refused.add(['TLS']);
        return null;
      }
    }
    const asSetNow = (): ReceiveConnector => this.#connectors.find(({ id }) => id === connector.id) ?? connector;
    await this.#options.session(connection, connector, listening.implicitTls, stop, asSetNow);
    return null;
  }
}
