import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeWords } from './encoded-word.ts';

const octets = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

const VALUES: ReadonlyArray<readonly [string, string]> = [
  ['plain', 'plain'],
  // RFC 2047 §8
  ['=?ISO-8859-1?Q?a?=', 'a'],
  ['=?ISO-8859-1?Q?a?= b', 'a b'],
  ['=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=', 'ab'],
  ['=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=', 'ab'],
  ['=?ISO-8859-1?Q?a_b?=', 'a b'],
  ['=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=', 'a b'],
  ['=?US-ASCII*EN?Q?Keith_Moore?=', 'Keith Moore'],
  [
    '=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?= =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=',
    'If you can read this you understand the example.',
  ],
  // a character cut in two
  ['=?utf-8?q?=C3?= =?utf-8?q?=B6?=', 'ö'],
  ['=?UTF-8?B?w7?= =?utf-8?q?x?=', '\ufffdx'],
  ['=?utf-8?b?w7Y=?= =?utf-8?Q?=C3=B6?=', 'öö'],
  // charsets
  ['=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=', '日本'],
  ['=?gb2312?B?xOO6ww==?=', '你好'],
  ['=?euc-kr?B?vsiz5w==?=', '안녕'],
  ['=?koi8-r?Q?=F0=D2=C9=D7=C5=D4?=', 'Привет'],
  ['=?windows-1252?q?=80?=', '€'],
  ['=?no-such-charset?q?=C3=B6?=', 'ö'],
  // broken or unusual
  ['=?utf-8?q?no end', '=?utf-8?q?no end'],
  ['=?utf-8?x?abc?=', '=?utf-8?x?abc?='],
  ['=?utf-8?q?with spaces here?=', 'with spaces here'],
  ['=?utf-8?q?what?_x?=', 'what? x'],
  ['=?utf-8?q?=zz=4?=', '=zz=4'],
  ['"=?utf-8?q?quoted?=" <a@b>', '"quoted" <a@b>'],
  ['=?utf-8?q?first =?utf-8?q?second?=', '=?utf-8?q?first second'],
  ['=?utf-8?q??=', ''],
  ['=?utf-8?q?a=0D=0Ab=00c?=', 'a  b c'],
  [octets('raw Grüße'), 'raw Grüße'],
  ['raw Gr\xfc\xdfe', 'raw Grüße'],
  [`${octets('ö')} =?utf-8?q?=C3=B6?= \xf6`, 'ö ö ö'],
];

for (const [value, expected] of VALUES) {
  test(`decodes ${value}`, () => assert.equal(decodeWords(value, null), expected));
}

test('raw bytes that are not UTF-8 are read in the charset of the message', () => {
  assert.equal(decodeWords('\xf0\xd2\xc9\xd7\xc5\xd4', 'koi8-r'), 'Привет');
});

test('any text comes back from base64 words cut anywhere', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), fc.integer({ min: 1, max: 12 }), (text, size) => {
      const bytes = Buffer.from(text, 'utf8');
      const words: string[] = [];
      for (let at = 0; at < bytes.length; at += size) {
        words.push(`=?utf-8?B?${bytes.toString('base64', at, at + size)}?=`);
      }
      assert.equal(decodeWords(words.join(' '), null), text.replaceAll(/[\r\n\0]/g, ' '));
    }),
  );
});

test('hostile words take linear time', () => {
  for (const value of [
    '=?a?q?x'.repeat(150_000),
    `${'=?a?q?x'.repeat(150_000)}?=`,
    '=?'.repeat(500_000),
    '=?a?b?=?='.repeat(100_000),
  ]) {
    const started = performance.now();
    decodeWords(value, null);
    assert.ok(performance.now() - started < 3000, value.slice(0, 20));
  }
});
