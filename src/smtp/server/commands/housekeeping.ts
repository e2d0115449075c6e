/** Commands that change nothing but the transaction: RSET, NOOP, QUIT, VRFY, EXPN, HELP (RFC 5321 §4.1.1.5–10). */
import type { Buffer } from 'node:buffer';
import { reply } from '../../grammar/reply.ts';
import type { SmtpContext } from '../context.ts';

export async function rset(context: SmtpContext): Promise<void> {
  await context.reset();
  context.respond(reply(250, '2.0.0', 'transaction reset'));
}

export function noop(context: SmtpContext): void {
  context.respond(reply(250, '2.0.0', 'OK'));
}

export async function quit(context: SmtpContext): Promise<void> {
  await context.reset();
  context.finish(reply(221, '2.0.0', 'service closing transmission channel'));
}

/** RFC 5321 §7.3: who exists is told to RCPT only, where it is tarpitted and counted. */
export function vrfy(context: SmtpContext, argument: Buffer): void {
  if (argument.length === 0) context.protocolError(reply(501, '5.5.4', 'VRFY needs an address'));
  else context.respond(reply(252, '2.5.2', 'cannot verify the user, but will take mail for delivery'));
}

export function expn(context: SmtpContext): void {
  context.protocolError(reply(502, '5.5.1', 'EXPN is not offered'));
}

export function help(context: SmtpContext): void {
  context.respond(
    reply(214, '2.0.0', 'EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY', 'STARTTLS AUTH HELP QUIT (RFC 5321)'),
  );
}
