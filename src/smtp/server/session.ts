/**
 * One SMTP session from greeting to farewell (RFC 5321 §3, §4.3): reads commands, hands each to the table, keeps time
 * and counts. The front end has accepted the socket and chosen the connector; what is allowed is the connector's.
 */
import type { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import type { ReceiveConnector } from '../../directory/model.ts';
import { Failure, ProtocolViolation } from '../../observe/failure.ts';
import { tally } from '../../observe/metrics/tally.ts';
import { traces } from '../../observe/traces/spans.ts';
import { type Connection, IdleTimeout } from '../../wire/connection.ts';
import { SMTP_AUTH_LINE_BYTES, SMTP_COMMAND_LINE_BYTES } from '../../wire/limits.ts';
import { Turn } from '../../wire/turn.ts';
import { parseCommandLine } from '../grammar/command.ts';
import { reply } from '../grammar/reply.ts';
import { commands } from './commands/table.ts';
import { SmtpContext } from './context.ts';
import { type SmtpDependencies, systemClock } from './dependencies.ts';
import { RateLimiter } from './rate-limit.ts';
import { SmtpSessionLog } from './session-log.ts';

/**
 * Resolves when the connection is done with. `tlsNow`: the binding speaks TLS from the first byte (RFC 8314 §3.3).
 * `stop` is aborted when the server drains: the session ends between two messages. `asSetNow`: the connector with the
 * settings it has at that moment, for those that count in sessions that are open; missing: it does not change.
 */
export type ServeSmtp = (
  connection: Connection,
  connector: ReceiveConnector,
  tlsNow: boolean,
  stop?: AbortSignal,
  asSetNow?: () => ReceiveConnector,
) => Promise<void>;

/** Make one for all connections of a service: message rates are counted across them. */
export function createSmtpSession(dependencies: SmtpDependencies): ServeSmtp {
  const rates = new RateLimiter();
  // Apart: strangers by the thousand must not push a person's day out of memory.
  const ratesOfPeople = new RateLimiter();
  return async (connection, connector, tlsNow, stop, asSetNow = () => connector) => {
    const session = randomBytes(8).toString('hex');
    const log = dependencies.log.child({ session, connector: connector.name });
    const protocolLog = new SmtpSessionLog(dependencies.protocolLog ?? null, session, connection, asSetNow);
    protocolLog.connected();
    const context = new SmtpContext({
      session,
      connection,
      connector,
      asSetNow,
      directory: dependencies.directory,
      authenticator: dependencies.authenticator,
      transport: dependencies.transport,
      handshake: () => dependencies.tls(connector),
      rates,
      ratesOfPeople,
      clock: dependencies.clock ?? systemClock,
      drain: stop ?? null,
      log,
      protocolLog,
    });
    // Wakes a session that waits for a command; one at work looks at the signal before it waits again.
    const onDrain = (): void => {
      if (context.waiting) context.awaitClient();
    };
    context.drain?.addEventListener('abort', onDrain);
    log.info({ remote: connection.remote.address }, 'SMTP session began');
    traces.current?.sessionBegan(session, 'smtp', {
      'client.address': connection.remote.address,
      'penfold.connector': connector.name,
    });
    try {
      if (tlsNow && connection.tls === null) await connection.startTls(dependencies.tls(connector));
      await serve(context);
    } catch (error) {
      farewell(context, error);
    } finally {
      context.drain?.removeEventListener('abort', onDrain);
      await hangUp(context);
      protocolLog.disconnected(context.over ? 'Local' : 'Remote');
      traces.current?.sessionEnded(session);
      log.info({ messages: context.messages }, 'SMTP session ended');
    }
  };
}

async function serve(context: SmtpContext): Promise<void> {
  const { connection } = context;
  const turn = new Turn();
  const greetingLine = `${greeting(context.connector)}\r\n`;
  context.protocolLog.sent(greetingLine);
  connection.out.ascii(greetingLine);
  while (!context.over) {
    if (context.lifetimeIsOver) throw new IdleTimeout('ConnectionTimeout');
    context.awaitClient();
    if (connection.buffered === 0) turn.restart();
    context.waiting = true;
    const line = await connection.readLine(SMTP_AUTH_LINE_BYTES);
    context.waiting = false;
    if (line === null) return;
    await obey(context, line);
    // Answers nobody reads must not pile up; the flush itself waits for the end of a pipelined group (RFC 2920 §3.2).
    if (connection.out.pending > 64 * 1024) await connection.drained();
    if (turn.due) await turn.pass();
  }
}

async function obey(context: SmtpContext, line: Buffer): Promise<void> {
  const parsed = parseCommandLine(line);
  if (parsed.kind === 'bad') {
    context.protocolError(reply(500, '5.5.2', parsed.reason));
    return;
  }
  if (line.length > SMTP_COMMAND_LINE_BYTES && parsed.verb !== 'AUTH') {
    context.protocolError(reply(500, '5.5.2', `line longer than ${SMTP_COMMAND_LINE_BYTES} octets`));
    return;
  }
  context.protocolLog.received(parsed.verb, parsed.argument);
  const command = commands.get(parsed.verb);
  if (command === undefined) {
    context.protocolError(reply(500, '5.5.1', 'command not recognized'));
    return;
  }
  if (context.connector.requireTls && !context.encrypted && !command.beforeTls) {
    context.protocolError(reply(530, '5.7.0', 'must issue a STARTTLS command first'));
    return;
  }
  const began = performance.now();
  try {
    await command.run(context, parsed.argument);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    context.log.warn({ verb: parsed.verb, code: error.code, error: error.message }, 'SMTP command failed');
    context.respond(reply(451, '4.3.0', 'temporary failure, please try again later'));
  } finally {
    tally.commands.smtp.observe(parsed.verb, performance.now() - began);
  }
}

function greeting(connector: ReceiveConnector): string {
  const text = connector.banner.startsWith('220') ? connector.banner : `220 ${connector.fqdn} ${connector.banner}`;
  return text.replace(/[^\x20-\x7e]/g, '?').trimEnd();
}

function farewell(context: SmtpContext, error: unknown): void {
  const { connector, log } = context;
  if (error instanceof IdleTimeout) {
    if (context.isDraining) {
      context.finish(reply(421, '4.3.2', `${connector.fqdn} server is shutting down, closing connection`));
      return;
    }
    log.info({}, 'SMTP session timed out');
    context.finish(reply(421, '4.4.2', `${connector.fqdn} connection timed out, closing connection`));
    return;
  }
  if (error instanceof ProtocolViolation) {
    log.warn({ error: error.message }, 'SMTP session ended by a protocol violation');
    context.finish(reply(500, '5.5.2', `${error.message}, closing connection`));
    return;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  if (!context.connection.isOpen) {
    log.info({ error: text }, 'SMTP client went away');
    return;
  }
  log.error({ error: text }, 'SMTP session failed');
  context.finish(reply(421, '4.3.0', `${connector.fqdn} internal error, closing connection`));
}

/** Whatever was half received is given up; the connection ends after the last reply. */
async function hangUp(context: SmtpContext): Promise<void> {
  try {
    await context.reset();
  } catch (error) {
    context.log.error({ error: String(error) }, 'an unfinished message could not be given up');
  }
  context.connection.end();
}
