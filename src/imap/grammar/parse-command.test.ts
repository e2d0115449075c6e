import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { Failure, type ProtocolViolation } from '../../observe/failure.ts';
import { DELETED, FLAGGED, SEEN } from '../../store/model.ts';
import { IMAP_LIST_DEPTH, IMAP_SEARCH_KEYS, IMAP_SET_RANGES } from '../../wire/limits.ts';
import { messageLiteralExpected, parseBehindMessage } from './append-prefix.ts';
import { type Command, type CommandParts, type Literal, STAR } from './ast.ts';
import { anyAppendPrefix, anyCommand } from '../../../fuzz/imap-any-command.ts';
import { literalAt } from './literal.ts';
import { parseCommand } from './parse-command.ts';
import { printAppendPrefix, printCommand } from './print-command.ts';

/** What the reader does, on a whole buffer. */
function split(wire: Buffer): { parts: CommandParts; tail: ReturnType<typeof literalAt> } {
  const parts: Array<Buffer | Literal> = [];
  let rest = wire;
  for (;;) {
    const end = rest.indexOf('\r\n');
    const line = rest.subarray(0, end);
    const announced = literalAt(line);
    if (announced === null) {
      parts.push(line);
      return { parts, tail: null };
    }
    parts.push(line.subarray(0, line.length - announced.width));
    rest = rest.subarray(end + 2);
    if (rest.length === 0) return { parts, tail: announced };
    parts.push({ literal: rest.subarray(0, announced.size), binary: announced.binary });
    rest = rest.subarray(announced.size);
  }
}

const parse = (text: string, utf8 = false) => parseCommand(split(Buffer.from(`${text}\r\n`)).parts, utf8);

function refusal(text: string): ProtocolViolation | Failure {
  const command = parse(text);
  assert.equal(command.name, 'REFUSED', `${text} should be refused`);
  return command.name === 'REFUSED' ? command.error : assert.fail();
}

// structuredClone: fast-check makes objects without prototype.
describe('a command survives printing and parsing', () => {
  for (const utf8 of [false, true]) {
    test(`utf8=${utf8}`, () => {
      fc.assert(
        fc.property(anyCommand, (command) => {
          const { parts } = split(printCommand(command, utf8));
          assert.deepEqual(structuredClone(parseCommand(parts, utf8)), structuredClone(command));
        }),
        { numRuns: 2000 },
      );
    });
  }

  test('APPEND up to its message, and the next of a MULTIAPPEND', () => {
    fc.assert(
      fc.property(anyAppendPrefix, (first) => {
        const command: Command = { tag: 'a', name: 'APPEND', folder: 'Wörk', first };
        const { parts, tail } = split(printCommand(command));
        assert.ok(tail !== null);
        const parsed = messageLiteralExpected(parts, tail, false);
        assert.deepEqual(structuredClone(parsed), structuredClone({ ...command, first: { ...first, literal: tail } }));
        const line = Buffer.from(` ${printAppendPrefix(first)}`);
        const again = parseBehindMessage(line.subarray(0, line.length - tail.width), tail, false);
        assert.deepEqual(structuredClone(again), structuredClone({ ...first, literal: tail }));
      }),
    );
  });
});

