import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, test } from 'node:test';
import { crc32c } from './crc32c.ts';
import { PROXY_HEADER_BYTES, PROXY_TLVS } from './limits.ts';
import { parseProxyHeader, type ProxyHeader } from './proxy-protocol.ts';

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const V4 = Buffer.from('c0000207c633640a8235008f', 'hex'); // 192.0.2.7:33333 to 198.51.100.10:143
const V6 = Buffer.from(`20010db8${'0'.repeat(23)}120010db8${'0'.repeat(23)}28235008f`, 'hex');
const IN_V4 = 0x11;
const IN_V6 = 0x21;

function v2(versionAndCommand: number, family: number, ...body: readonly Buffer[]): Buffer {
  const rest = Buffer.concat(body);
  const head = Buffer.from([...SIGNATURE, versionAndCommand, family, rest.length >> 8, rest.length & 0xff]);
  return Buffer.concat([head, rest]);
}
const tlv = (type: number, value: Buffer): Buffer =>
  Buffer.concat([Buffer.from([type, value.length >> 8, value.length & 0xff]), value]);

/** With a checksum as its last extension, over everything. */
function summed(family: number, ...body: readonly Buffer[]): Buffer {
  const header = v2(0x21, family, ...body, tlv(3, Buffer.alloc(4)));
  header.writeUInt32BE(crc32c(header), header.length - 4);
  return header;
}

const text = (line: string): Buffer => Buffer.from(line, 'latin1');
const proxied = (length: number, from: readonly [string, number], to: readonly [string, number]): ProxyHeader => ({
  kind: 'proxied',
  length,
  ends: { remote: { address: from[0], port: from[1] }, local: { address: to[0], port: to[1] } },
});
const FROM_V4 = [['192.0.2.7', 33_333] as const, ['198.51.100.10', 143] as const] as const;
const FROM_V6 = [['2001:db8::1', 33_333] as const, ['2001:db8::2', 143] as const] as const;

const WHOLE: ReadonlyArray<readonly [what: string, header: Buffer, expected: ProxyHeader]> = [
  ['v1 TCP4', text('PROXY TCP4 192.0.2.7 198.51.100.10 33333 143\r\n'), proxied(46, ...FROM_V4)],
  ['v1 TCP6', text('PROXY TCP6 2001:db8::1 2001:db8::2 33333 143\r\n'), proxied(46, ...FROM_V6)],
  [
    'v1, the longest line',
    text(`PROXY UNKNOWN ${'f'.repeat(39)} ${'f'.repeat(39)} 65535 65535\r\n`),
    { kind: 'local', length: 107 },
  ],
  ['v1 UNKNOWN', text('PROXY UNKNOWN\r\n'), { kind: 'local', length: 15 }],
  [
    'v1, IPv4 written as IPv6 is the same client',
    text('PROXY TCP6 ::ffff:192.0.2.7 ::FFFF:198.51.100.10 33333 143\r\n'),
    proxied(60, ...FROM_V4),
  ],
  [
    'v1, IPv6 written at length is the same client',
    text('PROXY TCP6 2001:0DB8:0:0:0:0:0:1 2001:db8::2 33333 143\r\n'),
    proxied(56, ...FROM_V6),
  ],
  [
    // Found by the fuzz target: 32 bits of an IPv4 address it is not.
    'v1, ::ffff:10 is an IPv6 address like others',
    text('PROXY TCP6 ::ffff:10 2001:db8::2 33333 143\r\n'),
    proxied(44, ['::ffff:10', 33_333], FROM_V6[1]),
  ],
  ['v2 TCP over IPv4', v2(0x21, IN_V4, V4), proxied(28, ...FROM_V4)],
  ['v2 TCP over IPv6', v2(0x21, IN_V6, V6), proxied(52, ...FROM_V6)],
  [
    'v2, IPv4 mapped into IPv6',
    v2(0x21, IN_V6, Buffer.from('00000000000000000000ffffc000020700000000000000000000ffffc633640a8235008f', 'hex')),
    proxied(52, ...FROM_V4),
  ],
  ['v2 LOCAL', v2(0x20, 0), { kind: 'local', length: 16 }],
  ['v2 LOCAL, whatever its family says', v2(0x20, 0x77, Buffer.from([1, 2, 3])), { kind: 'local', length: 19 }],
  ['v2 PROXY of an unspecified family', v2(0x21, 0, Buffer.from([9])), { kind: 'local', length: 17 }],
  [
    'v2 with extensions',
    v2(0x21, IN_V4, V4, tlv(4, Buffer.alloc(9)), tlv(0xea, text('vpce'))),
    proxied(47, ...FROM_V4),
  ],
  ['v2 with a right checksum', summed(IN_V4, V4, tlv(0x20, Buffer.alloc(5))), proxied(43, ...FROM_V4)],
  [
    'v2 as long as may be',
    v2(0x21, IN_V4, V4, tlv(4, Buffer.alloc(PROXY_HEADER_BYTES - 31))),
    proxied(PROXY_HEADER_BYTES, ...FROM_V4),
  ],
];

