import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { DataDecoder, LineEndGuard } from './data-reader.ts';

interface Outcome {
  readonly content: string;
  readonly rest: string | null;
  readonly bare: boolean;
}

/** Feeds the bytes in pieces of the given sizes (the last one repeats). `rest` null: the message has not ended. */
function decode(bytes: string, sizes: readonly number[] = [bytes.length + 1]): Outcome {
  const all = Buffer.from(bytes, 'latin1');
  const decoder = new DataDecoder();
  const content: string[] = [];
  let at = 0;
  for (let piece = 0; at < all.length; piece += 1) {
    const size = sizes[Math.min(piece, sizes.length - 1)] ?? 1;
    const chunk = Buffer.from(all.subarray(at, at + size));
    const decoded = decoder.decode(chunk);
    content.push(decoded.content.toString('latin1'));
    if (decoded.ended) {
      const rest = all.subarray(at + decoded.consumed).toString('latin1');
      return { content: content.join(''), rest, bare: decoder.hasBareLineEnd };
    }
    assert.equal(decoded.consumed, chunk.length);
    at += size;
  }
  return { content: content.join(''), rest: null, bare: decoder.hasBareLineEnd };
}

describe('DataDecoder', () => {
  const good: ReadonlyArray<readonly [wire: string, content: string]> = [
    ['.\r\n', ''],
    ['a\r\n.\r\n', 'a\r\n'],
    ['\r\n.\r\n', '\r\n'],
    ['..\r\n.\r\n', '.\r\n'],
    ['...\r\n.\r\n', '..\r\n'],
    ['.a\r\n.\r\n', 'a\r\n'],
    ['a\r\n..b\r\n..\r\n.\r\n', 'a\r\n.b\r\n.\r\n'],
    ['a.\r\n.\r\n', 'a.\r\n'],
    ['a\0b\xff\r\n.\r\n', 'a\0b\xff\r\n'],
  ];
  for (const [wire, content] of good) {
    it(JSON.stringify(wire), () => {
      for (const size of [1, 2, 3, 100]) {
        assert.deepEqual(decode(`${wire}NOOP\r\n`, [size]), { content, rest: 'NOOP\r\n', bare: false });
      }
    });
  }

  const smuggled = [
    '\n.\n',
    '\n.\r\n',
    '\r\n.\n',
    '\r.\r\n',
    '\r.\r',
    '\r\n.\r',
    '\n.\r',
    '\r\r\n.\n',
    '\r\n\0.\r\n\n',
    '\r\n.\r\r\n',
  ];
  for (const ending of smuggled) {
    it(`${JSON.stringify(ending)} does not end a message and makes it refused`, () => {
      for (const size of [1, 2, 100]) {
        const { rest, bare } = decode(`a${ending}MAIL FROM:<x@y>\r\n.\r\nQUIT\r\n`, [size]);
        assert.equal(rest, 'QUIT\r\n');
        assert.equal(bare, true);
      }
    });
  }

  it('gives back what a client stuffed, however it is cut', () => {
    const line = fc
      .array(fc.constantFrom('.', '..', 'a', ' ', '\0', 'b.'), { maxLength: 5 })
      .map((parts) => parts.join(''));
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), sizes, (lines, cuts) => {
        const wire = `${lines.map((each) => `${each.startsWith('.') ? '.' : ''}${each}\r\n`).join('')}.\r\nREST`;
        const content = lines.map((each) => `${each}\r\n`).join('');
        assert.deepEqual(decode(wire, cuts), { content, rest: 'REST', bare: false });
      }),
      { numRuns: 500 },
    );
  });

  it('judges any bytes the same, however they are cut', () => {
    const soup = fc.array(fc.constantFrom('\r', '\n', '.', 'x', '\r\n', '\r\n.\r\n'), { maxLength: 40 });
    fc.assert(
      fc.property(soup, fc.integer({ min: 1, max: 6 }), (parts, size) => {
        const wire = parts.join('');
        const whole = decode(wire);
        const cut = decode(wire, [size]);
        assert.equal(cut.rest, whole.rest);
        assert.equal(cut.bare, whole.bare);
        if (!whole.bare) assert.equal(cut.content, whole.content);
        const end = wire.startsWith('.\r\n') ? 0 : wire.indexOf('\r\n.\r\n');
        assert.equal(whole.rest === null, end < 0);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('LineEndGuard', () => {
  it('finds every bare CR and LF, however the bytes are cut', () => {
    const soup = fc.array(fc.constantFrom('\r', '\n', '\r\n', 'x', '\t', '\0'), { maxLength: 30 });
    fc.assert(
      fc.property(soup, fc.integer({ min: 1, max: 5 }), (parts, size) => {
        const text = parts.join('');
        const guard = new LineEndGuard();
        for (let at = 0; at < text.length; at += size) guard.watch(Buffer.from(text.slice(at, at + size), 'latin1'));
        assert.equal(guard.hasBareLineEnd, /\r(?!\n)|(?<!\r)\n/.test(text));
      }),
      { numRuns: 1000 },
    );
  });
});
