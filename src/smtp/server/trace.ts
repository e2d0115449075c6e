/**
 * Trace fields: Received and Return-Path (RFC 5321 §4.4), protocol names of RFC 3848 and RFC 6531 §4.3, the tls clause
 * of RFC 8314 §7.4; and the fields a submission server completes (RFC 6409 §8). Pure.
 */
import { randomUUID } from 'node:crypto';
import { isAddressLiteral, isDomain } from '../grammar/address.ts';

export interface TraceFacts {
  readonly greeting: 'HELO' | 'EHLO';
  /** Argument of HELO or EHLO. */
  readonly clientName: string;
  readonly clientAddress: string;
  readonly serverName: string;
  readonly authenticated: boolean;
  /** Cipher suite name, null in the clear. */
  readonly tlsCipher: string | null;
  readonly smtpUtf8: boolean;
  readonly id: string;
  /** Of the only recipient; null with several, who must not learn of each other (RFC 5321 §7.2). */
  readonly recipient: string | null;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** How it came, when that was not by SMTP. */
  readonly protocol?: 'HTTP';
}

export function receivedField(facts: TraceFacts): string {
  const literal = addressLiteral(facts.clientAddress);
  const from =
    isDomain(facts.clientName) || isAddressLiteral(facts.clientName) ? `${facts.clientName} (${literal})` : literal;
  const recipient = facts.recipient === null ? '' : `\r\n for <${facts.recipient}>`;
  const tls = facts.tlsCipher === null ? '' : `\r\n tls ${facts.tlsCipher}`;
  return (
    `Received: from ${from}\r\n by ${facts.serverName} with ${protocolName(facts)} id ${facts.id}` +
    `${recipient}${tls};\r\n ${mailDate(facts.at)}\r\n`
  );
}

/** The server that wrote a Received field (RFC 5321 §4.4 By-domain), in lower case; comments are passed over. */
export function receivedBy(value: string): string | null {
  const clauses = value.replaceAll(/\([^()]*\)/g, ' ');
  return /(?:^|\s)by\s+([^\s;]+)/i.exec(clauses)?.[1]?.toLowerCase() ?? null;
}

/** RFC 3848 §2, RFC 6531 §4.3. */
function protocolName({ greeting, authenticated, tlsCipher, smtpUtf8, protocol }: TraceFacts): string {
  if (protocol !== undefined) return protocol;
  const base = smtpUtf8 ? 'UTF8SMTP' : greeting === 'EHLO' ? 'ESMTP' : 'SMTP';
  if (base === 'SMTP') return base;
  return `${base}${tlsCipher === null ? '' : 'S'}${authenticated ? 'A' : ''}`;
}

export function addressLiteral(address: string): string {
  return address.includes(':') ? `[IPv6:${address.replace(/%.*$/, '')}]` : `[${address}]`;
}

/** `reversePath` empty: the null path. */
export function returnPathField(reversePath: string): string {
  return `Return-Path: <${reversePath}>\r\n`;
}

export function dateField(at: number): string {
  return `Date: ${mailDate(at)}\r\n`;
}

export function messageIdField(serverName: string): string {
  return `Message-ID: <${randomUUID()}@${serverName}>\r\n`;
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** RFC 5322 §3.3 date-time in UTC. */
export function mailDate(at: number): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, '0');
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  const day = `${DAYS[date.getUTCDay()]}, ${two(date.getUTCDate())} ${MONTHS[date.getUTCMonth()]}`;
  return `${day} ${date.getUTCFullYear()} ${time} +0000`;
}
