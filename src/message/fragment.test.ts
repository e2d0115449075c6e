/** Readers of a fragment: header fields, search and sort text, previews, sections. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteWriter } from '../wire/byte-writer.ts';
import { COMMON_FIELDS } from './field-names.ts';
import {
  commonFieldMask,
  commonFieldsLength,
  readParts,
  readPreview,
  readSearchText,
  readSortFields,
  readSortKey,
  type SearchField,
  writeCommonFields,
} from './fragment.ts';
import { selectFields } from './headers.ts';
import { REFERENCES_KEPT } from './message-id.ts';
import { parseMessage } from './scanner.ts';
import { decodePart, searchableText } from './search-text.ts';
import { findPart, sectionRange } from './sections.ts';

const message = (text: string): Buffer => Buffer.from(text.replaceAll('\n', '\r\n'), 'utf8');
const fragmentOf = (text: string): Buffer => parseMessage(message(text)).fragment;

function commonFields(bytes: Buffer, at: number, mask: number): Buffer {
  const chunks: Buffer[] = [];
  const out = new ByteWriter((chunk) => void chunks.push(chunk));
  writeCommonFields(out, bytes, at, mask);
  out.flush();
  return Buffer.concat(chunks);
}

test('a mask exists when every name is a common field', () => {
  assert.equal(commonFieldMask([]), 0);
  assert.equal(commonFieldMask(['FROM', 'from']), commonFieldMask(['From']));
  assert.equal(commonFieldMask(['From', 'X-Rare']), null);
  const all = commonFieldMask([...COMMON_FIELDS]);
  assert.ok(all !== null && Number.isSafeInteger(all) && all === 2 ** COMMON_FIELDS.length - 1);
});

test('common fields leave as the selected original bytes, wherever the fragment stands', () => {
  const names = [...COMMON_FIELDS, 'x-rare', 'received'];
  const line = fc
    .tuple(fc.constantFrom(...names), fc.constantFrom('', ' a', '\tb', ' folded\r\n line', ':::'))
    .map(([name, value]) => `${name}:${value}\r\n`);
  fc.assert(
    fc.property(
      fc.array(fc.oneof(line, fc.constant('junk\r\n'))),
      fc.subarray([...COMMON_FIELDS]),
      fc.nat(20),
      (lines, asked, at) => {
        const header = Buffer.from(`${lines.join('')}\r\n`, 'latin1');
        const bytes = Buffer.concat([Buffer.alloc(at, 0xff), parseMessage(header).fragment]);
        const mask = commonFieldMask(asked);
        assert.ok(mask !== null);
        const expected = Buffer.concat(selectFields(header, new Set(asked), false));
        assert.equal(commonFields(bytes, at, mask).toString('latin1'), expected.toString('latin1'));
        assert.equal(commonFieldsLength(bytes, at, mask), expected.length);
      },
    ),
    { numRuns: 500 },
  );
});

test('search text is decoded and folded', () => {
  const fragment = fragmentOf(
    'Subject: =?utf-8?q?GR=C3=9C=C3=9FE?= Two\nFrom: "A B" <A@B.example>\nTo: x@y\nTo: =?utf-8?q?=C3=96?= <z@y>\nCc: RÄW\n\n',
  );
  const text = (field: SearchField): string => {
    const { start, end } = readSearchText(fragment, 0, field);
    return fragment.toString('utf8', start, end);
  };
  assert.equal(text('subject'), 'grüsse two');
  assert.equal(text('from'), '"a b" <a@b.example>');
  assert.equal(text('to'), 'x@y, ö <z@y>');
  assert.equal(text('cc'), 'räw');
  assert.equal(text('bcc'), '');
});

test('sort and thread fields', () => {
  const fragment = fragmentOf(
    'From: =?utf-8?q?J=C3=96rg?= <Jo@X.example>, second@x\nTo: group: Member@Y.example;\nSubject: Fwd: [list] Hello\nMessage-ID: <"01KF"@x>\nReferences: <a@b> junk <"c"@d>\n <a@b>\nIn-Reply-To: <no@no>\n\n',
  );
  const fields = {
    baseSubject: 'hello',
    subjectIsReply: true,
    from: 'jo',
    to: 'member',
    cc: '',
    displayFrom: 'jörg',
    displayTo: 'member@y.example',
    messageId: '01KF@x',
    references: ['a@b', 'c@d'],
  };
  const bytes = Buffer.concat([Buffer.alloc(7), fragment]);
  assert.deepEqual(readSortFields(bytes, 7), fields);
  for (const key of ['baseSubject', 'from', 'to', 'cc', 'displayFrom', 'displayTo'] as const) {
    assert.equal(readSortKey(bytes, 7, key), fields[key]);
  }
  assert.deepEqual(readSortFields(fragmentOf('In-Reply-To: "x" <1@a> <2@a>\n\n'), 0).references, ['1@a']);
  assert.equal(readSortFields(fragmentOf('\n'), 0).messageId, null);
  assert.equal(readSortFields(fragmentOf('Message-ID: bare@id\n\n'), 0).messageId, 'bare@id');
});

test('of many references the first and the newest are kept', () => {
  const ids = Array.from({ length: REFERENCES_KEPT + 100 }, (_, i) => `<${i}@x>`);
  const { references } = readSortFields(fragmentOf(`References: ${ids.join('\n ')}\n\n`), 0);
  assert.equal(references.length, REFERENCES_KEPT);
  assert.equal(references[0], '0@x');
  assert.equal(references.at(-1), `${REFERENCES_KEPT + 99}@x`);
});

const PREVIEWS: ReadonlyArray<readonly [string, string]> = [
  ['\nhello \t\n\n world\n', 'hello world'],
  ['\n> quoted\nanswer\n-- \nsignature\n', 'answer'],
  ['\n> only quoted\n', '> only quoted'],
  ['Content-Transfer-Encoding: base64\n\nR3LDvMOfZQ==\n', 'Grüße'],
  [
    'Content-Transfer-Encoding: quoted-printable\nContent-Type: text/plain; charset=iso-8859-1\n\nGr=FC=DF=\ne\n',
    'Grüße',
  ],
  ['Content-Type: text/html\n\n<style>x</style><p>seen &amp; read</p>', 'seen & read'],
  [
    'Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>html</p>\n--b\n\nplain\n--b--',
    'plain',
  ],
  ['Content-Type: multipart/mixed; boundary=b\n\n--b\n\n \n--b\nContent-Type: text/html\n\n<p>html</p>\n--b--', 'html'],
  [
    'Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Disposition: attachment\n\nfile\n--b\n\nbody\n--b--',
    'body',
  ],
  ['Content-Type: image/png\n\nAAAA', ''],
  ['Content-Type: message/rfc822\n\nSubject: x\n\nenclosed', ''],
  [`\n${'😀'.repeat(300)}`, '😀'.repeat(200)],
  [`\n${'ab '.repeat(5000)}`, `${'ab '.repeat(66)}ab`],
  [`\n${'\n'.repeat(1500)}late`, 'late'],
];

for (const [text, preview] of PREVIEWS) {
  test(`preview ${JSON.stringify(preview.slice(0, 20))}`, () =>
    assert.equal(readPreview(fragmentOf(text), 0), preview));
}

const NESTED = message(
  'Subject: outer\nContent-Type: multipart/mixed; boundary=o\n\n--o\n\none\n--o\nContent-Type: message/rfc822\nContent-Disposition: attachment; filename="B\u00d6se.eml"\n\nSubject: Inner WORDS\nContent-Type: multipart/alternative; boundary=i\n\n--i\nContent-Transfer-Encoding: base64\n\nREVFUA==\n--i\nContent-Type: text/html\n\n<p>Marked <b>UP</b></p>\n--i--\n--o\nContent-Type: application/pdf\nContent-Transfer-Encoding: base64\n\nSElEREVO\n--o--\n',
);

test('section specifications find their bytes', () => {
  const parts = readParts(parseMessage(NESTED).fragment, 0);
  const cut = (path: number[], text: 'body' | 'mime' | 'header' | 'text'): string | null => {
    const range = sectionRange(parts, path, text);
    return range === null ? null : NESTED.toString('utf8', range.start, range.end);
  };
  assert.equal(cut([], 'body'), NESTED.toString('utf8'));
  assert.match(cut([], 'header') ?? '', /^Subject: outer\r\n[^]*boundary=o\r\n\r\n$/);
  assert.equal(cut([], 'header')! + cut([], 'text')!, NESTED.toString('utf8'));
  assert.equal(cut([], 'mime'), null);
  assert.equal(cut([1], 'body'), 'one');
  assert.equal(cut([1], 'mime'), '\r\n');
  assert.equal(cut([1], 'header'), null);
  assert.match(cut([2], 'mime') ?? '', /^Content-Type: message\/rfc822\r\n[^]*eml"\r\n\r\n$/);
  assert.match(cut([2], 'header') ?? '', /^Subject: Inner WORDS\r\n[^]*boundary=i\r\n\r\n$/);
  assert.equal(cut([2], 'header')! + cut([2], 'text')!, cut([2], 'body'));
  assert.equal(cut([2, 1], 'body'), 'REVFUA==');
  assert.equal(cut([2, 2], 'mime'), 'Content-Type: text/html\r\n\r\n');
  for (const path of [[4], [2, 3], [1, 1], [0]]) assert.equal(cut(path, 'body'), null);

  const single = message('Subject: s\n\nbody');
  const alone = readParts(parseMessage(single).fragment, 0);
  assert.deepEqual(sectionRange(alone, [1], 'body'), { start: 14, end: 18 });
  assert.deepEqual(sectionRange(alone, [1], 'mime'), { start: 0, end: 14 });
  assert.equal(sectionRange(alone, [1, 1], 'body'), null);
  assert.equal(findPart(alone, [2]), -1);

  const enclosing = message('Content-Type: message/rfc822\n\nSubject: s\n\nbody');
  const two = readParts(parseMessage(enclosing).fragment, 0);
  const inner = sectionRange(two, [1, 1], 'body');
  assert.equal(enclosing.toString('latin1', inner?.start, inner?.end), 'body');
  const head = sectionRange(two, [1], 'header');
  assert.equal(enclosing.toString('latin1', head?.start, head?.end), 'Subject: s\r\n\r\n');
});

test('searchable text holds all text, decoded and folded, and nothing else', () => {
  const parts = readParts(parseMessage(NESTED).fragment, 0);
  const text = searchableText(NESTED, parts).toString('utf8');
  for (const wanted of ['one', 'deep', 'marked up', 'inner words', 'böse.eml'])
    assert.ok(text.includes(wanted), wanted);
  for (const hidden of ['hidden', 'sElEREVO', '<p>', 'outer']) assert.ok(!text.includes(hidden.toLowerCase()), hidden);
  const pdf = parts.at(-1);
  assert.ok(pdf !== undefined);
  assert.equal(decodePart(NESTED, pdf).toString(), 'HIDDEN');
});

test('text in a shifting charset is searched as what it means', () => {
  const mail = Buffer.from('Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n\x1b$BF|K\\\x1b(B', 'latin1');
  assert.equal(searchableText(mail, readParts(parseMessage(mail).fragment, 0)).toString('utf8'), '日本\n');
});
