import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { transferDecoder } from './transfer-decoder.ts';
import { decodeTransfer } from './transfer-encoding.ts';

function inPieces(bytes: Buffer, encoding: string, size: number): Buffer {
  const decoder = transferDecoder(encoding);
  assert.ok(decoder !== null);
  const out: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) out.push(Buffer.from(decoder.push(bytes.subarray(at, at + size))));
  out.push(decoder.end());
  return Buffer.concat(out);
}

const lines = (text: string, size = 76): string => text.replaceAll(new RegExp(`.{1,${size}}`, 'g'), '$&\r\n');
const binary = randomBytes(3001);
const uu = (bytes: Buffer): string => {
  const rows: string[] = [];
  for (let at = 0; at < bytes.length; at += 45) {
    const row = bytes.subarray(at, at + 45);
    const six = Array.from(row.toString('base64').replaceAll('=', 'A'), (one) =>
      String.fromCharCode(('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'.indexOf(one) || 64) + 32),
    );
    rows.push(String.fromCharCode(row.length + 32) + six.join(''));
  }
  return `A note in front\r\nbegin 644 file.bin\r\n${rows.join('\r\n')}\r\n\`\r\nend\r\nand behind\r\n`;
};

const BODIES: Readonly<Record<string, readonly string[]>> = {
  base64: [
    '',
    lines(binary.toString('base64')),
    lines(binary.toString('base64'), 74),
    lines(binary.toString('base64')).replaceAll('\r\n', ''),
    // Encoded line by line: each ends with padding.
    [binary.subarray(0, 100), binary.subarray(100, 151), binary.subarray(151)]
      .map((one) => `${one.toString('base64')}\r\n`)
      .join(''),
    `${binary.toString('base64')}\r\n-- \r\nfooter of a mailing list`,
    'QUJ',
    '====',
  ],
  'quoted-printable': [
    '',
    'Gr=C3=BC=C3=9Fe  \r\nsoft =\r\nbreak\t=\r\n=\r\nlast=',
    'a=3',
    '=zz = \r\n  x=20\r\n',
    'no line end',
  ],
  uuencode: [uu(binary), 'begin 644 x\r\n#0V%T\r\nend\r\n', 'begin 644 x\r\n#0V%T', 'nothing of the kind\r\n'],
};

describe('transfer encodings in pieces', () => {
  for (const [encoding, bodies] of Object.entries(BODIES))
    for (const [index, body] of bodies.entries())
      test(`${encoding} ${index}: the same as of the whole, wherever it is cut`, () => {
        const bytes = Buffer.from(body, 'latin1');
        const whole = decodeTransfer(bytes, encoding);
        for (const size of [1, 2, 3, 5, 64, 77, 1000, 100_000])
          assert.deepEqual(inPieces(bytes, encoding, size), whole, `pieces of ${size}`);
      });

  test('what is not encoded, or in a way nobody knows, has nothing to be taken off', () => {
    for (const encoding of ['7bit', '8bit', 'binary', 'x-unknown']) assert.equal(transferDecoder(encoding), null);
  });

  test('base64 of the whole is what was encoded', () => {
    assert.deepEqual(inPieces(Buffer.from(lines(binary.toString('base64'))), 'base64', 7), binary);
  });

  test('a quoted-printable line without an end is cut within no escape and loses no space', () => {
    const body = Buffer.from(`${'=C3=BC '.repeat(40_000)}end`);
    const whole = decodeTransfer(body, 'quoted-printable');
    for (const size of [997, 65_537]) assert.deepEqual(inPieces(body, 'quoted-printable', size), whole);
  });
});
