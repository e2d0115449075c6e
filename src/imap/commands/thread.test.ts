import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import type { ThreadNode } from '../../store/search/query.ts';
import { ByteWriter } from '../../wire/byte-writer.ts';
import { writeThreads } from './thread.ts';

function written(threads: readonly ThreadNode[]): string {
  const chunks: Buffer[] = [];
  const out = new ByteWriter((chunk) => chunks.push(chunk));
  writeThreads(out, threads, (uid) => uid);
  out.flush();
  return Buffer.concat(chunks).toString('latin1');
}

const node = (uid: number | null, ...children: ThreadNode[]): ThreadNode => ({ uid, children });

test('the examples of RFC 5256 §4', () => {
  assert.equal(
    written([node(2), node(3, node(6, node(4, node(23)), node(44, node(7, node(96)))))]),
    '(2)(3 6 (4 23)(44 7 96))',
  );
  assert.equal(written([node(null, node(3), node(5))]), '((3)(5))');
  assert.equal(written([]), '');
});

test('a thread as deep as a folder is large', () => {
  let deep = node(50_000, node(50_001), node(50_002));
  for (let uid = 49_999; uid > 0; uid -= 1) deep = node(uid, deep);
  assert.ok(written([deep]).endsWith(' 49999 50000 (50001)(50002))'));
  let wide = node(1);
  for (let uid = 2; uid < 20_000; uid += 1) wide = node(uid, wide, node(100_000 + uid));
  assert.ok(written([wide]).startsWith('(19999 (19998 (19997 '));
});
