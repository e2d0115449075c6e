/** RCPT TO (RFC 5321 §4.1.1.3): who gets the message, decided here and not by a bounce later. */
import type { Buffer } from 'node:buffer';
import { Failure } from '../../../observe/failure.ts';
import type { Recipient, Route } from '../../../transport/api.ts';
import { SMTP_REFUSED_RECIPIENTS } from '../../../wire/limits.ts';
import { argumentText } from '../../grammar/command.ts';
import {
  type DsnOfRecipient,
  ORCPT_CHARACTERS,
  parseNotify,
  parseOriginalRecipient,
} from '../../grammar/dsn-parameters.ts';
import { type Path, parsePathArgument } from '../../grammar/path.ts';
import { type Reply, reply } from '../../grammar/reply.ts';
import type { MailTransaction, SmtpContext } from '../context.ts';
import { replyToFailure } from '../intake.ts';
import { overRecipients } from '../submission-limits.ts';
import { refusedRoute } from '../submitted-recipient.ts';
import { badPath, unsupported } from './mail.ts';

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
  const dsn = dsnOf(context, parsed.parameters);
  if ('code' in dsn) {
    context.respond(dsn);
    return;
  }
  // RFC 5321 §4.5.3.1.10: the client sends the rest in another transaction.
  if (transaction.recipients.length >= context.connector.maxRecipientsPerMessage) {
    context.respond(reply(452, '4.5.3', 'too many recipients'));
    return;
  }
  const refusal = await addRecipient(context, transaction, parsed.path, dsn);
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

/** NOTIFY and ORCPT (RFC 3461 §4.1, §4.2). */
function dsnOf(context: SmtpContext, parameters: ReadonlyMap<string, string | null>): DsnOfRecipient | Reply {
  for (const keyword of parameters.keys()) {
    const known = keyword === 'NOTIFY' || keyword === 'ORCPT';
    if (!known || !context.connector.deliveryStatusNotificationEnabled) return unsupported(keyword);
  }
  const notify = parseNotify(parameters.get('NOTIFY') ?? null);
  if (parameters.has('NOTIFY') && notify === null) {
    return reply(501, '5.5.4', 'NOTIFY must be NEVER or a list of SUCCESS, FAILURE, DELAY');
  }
  const original = parseOriginalRecipient(parameters.get('ORCPT') ?? null);
  if (parameters.has('ORCPT') && original === null) {
    return reply(501, '5.5.4', `ORCPT must be type;xtext of at most ${ORCPT_CHARACTERS} characters`);
  }
  return { notify, original };
}

/** Domains that lead nowhere (RFC 2606, RFC 6761), when the connector is to refuse them. */
function refusedDomain({ connector }: SmtpContext, domain: string): boolean {
  const labels = domain.toLowerCase().split('.');
  const last = labels.at(-1) ?? '';
  const second = labels.slice(-2).join('.');
  return (
    (connector.rejectSingleLabelRecipientDomains && labels.length === 1) ||
    (connector.rejectReservedTopLevelRecipientDomains && ['test', 'example', 'invalid', 'localhost'].includes(last)) ||
    (connector.rejectReservedSecondLevelRecipientDomains &&
      ['example.com', 'example.net', 'example.org'].includes(second))
  );
}

async function addRecipient(
  context: SmtpContext,
  transaction: MailTransaction,
  path: Path,
  dsn: DsnOfRecipient,
): Promise<Reply | null> {
  if (path.kind === 'address' && refusedDomain(context, path.address.domain)) {
    return reply(550, '5.1.2', 'recipients in this domain are not taken here');
  }
  const { logon, directory, ratesOfPeople, clock } = context;
  if (logon !== null) {
    const named = transaction.recipients.length;
    const over = await overRecipients(directory, ratesOfPeople, logon.account, named, clock.now());
    if (over !== null) return over;
  }
  if (path.kind === 'null') return reply(501, '5.1.3', 'a recipient cannot be empty');
  if (path.kind === 'address' && path.address.internationalized && !transaction.smtpUtf8) {
    return reply(553, '5.6.7', 'a non-ASCII address needs SMTPUTF8 on MAIL FROM');
  }
  const route = await routeOf(context, path);
  if (route instanceof Failure) return replyToFailure(route);
  switch (route.kind) {
    case 'local':
      return takeRecipient(context, transaction, { ...route.recipient, dsn });
    case 'elsewhere':
      return context.isSubmission ? refusedRoute('elsewhere') : reply(550, '5.7.1', 'Unable to relay');
    case 'unknown':
    case 'disabled':
      return refusedRoute(route.kind);
  }
}

/** MaxReceiveSize of the mailbox is told here when the client has said how large the message is (RFC 1870 §6.1). */
async function takeRecipient(
  { directory }: SmtpContext,
  transaction: MailTransaction,
  recipient: Recipient,
): Promise<Reply | null> {
  const { declaredSize } = transaction;
  if (declaredSize !== null) {
    const { maxReceiveSize } = await directory.mailboxSettings(recipient.account.id);
    if (declaredSize > maxReceiveSize) {
      return reply(552, '5.2.3', `the message is larger than this mailbox takes: ${maxReceiveSize} octets`);
    }
  }
  transaction.recipients.push(recipient);
  return null;
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
