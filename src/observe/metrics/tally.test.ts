import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommandTally, Counts, DURATION_BOUNDS, Durations, OTHER, SERIES_PER_FAMILY } from './tally.ts';

const inBucket: ReadonlyArray<[milliseconds: number, bucket: number]> = [
  [0, 0],
  [0.1, 0],
  [0.11, 1],
  [1, 2],
  [10_000, DURATION_BOUNDS.length - 1],
  [10_001, DURATION_BOUNDS.length],
];
for (const [milliseconds, bucket] of inBucket) {
  test(`${milliseconds} ms are counted in bucket ${bucket}`, () => {
    const durations = new Durations();
    durations.observe(milliseconds);
    assert.equal(durations.buckets[bucket], 1);
    assert.equal(durations.count, 1);
    assert.equal(durations.sum, milliseconds / 1000);
  });
}

test('verbs beyond the bound are one series', () => {
  const commands = new CommandTally();
  for (let i = 0; i < SERIES_PER_FAMILY * 3; i += 1) commands.observe(`verb${i}`, 1);
  commands.observe('verb0', 1);
  assert.equal(commands.verbs.size, SERIES_PER_FAMILY + 1);
  assert.equal(commands.verbs.get('verb0')?.count, 2);
  assert.equal(commands.verbs.get(OTHER)?.count, SERIES_PER_FAMILY * 2);
});

test('label values beyond the bound are one series; the sum stays right', () => {
  const counts = new Counts();
  for (let i = 0; i < SERIES_PER_FAMILY * 2; i += 1) counts.add(['imap', `reason${i}`]);
  counts.add(['imap', 'reason1'], 5);
  assert.equal(counts.series.length, SERIES_PER_FAMILY + 1);
  assert.deepEqual(counts.series.at(-1), { labels: [OTHER, OTHER], value: SERIES_PER_FAMILY });
  assert.equal(
    counts.series.reduce((sum, { value }) => sum + value, 0),
    SERIES_PER_FAMILY * 2 + 5,
  );
});