describe('PROXY protocol', () => {
  for (const [what, header, expected] of WHOLE) {
    test(`${what}: read alike at once, with the client's bytes behind it, and byte by byte`, () => {
      assert.deepEqual(parseProxyHeader(header), expected);
      assert.deepEqual(parseProxyHeader(Buffer.concat([header, text('a LOGIN x y\r\nPROXY ')])), expected);
      for (let size = 0; size < header.length; size += 1)
        assert.deepEqual(parseProxyHeader(header.subarray(0, size)), { kind: 'incomplete' }, `${size} bytes`);
    });
  }

  const wrong = summed(IN_V4, V4);
  wrong.writeUInt8(wrong.readUInt8(16) ^ 1, 16);
  const BROKEN: ReadonlyArray<readonly [what: string, header: Buffer, reason: RegExp]> = [
    ['a TLS hello', Buffer.from([0x16, 3, 1]), /no PROXY protocol header/],
    ['a command', text('EHLO me\r\n'), /no PROXY protocol header/],
    ['nearly v1', text('PROXX'), /no PROXY protocol header/],
    ['nearly v2', Buffer.concat([SIGNATURE.subarray(0, 11), text('X')]), /no PROXY protocol header/],
    ['v1 without an end', text(`PROXY UNKNOWN ${'x'.repeat(93)}`), /no line end within 107 bytes/],
    ['v1, a family of its own', text('PROXY UDP4 192.0.2.7 192.0.2.8 1 2\r\n'), /unknown protocol family/],
    ['v1, no address', text('PROXY TCP4 192.0.2.777 192.0.2.8 1 2\r\n'), /no TCP4 address/],
    ['v1, the other family', text('PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n'), /no TCP4 address/],
    ['v1, a zone', text('PROXY TCP6 fe80::1%eth0 fe80::2 1 2\r\n'), /no TCP6 address/],
    ['v1, a port too many', text('PROXY TCP4 192.0.2.7 192.0.2.8 1 65536\r\n'), /no port number/],
    ['v1, a port with zeros in front', text('PROXY TCP4 192.0.2.7 192.0.2.8 01 2\r\n'), /no port number/],
    ['v1, no port', text('PROXY TCP4 192.0.2.7 192.0.2.8 1\r\n'), /no port number/],
    ['v1, two spaces', text('PROXY TCP4  192.0.2.7 192.0.2.8 1 2\r\n'), /more than six words/],
    ['v2, version 1', v2(0x11, IN_V4, V4), /version 1 of the binary header/],
    ['v2, command 2', v2(0x22, IN_V4, V4), /unknown command 2/],
    ['v2, datagrams', v2(0x21, 0x12, V4), /0x12 are not served/],
    ['v2, a Unix socket', v2(0x21, 0x31, Buffer.alloc(216)), /0x31 are not served/],
    ['v2, too short', v2(0x21, IN_V4, V4.subarray(1)), /shorter than its addresses/],
    ['v2, too long', v2(0x21, IN_V4, Buffer.alloc(PROXY_HEADER_BYTES - 15)), /a header of 4097 bytes; 4096 at most/],
    ['v2, an extension cut off', v2(0x21, IN_V4, V4, Buffer.from([4, 0])), /an extension is cut off/],
    ['v2, an extension past the end', v2(0x21, IN_V4, V4, Buffer.from([4, 0, 2, 1])), /runs past the header/],
    ['v2, too many extensions', v2(0x21, IN_V4, V4, Buffer.alloc(3 * (PROXY_TLVS + 1), 0)), /more than 64 extensions/],
    ['v2, a checksum of three bytes', v2(0x21, IN_V4, V4, tlv(3, Buffer.alloc(3))), /checksum extension is malformed/],
    ['v2, two checksums', summed(IN_V4, V4, tlv(3, Buffer.alloc(4))), /checksum extension is malformed/],
    ['v2, a wrong checksum', wrong, /the checksum is wrong/],
  ];
  for (const [what, header, reason] of BROKEN) {
    test(`refused: ${what}`, () => {
      const parsed = parseProxyHeader(header);
      assert.equal(parsed.kind, 'broken');
      assert.match(parsed.reason, reason);
    });
  }

  test('what announces too long a header is refused before it has come', () => {
    assert.equal(parseProxyHeader(v2(0x21, IN_V4, Buffer.alloc(PROXY_HEADER_BYTES)).subarray(0, 16)).kind, 'broken');
  });

  test('CRC32C as RFC 3720 B.4 has it', () => {
    assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa);
    assert.equal(crc32c(Buffer.alloc(32, 0xff)), 0x62a8ab43);
    assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283);
  });
});
