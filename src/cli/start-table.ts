/** What a person needs next, after `penfold start`: where to connect, as whom, and three commands that work as they are. */
import type { ReadyFacts, ReadyListener } from '../main/ready-file.ts';
import { table } from './output.ts';

const ENCRYPTION: Readonly<Record<ReadyListener['security'], string>> = {
  ssl: 'SSL/TLS',
  starttls: 'STARTTLS',
  none: 'none',
};

export interface TableFacts {
  readonly version: string;
  readonly data: string;
  readonly log: string;
}

export function startTable(ready: ReadyFacts, { version, data, log }: TableFacts): string {
  const [first, second] = ready.mailboxes;
  const rows: string[][] = [];
  const add = (what: string, listeners: readonly ReadyListener[], purposes: readonly string[]): void => {
    for (const [i, { host, port, security }] of listeners.entries()) {
      rows.push([what, host, String(port), ENCRYPTION[security], purposes[i] ?? '']);
    }
  };
  add('IMAP', ready.imap, ['read mail', 'read mail']);
  add('POP3', ready.pop3, ['fetch mail', 'fetch mail']);
  add('SMTP', ready.smtp, ['send mail', 'send mail', 'mail from other servers, without logon']);
  if (ready.web !== null) add('HTTPS', [ready.web], ['mail, calendar, settings in a browser']);
  const users = ready.mailboxes.map(({ address, password }) => [address, password]);
  return [
    `Penfold ${version} runs. Data: ${data}   Log: ${log}`,
    '',
    table(['', 'SERVER', 'PORT', 'ENCRYPTION', 'FOR'], rows),
    '',
    table(['USER NAME', 'PASSWORD'], users),
    '',
    ...(ready.web === null
      ? []
      : [`In a browser: https://${ready.web.host}:${ready.web.port}/   sign in as one of these`, '']),
    `Certificate authority to trust (else the browser warns): ${ready.ca}`,
    '',
    'Try it (in another terminal):',
    ...commands(ready, first, second).map((command) => `  ${command}`),
    '',
    'Ctrl-C stops it. More: npx penfold --help',
  ].join('\n');
}

type Mailbox = ReadyFacts['mailboxes'][number] | undefined;

/** Read by IMAP, read by POP3, send by SMTP. */
function commands(ready: ReadyFacts, first: Mailbox, second: Mailbox): string[] {
  const imaps = ready.imap.find((listener) => listener.security === 'ssl');
  const pop3s = ready.pop3.find((listener) => listener.security === 'ssl');
  const [submission] = ready.smtp;
  if (!first || !second || !imaps || !pop3s || !submission) return [];
  const secure = `curl --cacert ${quoted(ready.ca)} --user ${quoted(`${first.address}:${first.password}`)}`;
  const message = `From: ${first.address}\\r\\nTo: ${second.address}\\r\\nSubject: Hello\\r\\n\\r\\nIt works.\\r\\n`;
  return [
    `${secure} 'imaps://${imaps.host}:${imaps.port}/INBOX;MAILINDEX=1'`,
    `${secure} pop3s://${pop3s.host}:${pop3s.port}/1`,
    `printf '${message}' | ${secure} --ssl-reqd --mail-from ${first.address} --mail-rcpt ${second.address} --upload-file - smtp://${submission.host}:${submission.port}`,
  ];
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
