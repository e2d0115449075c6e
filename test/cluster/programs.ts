/** Foreign mail programs on a client host, certificates checked: curl, fetchmail, mbsync. Each throws with what they said. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Person } from './cluster.ts';
import { runOn } from './hosts.ts';
import { type ClientName, fqdnOf, type ServerName } from './topology.ts';

export interface Seat {
  readonly host: ClientName;
  /** PEM file with the authorities it trusts. */
  readonly trusted: string;
  readonly scratch: string;
}

/** Seconds a program may take for one step: a right answer may have to wait for a server that comes back. */
const PATIENCE_S = 60;

async function curl(seat: Seat, person: Person, url: string, ...words: readonly string[]): Promise<string> {
  const config = [
    `user = "${person.address}:${person.password}"`,
    `cacert = "${seat.trusted}"`,
    `url = "${url}"`,
    `max-time = ${PATIENCE_S}`,
    'silent',
    'show-error',
  ].join('\n');
  const { code, text } = await runOn(seat.host, ['curl', '-K', '-', ...words], config);
  if (code !== 0) throw new Error(`curl ${url} for ${person.address} on ${seat.host} ended with ${code}: ${text}`);
  return text;
}

/** By IMAP4 over TLS: how many messages are in the Inbox. */
export async function imapCount(seat: Seat, person: Person, frontEnd: ServerName): Promise<number> {
  const text = await curl(seat, person, `imaps://${fqdnOf(frontEnd)}/`, '-X', 'STATUS INBOX (MESSAGES)');
  return numberIn(text, /MESSAGES (\d+)/);
}

/** By POP3 over TLS: the same. */
export async function pop3Count(seat: Seat, person: Person, frontEnd: ServerName): Promise<number> {
  const text = await curl(seat, person, `pop3s://${fqdnOf(frontEnd)}/`);
  return text.split('\n').filter((line) => /^\d+ \d+/.test(line)).length;
}

/** By submission with STARTTLS. */
export async function submit(seat: Seat, from: Person, to: Person, frontEnd: ServerName, text: string): Promise<void> {
  const folder = await mkdtemp(path.join(seat.scratch, 'submit-'));
  const file = path.join(folder, 'message');
  await writeFile(file, text);
  const words = ['--ssl-reqd', '--mail-from', from.address, '--mail-rcpt', to.address, '--upload-file', file];
  await curl(seat, from, `smtp://${fqdnOf(frontEnd)}:587/client.example`, ...words);
  await rm(folder, { recursive: true });
}

/** All of the Inbox by fetchmail, the mail stays; the texts of the messages. */
export async function fetchmail(
  seat: Seat,
  person: Person,
  frontEnd: ServerName,
  by: 'IMAP' | 'POP3',
): Promise<string> {
  const folder = await mkdtemp(path.join(seat.scratch, 'fetchmail-'));
  const out = path.join(folder, 'mail');
  const config = path.join(folder, 'fetchmailrc');
  await writeFile(out, '');
  await writeFile(
    config,
    `poll ${fqdnOf(frontEnd)} protocol ${by} timeout ${PATIENCE_S} user "${person.address}" password "${person.password}" ` +
      `ssl sslproto TLS1.2+ sslcertck sslcertfile "${seat.trusted}" keep fetchall mda "cat >> ${out}"\n`,
    { mode: 0o600 },
  );
  const line = [
    'fetchmail',
    '-f',
    config,
    '--nodetach',
    '--nosyslog',
    '-i',
    path.join(folder, 'ids'),
    '--pidfile',
    path.join(folder, 'pid'),
  ];
  const { code, text } = await runOn(seat.host, line, '', { HOME: folder, FETCHMAILHOME: folder });
  // 1: there was no mail.
  if (code !== 0 && code !== 1) throw new Error(`fetchmail of ${person.address} by ${frontEnd}: ${code} ${text}`);
  const mail = await readFile(out, 'utf8');
  await rm(folder, { recursive: true });
  return mail;
}

/** The Inbox as a Maildir by mbsync; the texts of the messages. */
export async function mbsync(seat: Seat, person: Person, frontEnd: ServerName): Promise<string> {
  const folder = await mkdtemp(path.join(seat.scratch, 'mbsync-'));
  const maildir = path.join(folder, 'mail', 'INBOX');
  await mkdir(path.join(folder, 'mail'));
  const config = path.join(folder, 'mbsyncrc');
  await writeFile(
    config,
    `IMAPStore far
Host ${fqdnOf(frontEnd)}
Port 993
SSLType IMAPS
CertificateFile ${seat.trusted}
User ${person.address}
Pass "${person.password}"
AuthMechs LOGIN
Timeout ${PATIENCE_S}

MaildirStore near
Path ${folder}/mail/
Inbox ${maildir}

Channel inbox
Far :far:INBOX
Near :near:INBOX
Create Near
Sync Pull
SyncState *
`,
    { mode: 0o600 },
  );
  const { code, text } = await runOn(seat.host, ['mbsync', '-c', config, 'inbox'], '', { HOME: folder });
  if (code !== 0) throw new Error(`mbsync of ${person.address} by ${frontEnd} ended with ${code}: ${text}`);
  let mail = '';
  for (const box of ['new', 'cur'])
    for (const file of await readdir(path.join(maildir, box)))
      mail += await readFile(path.join(maildir, box, file), 'utf8');
  await rm(folder, { recursive: true });
  return mail;
}

function numberIn(text: string, pattern: RegExp): number {
  const [, digits] = pattern.exec(text) ?? [];
  if (digits === undefined) throw new Error(`no ${String(pattern)} in: ${text}`);
  return Number(digits);
}
