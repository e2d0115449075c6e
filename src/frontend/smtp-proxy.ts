/**
 * Takes a submission to the server of the sender's mailbox (ADR 9 §3, exchange-behaviour.md §8): connects to its Client
 * Proxy connector over mutual TLS, says who the client is and for whom it logged on, and hands the connection to a relay
 * once the other side has taken it. The client hears its 235 only then. Limits, rights, tracking and the protocol log of
 * the session are the other server's.
 */
import type { Directory } from '../directory/api.ts';
import { destinationOf } from '../directory/connectors.ts';
import type { Server, ServerId } from '../directory/model.ts';
import type { Placement } from '../directory/placement.ts';
import { Failure } from '../observe/failure.ts';
import type { Log } from '../observe/log.ts';
import { connected } from '../smtp/client/dial.ts';
import { RemoteRefusal, RemoteTrouble } from '../smtp/client/failure.ts';
import { SmtpClient } from '../smtp/client/session.ts';
import { SERVER_TIMEOUTS } from '../smtp/client/time-outs.ts';
import { printProxied, type ProxiedFacts, proxiedIdentity } from '../smtp/grammar/proxied-client.ts';
import type { OnwardSession, SubmissionProxy } from '../smtp/server/dependencies.ts';
import type { ServerIdentity } from '../tls/server-identity.ts';
import type { Connection } from '../wire/connection.ts';
import { CircuitBreaker } from './relay/circuit-breaker.ts';
import { Relay } from './relay/relay.ts';

export interface SmtpProxyOptions {
  readonly directory: Pick<Directory, 'connectors'>;
  /** This server. */
  readonly server: Pick<Server, 'id' | 'fqdn' | 'backEnd'>;
  readonly identity: ServerIdentity;
  readonly placement: Placement;
  readonly log: Log;
}

export class SmtpProxy {
  readonly #options: SmtpProxyOptions;
  readonly #breakers = new Map<ServerId, CircuitBreaker>();

  constructor(options: SmtpProxyOptions) {
    this.#options = options;
  }

  close(): void {
    for (const breaker of this.#breakers.values()) breaker.close();
  }

  readonly open: SubmissionProxy = async (logon, facts) => {
    const { placement, server } = this.#options;
    // Without a mailbox there is no better place than this one.
    if (logon.account.mailbox === null) return null;
    const eligible = await placement.of(logon.account.mailbox);
    if (eligible[0]?.id === server.id) return null;
    let failure = new Failure('UNAVAILABLE', 'The mailbox database of this account has no server now; try again later');
    for (const other of eligible) {
      // Further down the list: a mailbox that this server may serve as well.
      if (other.id === server.id) return null;
      const breaker = this.#breakerOf(other);
      if (breaker.isOpen) {
        failure = unreachable(other, null);
        continue;
      }
      try {
        return await this.#logOn(
          other,
          facts,
          proxiedIdentity(logon.account.id, logon.mailbox.id, logon.appPassword?.id ?? null),
          breaker,
        );
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        failure = error;
        if (!(error instanceof RemoteTrouble)) throw failure;
      }
    }
    throw failure;
  };

  async #logOn(server: Server, facts: ProxiedFacts, identity: string, breaker: CircuitBreaker): Promise<OnwardSession> {
    const began = performance.now();
    try {
      const client = await this.#connect(server);
      try {
        await client.authExternal(identity, [printProxied(facts)]);
      } catch (error) {
        client.destroy();
        throw error;
      }
      breaker.succeeded();
      return onward(server, client.connection);
    } catch (error) {
      if (error instanceof RemoteRefusal) {
        breaker.succeeded();
        throw refused(error);
      }
      breaker.failed(performance.now() - began > SLOW_MS);
      this.#options.log.warn({ server: server.name, error: String(error) }, 'a submission could not be proxied');
      throw unreachable(server, error);
    }
  }

  async #connect(other: Server): Promise<SmtpClient> {
    const { directory, identity, server } = this.#options;
    const where = await destinationOf(directory, other, 'client-proxy');
    const connection = await connected(identity.dial(other.id, where), where, SERVER_TIMEOUTS.connect);
    return SmtpClient.open(connection, { protocol: 'smtp', name: server.fqdn, timeouts: SERVER_TIMEOUTS });
  }

  #breakerOf(server: Server): CircuitBreaker {
    let breaker = this.#breakers.get(server.id);
    if (breaker === undefined) {
      breaker = new CircuitBreaker({
        probe: async () => (await this.#connect(server)).quit(),
        changed: (isOpen) =>
          this.#options.log.warn({ server: server.name, isOpen }, 'submissions to a server: circuit breaker'),
      });
      this.#breakers.set(server.id, breaker);
    }
    return breaker;
  }
}

/** A failure that took so long was a time-out. */
const SLOW_MS = 2_000;

function onward({ name }: Server, backEnd: Connection): OnwardSession {
  return {
    server: name,
    run: (client) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      // SMTP clients take the end of a connection at any time: nobody waits for a better moment.
      void new Relay(client, backEnd, { heard: () => {}, departing: (leave) => leave(), over: resolve });
      return promise;
    },
    cancel: () => backEnd.end(),
  };
}

function unreachable({ name }: Server, cause: unknown): RemoteTrouble {
  return new RemoteTrouble(`The server of your mailbox (${name}) cannot be reached now; try again in a moment`, {
    cause,
  });
}

/** The words of the other server with a code of ours; what may pass stays so. */
function refused(refusal: RemoteRefusal): Failure {
  const { reply, message } = refusal;
  if (reply.code === 525) return new Failure('CONTACTADMIN', message, { cause: refusal });
  if (reply.code === 535) return new Failure('AUTHORIZATIONFAILED', message, { cause: refusal });
  return new Failure('UNAVAILABLE', message, { cause: refusal });
}
