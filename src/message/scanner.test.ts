/** MIME structure, ENVELOPE and BODYSTRUCTURE as bytes, limits, and streaming against one-shot parsing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HEADER_BYTES, MIME_BOUNDARY_BYTES, MIME_DEPTH, MIME_PARTS } from '../wire/limits.ts';
import { headerLength, readParts, SECTION, type Section, sectionEnd, sectionStart } from './fragment.ts';
import { MessageScanner, parseMessage } from './scanner.ts';

const message = (text: string): Buffer => Buffer.from(text.replaceAll('\n', '\r\n'), 'latin1');

function sectionOf(bytes: Buffer, section: Section): string {
  const { fragment } = parseMessage(bytes);
  return fragment.toString('latin1', sectionStart(fragment, 0, section), sectionEnd(fragment, 0, section));
}

const structure = (text: string): string =>
  sectionOf(message(text), SECTION.bodyStructure).slice(' BODYSTRUCTURE '.length);
const envelope = (text: string): string => sectionOf(message(text), SECTION.envelope).slice(' ENVELOPE '.length);

/** `1.2 text/plain "body"` for each part. */
function tree(text: string): string[] {
  const bytes = message(text);
  return readParts(parseMessage(bytes).fragment, 0).map((part) => {
    const body = part.mediaType.startsWith('multipart/')
      ? ''
      : ` ${JSON.stringify(bytes.toString('latin1', part.bodyStart, part.bodyEnd))}`;
    return `${part.path.join('.')} ${part.mediaType}${body}`;
  });
}

const plain = (octets: number, lines: number): string =>
  `("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" ${octets} ${lines} NIL NIL NIL NIL)`;

