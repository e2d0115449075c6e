/** The message that waits in the Inbox of a demo mailbox: RFC 5322, plain text and HTML. */
import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';

export interface WelcomeFacts {
  readonly to: string;
  readonly name: string;
  readonly server: string;
  readonly at: Date;
}

export function welcomeMessage({ to, name, server, at }: WelcomeFacts): Buffer {
  const domain = to.slice(to.lastIndexOf('@') + 1);
  const boundary = `penfold-${randomUUID()}`;
  const greeting = `Hello ${name.split(' ', 1)[0]},`;
  const paragraphs = [
    'this mailbox lives on the Penfold that was just started on your machine. You can read it in a browser or with any mail program that speaks IMAP or POP3, and whatever it sends through the submission port to the other demo mailbox arrives there at once.',
    'Mail for other domains is refused: this organization takes mail for its own domain only, and nothing leaves your machine.',
    'Things to try: keep a browser and a mail program open on the same mailbox and watch a flag you set in one appear in the other; import mail you have (penfold import --help); turn POP3 off while a client is connected (penfold service disable pop3) and on again.',
  ];
  const lines = [
    `Date: ${rfc5322Date(at)}`,
    `From: Penfold <postmaster@${domain}>`,
    `To: ${name} <${to}>`,
    'Subject: Welcome to Penfold',
    `Message-ID: <${randomUUID()}@${server}>`,
    'MIME-Version: 1.0',
    `Content-Type: multipart/alternative; boundary="${boundary}"`,
    '',
    `--${boundary}`,
    'Content-Type: text/plain; charset=us-ascii; format=flowed',
    '',
    greeting,
    '',
    ...paragraphs.flatMap((paragraph) => [...flowed(paragraph), '']),
    `--${boundary}`,
    'Content-Type: text/html; charset=us-ascii',
    '',
    '<!doctype html><html><body>',
    `<p>${greeting}</p>`,
    ...paragraphs.flatMap((paragraph) => ['<p>', ...flowed(paragraph).map((line) => line.trimEnd()), '</p>']),
    '</body></html>',
    `--${boundary}--`,
    '',
  ];
  return Buffer.from(lines.join('\r\n'));
}

/** RFC 3676 §4.2: lines of at most 78 characters, a space at the end where the paragraph goes on. */
function flowed(paragraph: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of paragraph.split(' ')) {
    if (line.length + word.length + 1 > 76) {
      lines.push(line);
      line = '';
    }
    line += `${word} `;
  }
  lines.push(line.trimEnd());
  return lines;
}

/** RFC 5322 §3.3 in UTC. */
export function rfc5322Date(at: Date): string {
  return at.toUTCString().replace('GMT', '+0000');
}
