/** AUTH (RFC 4954): carries the SASL exchanges of the authenticator. No response of a client is ever logged. */
import { Buffer } from 'node:buffer';
import type { Logon, SaslExchange } from '../../../auth/api.ts';
import { Failure, ProtocolViolation } from '../../../observe/failure.ts';
import { errorName, traces } from '../../../observe/traces/spans.ts';
import { SMTP_AUTH_LINE_BYTES } from '../../../wire/limits.ts';
import { withoutLineEnd } from '../../../wire/connection.ts';
import { decodeBase64 } from '../../grammar/command.ts';
import { type Reply, reply } from '../../grammar/reply.ts';
import { announcedMechanisms, needsTlsFirst, takesLogons } from '../auth-offer.ts';
import type { SmtpContext } from '../context.ts';
import { replyToLogonFailure } from '../logon-failure.ts';

/** The exchange ended without a verdict of the authenticator. */
class AuthAborted extends Error {
  readonly answer: Reply | null;
  /** `answer` null: the client has gone. */
  constructor(answer: Reply | null) {
    super('AUTH aborted');
    this.answer = answer;
  }
}

export async function auth(context: SmtpContext, argument: Buffer): Promise<void> {
  const [name = '', initial, ...more] = argument.toString('latin1').split(' ');
  const refusal = refuse(context, name, more.length > 0);
  if (refusal !== null) {
    context.protocolError(refusal);
    return;
  }
  const mechanism = name.toUpperCase();
  const span = traces.current?.within(context.session, 'logon', { mechanism }) ?? null;
  try {
    const logon = await exchange(context, mechanism, initial);
    span?.end();
    await admit(context, logon, mechanism);
  } catch (error) {
    span?.end(errorName(error));
    if (error instanceof AuthAborted) {
      if (error.answer === null) context.over = true;
      else context.protocolError(error.answer);
      return;
    }
    if (error instanceof ProtocolViolation && !error.fatal) {
      context.protocolError(reply(501, '5.5.2', error.message));
      return;
    }
    if (!(error instanceof Failure)) throw error;
    await fail(context, error, mechanism);
  }
}

function refuse(context: SmtpContext, name: string, tooMuch: boolean): Reply | null {
  if (context.client?.greeting !== 'EHLO') return reply(503, '5.5.1', 'send EHLO first');
  if (context.logon !== null) return reply(503, '5.5.1', 'you are logged on already');
  if (context.transaction !== null) return reply(503, '5.5.1', 'AUTH is not allowed during a mail transaction');
  if (!takesLogons(context)) return reply(502, '5.5.1', 'AUTH is not offered here');
  if (needsTlsFirst(context)) return reply(538, '5.7.11', 'encryption is required: send STARTTLS first');
  if (name === '' || tooMuch) return reply(501, '5.5.4', 'AUTH needs a mechanism and at most one initial response');
  if (!announcedMechanisms(context).includes(name.toUpperCase())) {
    return reply(504, '5.5.4', 'this mechanism is not offered');
  }
  return null;
}

async function exchange(context: SmtpContext, mechanism: string, initial: string | undefined): Promise<Logon> {
  const first = initial === undefined ? null : decode(initial);
  const sasl = context.authenticator.begin(mechanism, context.logonContext());
  if (sasl === null) throw new AuthAborted(reply(504, '5.5.4', 'this mechanism is not offered'));
  return run(context, sasl, first);
}

async function run(context: SmtpContext, sasl: SaslExchange, first: Buffer | null): Promise<Logon> {
  let step = await sasl.step(first);
  while (!step.done) step = await sasl.step(await challenge(context, step.challenge));
  // RFC 4954 §4: data that comes with success is a last challenge, answered by an empty line.
  if (step.final !== null) await challenge(context, step.final);
  return step.logon;
}

async function challenge(context: SmtpContext, data: Uint8Array): Promise<Buffer> {
  context.connection.out.ascii(`334 ${Buffer.from(data).toString('base64')}\r\n`);
  context.awaitClient();
  const line = await context.connection.readLine(SMTP_AUTH_LINE_BYTES);
  context.protocolLog.receivedSecret();
  if (line === null) throw new AuthAborted(null);
  const text = withoutLineEnd(line).toString('latin1');
  if (text === '*') throw new AuthAborted(reply(501, '5.7.0', 'authentication cancelled'));
  return text === '' ? Buffer.alloc(0) : decode(text);
}

function decode(text: string): Buffer {
  const bytes = decodeBase64(text);
  if (bytes === null) throw new AuthAborted(reply(501, '5.5.2', 'the response is not base64'));
  return bytes;
}

async function admit(context: SmtpContext, logon: Logon, mechanism: string): Promise<void> {
  try {
    context.onward = await context.goOn(logon);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    // The password was right: nothing that a client could take for a refusal of it, and no failed logon (RFC 4954 §6).
    context.log.warn({ user: logon.account.userPrincipalName, code: error.code, text: error.message }, 'not proxied');
    context.respond(replyToLogonFailure(error));
    return;
  }
  context.logon = logon;
  context.log.info({ user: logon.account.userPrincipalName, mechanism }, 'SMTP logon');
  context.protocolLog.remark(`authenticated as ${logon.account.userPrincipalName}`);
  context.respond(reply(235, '2.7.0', 'authentication succeeded'));
}

/** AuthTarpitInterval and MaxLogonFailures (exchange-behaviour.md §3.4). */
async function fail(context: SmtpContext, failure: Failure, mechanism: string): Promise<void> {
  const { connector } = context;
  context.logonFailures += 1;
  context.log.warn({ remote: context.remote.address, code: failure.code, mechanism }, 'SMTP logon refused');
  await context.delay(connector.authTarpitInterval);
  context.respond(replyToLogonFailure(failure));
  if (connector.maxLogonFailures > 0 && context.logonFailures >= connector.maxLogonFailures) {
    context.finish(reply(421, '4.7.0', `${connector.fqdn} too many failed logons, closing connection`));
  }
}
