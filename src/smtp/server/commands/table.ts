/** Verb → command, and which of them may run before TLS on a connector that requires it (RFC 3207 §4). */
import type { Buffer } from 'node:buffer';
import type { SmtpContext } from '../context.ts';
import { auth } from './auth.ts';
import { bdat } from './bdat.ts';
import { data } from './data.ts';
import { ehlo, helo } from './helo.ts';
import { expn, help, noop, quit, rset, vrfy } from './housekeeping.ts';
import { mail } from './mail.ts';
import { rcpt } from './rcpt.ts';
import { starttls } from './starttls.ts';

export interface Command {
  readonly run: (context: SmtpContext, argument: Buffer) => Promise<void> | void;
  readonly beforeTls: boolean;
}

export const commands: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['HELO', { run: helo, beforeTls: true }],
  ['EHLO', { run: ehlo, beforeTls: true }],
  ['STARTTLS', { run: starttls, beforeTls: true }],
  ['AUTH', { run: auth, beforeTls: false }],
  ['MAIL', { run: mail, beforeTls: false }],
  ['RCPT', { run: rcpt, beforeTls: false }],
  ['DATA', { run: data, beforeTls: false }],
  ['BDAT', { run: bdat, beforeTls: true }],
  ['RSET', { run: rset, beforeTls: true }],
  ['NOOP', { run: noop, beforeTls: true }],
  ['QUIT', { run: quit, beforeTls: true }],
  ['VRFY', { run: vrfy, beforeTls: false }],
  ['EXPN', { run: expn, beforeTls: false }],
  ['HELP', { run: help, beforeTls: true }],
]);
