import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { Failure, ProtocolViolation } from '../../observe/failure.ts';
import { ANSWERED, SEEN } from '../../store/model.ts';
import { ByteWriter } from '../../wire/byte-writer.ts';
import { FOLDER_NAME_BYTES } from '../../wire/limits.ts';
import { STAR } from './ast.ts';
import { decodeBase64 } from './base64.ts';
import { printDateTime } from './date-time.ts';
import { writeFlagList } from './flag-list.ts';
import { literalAt } from './literal.ts';
import { decodeFolderName, encodeFolderName } from './mailbox-name.ts';
import { inRanges, resolveSet, writeNumbers } from './sequence-set.ts';
import { writeError, writeFolderName, writeString } from './write-response.ts';

function written(write: (out: ByteWriter) => unknown): string {
  const chunks: Buffer[] = [];
  const out = new ByteWriter((chunk) => chunks.push(chunk));
  write(out);
  out.flush();
  return Buffer.concat(chunks).toString('utf8');
}

describe('folder names', () => {
  const cases: Array<[wire: string, name: string]> = [
    ['~peter/mail/&U,BTFw-/&ZeVnLIqe-', '~peter/mail/台北/日本語'], // RFC 3501 §5.1.3
    ['Entw&APw-rfe', 'Entwürfe'],
    ['&2D3eAA-', '😀'],
    ['R&-D', 'R&D'],
    ['inbox', 'INBOX'],
    ['Inbox/Sub', 'INBOX/Sub'],
    ['Inboxes', 'Inboxes'],
  ];
  for (const [wire, name] of cases) {
    test(wire, () => {
      assert.equal(decodeFolderName(Buffer.from(wire), false), name);
      if (!/^inbox/i.test(wire)) assert.equal(encodeFolderName(name, false), wire);
    });
  }
  const forgiven: Array<[wire: string, name: string]> = [
    ['R&D', 'R&D'],
    ['R&D-2024', 'R&D-2024'],
    ['AT&T & more', 'AT&T & more'],
    ['Entwürfe', 'Entwürfe'],
    ['Entwu\u0308rfe', 'Entwürfe'],
    ['&2D0-', '&2D0-'], // half a surrogate pair
    ['&AAA-', '&AAA-'], // NUL
  ];
  for (const [wire, name] of forgiven) {
    test(`forgiven: ${wire}`, () => assert.equal(decodeFolderName(Buffer.from(wire), false), name));
  }
  test('after UTF8=ACCEPT "&" is itself', () => {
    assert.equal(decodeFolderName(Buffer.from('R&-D ü'), true), 'R&-D ü');
    assert.equal(encodeFolderName('R&D ü', true), 'R&D ü');
  });
  test('every name comes back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (text) => {
        const name = `x${text.normalize('NFC').replaceAll('\0', '')}`;
        if (Buffer.byteLength(name) > FOLDER_NAME_BYTES || !name.isWellFormed()) return;
        const wire = encodeFolderName(name, false);
        assert.match(wire, /^[\x20-\x7e]*$/);
        assert.equal(decodeFolderName(Buffer.from(wire), false), name);
      }),
    );
  });
  test('length', () => {
    assert.equal(decodeFolderName(Buffer.alloc(FOLDER_NAME_BYTES, 'x'), false).length, FOLDER_NAME_BYTES);
    assert.throws(() => decodeFolderName(Buffer.alloc(FOLDER_NAME_BYTES + 1, 'x'), false), ProtocolViolation);
    assert.throws(() => decodeFolderName(Buffer.alloc(1_000_000, '&'), false), ProtocolViolation);
  });
});

describe('sets', () => {
  const ranges = (...pairs: Array<[number, number]>) => pairs.map(([first, last]) => ({ first, last }));
  const cases: Array<[Array<[number, number]>, number, Array<[number, number]>]> = [
    [[[1, STAR]], 9, [[1, 9]]],
    [[[12, STAR]], 9, [[9, 12]]],
    [[[STAR, STAR]], 9, [[9, 9]]],
    [[[STAR, STAR]], 0, []],
    [[[1, STAR]], 0, []],
    [
      [
        [7, 7],
        [1, 3],
      ],
      9,
      [
        [1, 3],
        [7, 7],
      ],
    ],
    [
      [
        [1, 3],
        [4, 6],
      ],
      9,
      [[1, 6]],
    ],
    [
      [
        [1, 8],
        [2, 3],
        [8, 20],
      ],
      9,
      [[1, 20]],
    ],
  ];
  for (const [set, largest, expected] of cases) {
    test(`${JSON.stringify(set)} of ${largest}`, () => {
      assert.deepEqual(resolveSet({ kind: 'ranges', ranges: ranges(...set) }, largest), ranges(...expected));
    });
  }
  test('membership is what the ranges say', () => {
    const small = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(fc.array(fc.tuple(small, small), { minLength: 1 }), (pairs) => {
        const set = pairs.map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) }));
        const resolved = resolveSet({ kind: 'ranges', ranges: set }, 40);
        for (let n = 1; n <= 41; n += 1) {
          assert.equal(
            inRanges(resolved, n),
            set.some((range) => range.first <= n && n <= range.last),
          );
        }
      }),
    );
  });
  test('numbers are folded and order is kept', () => {
    assert.equal(
      written((out) => writeNumbers(out, [1, 2, 3, 7, 9, 8, 4294967295])),
      '1:3,7,9,8,4294967295',
    );
    assert.equal(
      written((out) => writeNumbers(out, Uint32Array.of(5, 6, 7, 8), 1, 3)),
      '6:7',
    );
    assert.equal(
      written((out) => writeNumbers(out, [])),
      '',
    );
  });
});