describe('accepted', () => {
  const header = { part: [], text: 'HEADER.FIELDS', fields: ['Date', 'From'] };
  const cases: Array<[string, object]> = [
    ['a1 noop', { tag: 'a1', name: 'NOOP' }],
    ['a1 NOOP  ', { tag: 'a1', name: 'NOOP' }],
    [
      String.raw`a LOGIN DOMAIN\user pa%s*s(1)`,
      { name: 'LOGIN', user: String.raw`DOMAIN\user`, password: 'pa%s*s(1)' },
    ],
    [String.raw`a LOGIN "jo \"x\" \\" {3+}` + '\r\na b', { user: String.raw`jo "x" \ `.trim(), password: 'a b' }],
    ['a AUTHENTICATE plain', { mechanism: 'PLAIN', initial: null }],
    ['a AUTHENTICATE PLAIN =', { initial: Buffer.alloc(0) }],
    ['a AUTHENTICATE PLAIN AGEAYg==', { initial: Buffer.from('\0a\0b') }],
    ['a SELECT inbox', { name: 'SELECT', folder: 'INBOX', condstore: false }],
    ['a EXAMINE Inbox/x (CONDSTORE)', { name: 'EXAMINE', folder: 'INBOX/x', condstore: true }],
    ['a SELECT Straße', { folder: 'Straße' }],
    ['a SELECT R&D', { folder: 'R&D' }],
    ['a SELECT Entw&APw-rfe', { folder: 'Entwürfe' }],
    ['a CREATE Work/', { folder: 'Work', parentOnly: true }],
    [String.raw`a CREATE S (USE (\Sent))`, { folder: 'S', specialUse: ['sent'] }],
    ['a LIST "" %', { reference: '', patterns: ['%'], extended: false }],
    [
      'a LIST (SUBSCRIBED RECURSIVEMATCH) "" ("INBOX" "Sent/%") RETURN (CHILDREN STATUS (MESSAGES SIZE))',
      {
        patterns: ['INBOX', 'Sent/%'],
        select: ['SUBSCRIBED', 'RECURSIVEMATCH'],
        returns: { subscribed: false, children: true, specialUse: false, status: ['MESSAGES', 'SIZE'] },
        extended: true,
      },
    ],
    ['a STATUS x (messages UNSEEN messages)', { items: ['MESSAGES', 'UNSEEN'] }],
    [
      'a UID FETCH 1:*,7 (FLAGS BODY.PEEK[HEADER.FIELDS (Date From)]<0.100>) (CHANGEDSINCE 9 VANISHED)',
      {
        uid: true,
        set: {
          kind: 'ranges',
          ranges: [
            { first: 1, last: STAR },
            { first: 7, last: 7 },
          ],
        },
        items: [
          { item: 'FLAGS' },
          { item: 'BODY[]', peek: true, section: header, partial: { offset: 0, length: 100 } },
        ],
        changedSince: 9,
        vanished: true,
      },
    ],
    ['a FETCH 1 fast', { items: [{ item: 'FLAGS' }, { item: 'INTERNALDATE' }, { item: 'RFC822.SIZE' }] }],
    [
      'a FETCH 1 BODY[1.2.MIME]',
      { items: [{ item: 'BODY[]', peek: false, section: { part: [1, 2], text: 'MIME', fields: [] }, partial: null }] },
    ],
    ['a FETCH 1 (PREVIEW (LAZY) UID)', { items: [{ item: 'PREVIEW', lazy: true }, { item: 'UID' }] }],
    [
      String.raw`a STORE 2:4 -FLAGS.SILENT \Deleted \Seen x`,
      { op: 'remove', silent: true, change: { flags: DELETED | SEEN, keywords: ['x'] } },
    ],
    [String.raw`a STORE 1 FLAGS (\Recent \Flagged)`, { op: 'replace', change: { flags: FLAGGED, keywords: [] } }],
    ['a STORE 1 (UNCHANGEDSINCE 12) +FLAGS ()', { op: 'add', unchangedSince: 12, change: { flags: 0, keywords: [] } }],
    ['a SEARCH UNSEEN', { returns: null, key: { kind: 'not', key: { kind: 'flags', mask: SEEN } } }],
    [
      'a SEARCH RETURN () 1:3',
      { returns: { min: false, max: false, all: true, count: false, save: false, partial: null } },
    ],
    [
      'a SEARCH CHARSET ISO-8859-1 SUBJECT {5+}\r\nB\xe4r!',
      { key: { kind: 'header', name: 'subject', text: 'BÃ¤r!' } },
    ],
    [
      'a SEARCH CHARSET utf-8 OR (FROM a TO b) NOT SINCE 1-Feb-1994',
      {
        key: {
          kind: 'or',
          left: {
            kind: 'and',
            keys: [
              { kind: 'header', name: 'from', text: 'a' },
              { kind: 'header', name: 'to', text: 'b' },
            ],
          },
          right: { kind: 'not', key: { kind: 'date', column: 'internal', op: 'since', day: 8797 } },
        },
      },
    ],
    [String.raw`a SEARCH MODSEQ "/flags/\\draft" all 620162338`, { key: { kind: 'modseq', from: 620162338 } }],
    ['a UID EXPUNGE 3', { name: 'EXPUNGE', uid: true, uids: { kind: 'ranges', ranges: [{ first: 3, last: 3 }] } }],
    ['a ID NIL', { fields: null }],
    ['a ID ("name" "x" "os" NIL)', { fields: new Map([['name', 'x']]) }],
    ['a SORT (REVERSE DATE) UTF-8 ALL', { criteria: [{ key: 'date', reverse: true }] }],
    ['a UID THREAD references us-ascii ALL', { uid: true, algorithm: 'references' }],
  ];
  for (const [text, expected] of cases) {
    test(text.replaceAll('\r\n', ' '), () => {
      const command: object = parse(text);
      for (const [key, value] of Object.entries(expected)) assert.deepEqual(Reflect.get(command, key), value, key);
    });
  }
});

