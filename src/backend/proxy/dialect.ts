/**
 * How front end and back end of two servers speak before a session begins: IMAP4 and POP3 themselves, cut down to a
 * few commands. A front end sends XCLIENT and AUTHENTICATE EXTERNAL in one flight and hears both answers in one, so a
 * connection that is open already costs one round trip. RFC 9051 and RFC 1939 give the form of lines, RFC 4422
 * Appendix A gives EXTERNAL: the certificate says who asks, the authorization identity for whom. Pure.
 *
 * Refusals carry the code of `Failure` on both protocols: the front end makes the same Failure of it again and tells
 * its client in the client's protocol and language.
 */
import { Buffer } from 'node:buffer';
import { type AccountId, accountId } from '../../directory/model.ts';
import { decodeBase64 } from '../../imap/grammar/base64.ts';
import { Failure, type FailureCode } from '../../observe/failure.ts';
import { OwnedElsewhere } from '../../store/api.ts';
import type { HandOver } from '../link.ts';

export type ProxyProtocol = HandOver['protocol'];

/** Octets of one line in either direction: XCLIENT with a client's ID is the longest, and XLEAVE with many ids. */
export const PROXY_LINE_BYTES = 64 * 1024;
/** Session ids in one XLEAVE. */
export const LEAVE_AT_ONCE = 2_000;

/** Who logged on, and whose mailbox is asked for: ids of the directory, which every server reads for itself. */
export interface NamedSession {
  readonly account: AccountId;
  readonly mailbox: AccountId;
  /** Id of the app password that was used; null: the account's own password. */
  readonly appPassword: string | null;
}

export interface ProxyRequest {
  /** Empty in POP3. */
  readonly tag: string;
  /** Upper case; AUTHENTICATE also for POP3's AUTH, QUIT also for IMAP's LOGOUT. */
  readonly verb: string;
  readonly rest: string;
}

export interface ProxyAnswer {
  readonly tag: string;
  readonly ok: boolean;
  /** What stood in brackets. */
  readonly code: string;
  readonly text: string;
}

/** Tags of the front end's commands, in the order of a logon; POP3 answers come in order and need none. */
const TAGS = { facts: 'f', logon: 'l', leave: 'x', pulse: 'n' } as const;
const OWNER = 'XOWNER';

const CODES: Readonly<Record<FailureCode, true>> = {
  ALREADYEXISTS: true,
  AUTHENTICATIONFAILED: true,
  AUTHORIZATIONFAILED: true,
  BADCHARSET: true,
  CANNOT: true,
  CLIENTBUG: true,
  CONTACTADMIN: true,
  CORRUPTION: true,
  EXPIRED: true,
  EXPUNGEISSUED: true,
  INUSE: true,
  LIMIT: true,
  NONEXISTENT: true,
  NOPERM: true,
  OVERQUOTA: true,
  PRIVACYREQUIRED: true,
  SERVERBUG: true,
  TOOBIG: true,
  TRYCREATE: true,
  UNAVAILABLE: true,
  USEATTR: true,
};
const isCode = (code: string): code is FailureCode => Object.hasOwn(CODES, code);

const oneLine = (text: string): string => text.replaceAll(/[\r\n\0]+/g, ' ').trim();

// --- front end ---

/** The whole logon: two commands in one flight. */
export function logonLines(protocol: ProxyProtocol, facts: string, named: NamedSession): string {
  const { account, mailbox, appPassword } = named;
  const ids = appPassword === null ? [account, mailbox] : [account, mailbox, appPassword];
  const authorization = Buffer.from(ids.join(' ')).toString('base64');
  return protocol === 'imap'
    ? `${TAGS.facts} XCLIENT ${facts}\r\n${TAGS.logon} AUTHENTICATE EXTERNAL ${authorization}\r\n`
    : `XCLIENT ${facts}\r\nAUTH EXTERNAL ${authorization}\r\n`;
}

export const leaveLine = (protocol: ProxyProtocol, sessions: readonly string[]): string =>
  `${protocol === 'imap' ? `${TAGS.leave} ` : ''}XLEAVE ${sessions.join(' ')}\r\n`;

