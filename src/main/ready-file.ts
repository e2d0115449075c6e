/**
 * The ready file of `penfold start --ready-file`: one JSON object, there as a whole when everything listens, gone when
 * the server is. Its names are an interface for scripts.
 */
import { rm, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ListenerFacts } from '../management/control/api.ts';
import type { Demo } from './demo.ts';

export interface ReadyListener {
  readonly host: string;
  readonly port: number;
  readonly security: 'ssl' | 'starttls' | 'none';
}

export interface ReadyFacts {
  readonly pid: number;
  /** Path of the authority's certificate (PEM). */
  readonly ca: string;
  readonly admin: { readonly user: string; readonly password: string };
  readonly imap: readonly ReadyListener[];
  readonly pop3: readonly ReadyListener[];
  /** Submission with STARTTLS, submission with TLS, then the port for mail from outside. */
  readonly smtp: readonly ReadyListener[];
  /** HTTPS; null while the web service is off. */
  readonly web: ReadyListener | null;
  readonly mailboxes: ReadonlyArray<{ readonly address: string; readonly password: string }>;
}

export interface SmtpPorts {
  readonly submission: number | undefined;
  readonly inbound: number | undefined;
}

/** `host`: the name by which clients reach the server and which is in its certificate. */
export function readyFacts(
  demo: Demo,
  facts: {
    readonly ca: string;
    readonly host: string;
    readonly listeners: readonly ListenerFacts[];
    readonly smtp: SmtpPorts;
  },
): ReadyFacts {
  const of = (service: string): ReadyListener[] =>
    facts.listeners
      .filter((listener) => listener.service === service)
      .map(({ port, security }) => ({ host: facts.host, port, security }))
      .sort((a, b) => Number(b.security === 'ssl') - Number(a.security === 'ssl'));
  const rank = ({ port, security }: ReadyListener): number =>
    port === facts.smtp.submission ? 0 : security === 'ssl' ? 1 : 2;
  return {
    pid: process.pid,
    ca: facts.ca,
    admin: demo.administrator,
    imap: of('imap4'),
    pop3: of('pop3'),
    smtp: of('frontend-transport').sort((a, b) => rank(a) - rank(b)),
    web: of('web')[0] ?? null,
    mailboxes: demo.mailboxes,
  };
}

/** By rename, so that whoever waits for the file finds all of it; it holds passwords. */
export async function writeReadyFile(file: string, facts: ReadyFacts): Promise<void> {
  const draft = path.join(path.dirname(path.resolve(file)), `.${path.basename(file)}.${process.pid}`);
  await writeFile(draft, `${JSON.stringify(facts)}\n`, { mode: 0o600 });
  await rename(draft, file);
}

export async function removeReadyFile(file: string): Promise<void> {
  await rm(file, { force: true });
}
