/**
 * One SMTP session from greeting to farewell (RFC 5321 §3, §4.3): reads commands, hands each to the table, keeps time
 * and counts. The front end has accepted the socket and chosen the connector; what is allowed is the connector's.
 */
import type { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import type { TLSSocketOptions } from 'node:tls';
import type { ReceiveConnector, Server } from '../../directory/model.ts';
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
import { type OnwardSession, type SmtpDependencies, systemClock } from './dependencies.ts';
import { type ProxiedClient, type ProxiedOptions, receiveProxied } from './proxied.ts';
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

/** A front end of `peer` brings a client whose mailbox is here (proxied.ts). Resolves when the connection is done with. */
export type ServeProxiedSmtp = (
  connection: Connection,
  peer: Server,
  asSetNow: () => ReceiveConnector,
  stop: AbortSignal,
) => Promise<void>;

export interface SmtpSessions {
  readonly serve: ServeSmtp;
  readonly serveProxied: ServeProxiedSmtp;
}

/** Make one for all connections of a server: message rates are counted across them. */
export function createSmtpSessions(dependencies: SmtpDependencies): SmtpSessions {
  const shared = {
    rates: new RateLimiter(),
    // Apart: strangers by the thousand must not push a person's day out of memory.
    ratesOfPeople: dependencies.ratesOfPeople ?? new RateLimiter(),
    clock: dependencies.clock ?? systemClock,
    directory: dependencies.directory,
    authenticator: dependencies.authenticator,
    transport: dependencies.transport,
  };
  const { log } = dependencies;
  return {
    serve: async (connection, connector, tlsNow, stop, asSetNow = () => connector) => {
      const session = randomBytes(8).toString('hex');
      const handshake = (): TLSSocketOptions => dependencies.tls(connector);
      const context = new SmtpContext({
        ...shared,
        session,
        connection,
        proxied: null,
        proxy: dependencies.proxy ?? null,
        connector,
        asSetNow,
        handshake,
        drain: stop ?? null,
        log: log.child({ session, connector: connector.name }),
        protocolLog: new SmtpSessionLog(dependencies.protocolLog ?? null, session, connection, asSetNow),
      });
      await live(context, async () => {
        if (tlsNow && connection.tls === null) await connection.startTls(handshake());
        const greetingLine = `${greeting(connector)}\r\n`;
        context.protocolLog.sent(greetingLine);
        connection.out.ascii(greetingLine);
        await serve(context);
      });
    },
    serveProxied: async (connection, peer, asSetNow, stop) => {
      const client = await arrived({ connection, peer, asSetNow, directory: dependencies.directory, log });
      if (client === null) return;
      const { facts, connector } = client;
      const { session } = facts;
      const ends = { local: connection.local, remote: facts };
      const context = new SmtpContext({
        ...shared,
        session,
        connection,
        proxied: client,
        proxy: null,
        connector,
        // Rates and the like are those of the connector that took the client, as it was then.
        asSetNow: () => connector,
        handshake: () => dependencies.tls(connector),
        drain: stop,
        log: log.child({ session, connector: connector.name, frontEnd: peer.name }),
        protocolLog: new SmtpSessionLog(dependencies.protocolLog ?? null, session, ends, asSetNow),
      });
      await live(context, () => serve(context));
    },
  };
}

/** Null: the connection is over. */
async function arrived(options: ProxiedOptions): Promise<ProxiedClient | null> {
  const { connection, peer, log } = options;
  try {
    const client = await receiveProxied(options);
    if (client === null) connection.end();
    return client;
  } catch (error) {
    log.warn({ frontEnd: peer.name, error: String(error) }, 'a front end brought nobody');
    connection.end();
    return null;
  }
}

/** From the first line of the log to the last one, whatever happens between. */
async function live(context: SmtpContext, act: () => Promise<void>): Promise<void> {
  const { session, remote, connector, log, protocolLog } = context;
  protocolLog.connected();
  // Wakes a session that waits for a command; one at work looks at the signal before it waits again.
  const onDrain = (): void => {
    if (context.waiting) context.awaitClient();
  };
  context.drain?.addEventListener('abort', onDrain);
  log.info({ remote: remote.address }, 'SMTP session began');
  traces.current?.sessionBegan(session, 'smtp', {
    'client.address': remote.address,
    'penfold.connector': connector.name,
  });
  try {
    await act();
  } catch (error) {
    farewell(context, error);
  } finally {
    context.drain?.removeEventListener('abort', onDrain);
    await hangUp(context);
    protocolLog.disconnected(context.over ? 'Local' : 'Remote');
    traces.current?.sessionEnded(session);
    log.info({ messages: context.messages }, 'SMTP session ended');
  }
}

async function serve(context: SmtpContext): Promise<void> {
  const { connection } = context;
  const turn = new Turn();
  while (!context.over) {
    if (context.lifetimeIsOver) throw new IdleTimeout('ConnectionTimeout');
    context.awaitClient();
    if (connection.buffered === 0) turn.restart();
    context.waiting = true;
    const line = await connection.readLine(SMTP_AUTH_LINE_BYTES);
    context.waiting = false;
    if (line === null) return;
    await obey(context, line);
    if (context.onward !== null) {
      await goOnward(context, context.onward);
      return;
    }
    // Answers nobody reads must not pile up; the flush itself waits for the end of a pipelined group (RFC 2920 §3.2).
    if (connection.out.pending > 64 * 1024) await connection.drained();
    if (turn.due) await turn.pass();
  }
}

/** The other server says what is still to be said, and keeps time; nothing is read here any more. */
async function goOnward({ connection, log, protocolLog }: SmtpContext, onward: OnwardSession): Promise<void> {
  log.info({ server: onward.server }, 'SMTP session goes on at another server');
  protocolLog.remark(`proxied to ${onward.server}`);
  connection.idleLimit(null);
  await onward.run(connection);
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
