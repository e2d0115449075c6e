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
  fc.record({ utf8: fc.string({ unit: 'grapheme', minLength: 1200, maxLength: 1500 }) }),
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

  for (const size of [OUTPUT_BUFFER_BYTES - 5, OUTPUT_BUFFER_BYTES, 5 * OUTPUT_BUFFER_BYTES + 3]) {
    test(`a range of ${size} bytes is copied in full buffers`, () => {
      const large = Buffer.alloc(size, 'x');
      const steps = [{ ascii: 'head' }, { bytes: large }, { ascii: 'tail' }];
      const { chunks } = written(steps);
      assert.ok(Buffer.concat(chunks).equals(plain(steps)));
      assert.ok(chunks.length <= Math.ceil((size + 8) / OUTPUT_BUFFER_BYTES), `${chunks.length} chunks`);
      for (const chunk of chunks) assert.notEqual(chunk.buffer, large.buffer);
    });
  }

  test('a buffer is filled again only when the sink has no more use for it', () => {
    const seen: Array<{ chunk: Buffer; text: string; written: () => void }> = [];
    const out = new ByteWriter((chunk, written) => seen.push({ chunk, text: chunk.toString('latin1'), written }));
    const line = 'x'.repeat(100);
    for (let i = 0; i < 20_000; i += 1) {
      out.ascii(line).number(i).flush();
      // The two youngest are still on their way.
      for (const one of seen.splice(0, seen.length - 2)) {
        assert.equal(one.chunk.toString('latin1'), one.text);
        one.written();
      }
    }
    const buffers = new Set(seen.map(({ chunk }) => chunk.buffer));
    assert.equal(buffers.size, 2);
  });

  for (const value of [0, 9, 10, 99, 100, 4_294_967_295, 4_294_967_296, Number.MAX_SAFE_INTEGER]) {
    test(`number ${value}`, () => {
      assert.equal(Buffer.concat(written([{ number: value }]).chunks).toString(), String(value));
    });
  }
});
