/** What a running server tells management, made up: certificates, taken ports, sessions, services that follow at once. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { X509Certificate } from 'node:crypto';
import type { Directory } from '../../src/directory/api.ts';
import type { Binding, Server } from '../../src/directory/model.ts';
import type { SessionFacts } from '../../src/management/control/api.ts';
import type { CertificateFacts, RunningServices } from '../../src/management/services-of-instance.ts';
import { Failure } from '../../src/observe/failure.ts';
import type { TrackingQuery, TrackingRecord } from '../../src/transport/tracking-log.ts';
import { createAuthority } from '../../src/tls/authority.ts';

const none = (): never => {
  throw new Failure('UNAVAILABLE', 'the made-up server cannot do that');
};

export interface MadeUp {
  readonly certificates?: readonly CertificateFacts[];
  readonly sessions?: SessionFacts[];
  /** Why a binding cannot be opened; null: it can. */
  bindingProblem?(binding: Binding): string | null;
  /** Services that want to run and cannot, with the reason. */
  readonly problems?: ReadonlyMap<string, string>;
  messageTracking?(query: TrackingQuery): AsyncIterable<TrackingRecord>;
}

/** `org` is asked when the server is asked, so that it may be made afterwards. */
export function fakeRunningServer(
  org: () => { readonly directory: Directory; readonly server: Server },
  made: MadeUp = {},
): RunningServices {
  const sessions = made.sessions ?? [];
  const certificates = made.certificates ?? [];
  const problems = made.problems ?? new Map<string, string>();
  return {
    accountWithMailbox: none,
    databaseOf: none,
    purgeMailbox: none,
    status: async () => {
      const { directory, server } = org();
      const states = await directory.services(server.id);
      return {
        pid: 1,
        version: '0.3.0-test',
        server: server.name,
        since: 0,
        draining: false,
        services: states.map((state) => ({ ...state, running: state.running && !problems.has(state.service) })),
        listeners: [],
        problems: [...problems].map(([service, text]) => ({ service, text })),
        sessions: sessions.length,
      };
    },
    sessions: () => sessions,
    lockOuts: () => [],
    liftLockOuts: () => 0,
    endSession: (id) => {
      const at = sessions.findIndex((session) => session.id === id);
      if (at >= 0) sessions.splice(at, 1);
      return at >= 0;
    },
    certificateFor: (name) => certificates.find((facts) => facts.names.includes(name.toLowerCase())) ?? null,
    certificates: () => certificates,
    bindingProblem: (binding) => Promise.resolve(made.bindingProblem?.(binding) ?? null),
    frontDoor: () => [],
    messageTracking: (query) => made.messageTracking?.(query) ?? none(),
    health: () => [],
    probeAll: () => Promise.resolve([]),
    probe: () => Promise.resolve(null),
    componentActive: () => true,
    authorityPem: none,
    submissionDoor: () => null,
    probeCredential: none,
  };
}

/** A real certificate for these names. */
export async function certificateOf(names: readonly string[]): Promise<CertificateFacts> {
  const directory = await mkdtemp(path.join(tmpdir(), 'penfold-certificate-'));
  try {
    const authority = await createAuthority({ directory, organization: 'Test', domains: [...names] });
    const certificate = new X509Certificate((await authority.issue({ names, days: 30 })).chainPem);
    const { subject, issuer } = certificate;
    return { subject, issuer, names, notAfter: Date.parse(certificate.validTo), certificate };
  } finally {
    await rm(directory, { recursive: true });
  }
}

export const session = (id: string, protocol: 'imap' | 'pop3', user: string): SessionFacts => ({
  id,
  protocol,
  user,
  clientAddress: '192.0.2.7',
  encryption: 'TLSv1.3',
  since: Date.UTC(2026, 0, 2),
});
