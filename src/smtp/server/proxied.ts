/**
 * The first lines of a connection on which a front end brings a submission (ADR 9 §3): EHLO, XCLIENT, AUTH EXTERNAL.
 * That it is a front end of the organization its certificate has proved; that the client is who it says, that front end
 * has; what this person may do is read here. Behind it begins an ordinary session, in the client's name.
 */
import { appPasswordOf, refusedNow } from '../../auth/still-allowed.ts';
import type { Logon } from '../../auth/api.ts';
import type { Directory } from '../../directory/api.ts';
import { accountId, type ReceiveConnector, type Server } from '../../directory/model.ts';
import { Failure } from '../../observe/failure.ts';
import type { Log } from '../../observe/log.ts';
import type { Connection } from '../../wire/connection.ts';
import { SMTP_COMMAND_LINE_BYTES } from '../../wire/limits.ts';
import { argumentText, decodeBase64, parseCommandLine } from '../grammar/command.ts';
import { parseIdentity, parseProxied, type ProxiedFacts } from '../grammar/proxied-client.ts';
import { formatReply, type Reply, reply } from '../grammar/reply.ts';
import { replyToLogonFailure } from './logon-failure.ts';

export interface ProxiedClient {
  readonly facts: ProxiedFacts;
  readonly logon: Logon;
  /** This server's, with the limits of the one that took the client. */
  readonly connector: ReceiveConnector;
}

export interface ProxiedOptions {
  readonly connection: Connection;
  /** Whose front end it is. */
  readonly peer: Server;
  readonly asSetNow: () => ReceiveConnector;
  readonly directory: Directory;
  readonly log: Log;
}

/** A front end has all its lines at hand: it takes its time for nothing. */
const LINES_MS = 30_000;
const LINES = 10;

/** Null: it came to nothing; what there was to say has been said. @throws IdleTimeout, ProtocolViolation */
export async function receiveProxied(options: ProxiedOptions): Promise<ProxiedClient | null> {
  const { connection, asSetNow } = options;
  const respond = (answer: Reply): void => {
    connection.out.ascii(formatReply(answer, true));
  };
  let facts: ProxiedFacts | null = null;
  connection.idleLimit(LINES_MS);
  respond(reply(220, null, `${asSetNow().fqdn} ESMTP ready for front ends`));
  for (let lines = 0; lines < LINES; lines += 1) {
    const line = await connection.readLine(SMTP_COMMAND_LINE_BYTES);
    if (line === null) return null;
    const parsed = parseCommandLine(line);
    const argument = parsed.kind === 'bad' ? null : argumentText(parsed.argument);
    if (parsed.kind === 'bad' || argument === null) {
      respond(reply(500, '5.5.2', 'command not recognized'));
      continue;
    }
    switch (parsed.verb) {
      case 'EHLO':
        respond(reply(250, null, asSetNow().fqdn, 'PIPELINING', 'ENHANCEDSTATUSCODES', 'XCLIENT', 'AUTH EXTERNAL'));
        break;
      case 'XCLIENT': {
        const found = parseProxied(argument);
        if (found.kind === 'bad') respond(reply(501, '5.5.4', found.reason));
        else {
          facts = found.facts;
          respond(reply(220, '2.0.0', 'go on'));
        }
        break;
      }
      case 'AUTH': {
        if (facts === null) {
          respond(reply(503, '5.5.1', 'say XCLIENT first'));
          break;
        }
        const client = await admitted(options, facts, argument);
        if (!('code' in client)) {
          respond(reply(235, '2.7.0', 'authentication succeeded'));
          return client;
        }
        respond(client);
        break;
      }
      case 'QUIT':
        respond(reply(221, '2.0.0', 'goodbye'));
        return null;
      default:
        respond(reply(530, '5.7.0', 'front ends say XCLIENT and AUTH EXTERNAL here'));
    }
  }
  respond(reply(421, '4.7.0', 'too many lines without a logon, closing connection'));
  return null;
}

async function admitted(
  { directory, peer, log, asSetNow }: ProxiedOptions,
  facts: ProxiedFacts,
  argument: string,
): Promise<ProxiedClient | Reply> {
  const [mechanism = '', initial = ''] = argument.split(' ');
  if (mechanism.toUpperCase() !== 'EXTERNAL') return reply(504, '5.5.4', 'this mechanism is not offered');
  const named = parseIdentity(decodeBase64(initial)?.toString('utf8') ?? '');
  if (named === null) return reply(501, '5.5.2', 'AUTH EXTERNAL names an account and a mailbox');
  const [account, mailbox] = [accountId(named.account), accountId(named.mailbox)];
  const fields = { session: facts.session, frontEnd: peer.name, account };
  try {
    const { appPassword } = named;
    const refused = await refusedNow(directory, { account, mailbox, protocol: 'smtp', appPassword });
    if (refused !== null) throw refused.failure;
    const [who, whose] = await Promise.all([directory.account(account), directory.account(mailbox)]);
    if (who === null || whose === null) throw new Failure('CONTACTADMIN', 'This account does not exist any more.');
    const original = (await directory.connectors(peer.id)).find(({ id }) => id === facts.connector);
    return {
      facts,
      logon: { account: who, mailbox: whose, ...(await appPasswordOf(directory, account, appPassword)) },
      connector: withLimitsOf(asSetNow(), original),
    };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    log.warn({ ...fields, code: error.code, text: error.message }, 'a submission of another front end is refused');
    return replyToLogonFailure(error);
  }
}

/** The client chose the other connector: what an admin has set there holds. Name and log are this server's. */
function withLimitsOf(own: ReceiveConnector, original: ReceiveConnector | undefined): ReceiveConnector {
  if (original === undefined) return own;
  const { id, server, name, fqdn, protocolLoggingLevel } = own;
  return { ...original, id, server, name, fqdn, protocolLoggingLevel };
}
