/** RCPT TO (RFC 5321 §4.1.1.3): who gets the message, decided here and not by a bounce later. */
import type { Buffer } from 'node:buffer';
import { Failure } from '../../../observe/failure.ts';
import type { Route } from '../../../transport/api.ts';
import { SMTP_REFUSED_RECIPIENTS } from '../../../wire/limits.ts';
import { argumentText } from '../../grammar/command.ts';
import { type Path, parsePathArgument } from '../../grammar/path.ts';
import { type Reply, reply } from '../../grammar/reply.ts';
import type { MailTransaction, SmtpContext } from '../context.ts';
import { replyToFailure } from '../intake.ts';
import { badPath } from './mail.ts';

export async function rcpt(context: SmtpContext, argument: Buffer): Promise<void> {
  const { transaction } = context;
  if (transaction === null || transaction.chunks !== null) {
    context.protocolError(reply(503, '5.5.1', 'send MAIL FROM first'));
    return;
  }
  const text = argumentText(argument);
  if (text === null) {
    context.protocolError(reply(553, '5.6.7', 'the address is not valid UTF-8'));
    return;
  }
  const parsed = parsePathArgument(text, 'TO:');
  if (parsed.kind === 'bad') {
    context.protocolError(badPath(parsed, '5.1.3'));
    return;
  }
  const [parameter] = parsed.parameters.keys();
  if (parameter !== undefined) {
    context.respond(reply(555, '5.5.4', `the parameter ${parameter} is not supported`));
    return;
  }
  // RFC 5321 §4.5.3.1.10: the client sends the rest in another transaction.
  if (transaction.recipients.length >= context.connector.maxRecipientsPerMessage) {
    context.respond(reply(452, '4.5.3', 'too many recipients'));
    return;
  }
  const refusal = await addRecipient(context, transaction, parsed.path);
  if (refusal === null) {
    context.respond(reply(250, '2.1.5', 'recipient OK'));
    return;
  }
  context.refusedRecipients += 1;
  await context.refuseSlowly(refusal);
  if (context.refusedRecipients >= SMTP_REFUSED_RECIPIENTS) {
    context.finish(reply(421, '4.7.0', `${context.connector.fqdn} too many refused recipients, closing connection`));
  }
}

async function addRecipient(context: SmtpContext, transaction: MailTransaction, path: Path): Promise<Reply | null> {
  if (path.kind === 'null') return reply(501, '5.1.3', 'a recipient cannot be empty');
  if (path.kind === 'address' && path.address.internationalized && !transaction.smtpUtf8) {
    return reply(553, '5.6.7', 'a non-ASCII address needs SMTPUTF8 on MAIL FROM');
  }
  const route = await routeOf(context, path);
  if (route instanceof Failure) return replyToFailure(route);
  switch (route.kind) {
    case 'local':
      transaction.recipients.push(route.recipient);
      return null;
    case 'unknown':
      return reply(550, '5.1.1', 'there is no mailbox with this address');
    case 'disabled':
      return reply(550, '5.2.1', 'the mailbox takes no mail');
    case 'elsewhere':
      if (context.isSubmission) return reply(550, '5.7.1', 'this server does not send mail to other domains yet');
      return reply(550, '5.7.1', 'Unable to relay');
  }
}

async function routeOf(context: SmtpContext, path: Exclude<Path, { kind: 'null' }>): Promise<Route | Failure> {
  try {
    if (path.kind === 'postmaster') return await context.transport.route('postmaster', null);
    return await context.transport.route(path.address.localPart, path.address.domain);
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}
