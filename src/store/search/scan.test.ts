import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { Probe } from './probe.ts';
import { type Packed, scan } from './scan.ts';
import { NOT_INDEXED } from './source.ts';
import { TimeSlice } from './time-slice.ts';

describe('probe', () => {
  const text = fc
    .array(fc.constantFrom('a', 'b', 'ab', 'é', '語'), { maxLength: 60 })
    .map((parts) => Buffer.from(parts.join('')));

  test('finds what indexOf finds, whatever piece it looks for', () => {
    fc.assert(
      fc.property(text, text, text, fc.nat(20), (sample, haystack, needle, from) => {
        fc.pre(needle.length > 0);
        const probe = new Probe(needle);
        probe.tune(sample);
        assert.equal(probe.find(haystack, from), haystack.indexOf(needle, from));
        const around = Buffer.concat([haystack, needle, haystack]);
        assert.equal(probe.find(around, 0), around.indexOf(needle));
      }),
    );
  });

  test('a sample that misleads costs time once', () => {
    const probe = new Probe(Buffer.from('ethyl'));
    probe.tune(Buffer.from('ethel '.repeat(100)));
    const haystack = Buffer.from(`${'yl'.repeat(50_000)}ethyl`);
    assert.equal(probe.find(haystack, 0), 100_000);
    assert.equal(probe.find(haystack, 3), 100_000);
  });

  test('a needle as long as the longest argument', () => {
    const needle = Buffer.alloc(64 * 1024, 'ab');
    const probe = new Probe(needle);
    const haystack = Buffer.concat([Buffer.from('b'), needle]);
    probe.tune(haystack);
    assert.equal(probe.find(haystack, 0), 1);
  });
});

async function matches(batch: Packed, needle: string): Promise<number[]> {
  const found: number[] = [];
  await scan(batch, new Probe(Buffer.from(needle)), new TimeSlice(), (entry, _at, end) => {
    found.push(entry);
    return end;
  });
  return found.sort((a, b) => a - b);
}

describe('scan', () => {
  test('gives the entries that contain the needle, in any layout of the batch', async () => {
    const place = fc.tuple(fc.nat(40), fc.oneof(fc.nat(12), fc.constant(NOT_INDEXED)));
    const bytes = fc.array(fc.constantFrom('a', 'b'), { minLength: 60, maxLength: 60 });
    const needle = fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 4 }).map((all) => all.join(''));
    await fc.assert(
      fc.asyncProperty(bytes, fc.array(place), needle, fc.boolean(), async (letters, places, needle, inOrder) => {
        if (inOrder) places.sort((a, b) => a[0] - b[0]);
        const batch = {
          count: places.length,
          bytes: Buffer.from(letters.join('')),
          offsets: Uint32Array.from(places, ([offset]) => offset),
          lengths: Uint32Array.from(places, ([, length]) => length),
        };
        const expected = places.flatMap(([offset, length], entry) => {
          if (length === NOT_INDEXED) return [];
          return batch.bytes.toString('latin1', offset, offset + length).includes(needle) ? [entry] : [];
        });
        assert.deepEqual(await matches(batch, needle), expected);
      }),
      { numRuns: 1000 },
    );
  });

  test('finds what lies across two windows', async () => {
    const bytes = Buffer.alloc(3 * 1024 * 1024, '.');
    const offsets = Uint32Array.of(0, 2 * 1024 * 1024);
    const lengths = Uint32Array.of(2 * 1024 * 1024, 1024 * 1024);
    bytes.write('needle', 1024 * 1024 - 3);
    assert.deepEqual(await matches({ count: 2, bytes, offsets, lengths }, 'needle'), [0]);
    bytes.fill('.');
    bytes.write('needle', 2 * 1024 * 1024 - 3);
    assert.deepEqual(await matches({ count: 2, bytes, offsets, lengths }, 'needle'), []);
  });
});