test('ENVELOPE', () => {
  const from = '(("A" NIL "a" "b"))';
  assert.equal(
    envelope('From: A <a@b>\nSubject: x\nDate: d\nMessage-ID: <i>\nIn-Reply-To: <j>\n\n'),
    `("d" "x" ${from} ${from} ${from} NIL NIL NIL "<j>" "<i>")`,
  );
  assert.equal(envelope('\nbody'), '(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)');
  assert.equal(envelope('Subject:\nDate: \n\n'), '("" "" NIL NIL NIL NIL NIL NIL NIL NIL)');
  assert.equal(envelope('Subject: a "b" \\c\n\n'), '(NIL "a \\"b\\" \\\\c" NIL NIL NIL NIL NIL NIL NIL NIL)');
  assert.equal(envelope('Subject: folded\n\tline\n\n'), '(NIL "folded\tline" NIL NIL NIL NIL NIL NIL NIL NIL)');
  assert.equal(envelope('Subject: \xf6\0x\n\n'), '(NIL {3}\r\n\xf6 x NIL NIL NIL NIL NIL NIL NIL NIL)');
  assert.equal(envelope('Subject: a\rb\n\n'), '(NIL "a b" NIL NIL NIL NIL NIL NIL NIL NIL)');
  assert.match(envelope(`Subject: ${'x'.repeat(5000)}\n\n`), /^\(NIL \{5000\}\r\nx{5000} NIL/);
  // Sender and Reply-To of their own; empty ones default; repeated To fields are one list, repeated subjects are not.
  assert.equal(
    envelope('From: a@b\nSender: s@b\nReply-To:\nTo: t@b\nSubject: 1\nTo: u@b\nSubject: 2\nCc: g: ;\n\n'),
    '(NIL "1" ((NIL NIL "a" "b")) ((NIL NIL "s" "b")) ((NIL NIL "a" "b")) ((NIL NIL "t" "b")(NIL NIL "u" "b")) ((NIL NIL "g" NIL)(NIL NIL NIL NIL)) NIL NIL NIL)',
  );
});

test('BODYSTRUCTURE of single parts with all extension data', () => {
  assert.equal(structure('\none\ntwo\n'), plain(10, 2));
  assert.equal(structure('Subject: no empty line'), plain(0, 0));
  assert.equal(structure(''), plain(0, 0));
  assert.equal(
    structure(
      'Content-Type: IMAGE/PNG; Name="a b.png"\nContent-ID: <i@d>\nContent-Description: A "picture"\nContent-Transfer-Encoding: BASE64\n' +
        'Content-MD5: Q2hlY2s=\nContent-Disposition: Attachment; FileName=x\nContent-Language: en, de (German)\nContent-Location: http://x\n\nAAAA\n',
    ),
    '("image" "png" ("name" "a b.png") "<i@d>" "A \\"picture\\"" "base64" 6 "Q2hlY2s=" ("attachment" ("filename" "x")) ("en" "de") "http://x")',
  );
  assert.equal(
    structure('Content-Type: text/html\nContent-Disposition: inline\nContent-Language: en\n\nx'),
    '("text" "html" NIL NIL NIL "7bit" 1 0 NIL ("inline" NIL) "en" NIL)',
  );
  assert.equal(structure('Content-Type: nonsense\n\nx'), plain(1, 0));
});

test('BODYSTRUCTURE of multiparts and enclosed messages', () => {
  assert.equal(
    structure(
      'Content-Type: multipart/alternative; boundary=b\n\npreamble\n--b\n\none\n--b\nContent-Type: text/html\n\ntwo\n--b--\nepilogue',
    ),
    `(${plain(3, 0)}("text" "html" NIL NIL NIL "7bit" 3 0 NIL NIL NIL NIL) "alternative" ("boundary" "b") NIL NIL NIL)`,
  );
  assert.equal(
    structure('Content-Type: message/rfc822\n\nSubject: inner\n\nbody\n'),
    `("message" "rfc822" NIL NIL NIL "7bit" 24 (NIL "inner" NIL NIL NIL NIL NIL NIL NIL NIL) ${plain(6, 1)} 3 NIL NIL NIL NIL)`,
  );
  const bytes = message('Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--');
  assert.equal(
    sectionOf(bytes, SECTION.body),
    ' BODY (("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 0) "mixed")',
  );
});

test('what the grammar has no form for is shown as text or bytes', () => {
  assert.equal(structure('Content-Type: multipart/mixed; boundary=b\n\nno delimiter\n'), plain(14, 1));
  assert.equal(structure('Content-Type: multipart/mixed\n\nno boundary\n'), plain(13, 1));
  assert.equal(structure('Content-Type: multipart/mixed; boundary=""\n\n--\nx\n'), plain(7, 2));
  assert.equal(structure('Content-Type: multipart/mixed; boundary=b\n\n--b'), plain(3, 0));
  assert.equal(structure('Content-Type: multipart/mixed; boundary=b\n\n--b\n'), plain(5, 1));
});

/** RFC 2046 §5.1, with the damage that mail brings. */
const TREES: ReadonlyArray<readonly [string, string, readonly string[]]> = [
  [
    'a delimiter directly behind the header',
    'Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--',
    [' multipart/mixed', '1 text/plain "x"'],
  ],
  [
    'parts without header or body',
    'Content-Type: multipart/mixed; boundary=b\n\n--b\n--b\n\n--b\n\n\n--b--',
    [' multipart/mixed', '1 text/plain ""', '2 text/plain ""', '3 text/plain ""'],
  ],
  [
    'a header cut off by a delimiter',
    'Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n--b\n\nx\n--b--',
    [' multipart/mixed', '1 text/html ""', '2 text/plain "x"'],
  ],
  [
    'no closing delimiter',
    'Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\ny',
    [' multipart/mixed', '1 text/plain "x\\r\\ny"'],
  ],
  [
    'delimiters behind the closing one are epilogue',
    'Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--\n--b\n\ny',
    [' multipart/mixed', '1 text/plain "x"'],
  ],
  [
    'an outer delimiter ends an inner multipart that is not closed',
    'Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/alternative; boundary=i\n\n--i\n\nx\n--o\n\ny\n--o--',
    [' multipart/mixed', '1 multipart/alternative', '1.1 text/plain "x"', '2 text/plain "y"'],
  ],
  [
    'of two boundaries that fit the longer one counts',
    'Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/mixed; boundary=ab\n\n--ab\n\nx\n--ab--\n--a\n\ny\n--a--',
    [' multipart/mixed', '1 multipart/mixed', '1.1 text/plain "x"', '2 text/plain "y"'],
  ],
  [
    'white space behind a delimiter',
    'Content-Type: multipart/mixed; boundary="b "\n\n--b \t\n\nx\n--b-- \n',
    [' multipart/mixed', '1 text/plain "x"'],
  ],
  [
    'dashes that are no delimiter',
    'Content-Type: multipart/mixed; boundary=b\n\n--b\n\n--\n-- \n--c\n---b\n--b--',
    [' multipart/mixed', '1 text/plain "--\\r\\n-- \\r\\n--c\\r\\n---b"'],
  ],
  [
    'digest parts are messages',
    'Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: s\n\nx\n--b\nContent-Type: text/plain\n\ny\n--b--',
    [' multipart/digest', '1 message/rfc822 "Subject: s\\r\\n\\r\\nx"', '1.1 text/plain "x"', '2 text/plain "y"'],
  ],
  [
    'an enclosed multipart has its part’s number',
    'Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: message/rfc822\n\nContent-Type: multipart/mixed; boundary=i\n\n--i\n\nx\n--i--\n--o--',
    [
      ' multipart/mixed',
      '1 message/rfc822 "Content-Type: multipart/mixed; boundary=i\\r\\n\\r\\n--i\\r\\n\\r\\nx\\r\\n--i--"',
      '1 multipart/mixed',
      '1.1 text/plain "x"',
    ],
  ],
  [
    'a message in the message',
    'Content-Type: message/rfc822\n\n\nx',
    [' message/rfc822 "\\r\\nx"', '1.1 text/plain "x"'],
  ],
  [
    'a boundary in RFC 2231 form',
    "Content-Type: multipart/mixed; boundary*0*=us-ascii''b%62; boundary*1=c\n\n--bbc\n\nx\n--bbc--",
    [' multipart/mixed', '1 text/plain "x"'],
  ],
  ['an mbox line and junk in the header', 'From a@b Thu Jan 1\njunk\nContent-Type: text/html\n\nx', [' text/html "x"']],
];

for (const [name, text, expected] of TREES) {
  test(name, () => {
    assert.deepEqual(tree(text), expected);
    const bytes = message(text);
    const whole = parseMessage(bytes);
    assert.ok(inChunks(bytes, [1]).fragment.equals(whole.fragment), 'differs byte by byte');
  });
}

test('bare LF reads as a line end', () => {
  const bytes = Buffer.from('Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--\n', 'latin1');
  const { fragment } = parseMessage(bytes);
  assert.equal(headerLength(fragment, 0), 43);
  assert.equal(readParts(fragment, 0)[1]?.bodyEnd, 49);
});

test('facts of the index row', () => {
  const parsed = parseMessage(
    message(
      'Date: Mon, 1 Jan 2024 00:30:00 +0200\nSubject: Re: [x] =?utf-8?q?H=C3=96?=\nMessage-ID: <a@b>\nReferences: <r@1> <r@2>\nIn-Reply-To: <z@z>\n\n',
    ),
  );
  assert.equal(parsed.sentDate, Date.UTC(2023, 11, 31, 22, 30) / 1000);
  assert.equal(parsed.sentDay, Date.UTC(2024, 0, 1) / 86_400_000);
  assert.equal(parsed.baseSubject, 'hö');
  assert.equal(parsed.threadKeys.length, 3);
  const reply = parseMessage(message('In-Reply-To: <"a"@b> (x)\n\n'));
  assert.deepEqual(reply.threadKeys, [parsed.threadKeys[0]]);
  assert.deepEqual(parseMessage(message('\n')).threadKeys, []);
});

test('nesting stops at MIME_DEPTH and the rest is bytes', () => {
  let text = '';
  for (let level = 0; level < MIME_DEPTH + 20; level += 1)
    text += `Content-Type: multipart/mixed; boundary=b${level}x\n\n--b${level}x\n`;
  const parts = readParts(parseMessage(message(`${text}\nbody`)).fragment, 0);
  assert.equal(parts.length, MIME_DEPTH + 1);
  assert.equal(parts.at(-1)?.mediaType, 'application/octet-stream');
  const messages = readParts(
    parseMessage(message('Content-Type: message/rfc822\n\n'.repeat(MIME_DEPTH + 20))).fragment,
    0,
  );
  assert.equal(messages.length, MIME_DEPTH + 1);
  assert.equal(messages.at(-1)?.mediaType, 'application/octet-stream');
});

test('parts stop at MIME_PARTS and the rest stays inside the multipart', () => {
  const bytes = message(`Content-Type: multipart/mixed; boundary=b\n\n${'--b\n\nx\n'.repeat(MIME_PARTS + 50)}--b--\n`);
  const parts = readParts(parseMessage(bytes).fragment, 0);
  assert.equal(parts.length, MIME_PARTS);
  assert.equal(parts[0]?.bodyEnd, bytes.length);
  assert.equal(bytes.toString('latin1', parts.at(-1)?.bodyStart, parts.at(-1)?.bodyEnd), 'x');
});

test('a boundary longer than MIME_BOUNDARY_BYTES is none', () => {
  const text = (length: number): string => {
    const boundary = 'b'.repeat(length);
    return `Content-Type: multipart/mixed; boundary=${boundary}\n\n--${boundary}\n\nx\n--${boundary}--`;
  };
  assert.equal(tree(text(MIME_BOUNDARY_BYTES)).length, 2);
  assert.equal(tree(text(MIME_BOUNDARY_BYTES + 1)).length, 1);
});

test('a header is read up to HEADER_BYTES and found whole', () => {
  for (const overhang of [-30, -3, -2, -1, 0, 1, 2, 3, 40]) {
    const filler = `X: ${'y'.repeat(HEADER_BYTES + overhang - 16 - 3)}\r\n`;
    const bytes = Buffer.from(`Subject: early\r\n${filler}Cc: late@x\r\n\r\nbody`, 'latin1');
    const whole = parseMessage(bytes);
    assert.equal(headerLength(whole.fragment, 0), bytes.length - 4);
    const text = sectionOf(bytes, SECTION.envelope);
    assert.ok(text.includes('"early"') && text.includes('"late"') === overhang < -10, String(overhang));
    assert.ok(inChunks(bytes, [HEADER_BYTES - 40, 1, 1, 1, 7]).fragment.equals(whole.fragment));
  }
});

test('a line that never ends streams in linear time', () => {
  const scanner = new MessageScanner();
  const started = performance.now();
  for (let i = 0; i < 200_000; i += 1) scanner.write(Buffer.from('x: yyyyy'));
  assert.equal(scanner.end().size, 1_600_000);
  assert.ok(performance.now() - started < 5000);
});

/** The scanner is given buffers that are overwritten afterwards, as a socket's may be. */
function inChunks(bytes: Buffer, sizes: readonly number[]): ReturnType<typeof parseMessage> {
  const scanner = new MessageScanner();
  for (let at = 0, i = 0; at < bytes.length; i += 1) {
    const size = Math.max(1, sizes[i % sizes.length] ?? 1);
    const chunk = Buffer.from(bytes.subarray(at, at + size));
    scanner.write(chunk);
    chunk.fill(0x2d);
    at += size;
  }
  return scanner.end();
}

const HEADER_LINES = [
  'Content-Type: multipart/mixed; boundary=b',
  'Content-Type: multipart/alternative; boundary="bb"',
  'Content-Type: multipart/digest; boundary=--',
  'Content-Type: message/rfc822',
  'Content-Type: text/html',
  'Subject: =?utf-8?q?x?=',
  'From: a@b',
  'no colon',
  ' folded',
];
const BODY_LINES = ['--b', '--bb', '--b--', '--bb--', '----', '-', '', 'text', '>quoted', '--'];

test('any mail, in any chunks, gives one fragment', () => {
  const line = fc.oneof(
    fc.constantFrom(...HEADER_LINES),
    fc.constantFrom(...BODY_LINES),
    fc.string({ unit: 'binary-ascii', maxLength: 5 }),
  );
  const lineEnd = fc.constantFrom('\r\n', '\n', '\r', '\r\r\n', '');
  const mail = fc
    .array(fc.tuple(line, lineEnd), { maxLength: 40 })
    .map((lines) => lines.map((pair) => pair.join('')).join(''));
  fc.assert(
    fc.property(mail, fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 }), (text, sizes) => {
      const bytes = Buffer.from(text, 'latin1');
      const whole = parseMessage(bytes);
      const streamed = inChunks(bytes, sizes);
      assert.ok(streamed.fragment.equals(whole.fragment));
      assert.deepEqual({ ...streamed, fragment: null }, { ...whole, fragment: null });
    }),
    { numRuns: 3000 },
  );
});
