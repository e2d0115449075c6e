/** Buffers of staged messages are used again: never while an append still reads them, never twice. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import { freeOctets } from '../../wire/buffers.ts';
import { Staged, StagingSink } from './staging.ts';

async function stage(...pieces: readonly Buffer[]): Promise<Staged> {
  const sink = new StagingSink({}, () => Promise.reject(new Error('no spool here')));
  for (const piece of pieces) await sink.write(piece);
  const staged = await sink.finish();
  assert.ok(staged instanceof Staged);
  return staged;
}

const HALF = Buffer.alloc(10_000, 'x');

test('a buffer goes back once, when it is released and no append reads it', async () => {
  const before = freeOctets();
  const staged = await stage(HALF, HALF);
  assert.equal(staged.size, 2 * HALF.length);
  const append = Promise.withResolvers<void>();
  const failing = Promise.withResolvers<void>();
  const used = [staged.use(append.promise), staged.use(failing.promise)];
  await staged.release();
  assert.equal(freeOctets(), before, 'two appends still read it');
  failing.reject(new Error('over quota'));
  await assert.rejects(used[1]!);
  assert.equal(freeOctets(), before, 'one still does');
  append.resolve();
  await used[0];
  await Promise.resolve();
  const after = freeOctets();
  assert.ok(after > before);
  await staged.release();
  assert.equal(freeOctets(), after, 'released twice');
});

test('a message in one piece is kept as it came', async () => {
  const before = freeOctets();
  const staged = await stage(HALF);
  assert.equal(staged.payload.memory, HALF);
  await staged.release();
  assert.equal(freeOctets(), before, 'the buffer is not ours');
});
