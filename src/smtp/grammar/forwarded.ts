/**
 * What XFORWARD says of a message that another server of the organization took in: its id and session, when it came,
 * by whom, and how much of what follows is header that server has put in front. Postfix's names where it has one
 * (ADDR, NAME, IDENT). Pure.
 */
import { Buffer } from 'node:buffer';
import { LMTP_PREFIX_BYTES } from '../../wire/limits.ts';
import { type Attributes, parseAttributes, printAttributes } from './attributes.ts';

export interface ForwardedOrigin {
  readonly clientAddress: string;
  readonly clientName: string;
  readonly connector: string;
  readonly authenticated: boolean;
  readonly messageId: string;
  readonly subject: string;
}

export interface ForwardedFacts {
  /** Id of the envelope where the message came in. */
  readonly id: string;
  /** Null: written by that server. */
  readonly session: string | null;
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
  /** Octets of trace and completed fields in front of what the client sent. */
  readonly prefixBytes: number;
  readonly ignoreQuota: boolean;
  /** Null: written by that server. */
  readonly origin: ForwardedOrigin | null;
}

export type ParsedForward =
  | { readonly kind: 'ok'; readonly facts: ForwardedFacts }
  | { readonly kind: 'bad'; readonly reason: string };

const ID = /^[0-9A-Za-z.-]{1,100}$/;
/** Texts that only feed logs are cut: the whole command has to fit into a line. */
const LOG_TEXT_BYTES = 300;

export function printForwarded(facts: ForwardedFacts): string {
  const { id, session, receivedAt, prefixBytes, ignoreQuota, origin } = facts;
  const pairs: Array<[string, string]> = [
    ['IDENT', id],
    ['RECEIVED', String(receivedAt)],
    ['PREFIX', String(prefixBytes)],
  ];
  if (session !== null) pairs.push(['SESSION', session]);
  if (ignoreQuota) pairs.push(['QUOTA', 'IGNORE']);
  if (origin !== null) {
    pairs.push(
      ['ADDR', origin.clientAddress],
      ['NAME', cut(origin.clientName)],
      ['CONNECTOR', cut(origin.connector)],
      ['LOGON', origin.authenticated ? 'YES' : 'NO'],
      ['MESSAGEID', cut(origin.messageId)],
      ['SUBJECT', cut(origin.subject)],
    );
  }
  return `XFORWARD${printAttributes(new Map(pairs))}`;
}

export function parseForwarded(text: string): ParsedForward {
  const parsed = parseAttributes(text);
  if (parsed.kind === 'bad') return parsed;
  const { attributes } = parsed;
  const id = attributes.get('IDENT') ?? '';
  const session = attributes.get('SESSION') ?? null;
  if (!ID.test(id) || (session !== null && !ID.test(session))) return bad('IDENT and SESSION must be ids');
  const receivedAt = number(attributes.get('RECEIVED'));
  const prefixBytes = number(attributes.get('PREFIX'));
  if (receivedAt === null || prefixBytes === null) return bad('RECEIVED and PREFIX must be numbers');
  if (prefixBytes > LMTP_PREFIX_BYTES) return bad(`PREFIX is more than ${LMTP_PREFIX_BYTES} octets`);
  const quota = attributes.get('QUOTA');
  if (quota !== undefined && quota !== 'IGNORE') return bad('QUOTA must be IGNORE');
  const origin = attributes.has('ADDR') ? originOf(attributes) : null;
  return {
    kind: 'ok',
    facts: { id, session, receivedAt, prefixBytes, ignoreQuota: quota === 'IGNORE', origin },
  };
}

function originOf(attributes: Attributes): ForwardedOrigin {
  const text = (name: string): string => attributes.get(name) ?? '';
  return {
    clientAddress: text('ADDR'),
    clientName: text('NAME'),
    connector: text('CONNECTOR'),
    authenticated: text('LOGON') === 'YES',
    messageId: text('MESSAGEID'),
    subject: text('SUBJECT'),
  };
}

const bad = (reason: string): ParsedForward => ({ kind: 'bad', reason });

function number(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

/** By octets of UTF-8, of which each may become three characters; never within a character. */
function cut(text: string): string {
  const bytes = Buffer.from(text.toWellFormed(), 'utf8');
  if (bytes.length <= LOG_TEXT_BYTES) return text.toWellFormed();
  let end = LOG_TEXT_BYTES;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}