describe('refused with a text that says what was expected where', () => {
  const cases: Array<[string, RegExp]> = [
    ['', /expected a tag at the end/],
    ['+ NOOP', /expected a tag at byte 1/],
    ['a', /expected a space and a command/],
    ['a FOO', /unknown command/],
    ['a NOOP x', /NOOP: expected the end of the command at byte 8/],
    ['a SELECT', /SELECT: expected a space and a folder name at the end/],
    ['a SELECT "x', /SELECT: expected the closing quote/],
    ['a SELECT a b', /SELECT: expected "\("/],
    ['a FETCH 0 FLAGS', /FETCH: a set of message numbers cannot be 0/],
    ['a FETCH 4294967296 FLAGS', /larger than 4294967295/],
    ['a FETCH 1 (FLAGS', /expected "\)" at the end/],
    ['a FETCH 1 NONSENSE', /no such item/],
    ['a FETCH 1 BODY[MIME]', /MIME needs a part number/],
    ['a FETCH 1 BODY[]<0.0>', /cannot be 0/],
    ['a UID NOOP', /unknown command behind UID/],
    [String.raw`a STORE 1 FLAGS (\Nonsense)`, /no system flag/],
    ['a SEARCH SINCE 31-Feb-2024', /expected a date such as/],
    ['a SEARCH FOO', /no such search key/],
    ['a FETCH 1 FLAGS (VANISHED)', /VANISHED goes with UID FETCH/],
    ['a LIST (RECURSIVEMATCH) "" *', /needs SUBSCRIBED/],
    ['a APPEND x', /APPEND: expected a message literal/],
    ['a AUTHENTICATE PLAIN AGE', /not base64/],
    ['a SELECT {3+}\r\nx\0y', /no NUL/],
  ];
  for (const [text, expected] of cases) {
    test(JSON.stringify(text), () => assert.match(refusal(text).message, expected));
  }

  test('unknown charset and unknown special use are NO with a code, the tag kept', () => {
    const charset = parse('tag7 SEARCH CHARSET X-KLINGON SUBJECT x');
    assert.equal(charset.tag, 'tag7');
    const codes = [charset, parse(String.raw`a CREATE x (USE (\All))`)].map((each) =>
      each.name === 'REFUSED' && each.error instanceof Failure ? each.error.code : null,
    );
    assert.deepEqual(codes, ['BADCHARSET', 'USEATTR']);
  });

  test('a password is never quoted back', () => {
    assert.doesNotMatch(refusal('a LOGIN joe "secret').message, /secret|joe/);
  });
});

describe('limits', () => {
  test('nesting', () => {
    const nested = (n: number): string => `a SEARCH ${'('.repeat(n)}ALL${')'.repeat(n)}`;
    assert.equal(parse(nested(IMAP_LIST_DEPTH)).name, 'SEARCH');
    assert.match(refusal(nested(IMAP_LIST_DEPTH + 1)).message, /nested deeper/);
    assert.match(refusal(`a SEARCH ${'NOT '.repeat(IMAP_LIST_DEPTH + 1)}ALL`).message, /nested deeper/);
  });
  test('search keys', () => {
    assert.equal(parse(`a SEARCH ${'ALL '.repeat(IMAP_SEARCH_KEYS)}`).name, 'SEARCH');
    assert.match(refusal(`a SEARCH ${'ALL '.repeat(IMAP_SEARCH_KEYS + 1)}`).message, /search keys/);
  });
  test('ranges of a set', () => {
    assert.match(refusal(`a FETCH ${'1,'.repeat(IMAP_SET_RANGES)}1 FLAGS`).message, /ranges/);
  });
});

test('any bytes give a command or a refusal, never another error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), anyCommand, fc.nat(), (noise, command, at) => {
      const wire = printCommand(command);
      const cut = at % wire.length;
      const mixed = Buffer.concat([wire.subarray(0, cut), noise]);
      const parsed = parseCommand([Buffer.from(mixed.toString('latin1').replaceAll(/[\r\n]/g, ''), 'latin1')], false);
      assert.ok(typeof parsed.tag === 'string');
    }),
    { numRuns: 2000 },
  );
});
