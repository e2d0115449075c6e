/** What is encoded decodes to the same bytes, in lines that pass anywhere. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeTransfer } from '../transfer-encoding.ts';
import { encodeBase64, encodeQuotedPrintable, encodeText } from './content-encoding.ts';

const text = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '--',
        '-',
        'From ',
        '=',
        ' ',
        '\t',
        '.',
        '\r\n',
        '\r\n\r\n',
        'ä',
        '€',
        '漢',
        '\u0001',
        'x'.repeat(100),
      ),
      fc.string(),
    ),
    { maxLength: 60 },
  )
  .map((pieces) => Buffer.from(pieces.join('').replaceAll(/\r(?!\n)|(?<!\r)\n/g, ''), 'utf8'));

test('encodes and decodes to the same bytes, in ASCII lines of bounded length', () => {
  fc.assert(
    fc.property(text, (bytes) => {
      const { encoding, bytes: encoded } = encodeText(bytes);
      assert.deepEqual(Buffer.from(decodeTransfer(encoded, encoding)), bytes);
      const limit = encoding === '7bit' ? 998 : 76;
      for (const line of encoded.toString('latin1').split('\r\n')) {
        assert.ok(line.length <= limit, `a line of ${line.length} octets in ${encoding}`);
        assert.match(line, /^[\u0001-\u007e]*$/u);
        assert.ok(!line.startsWith('--') && !line.startsWith('From '), line);
        if (encoding === 'quoted-printable') assert.doesNotMatch(line, /[ \t]$/);
      }
    }),
    { numRuns: 500 },
  );
});

test('quoted-printable takes any octets', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (octets) => {
      const bytes = Buffer.from(octets);
      assert.deepEqual(Buffer.from(decodeTransfer(encodeQuotedPrintable(bytes), 'quoted-printable')), bytes);
      assert.deepEqual(decodeTransfer(encodeBase64(bytes).bytes, 'base64'), bytes);
    }),
  );
});

const choices: ReadonlyArray<readonly [string, string, string]> = [
  ['plain ASCII stays', 'Hello\r\nworld\r\n', '7bit'],
  ['a lone CR does not', 'a\rb\r\n', 'quoted-printable'],
  ['nor does a line of 999 octets', `${'x'.repeat(999)}\r\n`, 'quoted-printable'],
  ['one of 998 does', `${'x'.repeat(998)}\r\n`, '7bit'],
  ['a signature mark may meet no boundary', 'me\r\n-- \r\nyou\r\n', 'quoted-printable'],
  ['some letters with accents', 'Grüße aus dem schönen Süden, und noch viel mehr\r\n', 'quoted-printable'],
  ['a text of other letters', 'Привет, как дела\r\n', 'base64'],
];
for (const [name, input, encoding] of choices) {
  test(name, () => assert.equal(encodeText(Buffer.from(input, 'utf8')).encoding, encoding));
}
