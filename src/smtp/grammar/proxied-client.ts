/**
 * What a front end tells of the client whose submission it brings (XCLIENT, with Postfix's names where it has one), and
 * for whom it has authenticated that client (the identity of AUTH EXTERNAL). Pure; both sides use it.
 */
import ipaddr from 'ipaddr.js';
import type { TlsFacts } from '../../wire/socket-facts.ts';
import { parseAttributes, printAttributes } from './attributes.ts';

export interface ProxiedFacts {
  readonly session: string;
  readonly address: string;
  readonly port: number;
  /** Argument of its EHLO. */
  readonly helo: string;
  /** Null: it came in the clear. */
  readonly tls: TlsFacts | null;
  /** Id of the receive connector that took it: its limits count. */
  readonly connector: string;
}

export type ParsedProxied =
  | { readonly kind: 'ok'; readonly facts: ProxiedFacts }
  | { readonly kind: 'bad'; readonly reason: string };

const SESSION = /^[0-9a-f]{16}$/;
const ID = /^[0-9A-Za-z-]{1,100}$/;

export function printProxied({ session, address, port, helo, tls, connector }: ProxiedFacts): string {
  const pairs: Array<[string, string]> = [
    ['SESSION', session],
    ['ADDR', address],
    ['PORT', String(port)],
    ['HELO', helo],
    ['CONNECTOR', connector],
  ];
  if (tls !== null) {
    pairs.push(['TLS', tls.protocol], ['CIPHER', tls.cipher]);
    if (tls.serverName !== null) pairs.push(['SNI', tls.serverName]);
  }
  return `XCLIENT${printAttributes(new Map(pairs))}`;
}

export function parseProxied(text: string): ParsedProxied {
  const parsed = parseAttributes(text);
  if (parsed.kind === 'bad') return parsed;
  const value = (name: string): string => parsed.attributes.get(name) ?? '';
  const [session, address, port, connector, protocol] = ['SESSION', 'ADDR', 'PORT', 'CONNECTOR', 'TLS'].map(value);
  if (session === undefined || !SESSION.test(session)) return bad('SESSION must be 16 hex digits');
  if (address === undefined || !isIpAddress(address)) return bad('ADDR must be an IP address');
  if (port === undefined || !/^\d{1,5}$/.test(port)) return bad('PORT must be a number');
  if (connector === undefined || !ID.test(connector)) return bad('CONNECTOR must be an id');
  const serverName = parsed.attributes.get('SNI') ?? null;
  const tls = protocol === undefined || protocol === '' ? null : { protocol, cipher: value('CIPHER'), serverName };
  return { kind: 'ok', facts: { session, address, port: Number(port), helo: value('HELO'), tls, connector } };
}

const isIpAddress = (text: string): boolean => ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text);

/** Who authenticated, whose mailbox it is, and the app password that was used, if one was: ids. */
export const proxiedIdentity = (account: string, mailbox: string, appPassword: string | null): string =>
  appPassword === null ? `${account} ${mailbox}` : `${account} ${mailbox} ${appPassword}`;

/** Null: something else. */
export function parseIdentity(
  text: string,
): { readonly account: string; readonly mailbox: string; readonly appPassword: string | null } | null {
  const [account = '', mailbox = '', appPassword = null, ...more] = text.split(' ');
  if (!ID.test(account) || !ID.test(mailbox) || more.length > 0) return null;
  return appPassword === null || ID.test(appPassword) ? { account, mailbox, appPassword } : null;
}

const bad = (reason: string): ParsedProxied => ({ kind: 'bad', reason });
