import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MIME_PARAMETERS } from '../wire/limits.ts';
import { parameterText, parseContentType, parseDisposition, parseParameters } from './parameters.ts';

const brief = (value: string): string => {
  const parsed = parseContentType(value);
  if (parsed === null) return 'null';
  return [`${parsed.type}/${parsed.subtype}`, ...parsed.parameters.map((p) => `${p.name}=${p.value}`)].join('; ');
};

const TYPES: ReadonlyArray<readonly [string, string]> = [
  ['text/plain', 'text/plain'],
  ['TEXT/Plain; CharSet="utf-8"', 'text/plain; charset=utf-8'],
  ['text/plain; charset=us-ascii (Plain text)', 'text/plain; charset=us-ascii'],
  ['(c) text (d) / (e) html', 'text/html'],
  ['multipart/mixed; boundary="a\\"b;c"', 'multipart/mixed; boundary=a"b;c'],
  ['text', 'text/plain'],
  ['multipart; boundary=x', 'multipart/mixed; boundary=x'],
  ['message', 'message/rfc822'],
  ['text/', 'text/plain'],
  ['image', 'null'],
  ['', 'null'],
  ['/plain', 'null'],
  ['application/pdf; name=my report.pdf; x=y', 'application/pdf; name=my report.pdf; x=y'],
  ['text/plain; charset=utf-8 format=flowed', 'text/plain; charset=utf-8; format=flowed'],
  ['text/plain; charset="utf-8" format=flowed', 'text/plain; charset=utf-8; format=flowed'],
  ['text/plain charset=utf-8', 'text/plain; charset=utf-8'],
  ['text/plain; charset="utf-8', 'text/plain; charset=utf-8'],
  ['text/plain;; ; charset=a;', 'text/plain; charset=a'],
  ['text/plain; =x; novalue; a=', 'text/plain; a='],
  ['text/plain; name="=?utf-8?q?x?="', 'text/plain; name==?utf-8?q?x?='],
];

for (const [value, expected] of TYPES) {
  test(`content type ${JSON.stringify(value)}`, () => assert.equal(brief(value), expected));
}

const TEXTS: ReadonlyArray<readonly [string, string | null]> = [
  ['attachment; filename=a.txt', 'a.txt'],
  ['attachment; filename="a \\"b\\".txt"', 'a "b".txt'],
  ["attachment; filename*=utf-8''Gr%C3%BC%C3%9Fe.txt", 'Grüße.txt'],
  ["attachment; filename*=iso-8859-1'en'%A3%20rates", '£ rates'],
  // RFC 2231 §3, §4.1
  ['attachment; filename*0="one "; filename*1="two"', 'one two'],
  [
    "attachment; filename*0*=us-ascii'en-us'This%20is%20even%20more%20; filename*1*=%2A%2A%2Afun%2A%2A%2A%20; filename*2=\"isn't it!\"",
    "This is even more ***fun*** isn't it!",
  ],
  ["attachment; filename*1*=%B6.txt; filename*0*=utf-8''%C3", 'ö.txt'],
  ["attachment; filename=plain; filename*=utf-8''ext", 'ext'],
  ['attachment; filename="=?utf-8?q?Gr=C3=BC=C3=9Fe?="', 'Grüße'],
  ['attachment; filename*=no-quotes', 'no-quotes'],
  ["attachment; filename*=''%zz", '%zz'],
  ['attachment; filename*9=late; filename=plain', 'plain'],
  ['attachment', null],
];

for (const [value, expected] of TEXTS) {
  test(`file name of ${value}`, () => {
    assert.equal(parameterText(parseDisposition(value)?.parameters ?? [], 'filename', null), expected);
  });
}

test('keeps MIME_PARAMETERS of a longer list', () => {
  const value = Array.from({ length: MIME_PARAMETERS + 10 }, (_, i) => `; p${i}=${i}`).join('');
  assert.equal(parseParameters(value, 0).length, MIME_PARAMETERS);
});

test('never throws, and a quoted value comes back as it was', () => {
  const char = fc.constantFrom('a', '=', ';', '"', '\\', ' ', '*', '0', "'", '%', '(', ')', '/', '\xff');
  fc.assert(
    fc.property(fc.array(char, { maxLength: 40 }), (chars) => {
      const text = chars.join('');
      parameterText(parseContentType(text)?.parameters ?? [], 'a', null);
      const quoted = text.replaceAll(/["\\]/g, '\\$&');
      assert.equal(parseParameters(`; name="${quoted}"; x=y`, 0)[0]?.value, text);
    }),
    { numRuns: 1000 },
  );
});
