/**
 * The SMTP services of a running server: the front end for clients, and with an identity of its own the ports where
 * other servers bring mail and submissions, and the way for its own clients' submissions to other servers.
 */
import type { Authenticator } from '../auth/api.ts';
import type { Directory } from '../directory/api.ts';
import type { Server, ServiceName } from '../directory/model.ts';
import { Placement } from '../directory/placement.ts';
import type { FrontEndService } from '../frontend/front-end.ts';
import { nextSessionId } from '../frontend/session-id.ts';
import { createSmtpFrontEnd } from '../frontend/smtp-accept.ts';
import { SmtpProxy } from '../frontend/smtp-proxy.ts';
import { ServerConnectors } from '../frontend/smtp-servers.ts';
import type { Log } from '../observe/log.ts';
import { serveLmtp } from '../smtp/lmtp/session.ts';
import type { RateLimiter } from '../smtp/server/rate-limit.ts';
import { createSmtpSessions, type SmtpSessions } from '../smtp/server/session.ts';
import type { CertificateStore } from '../tls/certificates.ts';
import type { ServerIdentity } from '../tls/server-identity.ts';
import type { OpenTransport } from './transport.ts';

export interface SmtpParts {
  readonly directory: Directory;
  readonly server: Server;
  readonly identity?: ServerIdentity;
  readonly certificates: CertificateStore;
  readonly authenticator: Authenticator;
  readonly mail: OpenTransport;
  /** Of people, whatever way they send by. */
  readonly rates: RateLimiter;
  readonly log: Log;
}

export interface SmtpServices {
  readonly services: ReadonlyArray<{ readonly names: readonly ServiceName[]; readonly service: FrontEndService }>;
  close(): void;
}

export function createSmtpServices(parts: SmtpParts): SmtpServices {
  const { directory, server, identity, certificates, authenticator, mail, log } = parts;
  const placement = new Placement(directory);
  const proxy = identity === undefined ? null : new SmtpProxy({ directory, server, identity, placement, log });
  const sessions = createSmtpSessions({
    directory,
    authenticator,
    transport: mail.transport,
    protocolLog: mail.smtpLog,
    ratesOfPeople: parts.rates,
    tls: ({ fqdn, tlsCertificateName }) => certificates.socketOptions({ certificateName: fqdn, tlsCertificateName }),
    ...(proxy === null ? {} : { proxy: proxy.open }),
    log,
  });
  const forClients = createSmtpFrontEnd({ directory, server: server.id, session: sessions.serve, certificates, log });
  return {
    services: [
      { names: ['frontend-transport', 'transport'], service: forClients },
      ...(identity === undefined || !server.backEnd
        ? []
        : [{ names: ['transport'] as const, service: forServers(parts, identity, sessions) }]),
    ],
    close: () => {
      proxy?.close();
      placement.close();
    },
  };
}

function forServers(
  { directory, server, mail, log }: SmtpParts,
  identity: ServerIdentity,
  sessions: SmtpSessions,
): FrontEndService {
  return new ServerConnectors({
    directory,
    server: server.id,
    identity,
    log,
    serve: {
      delivery: async (connection, peer, asSetNow, stop) => {
        const session = nextSessionId();
        const { transport: delivery, smtpLog: protocolLog } = mail;
        const ownLog = log.child({ session, connector: asSetNow().name, peer: peer.name });
        await serveLmtp({ connection, session, peer, asSetNow, directory, delivery, log: ownLog, protocolLog, stop });
      },
      'client-proxy': sessions.serveProxied,
    },
  });
}
