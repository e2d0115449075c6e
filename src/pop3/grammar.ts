/**
 * POP3 lines as types: what a client may say (RFC 1939 §3, RFC 2449 §4) and how a reply is spelled (RFC 2449 §8,
 * RFC 3206). Shared by the front end, which speaks the AUTHORIZATION state, and the back end session.
 * Knows no socket, no mailbox.
 */
import { Buffer } from 'node:buffer';
import type { Failure } from '../observe/failure.ts';
import type { Mistake } from './texts/texts.ts';

const SPACE = 0x20;
const LF = 10;
const CR = 13;
/** RFC 1939 §3 has keywords of three or four letters; AUTH-like extensions stay below this. */
const KEYWORD_BYTES = 16;

export interface Pop3Line {
  /** Upper case; empty when the line starts with something that is no keyword. */
  readonly verb: string;
  /** What stands between spaces behind the verb; runs of spaces count as one. */
  readonly args: readonly Buffer[];
  /** Everything behind the one space that ends the verb, untouched: a password may hold and end in spaces. */
  readonly rest: Buffer;
}

/** Takes the line with or without its CRLF or LF. Never throws: what is no command has an empty verb. */
export function parsePop3Line(line: Buffer): Pop3Line {
  let end = line.length;
  if (end > 0 && line[end - 1] === LF) end -= 1;
  if (end > 0 && line[end - 1] === CR) end -= 1;
  let at = 0;
  while (at < end && line[at] !== SPACE) at += 1;
  const verb = keyword(line, at);
  const rest = line.subarray(Math.min(at + 1, end), end);
  const args: Buffer[] = [];
  let from = -1;
  for (let i = 0; i <= rest.length; i += 1) {
    const gap = i === rest.length || rest[i] === SPACE;
    if (gap && from >= 0) {
      args.push(rest.subarray(from, i));
      from = -1;
    } else if (!gap && from < 0) from = i;
  }
  return { verb, args, rest };
}

function keyword(line: Buffer, end: number): string {
  if (end > KEYWORD_BYTES) return '';
  for (let i = 0; i < end; i += 1) {
    const byte = line[i]!;
    if (byte < 0x21 || byte > 0x7e) return '';
  }
  return line.toString('latin1', 0, end).toUpperCase();
}

/** A decimal number without sign, at most nine digits: message numbers and TOP's line count. Null when it is none. */
export function parseNumber(text: Buffer): number | null {
  if (text.length === 0 || text.length > 9) return null;
  let value = 0;
  for (const byte of text) {
    if (byte < 0x30 || byte > 0x39) return null;
    value = value * 10 + (byte - 0x30);
  }
  return value;
}

/** What a client may ask in the TRANSACTION state, and what is wrong with it where it is wrong. */
export type TransactionCommand =
  | { readonly kind: 'stat' | 'noop' | 'rset' | 'quit' | 'capa' }
  /** `message` null: the whole listing. */
  | { readonly kind: 'list' | 'uidl'; readonly message: number | null }
  | { readonly kind: 'retr' | 'dele'; readonly message: number }
  | { readonly kind: 'top'; readonly message: number; readonly lines: number }
  /** RFC 6856 §3.2; `range` null: list the languages. */
  | { readonly kind: 'lang'; readonly range: string | null }
  /** `tooLateForIt`: a command of the AUTHORIZATION state (RFC 1939 §4), known, but too late. */
  | { readonly kind: 'invalid'; readonly mistake: Mistake; readonly verb: string };

const invalid = (mistake: Mistake, verb: string): TransactionCommand => ({ kind: 'invalid', mistake, verb });

export function parseTransactionCommand(line: Buffer): TransactionCommand {
  const { verb, args } = parsePop3Line(line);
  switch (verb) {
    case 'STAT':
    case 'NOOP':
    case 'RSET':
    case 'QUIT':
    case 'CAPA':
      if (args.length > 0) return invalid('takesNoArgument', verb);
      return { kind: bare[verb] };
    case 'LIST':
    case 'UIDL': {
      if (args.length > 1) return invalid('takesAtMostOneNumber', verb);
      const kind = verb === 'LIST' ? 'list' : 'uidl';
      if (args[0] === undefined) return { kind, message: null };
      const message = parseNumber(args[0]);
      return message === null ? invalid('noNumber', verb) : { kind, message };
    }
    case 'RETR':
    case 'DELE': {
      const message = args.length === 1 && args[0] !== undefined ? parseNumber(args[0]) : null;
      if (message === null) return invalid('takesOneNumber', verb);
      return { kind: verb === 'RETR' ? 'retr' : 'dele', message };
    }
    case 'TOP': {
      const [first, second] = args;
      if (first === undefined || second === undefined || args.length > 2) return invalid('topArguments', verb);
      const message = parseNumber(first);
      const lines = parseNumber(second);
      if (message === null || lines === null) return invalid('topArguments', verb);
      return { kind: 'top', message, lines };
    }
    case 'LANG': {
      const range = parseLanguageRange(args);
      return range === undefined ? invalid('takesOneTag', verb) : { kind: 'lang', range };
    }
    case 'USER':
    case 'PASS':
    case 'AUTH':
    case 'APOP':
    case 'STLS':
    case 'UTF8':
      return invalid('tooLateForIt', verb);
    case '':
      return invalid('noCommand', verb);
    default:
      return invalid('unknownCommand', verb);
  }
}