test('dates are always 28 characters', () => {
  assert.equal(printDateTime(837_596_665), '"17-Jul-1996 09:44:25 +0000"');
  assert.equal(printDateTime(0), '" 1-Jan-1970 00:00:00 +0000"');
  assert.equal(printDateTime(-1), '"31-Dec-1969 23:59:59 +0000"');
  assert.equal(printDateTime(1_709_251_199.9), '"29-Feb-2024 23:59:59 +0000"');
});

describe('strings', () => {
  const cases: Array<[string, boolean, string]> = [
    ['', false, '""'],
    ['a "b" \\', false, String.raw`"a \"b\" \\"`],
    ['a\r\nb', false, '{4}\r\na\r\nb'],
    ['ü', false, '{2}\r\nü'],
    ['ü', true, '"ü"'],
    ['x'.repeat(1025), false, `{1025}\r\n${'x'.repeat(1025)}`],
  ];
  for (const [text, utf8, expected] of cases) {
    test(JSON.stringify(text.slice(0, 10)), () =>
      assert.equal(
        written((out) => writeString(out, text, utf8)),
        expected,
      ),
    );
  }
});

describe('folder names in answers', () => {
  const cases: Array<[string, string]> = [
    ['INBOX', 'INBOX'],
    ['Work/2024', 'Work/2024'],
    ['nil', '"nil"'],
    ['trailing ', '"trailing "'],
    ['a%b', '"a%b"'],
    ['a\tb', 'a&AAk-b'],
    ['"', String.raw`"\""`],
    ['', '""'],
  ];
  for (const [name, expected] of cases) {
    test(JSON.stringify(name), () =>
      assert.equal(
        written((out) => writeFolderName(out, name, false)),
        expected,
      ),
    );
  }
});

test('flags', () => {
  assert.equal(
    written((out) => writeFlagList(out, 0)),
    '()',
  );
  assert.equal(
    written((out) => writeFlagList(out, SEEN | ANSWERED, ['$x'], true)),
    String.raw`(\Answered \Seen $x \Recent)`,
  );
});

test('errors: BAD, NO with code, and nothing of the inside', () => {
  assert.equal(
    written((out) => writeError(out, 'a', new ProtocolViolation('x\r\ny'))),
    'a BAD x y\r\n',
  );
  assert.equal(
    written((out) => writeError(out, 'a', new Failure('LIMIT', '[x] too many'))),
    'a NO [LIMIT] (x] too many\r\n',
  );
  assert.equal(
    written((out) => writeError(out, 'a', new Failure('BADCHARSET', 'no'))),
    'a NO [BADCHARSET (US-ASCII UTF-8)] no\r\n',
  );
  assert.doesNotMatch(
    written((out) => writeError(out, 'a', new Error('secret path'))),
    /secret/,
  );
});

describe('announcements of literals', () => {
  const cases: Array<[string, object | null]> = [
    ['a X {12}', { size: 12, synchronizing: true, binary: false, width: 4 }],
    ['a X {0+}', { size: 0, synchronizing: false, binary: false, width: 4 }],
    ['a X ~{5}', { size: 5, synchronizing: true, binary: true, width: 4 }],
    ['{7}', { size: 7, synchronizing: true, binary: false, width: 3 }],
    ['a X {}', null],
    ['a X {+}', null],
    ['a X {-1}', null],
    ['a X {1}x', null],
    ['a X {99999999999999999999}', null],
    ['}', null],
    ['', null],
  ];
  for (const [line, expected] of cases) test(line, () => assert.deepEqual(literalAt(Buffer.from(line)), expected));
});

test('base64 is strict', () => {
  assert.deepEqual(decodeBase64(Buffer.from('AGEAYg==')), Buffer.from('\0a\0b'));
  assert.deepEqual(decodeBase64(Buffer.from('')), Buffer.alloc(0));
  for (const bad of ['AGEAYg=', 'AGE', 'AG EA', 'AGE*', '=', 'AGEAYg==AGEA'])
    assert.equal(decodeBase64(Buffer.from(bad)), null);
});
