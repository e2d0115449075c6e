/**
 * What a front end tells the back end of its client: the attributes of XCLIENT, as Postfix and Dovecot have it for the
 * same purpose. `NAME=value` pairs with the values percent-encoded, so that they hold no space and no line end; a name
 * that is not known is skipped, so that servers of two versions understand each other. Pure; both sides use it.
 */
import { ProtocolViolation } from '../../observe/failure.ts';
import type { HandOver } from '../link.ts';

export type ClientFacts = Pick<
  HandOver,
  'session' | 'clientAddress' | 'clientPort' | 'tls' | 'clientId' | 'mechanisms' | 'pop3'
>;

/** Octets of what the client said of itself with ID that are passed on: it feeds logs only. */
export const CLIENT_ID_BYTES = 16 * 1024;
const SESSION = /^[0-9a-f]{16}$/;
const MOST_PORT = 65_535;

export function writeFacts(facts: ClientFacts): string {
  const { session, clientAddress, clientPort, tls, clientId, mechanisms, pop3 } = facts;
  const pairs: Array<readonly [string, string]> = [
    ['SESSION', session],
    ['ADDR', clientAddress],
  ];
  if (clientPort !== undefined) pairs.push(['PORT', String(clientPort)]);
  if (tls !== null) {
    pairs.push(['TLS', tls.protocol], ['CIPHER', tls.cipher]);
    if (tls.serverName !== null) pairs.push(['SNI', tls.serverName]);
  }
  if (mechanisms.length > 0) pairs.push(['MECHANISMS', mechanisms.join(',')]);
  if (clientId.size > 0) pairs.push(['ID', writeId(clientId)]);
  if (pop3 !== undefined) {
    pairs.push(['UTF8', flag(pop3.utf8)], ['USER', flag(pop3.password)]);
    if (pop3.language !== null) pairs.push(['LANG', pop3.language]);
  }
  return pairs.map(([name, value]) => `${name}=${encodeURIComponent(value.toWellFormed())}`).join(' ');
}

/** @throws ProtocolViolation */
export function parseFacts(text: string): ClientFacts {
  const values = new Map<string, string>();
  for (const pair of text.split(' ')) {
    const at = pair.indexOf('=');
    if (at < 1) throw new ProtocolViolation('XCLIENT takes NAME=value pairs');
    values.set(pair.slice(0, at).toUpperCase(), decoded(pair.slice(at + 1)));
  }
  const session = values.get('SESSION') ?? '';
  if (!SESSION.test(session)) throw new ProtocolViolation('XCLIENT: SESSION is missing or is no session id');
  const clientAddress = values.get('ADDR');
  if (clientAddress === undefined) throw new ProtocolViolation('XCLIENT: ADDR is missing');
  const port = values.get('PORT');
  const protocol = values.get('TLS');
  const language = values.get('LANG') ?? null;
  const utf8 = values.get('UTF8');
  return {
    session,
    clientAddress,
    ...(port === undefined ? {} : { clientPort: portNumber(port) }),
    tls:
      protocol === undefined
        ? null
        : { protocol, cipher: values.get('CIPHER') ?? 'unknown', serverName: values.get('SNI') ?? null },
    clientId: readId(values.get('ID') ?? ''),
    mechanisms: (values.get('MECHANISMS') ?? '').split(',').filter((name) => name !== ''),
    ...(utf8 === undefined ? {} : { pop3: { utf8: utf8 === '1', language, password: values.get('USER') === '1' } }),
  };
}

const flag = (value: boolean): string => (value ? '1' : '0');

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch (cause) {
    throw new ProtocolViolation('XCLIENT: a value is not percent-encoded UTF-8', { cause });
  }
}

function portNumber(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : MOST_PORT + 1;
  if (port > MOST_PORT) throw new ProtocolViolation('XCLIENT: PORT is no port');
  return port;
}

/** Whole fields only, as many as fit. */
function writeId(fields: ReadonlyMap<string, string>): string {
  let room = CLIENT_ID_BYTES;
  const parts: string[] = [];
  for (const [key, value] of fields) {
    const part = `${encodeURIComponent(key.toWellFormed())}=${encodeURIComponent(value.toWellFormed())}`;
    room -= part.length + 1;
    if (room < 0) break;
    parts.push(part);
  }
  return parts.join('&');
}

function readId(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const part of text.split('&')) {
    const at = part.indexOf('=');
    if (at >= 0) fields.set(decoded(part.slice(0, at)), decoded(part.slice(at + 1)));
  }
  return fields;
}