/** Octets of a language range that are read: RFC 5646 §4.4.1 advises to allow 35. */
const LANGUAGE_RANGE_BYTES = 35;

/** Argument of LANG (RFC 4647 §2.1 basic language range): null when there is none, undefined when it is none. */
export function parseLanguageRange(args: readonly Buffer[]): string | null | undefined {
  const [first] = args;
  if (first === undefined) return null;
  if (args.length > 1 || first.length > LANGUAGE_RANGE_BYTES) return undefined;
  const range = first.toString('latin1');
  return /^(?:\*|[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)$/.test(range) ? range : undefined;
}

const bare = { STAT: 'stat', NOOP: 'noop', RSET: 'rset', QUIT: 'quit', CAPA: 'capa' } as const;

/** RFC 2449 §8.1, RFC 3206 §4, RFC 6856 §5. */
export type Pop3ResponseCode = 'AUTH' | 'IN-USE' | 'LOGIN-DELAY' | 'SYS/TEMP' | 'SYS/PERM' | 'UTF8';

/** The response code a failure carries, null where none fits; an unknown error is a fault of ours and may pass. */
export function responseCodeOf(failure: Failure): Pop3ResponseCode | null {
  switch (failure.code) {
    case 'AUTHENTICATIONFAILED':
    case 'AUTHORIZATIONFAILED':
    case 'EXPIRED':
    case 'PRIVACYREQUIRED':
      return 'AUTH';
    case 'INUSE':
      return 'IN-USE';
    case 'UNAVAILABLE':
    case 'SERVERBUG':
    case 'LIMIT':
    case 'EXPUNGEISSUED':
      return 'SYS/TEMP';
    case 'CONTACTADMIN':
    case 'CORRUPTION':
      return 'SYS/PERM';
    default:
      return null;
  }
}

/** RFC 1939 §3: a reply is at most 512 bytes with its CRLF. */
const REPLY_BYTES = 512;

/**
 * A status line with its CRLF, cut at 512 bytes. RFC 2449 §3: its text is printable ASCII until the client has said
 * LANG (RFC 6856 §3.2); texts of errors may come from anywhere.
 */
export function statusLine(text: string, utf8 = false): string {
  const clean = utf8 ? text.replace(/[\p{Cc}\p{Cs}\u2028\u2029]/gu, '?') : text.replace(/[^\x20-\x7e]/g, '?');
  return `${cut(clean, REPLY_BYTES - 2)}\r\n`;
}

/** At most `limit` octets of UTF-8, no character cut. */
function cut(text: string, limit: number): string {
  if (text.length * 3 <= limit || Buffer.byteLength(text) <= limit) return text;
  const bytes = Buffer.from(text);
  let end = limit;
  while ((bytes[end]! & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}

export function okReply(text = ''): string {
  return statusLine(text === '' ? '+OK' : `+OK ${text}`);
}

export function errReply(text: string, code: Pop3ResponseCode | null = null): string {
  return statusLine(code === null ? `-ERR ${text}` : `-ERR [${code}] ${text}`);
}

/** What the front end and the client have agreed upon before the back end session takes over. */
export interface Pop3Negotiated {
  /** UTF8 (RFC 6856 §2.1). */
  readonly utf8: boolean;
  /** Tag that LANG has chosen, null: LANG was not used. */
  readonly language: string | null;
  /** USER and PASS are taken on this connection: CAPA says so in both states. */
  readonly password: boolean;
}

export interface Pop3CapabilityFacts {
  /** Logged on: the TRANSACTION state. */
  readonly authenticated: boolean;
  readonly encrypted: boolean;
  /** SASL mechanisms allowed on this connection (RFC 5034 §3). */
  readonly mechanisms: readonly string[];
  /** USER and PASS would be taken on this connection (LoginType); yes when missing. */
  readonly password?: boolean;
  /** Seconds, 0 or missing: none. */
  readonly loginDelay?: number;
}

/**
 * Lines of the CAPA listing (RFC 2449 §6, RFC 6856), without CRLF and without the final dot. EXPIRE NEVER is true: no
 * message leaves an Inbox because of its age. LOGIN-DELAY is the same for all users, so it needs no `USER`.
 */
export function pop3Capabilities(facts: Pop3CapabilityFacts): readonly string[] {
  const lines = ['TOP', 'UIDL', 'RESP-CODES', 'AUTH-RESP-CODE', 'PIPELINING', 'EXPIRE NEVER'];
  const delay = facts.loginDelay ?? 0;
  if (delay > 0) lines.push(`LOGIN-DELAY ${delay}`);
  lines.push('UTF8 USER', 'LANG');
  if (facts.password ?? true) lines.push('USER');
  if (facts.mechanisms.length > 0) lines.push(`SASL ${facts.mechanisms.join(' ')}`);
  // RFC 2595 §4: announced in both states, no longer once TLS is active.
  if (!facts.encrypted) lines.push('STLS');
  // RFC 2449 §6.9 allows it for TRANSACTION only: a stranger learns no more than the banner tells.
  if (facts.authenticated) lines.push('IMPLEMENTATION Penfold');
  return lines;
}
