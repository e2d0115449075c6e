/**
 * The door of a running server: cmdlets with everything a server can tell. What cmdlets ask without waiting
 * (components, connectors) is kept here and follows the directory.
 */
import { readFile } from 'node:fs/promises';
import type { BackendLink } from '../backend/link.ts';
import { inactiveBecauseOf } from '../directory/components.ts';
import type { Directory } from '../directory/api.ts';
import type { ComponentName, ComponentRequest, ReceiveConnector, Server, ServiceName } from '../directory/model.ts';
import { nextSessionId } from '../frontend/session-id.ts';
import type { ControlServices, ListenerFacts } from '../management/control/api.ts';
import { CMDLETS } from '../management/cmdlets/table.ts';
import { createDoor, type ManagementDoor } from '../management/door.ts';
import { HealthMonitor } from '../management/health/monitor.ts';
import type { ProbeServices } from '../management/health/probes.ts';
import type { CertificateFacts, FrontDoor, RunningServices } from '../management/services-of-instance.ts';
import { Failure } from '../observe/failure.ts';
import type { Log } from '../observe/log.ts';
import type { CertificateStore, KnownCertificate } from '../tls/certificates.ts';
import type { TrackingLog } from '../transport/tracking-log.ts';
import { bindingProblem, doorOf, submissionDoor } from './front-doors.ts';
import { type ProbeCredential, ProbeMailbox } from './probe-mailbox.ts';

export interface ManagementParts {
  readonly directory: Directory;
  readonly server: Server;
  readonly certificates: CertificateStore;
  /** PEM file of the organization's authority; undefined: there is none to tell about. */
  readonly authorityFile: string | undefined;
  readonly log: Log;
  readonly controls: ControlServices;
  readonly backEnd: BackendLink;
  /** Back ends of other servers that cannot be reached now, a sentence each. */
  readonly proxyTroubles: (protocol: 'imap' | 'pop3') => readonly string[];
  readonly listeners: () => readonly ListenerFacts[];
  readonly tracking: Pick<TrackingLog, 'read'>;
  /** Where imports note what they have taken, and files to import and export lie. */
  readonly transferFolder: string;
}

export interface Management {
  readonly door: ManagementDoor;
  readonly services: RunningServices;
  close(): Promise<void>;
}

/** What the health probes reach the server through: the front door, the back end, the store. */
function probeServices(parts: ManagementParts, running: RunningServices): ProbeServices {
  const credential = (): Promise<ProbeCredential> => running.probeCredential(false);
  return {
    fqdn: parts.server.fqdn,
    authorityPem: () => running.authorityPem(),
    frontDoor: (protocol) =>
      protocol === 'web'
        ? parts
            .listeners()
            .filter((one) => one.service === 'web')
            .map(doorOf)
        : running.frontDoor(protocol),
    credential,
    account: async () => {
      const account = await parts.directory.accountByLogonName((await credential()).user);
      if (account === null) throw new Failure('NONEXISTENT', 'the mailbox of the probes is gone');
      return account;
    },
    databaseOf: (account) => running.databaseOf(account),
    proxyTroubles: parts.proxyTroubles,
    openBackEnd: async (protocol, account) => {
      const session = await parts.backEnd.open({
        session: nextSessionId(),
        protocol,
        logon: { account, mailbox: account },
        clientAddress: '127.0.0.1',
        tls: null,
        clientId: new Map(),
        mechanisms: [],
        stop: new AbortController().signal,
      });
      session.cancel();
    },
  };
}

const PROTOCOL_SERVICE: Readonly<Record<'imap' | 'pop3' | 'smtp', ServiceName>> = {
  imap: 'imap4',
  pop3: 'pop3',
  smtp: 'frontend-transport',
};

export async function openManagement(parts: ManagementParts): Promise<Management> {
  const { directory, server, certificates, controls, log } = parts;
  let requests: readonly ComponentRequest[] = await directory.componentRequests(server.id);
  let connectors: readonly ReceiveConnector[] = await directory.connectors(server.id);
  const complain = (error: unknown): void => log.error({ err: error }, 'management could not follow the directory');
  const unwatch = directory.watch((change) => {
    if (change.kind === 'component')
      directory.componentRequests(server.id).then((now) => {
        requests = now;
      }, complain);
    if (change.kind === 'connector')
      directory.connectors(server.id).then((now) => {
        connectors = now;
      }, complain);
  });
  const probe = new ProbeMailbox(directory, server);
  const listenersOf = (protocol: keyof typeof PROTOCOL_SERVICE): readonly ListenerFacts[] =>
    parts.listeners().filter((one) => one.service === PROTOCOL_SERVICE[protocol]);
  const running: RunningServices = {
    health: () => health.entries,
    probeAll: () => health.runAll(),
    probe: (name) => health.run(name),
    accountWithMailbox: (address) => controls.accountWithMailbox(address),
    databaseOf: (account) => controls.databaseOf(account),
    purgeMailbox: (account) => controls.purgeMailbox(account),
    status: () => controls.status(),
    sessions: () => controls.sessions(),
    lockOuts: () => controls.lockOuts(),
    liftLockOuts: (address, user) => controls.liftLockOuts(address, user),
    endSession: (id) => controls.endSession(id),
    certificateFor: (name) => {
      const known = certificates.covering(name);
      return known === null ? null : certificateFacts(known);
    },
    certificates: () => certificates.known().map(certificateFacts),
    bindingProblem: (binding, service) =>
      bindingProblem(
        binding,
        parts.listeners().filter((one) => one.service === service),
      ),
    frontDoor: (protocol): readonly FrontDoor[] => listenersOf(protocol).map(doorOf),
    componentActive: (component: ComponentName) => inactiveBecauseOf(requests, component).length === 0,
    messageTracking: (query) => parts.tracking.read(query),
    authorityPem: async () => {
      if (parts.authorityFile === undefined)
        throw new Failure('UNAVAILABLE', 'this server has no authority of its own');
      return readFile(parts.authorityFile, 'utf8');
    },
    submissionDoor: () => submissionDoor(connectors, listenersOf('smtp')),
    probeCredential: (renew) => probe.credential(renew),
  };
  const health: HealthMonitor = new HealthMonitor({
    services: probeServices(parts, running),
    running: async () => {
      const states = await directory.services(server.id);
      return new Set(states.filter((state) => state.running).map((state) => state.service));
    },
    log,
  });
  health.start();
  return {
    door: createDoor(CMDLETS, {
      directory,
      server,
      mail: running,
      transferFolder: parts.transferFolder,
      running,
      log,
    }),
    services: running,
    close: async () => {
      unwatch();
      await health.stop();
    },
  };
}

export function certificateFacts({ certificate, names }: KnownCertificate): CertificateFacts {
  return {
    subject: certificate.subject,
    issuer: certificate.issuer,
    names,
    notAfter: Date.parse(certificate.validTo),
    certificate,
  };
}
