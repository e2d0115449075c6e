/** MAIL FROM (RFC 5321 §4.1.1.2) with SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8 (RFC 6531), AUTH= (RFC 4954 §5), RET and ENVID (RFC 3461). */
import type { Buffer } from 'node:buffer';
import { refusedNow } from '../../../auth/still-allowed.ts';
import { argumentText } from '../../grammar/command.ts';
import { type DsnOfMail, ENVID_CHARACTERS, parseEnvelopeId, parseRet } from '../../grammar/dsn-parameters.ts';
import { type ParsedPath, type Path, parsePathArgument } from '../../grammar/path.ts';
import { type Reply, reply } from '../../grammar/reply.ts';
import type { SmtpContext } from '../context.ts';
import { TOO_BIG } from '../intake.ts';
import { maySendAs, overQuota, overRate } from '../submission-limits.ts';

export async function mail(context: SmtpContext, argument: Buffer): Promise<void> {
  if (context.client === null) {
    context.protocolError(reply(503, '5.5.1', 'send EHLO or HELO first'));
    return;
  }
  if (context.logon === null && !context.allows('AnonymousUsers')) {
    context.protocolError(reply(530, '5.7.0', 'authentication required'));
    return;
  }
  if (context.transaction !== null) {
    context.protocolError(reply(503, '5.5.1', 'a mail transaction is open already'));
    return;
  }
  const text = argumentText(argument);
  if (text === null) {
    context.protocolError(reply(553, '5.6.7', 'the address is not valid UTF-8'));
    return;
  }
  const parsed = parsePathArgument(text, 'FROM:');
  if (parsed.kind === 'bad') {
    context.protocolError(badPath(parsed, '5.1.7'));
    return;
  }
  const { path, parameters } = parsed;
  const unusable = checkParameters(context, parameters, path) ?? checkSize(parameters, await context.maxMessageSize());
  if (unusable !== null) {
    context.respond(unusable);
    return;
  }
  const refusal = (await checkSender(context, path)) ?? checkRate(context) ?? (await checkAccount(context));
  if (refusal !== null) {
    await context.refuseSlowly(refusal);
    return;
  }
  context.transaction = {
    reversePath: path.kind === 'address' ? path.address.text : '',
    smtpUtf8: parameters.has('SMTPUTF8'),
    recipients: [],
    dsn: dsnOf(parameters),
    declaredSize: parameters.has('SIZE') ? Number(parameters.get('SIZE')) : null,
    chunks: null,
  };
  context.respond(reply(250, '2.1.0', 'sender OK'));
}

export function badPath(parsed: Extract<ParsedPath, { kind: 'bad' }>, addressStatus: string): Reply {
  if (parsed.what === 'path') return reply(501, addressStatus, parsed.reason);
  return reply(501, '5.5.4', parsed.reason);
}

/** Parameters of extensions that were not announced are refused (RFC 5321 §4.1.1.11). */
function checkParameters(
  context: SmtpContext,
  parameters: ReadonlyMap<string, string | null>,
  path: Path,
): Reply | null {
  for (const [keyword, value] of parameters) {
    switch (keyword) {
      case 'RET':
      case 'ENVID':
        if (!context.connector.deliveryStatusNotificationEnabled) return unsupported(keyword);
        if (keyword === 'RET' && parseRet(value) === null) return reply(501, '5.5.4', 'RET must be FULL or HDRS');
        if (keyword === 'ENVID' && parseEnvelopeId(value) === null) {
          return reply(501, '5.5.4', `ENVID must be xtext of at most ${ENVID_CHARACTERS} characters`);
        }
        break;
      case 'SIZE':
        if (value === null || !/^\d{1,20}$/.test(value)) return reply(501, '5.5.4', 'SIZE needs a number of octets');
        break;
      case 'BODY':
        if (value?.toUpperCase() !== '7BIT' && value?.toUpperCase() !== '8BITMIME') {
          return reply(501, '5.5.4', 'BODY must be 7BIT or 8BITMIME');
        }
        break;
      case 'SMTPUTF8':
        if (value !== null) return reply(501, '5.5.4', 'SMTPUTF8 takes no value');
        break;
      case 'AUTH':
        // Who submitted the message elsewhere is hearsay from a client: taken, not trusted (RFC 4954 §5).
        if (value === null) return reply(501, '5.5.4', 'AUTH needs an address or <>');
        break;
      default:
        return unsupported(keyword);
    }
  }
  if (path.kind === 'postmaster') return reply(501, '5.1.7', 'the sender address needs a domain');
  if (path.kind === 'address' && path.address.internationalized && !parameters.has('SMTPUTF8')) {
    return reply(553, '5.6.7', 'a non-ASCII address needs the SMTPUTF8 parameter');
  }
  return null;
}

export const unsupported = (keyword: string): Reply => reply(555, '5.5.4', `the parameter ${keyword} is not supported`);

function dsnOf(parameters: ReadonlyMap<string, string | null>): DsnOfMail | null {
  if (!parameters.has('RET') && !parameters.has('ENVID')) return null;
  return {
    ret: parseRet(parameters.get('RET') ?? null),
    envelopeId: parseEnvelopeId(parameters.get('ENVID') ?? null),
  };
}

function checkSize(parameters: ReadonlyMap<string, string | null>, limit: number): Reply | null {
  const size = parameters.get('SIZE');
  return size !== undefined && Number(size) > limit ? TOO_BIG : null;
}

/** The null path is for notifications (RFC 8098 receipts come from clients too); From is checked with the message. */
async function checkSender(context: SmtpContext, path: Path): Promise<Reply | null> {
  if (context.logon === null || path.kind !== 'address') return null;
  if (await maySendAs(context.directory, context.logon.account, path.address)) return null;
  return reply(550, '5.7.60', 'client does not have permissions to send as this sender');
}

/** Quota and throttling policy of the person who sends. */
async function checkAccount({ directory, transport, logon, ratesOfPeople, clock }: SmtpContext): Promise<Reply | null> {
  if (logon === null) return null;
  // Clients keep connections for hours: what has been taken away since the logon is asked for again.
  const { account, mailbox, appPassword } = logon;
  const refused = await refusedNow(directory, {
    account: account.id,
    mailbox: mailbox.id,
    protocol: 'smtp',
    appPassword: appPassword?.id ?? null,
  });
  if (refused !== null) return reply(530, '5.7.0', refused.failure.message);
  return (
    (await overQuota(directory, transport, logon.account)) ??
    (await overRate(directory, ratesOfPeople, logon.account, clock.now()))
  );
}

function checkRate(context: SmtpContext): Reply | null {
  const { messageRateLimit, messageRateSource, id } = context.asSetNow();
  if (!Number.isFinite(messageRateLimit) || messageRateSource === 'None') return null;
  const sources: string[] = [];
  if (messageRateSource !== 'User') sources.push(`${id} address ${context.remote.address}`);
  if (messageRateSource !== 'IPAddress' && context.logon !== null)
    sources.push(`${id} user ${context.logon.account.id}`);
  for (const source of sources) {
    const seconds = context.rates.take(source, messageRateLimit, context.clock.now());
    if (seconds > 0) {
      const text = `MessageRateLimit of ${messageRateLimit} messages a minute reached, try again in ${seconds} seconds`;
      return reply(451, '4.7.0', text);
    }
  }
  return null;
}
