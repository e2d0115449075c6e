import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { ByteWriter } from '../wire/byte-writer.ts';
import { DotStuffer } from './dot-stuffing.ts';

function stuff(pieces: readonly Buffer[]): Buffer {
  const chunks: Buffer[] = [];
  const out = new ByteWriter((chunk) => chunks.push(chunk));
  const stuffer = new DotStuffer(out);
  for (const piece of pieces) stuffer.write(piece, 0, piece.length);
  stuffer.end();
  out.flush();
  return Buffer.concat(chunks);
}

/** Dots far apart, dots close together for longer than one search looks. */
const LONG = ['x'.repeat(1_100), 'b.'.repeat(8_192), `${'b.'.repeat(8_190)}b\n`] as const;

/** What a client does (RFC 1939 §3), written as plainly as possible. */
function unstuff(reply: Buffer): Buffer {
  const text = reply.toString('latin1');
  assert.ok(text.endsWith('.\r\n'));
  const body = text.slice(0, -3);
  assert.ok(body === '' || body.endsWith('\r\n'));
  assert.ok(!/(^|\r\n)\.\r\n/.test(body), 'the reply ended early');
  return Buffer.from(body.replace(/(^|\n)\./g, '$1'), 'latin1');
}

describe('DotStuffer', () => {
  const cases: ReadonlyArray<readonly [message: string, reply: string]> = [
    ['', '.\r\n'],
    ['a\r\n', 'a\r\n.\r\n'],
    ['a', 'a\r\n.\r\n'],
    ['.\r\n', '..\r\n.\r\n'],
    ['..\r\n.a\r\n', '...\r\n..a\r\n.\r\n'],
    ['a\r\n.\r\n', 'a\r\n..\r\n.\r\n'],
    ['a.\r\n', 'a.\r\n.\r\n'],
    ['a\r', 'a\r\r\n.\r\n'],
  ];
  for (const [message, reply] of cases) {
    it(JSON.stringify(message), () => {
      assert.equal(stuff([Buffer.from(message, 'latin1')]).toString('latin1'), reply);
    });
  }

  it('comes back whole however the message is cut', () => {
    const line = fc.constantFrom('.', '..', 'a', '\r\n', '\r\n.', '.\r\n', '\r', ' ', 'b.', '\r\n.\r\n', ...LONG);
    const message = fc.array(
      fc.array(line, { maxLength: 12 }).map((parts) => parts.join('')),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(message, (pieces) => {
        const whole = pieces.join('');
        const expected = whole === '' || whole.endsWith('\r\n') ? whole : `${whole}\r\n`;
        const reply = stuff(pieces.map((piece) => Buffer.from(piece, 'latin1')));
        assert.equal(unstuff(reply).toString('latin1'), expected);
      }),
      { numRuns: 500 },
    );
  });
});
