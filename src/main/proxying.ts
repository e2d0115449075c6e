/**
 * What makes a server one of several: the ports on which front ends of others bring sessions, the links on which its
 * own front ends take theirs to other back ends, and the locator that chooses. Without an identity (a server that is
 * alone) there is only the back end in this process.
 */
import type { BackEnd } from '../backend/in-process-link.ts';
import { BackEndPort } from '../backend/proxy/back-end-port.ts';
import type { Directory } from '../directory/api.ts';
import type { Server } from '../directory/model.ts';
import { Placement } from '../directory/placement.ts';
import { Locator } from '../frontend/locate.ts';
import type { RelayTimes } from '../frontend/relay/remote-back-end.ts';
import { RemoteBackEnds } from '../frontend/relay/remote-back-ends.ts';
import type { SessionFacts } from '../management/control/api.ts';
import type { LiveSession } from '../backend/sessions.ts';
import type { Log } from '../observe/log.ts';
import type { ServerIdentity } from '../tls/server-identity.ts';

export interface ProxyingParts {
  readonly directory: Directory;
  readonly server: Server;
  readonly identity?: ServerIdentity;
  readonly log: Log;
  /** For tests. */
  readonly relayTimes?: Partial<RelayTimes>;
}

export interface Proxying {
  readonly locator: Locator;
  readonly ports: readonly BackEndPort[];
  readonly remote: RemoteBackEnds | null;
  /** Here and, through this server, elsewhere. */
  sessions(): readonly SessionFacts[];
  /** False: there is no such session. */
  endSession(id: string): boolean;
  /** What is wrong on the way to other back ends now, a sentence each. */
  readonly troubles: (protocol: 'imap' | 'pop3') => readonly string[];
  close(): void;
}

export function openProxying(parts: ProxyingParts, backEnd: BackEnd): Proxying {
  const { directory, server, identity, log, relayTimes } = parts;
  const remote =
    identity === undefined
      ? null
      : new RemoteBackEnds({ directory, identity, log, ...(relayTimes === undefined ? {} : { times: relayTimes }) });
  const locator = new Locator(directory, (other, protocol) =>
    other.id === server.id ? backEnd : (remote?.to(other, protocol) ?? null),
  );
  const placement = new Placement(directory);
  const ports =
    identity === undefined || !server.backEnd
      ? []
      : (['imap', 'pop3'] as const).map(
          (protocol) => new BackEndPort({ protocol, directory, server, identity, placement, backEnd, log }),
        );
  return {
    locator,
    ports,
    remote,
    sessions: () => [...backEnd.sessions.list(), ...(remote?.sessions.list() ?? [])].map(factsOf),
    endSession: (id) =>
      backEnd.sessions.end((session) => session.id === id) +
        (remote?.sessions.end((session) => session.id === id) ?? 0) >
      0,
    troubles: (protocol) =>
      (remote?.states() ?? []).filter((one) => one.protocol === protocol && one.isDown).map(({ why }) => why),
    close: () => {
      locator.close();
      placement.close();
      remote?.close();
    },
  };
}

const factsOf = (one: LiveSession): SessionFacts => ({
  id: one.id,
  protocol: one.protocol,
  user: one.user,
  clientAddress: one.clientAddress,
  encryption: one.tls?.protocol ?? null,
  since: one.since,
});
