/** Charsets, transfer encodings, folding, line ends, HTML: bytes to text and back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import iconv from 'iconv-lite';
import { decodeText } from './charset.ts';
import { foldBytes, foldText } from './fold.ts';
import { htmlToText } from './html-text.ts';
import { LineEndNormalizer } from './line-ends.ts';
import { decodeTransfer } from './transfer-encoding.ts';

const CHARSETS: ReadonlyArray<readonly [string | null, string, string]> = [
  [null, 'abc', 'abc'],
  [null, 'ö', 'c3b6'],
  [null, 'ö', 'f6'],
  ['us-ascii', 'ö', 'c3b6'],
  ['iso-8859-1', '€', '80'],
  ['ISO-8859-15', '€', 'a4'],
  ['iso-2022-jp', '日本', '1b2442467c4b5c1b2842'],
  ['shift_jis', '日本', '93fa967b'],
  ['gb18030', '你', 'c4e3'],
  ['gb2312', '你', 'c4e3'],
  ['big5', '你', 'a741'],
  ['euc-kr', '안', 'bec8'],
  ['ks_c_5601-1987', '안', 'bec8'],
  ['iso-2022-kr', '안 a', '1b2429430e3e480f2061'],
  ['hz-gb-2312', '你~a', '7e7b44637e7d7e7e61'],
  ['utf-7', '£', '2b414b4d2d'],
  ['cp850', 'ö', '94'],
  ['x-mac-roman', 'ö', '9a'],
  ['utf-16le', 'ö', 'f600'],
  ['x-unknown', 'ö', 'f6'],
  ['no such charset', 'ö', 'c3b6'],
  ['replacement', 'abc', '616263'],
];

for (const [charset, text, hex] of CHARSETS) {
  test(`${charset} ${hex}`, () => {
    const bytes = hex === 'abc' ? Buffer.from(hex) : Buffer.from(hex, 'hex');
    assert.equal(decodeText(bytes, charset), text);
  });
}

test('no label makes decoding throw', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 100 }), fc.uint8Array(), (label, bytes) => {
      decodeText(Buffer.from(bytes), label);
    }),
  );
  for (const label of ['hz', 'iso-2022-kr', 'utf-7', 'utf-16', 'iso-2022-jp', 'base64', 'hex', 'ucs2', 'utf-32']) {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => typeof decodeText(Buffer.from(bytes), label) === 'string'));
  }
  assert.ok(iconv.encodingExists('utf-7'));
});

test('transfer encodings', () => {
  const decode = (text: string, encoding: string): string =>
    decodeTransfer(Buffer.from(text, 'latin1'), encoding).toString('latin1');
  assert.equal(decode('SGVs\r\nbG8=\r\n', 'base64'), 'Hello');
  assert.equal(decode('SGVsbG8=\r\nSGVsbG8=\r\n', 'base64'), 'HelloHello');
  assert.equal(decode('SGVsbG8\r\n', 'base64'), 'Hello');
  assert.equal(decode('!!SGVs*bG8', 'base64'), 'Hello');
  assert.equal(decode('a=20b=\r\nc  \r\nd=zz', 'quoted-printable'), 'a bc\r\nd=zz');
  assert.equal(decode('x\r\nbegin 644 a.txt\r\n#0V%T\r\n`\r\nend\r\n', 'x-uuencode'), 'Cat');
  assert.equal(decode('begin 644 a\n%2&5L;&\\\nend', 'uuencode'), 'Hello');
  assert.equal(decode('no begin', 'x-uue'), 'no begin');
  assert.equal(decode('as it is =41', '8bit'), 'as it is =41');
  assert.equal(decode('as it is', 'x-invented'), 'as it is');
});

test('transfer decoding takes any bytes', () => {
  for (const encoding of ['base64', 'quoted-printable', 'x-uuencode']) {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const head = encoding === 'x-uuencode' ? 'begin 644 x\n' : '';
        const input = Buffer.concat([Buffer.from(head), bytes]);
        assert.ok(decodeTransfer(input, encoding).length <= input.length);
      }),
    );
  }
});

test('folding joins what differs in case only', () => {
  const pairs: ReadonlyArray<readonly [string, string]> = [
    ['HELLO', 'hello'],
    ['STRASSE', 'straße'],
    ['ΌΣΟΣ', 'όσος'],
    ['É', 'e\u0301'],
    ['ﬁ', 'FI'],
    ['ＡＢＣ', 'abc'],
    ['ПРИВЕТ', 'привет'],
  ];
  for (const [one, other] of pairs) assert.equal(foldText(one), foldText(other));
  assert.notEqual(foldText('각'), foldText('가'));
  assert.ok(foldText('ΣΑΣ ΑΣ').includes(foldText('ας')));
});

test('folding text and folding its bytes are one', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      assert.equal(foldBytes(Buffer.from(text, 'utf8')).toString('utf8'), foldText(text.toWellFormed()));
    }),
  );
  const ascii = Buffer.from('Abc');
  foldBytes(ascii)[0] = 0;
  assert.equal(ascii.toString(), 'Abc');
});

test('a bare LF becomes CRLF, a bare CR stays, in any chunks', () => {
  const normalize = (chunks: readonly string[]): string => {
    const normalizer = new LineEndNormalizer();
    return Buffer.concat(chunks.map((chunk) => normalizer.push(Buffer.from(chunk, 'latin1')))).toString('latin1');
  };
  assert.equal(normalize(['a\nb\r\nc\rd\r', '\n\n', '', '\r', '', '\n']), 'a\r\nb\r\nc\rd\r\n\r\n\r\n');
  fc.assert(
    fc.property(fc.array(fc.array(fc.constantFrom('\r', '\n', 'x')).map((chars) => chars.join(''))), (chunks) => {
      const text = chunks.join('');
      assert.equal(normalize(chunks), text.replaceAll(/(?<!\r)\n/g, '\r\n'));
      assert.equal(normalize([normalize(chunks)]), normalize(chunks));
    }),
  );
  const clean = Buffer.from('a\r\n');
  assert.equal(new LineEndNormalizer().push(clean), clean);
});

const PAGES: ReadonlyArray<readonly [string, string]> = [
  ['<p>a &amp; b</p><p>c</p>', 'a & b c'],
  ['x<b>y</b>z', 'xyz'],
  ['<head><title>t</title><style>p{}</style></head><body>seen<script>var a="<p>";</script></body>', 'seen'],
  ['<HEAD><title>never closed<body>seen', ''],
  ['<head><meta x>never closed<body>seen', 'seen'],
  ['a<!-- hidden -->b', 'ab'],
  ['a&nbsp;b&shy;c&#8203;d&#x26;&bogus;', 'a bcd&&bogus;'],
  ['a<br/>b<br>c', 'a b c'],
  ['<svg/>a<template><template>x</template>y</template>b', 'ab'],
  ['1 < 2 <', '1 < 2 <'],
  ['<td>a</td><td>b</td>', 'a b'],
];

for (const [html, text] of PAGES) {
  test(`text of ${html}`, () => assert.equal(htmlToText(html).replaceAll(/\s+/g, ' ').trim(), text));
}

test('HTML reading stops when there is enough and takes anything', () => {
  const html = '<p>word</p>'.repeat(100_000);
  assert.ok(htmlToText(html, 100).length < 10_000);
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => typeof htmlToText(`<a ${text}`) === 'string'));
});
