import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { topLength } from './top.ts';

/** Fed byte by byte, whole, and cut anywhere: always the same answer. */
function measure(message: string, lines: number, cut: number): string {
  const bytes = Buffer.from(message, 'latin1');
  const scan = topLength(lines);
  for (let at = 0; at < bytes.length; at += cut) {
    const length = scan.next(bytes.subarray(at, at + cut));
    if (length !== null) return message.slice(0, length);
  }
  return message;
}

describe('topLength', () => {
  const message = 'A: 1\r\nB: 2\r\n\r\none\r\n\r\nthree\r\nfour';
  const cases = [
    [message, 0, 'A: 1\r\nB: 2\r\n\r\n'],
    [message, 1, 'A: 1\r\nB: 2\r\n\r\none\r\n'],
    [message, 2, 'A: 1\r\nB: 2\r\n\r\none\r\n\r\n'],
    [message, 3, 'A: 1\r\nB: 2\r\n\r\none\r\n\r\nthree\r\n'],
    [message, 9, message],
    ['A: 1\r\n', 5, 'A: 1\r\n'],
    ['\r\nbody\r\nmore\r\n', 1, '\r\nbody\r\n'],
    ['', 0, ''],
  ] as const;
  for (const [text, lines, top] of cases) {
    it(`${lines} lines of ${JSON.stringify(text)}`, () => {
      for (const cut of [1, 2, 3, 1000]) assert.equal(measure(text, lines, cut), top);
    });
  }

  it('does not depend on how the message is cut', () => {
    const piece = fc.constantFrom('\r\n', 'x', '\r', '\r\n\r\n', 'long line', '.');
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 30 }),
        fc.nat(5),
        fc.integer({ min: 1, max: 7 }),
        (parts, lines, cut) => {
          const text = parts.join('');
          assert.equal(measure(text, lines, cut), measure(text, lines, 1000));
        },
      ),
    );
  });
});
