import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ByteWriter } from './byte-writer.ts';
import { OUTPUT_BUFFER_BYTES } from './limits.ts';

type Step = { ascii: string } | { number: number } | { bytes: Uint8Array } | { utf8: string };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ ascii: fc.string({ unit: 'binary-ascii', maxLength: 300 }) }),
  fc.record({ number: fc.maxSafeNat() }),
  fc.record({ number: fc.nat(20) }),
  fc.record({ bytes: fc.uint8Array({ maxLength: 400 }) }),
  fc.record({ utf8: fc.string({ unit: 'grapheme' }) }),
);

function plain(steps: readonly Step[]): Buffer {
  return Buffer.concat(
    steps.map((one) => {
      if ('ascii' in one) return Buffer.from(one.ascii, 'latin1');
      if ('number' in one) return Buffer.from(String(one.number));
      if ('bytes' in one) return Buffer.from(one.bytes);
      return Buffer.from(one.utf8);
    }),
  );
}

function written(steps: readonly Step[]): { chunks: Buffer[] } {
  const chunks: Buffer[] = [];
  const out = new ByteWriter((chunk) => chunks.push(chunk));
  for (const one of steps) {
    if ('ascii' in one) out.ascii(one.ascii);
    else if ('number' in one) out.number(one.number);
    else if ('bytes' in one) out.bytes(one.bytes);
    else out.utf8(one.utf8);
  }
  out.flush();
  return { chunks };
}

describe('ByteWriter', () => {
  test('what is written comes out, in order', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        assert.ok(Buffer.concat(written(steps).chunks).equals(plain(steps)));
      }),
    );
  });

  test('a long answer comes in few large chunks', () => {
    const steps: Step[] = Array.from({ length: 40_000 }, (_, i) => ({ ascii: `* ${i} FETCH (FLAGS (\\Seen))\r\n` }));
    const { chunks } = written(steps);
    assert.ok(Buffer.concat(chunks).equals(plain(steps)));
    const bytes = plain(steps).length;
    assert.ok(
      chunks.length <= Math.ceil(bytes / OUTPUT_BUFFER_BYTES) + 3,
      `${chunks.length} chunks for ${bytes} bytes`,
    );
  });

  test('a large range is passed on without a copy', () => {
    const large = Buffer.alloc(OUTPUT_BUFFER_BYTES, 'x');
    const { chunks } = written([{ ascii: 'head' }, { bytes: large }, { ascii: 'tail' }]);
    assert.deepEqual(
      chunks.map((chunk) => chunk.length),
      [4, large.length, 4],
    );
    assert.equal(chunks[1]?.buffer, large.buffer);
  });

  for (const value of [0, 9, 10, 99, 100, 4_294_967_295, 4_294_967_296, Number.MAX_SAFE_INTEGER]) {
    test(`number ${value}`, () => {
      assert.equal(Buffer.concat(written([{ number: value }]).chunks).toString(), String(value));
    });
  }
});
