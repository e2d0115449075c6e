/**
 * The Name Constraints extension (RFC 5280 §4.2.1.10) as DER: a certificate authority that people put among their
 * trusted ones should be able to vouch for this organization's hosts and for nothing else.
 */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

export const NAME_CONSTRAINTS_OID = '2.5.29.30';
/** Tags of GeneralName (RFC 5280 §4.2.1.6), context specific. */
const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;
const SEQUENCE = 0x30;
const PERMITTED_SUBTREES = 0xa0;

/** Loopback and the ranges nobody can be reached at from outside (RFC 1918, RFC 4193, link-local). */
export const PRIVATE_RANGES = [
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  '::1/128',
  'fc00::/7',
  'fe80::/10',
] as const;

/** `dnsNames` cover themselves and all names below; `ipRanges` in CIDR. */
export function nameConstraints(dnsNames: readonly string[], ipRanges: readonly string[]): Buffer {
  const subtrees = [
    ...dnsNames.map((name) => der(SEQUENCE, der(DNS_NAME, Buffer.from(name, 'ascii')))),
    ...ipRanges.map((range) => der(SEQUENCE, der(IP_ADDRESS, addressAndMask(range)))),
  ];
  return der(SEQUENCE, der(PERMITTED_SUBTREES, Buffer.concat(subtrees)));
}

/** What a set of constraints written by `nameConstraints` permits. */
export interface Permitted {
  readonly dnsNames: readonly string[];
  /** Address, then mask, 8 or 32 bytes. */
  readonly ipRanges: readonly Uint8Array[];
}

/** Reads the DER again. @throws Error on anything else than permitted subtrees of DNS names and addresses */
export function parseNameConstraints(extension: Uint8Array): Permitted {
  const dnsNames: string[] = [];
  const ipRanges: Uint8Array[] = [];
  const [outer] = elements(extension);
  const [permitted, excluded] = outer?.tag === SEQUENCE ? elements(outer.content) : [];
  if (permitted?.tag !== PERMITTED_SUBTREES || excluded !== undefined) throw new Error('unknown name constraints');
  for (const subtree of elements(permitted.content)) {
    const [base, ...more] = subtree.tag === SEQUENCE ? elements(subtree.content) : [];
    if (base?.tag === DNS_NAME && more.length === 0) dnsNames.push(Buffer.from(base.content).toString('ascii'));
    else if (base?.tag === IP_ADDRESS && more.length === 0) ipRanges.push(base.content);
    else throw new Error('unknown name constraints');
  }
  return { dnsNames, ipRanges };
}

/** RFC 5280 §4.2.1.10: a DNS name and everything below it; an address within a range. */
export function permits({ dnsNames, ipRanges }: Permitted, name: string): boolean {
  if (isIP(name) === 0) {
    const lower = name.toLowerCase();
    return dnsNames.some((base) => base === '' || lower === base || lower.endsWith(`.${base}`));
  }
  const address = ipaddr.parse(name).toByteArray();
  return ipRanges.some(
    (range) =>
      range.length === address.length * 2 &&
      address.every((byte, at) => (byte & (range[address.length + at] ?? 0)) === range[at]),
  );
}

function elements(der: Uint8Array): ReadonlyArray<{ readonly tag: number; readonly content: Uint8Array }> {
  const found: Array<{ tag: number; content: Uint8Array }> = [];
  for (let at = 0; at < der.length; ) {
    const tag = der[at] ?? 0;
    let length = der[at + 1] ?? 0;
    let start = at + 2;
    if (length >= 0x80) {
      const size = length & 0x7f;
      length = 0;
      for (let i = 0; i < size; i += 1) length = length * 256 + (der[start + i] ?? 0);
      start += size;
    }
    if (start + length > der.length) throw new Error('name constraints are cut off');
    found.push({ tag, content: der.subarray(start, start + length) });
    at = start + length;
  }
  return found;
}

function addressAndMask(range: string): Buffer {
  const [text = '', bits = ''] = range.split('/');
  const prefix = Number(bits);
  if (isIP(text) === 0) throw new Error(`${range} is no address range`);
  const address = ipaddr.parse(text).toByteArray();
  const mask = address.map((_, at) => (0xff00 >> Math.min(8, Math.max(0, prefix - at * 8))) & 0xff);
  return Buffer.from([...address, ...mask]);
}

function der(tag: number, content: Uint8Array): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const size = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
