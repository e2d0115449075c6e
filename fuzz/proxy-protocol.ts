/**
 * Fuzz target: PROXY protocol headers. Whatever comes is told within its bound; a header that is whole stays the same
 * one whatever follows it, and names addresses and ports; a shorter part of it is never another header.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { PROXY_HEADER_BYTES } from '../src/wire/limits.ts';
import { parseProxyHeader } from '../src/wire/proxy-protocol.ts';

export const name = 'proxy-protocol';

const V2 = '\r\n\r\n\0\r\nQUIT\n';

export function seeds(): Buffer[] {
  return [
    'PROXY TCP4 192.0.2.7 198.51.100.10 33333 143\r\nA1 NOOP\r\n',
    'PROXY TCP6 2001:db8::1 ::ffff:192.0.2.7 33333 993\r\n',
    'PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n',
    'PROXY UNKNOWN\r\n',
    `${V2}\x20\0\0\0`,
    `${V2}\x21\x11\0\x0c\xc0\0\x02\x07\xc6\x33\x64\x0a\x82\x35\0\x8fEHLO x\r\n`,
    `${V2}\x21\x21\0\x24${'\x20\x01\x0d\xb8'.repeat(8)}\x82\x35\0\x8f`,
    `${V2}\x21\x11\0\x1a\xc0\0\x02\x07\xc6\x33\x64\x0a\x82\x35\0\x8f\x03\0\x04\x01\x02\x03\x04\x04\0\x04none`,
  ].map((seed) => Buffer.from(seed, 'latin1'));
}

export function run(input: Buffer): void {
  const whole = parseProxyHeader(input);
  if (whole.kind === 'incomplete') assert.ok(input.length < PROXY_HEADER_BYTES);
  if (whole.kind === 'broken') {
    assert.ok(whole.reason.length > 0);
    return;
  }
  for (let size = 0; size < Math.min(input.length, PROXY_HEADER_BYTES); size += 1) {
    const part = parseProxyHeader(input.subarray(0, size));
    const isWhole = whole.kind !== 'incomplete' && size >= whole.length;
    if (isWhole) assert.deepEqual(part, whole);
    else assert.equal(part.kind, 'incomplete');
  }
  if (whole.kind === 'incomplete') return;
  assert.ok(whole.length > 0 && whole.length <= Math.min(input.length, PROXY_HEADER_BYTES));
  if (whole.kind === 'local') return;
  for (const { address, port } of [whole.ends.remote, whole.ends.local]) {
    assert.ok(isIP(address) !== 0 && ipaddr.process(address).toString() === address, address);
    assert.ok(Number.isInteger(port) && port >= 0 && port <= 65_535);
  }
}
