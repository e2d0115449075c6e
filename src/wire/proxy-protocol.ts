/**
 * The PROXY protocol, versions 1 and 2 (haproxy.org, proxy-protocol.txt): what a load balancer says in front of a
 * connection of the client behind it. Pure: bytes to facts. Who may be believed is the front end's business.
 */
import { Buffer } from 'node:buffer';
import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { crc32c } from './crc32c.ts';
import { PROXY_HEADER_BYTES, PROXY_TLVS } from './limits.ts';
import type { Ends } from './socket-facts.ts';

export type ProxyHeader =
  /** So far well-formed; more bytes are needed. */
  | { readonly kind: 'incomplete' }
  /** The client, and the address it connected to. `length`: bytes of the header, behind them the client's own begin. */
  | { readonly kind: 'proxied'; readonly length: number; readonly ends: Ends }
  /** LOCAL and UNKNOWN: the balancer speaks for itself (health checks), or says nothing of the client. */
  | { readonly kind: 'local'; readonly length: number }
  | { readonly kind: 'broken'; readonly reason: string };

const INCOMPLETE: ProxyHeader = { kind: 'incomplete' };
const broken = (reason: string): ProxyHeader => ({ kind: 'broken', reason });

const V1_PREFIX = Buffer.from('PROXY ', 'latin1');
/** "107-byte buffer is enough": the longest line with CRLF (§2.1). */
const V1_BYTES = 107;
const V2_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
/** Signature, version and command, family and protocol, length (§2.2). */
const V2_HEAD_BYTES = 16;
const TLV_HEAD_BYTES = 3;
const TLV_CRC32C = 0x03;
const CRC_BYTES = 4;

/** `bytes`: all that came so far. Takes as long as the header is, at most PROXY_HEADER_BYTES. */
export function parseProxyHeader(bytes: Buffer): ProxyHeader {
  if (beginsWith(bytes, V1_PREFIX)) return bytes.length < V1_PREFIX.length ? INCOMPLETE : parseV1(bytes);
  if (beginsWith(bytes, V2_SIGNATURE)) return bytes.length < V2_HEAD_BYTES ? INCOMPLETE : parseV2(bytes);
  return broken('no PROXY protocol header');
}

/** As far as there are bytes to compare. */
function beginsWith(bytes: Buffer, expected: Buffer): boolean {
  const size = Math.min(bytes.length, expected.length);
  return bytes.compare(expected, 0, size, 0, size) === 0;
}

function parseV1(bytes: Buffer): ProxyHeader {
  const line = bytes.toString('latin1', 0, Math.min(bytes.length, V1_BYTES));
  const end = line.indexOf('\r\n');
  if (end < 0) return bytes.length >= V1_BYTES ? broken(`no line end within ${V1_BYTES} bytes`) : INCOMPLETE;
  const length = end + 2;
  const [, family, source = '', destination = '', sourcePort = '', destinationPort = '', ...rest] = line
    .slice(0, end)
    .split(' ');
  if (family === 'UNKNOWN') return { kind: 'local', length };
  if (family !== 'TCP4' && family !== 'TCP6') return broken('unknown protocol family');
  if (rest.length > 0) return broken('more than six words');
  const isAddress = family === 'TCP4' ? isIPv4 : isIPv6WithoutZone;
  if (!isAddress(source) || !isAddress(destination)) return broken(`no ${family} address`);
  if (!isPort(sourcePort) || !isPort(destinationPort)) return broken('no port number');
  return {
    kind: 'proxied',
    length,
    ends: {
      remote: { address: plain(ipaddr.process(source)), port: Number(sourcePort) },
      local: { address: plain(ipaddr.process(destination)), port: Number(destinationPort) },
    },
  };
}

const isIPv6WithoutZone = (text: string): boolean => isIPv6(text) && !text.includes('%');
const isPort = (text: string): boolean => /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
/** One spelling, so that one client has one name in logs and limits, however the balancer wrote it. */
const plain = (address: ipaddr.IPv4 | ipaddr.IPv6): string => address.toString();

function parseV2(bytes: Buffer): ProxyHeader {
  const versionAndCommand = bytes.readUInt8(12);
  const family = bytes.readUInt8(13);
  const length = V2_HEAD_BYTES + bytes.readUInt16BE(14);
  const command = versionAndCommand & 0x0f;
  if (versionAndCommand >> 4 !== 2) return broken(`version ${versionAndCommand >> 4} of the binary header`);
  if (command > 1) return broken(`unknown command ${command}`);
  if (length > PROXY_HEADER_BYTES) return broken(`a header of ${length} bytes; ${PROXY_HEADER_BYTES} at most`);
  if (bytes.length < length) return INCOMPLETE;
  const header = bytes.subarray(0, length);
  // LOCAL: the family says nothing, whatever stands there (§2.2).
  const addresses = command === 0 ? ADDRESSES_UNSPECIFIED : ADDRESS_BYTES.get(family);
  if (addresses === undefined) return broken(`address family and protocol 0x${family.toString(16)} are not served`);
  const extensionsAt = V2_HEAD_BYTES + addresses * 2 + (addresses > 0 ? 4 : 0);
  if (extensionsAt > length) return broken('shorter than its addresses');
  // What follows the addresses of an unspecified family has no shape.
  if (addresses === 0) return { kind: 'local', length };
  const fault = faultOfExtensions(header, extensionsAt);
  if (fault !== null) return broken(fault);
  const portsAt = V2_HEAD_BYTES + addresses * 2;
  const addressAt = (at: number): string =>
    plain(ipaddr.process(ipaddr.fromByteArray([...header.subarray(at, at + addresses)]).toString()));
  return {
    kind: 'proxied',
    length,
    ends: {
      remote: { address: addressAt(V2_HEAD_BYTES), port: header.readUInt16BE(portsAt) },
      local: { address: addressAt(V2_HEAD_BYTES + addresses), port: header.readUInt16BE(portsAt + 2) },
    },
  };
}

const ADDRESSES_UNSPECIFIED = 0;
/** Bytes of one address: unspecified, TCP over IPv4, TCP over IPv6. Datagrams and Unix sockets carry no mail. */
const ADDRESS_BYTES: ReadonlyMap<number, number> = new Map([
  [0x00, ADDRESSES_UNSPECIFIED],
  [0x11, 4],
  [0x21, 16],
]);

/** Type-length-values behind the addresses are passed over, but for the checksum (§2.2.3). Null: sound. */
function faultOfExtensions(header: Buffer, begin: number): string | null {
  let at = begin;
  let checksumAt = 0;
  for (let count = 0; at < header.length; count += 1) {
    if (count === PROXY_TLVS) return `more than ${PROXY_TLVS} extensions`;
    if (at + TLV_HEAD_BYTES > header.length) return 'an extension is cut off';
    const type = header.readUInt8(at);
    const size = header.readUInt16BE(at + 1);
    const valueAt = at + TLV_HEAD_BYTES;
    if (valueAt + size > header.length) return 'an extension runs past the header';
    if (type === TLV_CRC32C) {
      if (size !== CRC_BYTES || checksumAt > 0) return 'the checksum extension is malformed';
      checksumAt = valueAt;
    }
    at = valueAt + size;
  }
  if (checksumAt === 0) return null;
  const zeroed = Buffer.from(header);
  zeroed.fill(0, checksumAt, checksumAt + CRC_BYTES);
  return crc32c(zeroed) === header.readUInt32BE(checksumAt) ? null : 'the checksum is wrong';
}
