import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { freeOctets, giveBuffer, takeBuffer } from './buffers.ts';

beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
afterEach(() => {
  // Two rests without use empty the shelf, whatever a test left there.
  mock.timers.tick(5_000);
  mock.timers.tick(5_000);
  mock.timers.reset();
});

test('a buffer given back is taken again', () => {
  const first = takeBuffer(100_000);
  assert.equal(first.length, 256 * 1024);
  giveBuffer(first);
  assert.equal(takeBuffer(200_000), first);
  assert.notEqual(takeBuffer(200_000), first);
});

test('a size above all classes is made to measure and never kept', () => {
  const large = takeBuffer(5_000_000);
  assert.equal(large.length, 5_000_000);
  giveBuffer(large);
  assert.equal(freeOctets(), 0);
});

test('a part of a buffer gives back all of it', () => {
  giveBuffer(takeBuffer(100_000).subarray(0, 90_000));
  assert.equal(freeOctets(), 256 * 1024);
  assert.equal(takeBuffer(100_000).length, 256 * 1024);
});

test('memory from elsewhere is left alone', () => {
  giveBuffer(Buffer.alloc(64 * 1024));
  giveBuffer(Buffer.allocUnsafe(100));
  assert.equal(freeOctets(), 0);
});

test('what is kept is bounded', () => {
  const many = Array.from({ length: 500 }, () => takeBuffer(64 * 1024));
  for (const one of many) giveBuffer(one);
  assert.equal(freeOctets(), 64 * 64 * 1024);
});

test('free buffers go when nothing was taken for a while', () => {
  giveBuffer(takeBuffer(10));
  mock.timers.tick(5_000);
  assert.equal(freeOctets(), 4 * 1024);
  mock.timers.tick(5_000);
  assert.equal(freeOctets(), 0);
});
