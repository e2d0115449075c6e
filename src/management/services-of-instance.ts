/**
 * What management needs of the instance around it. `main` fills it: from the running server, or from the data
 * directory alone when none runs.
 */
import type { X509Certificate } from 'node:crypto';
import type { Account, Binding, ComponentName, ServiceName } from '../directory/model.ts';
import type { MailboxDatabase } from '../store/api.ts';
import type { TrackingQuery, TrackingRecord } from '../transport/tracking-log.ts';
import type { ControlServices } from './control/api.ts';
import type { HealthEntry } from './health/entry.ts';

export interface MailStore {
  /** @throws Failure UNAVAILABLE */
  databaseOf(account: Account): MailboxDatabase;
  /** Deletes the stored mail for good. @throws Failure INUSE */
  purgeMailbox(account: Account): Promise<void>;
}

export interface CertificateFacts {
  readonly subject: string;
  readonly issuer: string;
  readonly names: readonly string[];
  /** Milliseconds since 1970. */
  readonly notAfter: number;
  readonly certificate: X509Certificate;
}

export interface FrontDoor {
  readonly host: string;
  readonly port: number;
  readonly security: 'ssl' | 'starttls' | 'none';
}

/** What only a running server can tell or do. */
export interface RunningServices extends ControlServices {
  /** The certificate clients get who ask for `name`; null: none covers it, they would get the default one. */
  certificateFor(name: string): CertificateFacts | null;
  /** Every certificate it has, the default one first. */
  certificates(): readonly CertificateFacts[];
  /** Null: this server could listen there (or does already, for `service`); else the reason in words. */
  bindingProblem(binding: Binding, service: ServiceName): Promise<string | null>;
  /** Address, port and security by which a client on this machine reaches a front end now. */
  frontDoor(protocol: 'imap' | 'pop3' | 'smtp'): readonly FrontDoor[];
  /** The message tracking log of this server, oldest first. */
  messageTracking(query: TrackingQuery): AsyncIterable<TrackingRecord>;
  /** How the probes last went. */
  health(): readonly HealthEntry[];
  probeAll(): Promise<readonly HealthEntry[]>;
  /** Null: there is no probe of this name. */
  probe(name: string): Promise<HealthEntry | null>;
  /** Whether a component does its work now, all requesters considered. */
  componentActive(component: ComponentName): boolean;
  /** PEM of the organization's own authority, which self-made certificates chain to. */
  authorityPem(): Promise<string>;
  /** The door a mail program submits at: TLS and a logon; null: none is open. */
  submissionDoor(): FrontDoor | null;
  /** A mailbox of the server's own for probes (HealthMailbox…), with its password of today; `renew`: a new one. */
  probeCredential(renew: boolean): Promise<{ readonly user: string; readonly password: string }>;
}