export const pulseLine = (protocol: ProxyProtocol): string =>
  protocol === 'imap' ? `${TAGS.pulse} NOOP\r\n` : 'NOOP\r\n';

/** Null: no answer at all, who speaks there is no back end. */
export function parseAnswer(protocol: ProxyProtocol, line: string): ProxyAnswer | null {
  const match =
    protocol === 'imap'
      ? /^(\S+) (OK|NO|BAD|BYE)(?: \[([^\]]*)\])?(?: (.*))?$/s.exec(line)
      : /^()(\+OK|-ERR)(?: \[([^\]]*)\])?(?: (.*))?$/s.exec(line);
  if (match === null) return null;
  const [, tag = '', status = '', code = '', text = ''] = match;
  return { tag, ok: status === 'OK' || status === '+OK', code, text };
}

export const capabilitiesOf = ({ code }: ProxyAnswer): readonly string[] =>
  code.startsWith('CAPABILITY ') ? code.split(' ').slice(1) : [];

/** What became of a logon that was refused, as the back end in this process would have thrown it. */
export function failureOf({ code, text }: ProxyAnswer): Failure {
  const [name = '', owner = ''] = code.split(' ');
  if (name === OWNER && owner !== '') return new OwnedElsewhere(owner);
  // The user's password was right: whatever a back end finds wrong, it is not that.
  if (!isCode(name) || name === 'AUTHENTICATIONFAILED') return new Failure('UNAVAILABLE', text);
  return new Failure(name, text);
}

// --- back end ---

export const proxyGreeting = (protocol: ProxyProtocol, server: string): string =>
  protocol === 'imap'
    ? `* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=EXTERNAL XCLIENT XLEAVE] ${oneLine(server)} takes sessions from front ends.\r\n`
    : `+OK ${oneLine(server)} takes sessions from front ends\r\n`;

export function parseRequest(protocol: ProxyProtocol, line: string): ProxyRequest {
  const words = line.trimEnd().split(' ');
  const tag = protocol === 'imap' ? (words.shift() ?? '*') : '';
  const verb = (words.shift() ?? '').toUpperCase();
  const rest = words.join(' ');
  if (verb === 'AUTH') return { tag, verb: 'AUTHENTICATE', rest };
  return { tag, verb: verb === 'LOGOUT' ? 'QUIT' : verb, rest };
}

export function okLine(protocol: ProxyProtocol, tag: string, text: string, code = ''): string {
  const inBrackets = code === '' ? '' : `[${code}] `;
  return `${protocol === 'imap' ? `${tag} OK` : '+OK'} ${inBrackets}${oneLine(text)}\r\n`;
}

export function refusalLine(protocol: ProxyProtocol, tag: string, error: Failure): string {
  const code = error instanceof OwnedElsewhere ? `${OWNER} ${error.owner}` : error.code;
  return `${protocol === 'imap' ? `${tag} NO` : '-ERR'} [${code}] ${oneLine(error.message)}\r\n`;
}

export const badLine = (protocol: ProxyProtocol, tag: string, text: string): string =>
  `${protocol === 'imap' ? `${tag === '' ? '*' : tag} BAD` : '-ERR'} ${oneLine(text)}\r\n`;

export const farewellLine = (protocol: ProxyProtocol, text: string): string =>
  protocol === 'imap' ? `* BYE [UNAVAILABLE] ${oneLine(text)}\r\n` : `-ERR [UNAVAILABLE] ${oneLine(text)}\r\n`;

/** `EXTERNAL <base64>` behind AUTHENTICATE. Null: another mechanism, or nobody is named. */
export function namedSession(rest: string): NamedSession | null {
  const [mechanism = '', initial = '', more] = rest.split(' ');
  if (mechanism.toUpperCase() !== 'EXTERNAL' || more !== undefined) return null;
  const [account = '', mailbox = '', appPassword = null, extra] = (
    decodeBase64(Buffer.from(initial)) ?? Buffer.alloc(0)
  )
    .toString('utf8')
    .split(' ');
  if (account === '' || mailbox === '' || appPassword === '' || extra !== undefined) return null;
  return { account: accountId(account), mailbox: accountId(mailbox), appPassword };
}
