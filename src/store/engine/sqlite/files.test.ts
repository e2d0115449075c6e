import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, mock, test } from 'node:test';
import { CachedReads } from './files.ts';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'penfold-files-'));
const file = path.join(directory, 'bytes');
const content = Buffer.from(Uint8Array.from({ length: 600 * 1024 }, (_, i) => (i * 31) % 251));
fs.writeFileSync(file, content);
const fd = fs.openSync(file, 'r');
after(() => {
  fs.closeSync(fd);
  fs.rmSync(directory, { recursive: true });
});

/** Each clock reading is `step` ms after the one before. */
function clock(step: number): () => void {
  let now = 0;
  const mocked = mock.method(performance, 'now', () => (now += step));
  return () => mocked.mock.restore();
}

const range = (offset: number, length: number, at: number) => ({ segment: 0, offset, length, at });

test('what the page cache gives at once is read in this turn', () => {
  const restore = clock(0);
  const target = Buffer.alloc(250 * 1024);
  const ranges = [range(5, 200 * 1024, 0), range(300 * 1024, 50 * 1024, 200 * 1024)];
  assert.deepEqual(
    new CachedReads().inThisTurn(ranges, target, () => fd),
    [],
  );
  restore();
  assert.ok(target.subarray(0, 200 * 1024).equals(content.subarray(5, 5 + 200 * 1024)));
  assert.ok(target.subarray(200 * 1024).equals(content.subarray(300 * 1024, 350 * 1024)));
});

test('a long read is left to a thread', () => {
  const ranges = [range(0, 300 * 1024, 0)];
  assert.equal(
    new CachedReads().inThisTurn(ranges, Buffer.alloc(300 * 1024), () => fd),
    ranges,
  );
});

test('after a slow piece the rest and the next reads are left to a thread, small ones excepted', () => {
  const restore = clock(5);
  const reads = new CachedReads();
  const target = Buffer.alloc(250 * 1024);
  const ranges = [range(0, 200 * 1024, 0), range(300 * 1024, 50 * 1024, 200 * 1024)];
  assert.deepEqual(
    reads.inThisTurn(ranges, target, () => fd),
    [range(128 * 1024, 72 * 1024, 128 * 1024), ranges[1]],
  );
  restore();
  assert.ok(target.subarray(0, 128 * 1024).equals(content.subarray(0, 128 * 1024)));
  assert.deepEqual(
    reads.inThisTurn([range(0, 1000, 0)], target, () => fd),
    [],
  );
  const next = [range(0, 100 * 1024, 0)];
  let threaded = 0;
  while (reads.inThisTurn(next, target, () => fd) === next) threaded += 1;
  assert.equal(threaded, 64);
});

test('a read behind the end is left over, for whoever has to report it', () => {
  const ranges = [range(content.length - 10, 20, 0)];
  assert.deepEqual(
    new CachedReads().inThisTurn(ranges, Buffer.alloc(20), () => fd),
    ranges,
  );
});
