/** Fragment files: written late, read at once, never longer than their offsets reach, old numbers removed. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { CACHE_HEAD_BYTES } from './cache-file.ts';
import { FragmentFiles, removeOldFragments } from './fragment-files.ts';

function directoryFor(t: TestContext): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'penfold-fragments-'));
  t.after(() => fs.rmSync(directory, { recursive: true, force: true }));
  return directory;
}

test('what was appended is read before it is written, and after', async (t) => {
  const directory = directoryFor(t);
  const files = new FragmentFiles(directory, 1);
  const at = files.append('list', Buffer.from('abc'));
  assert.equal(at, CACHE_HEAD_BYTES);
  assert.equal(fs.statSync(path.join(directory, 'frag-list-000001')).size, CACHE_HEAD_BYTES, 'it waits for company');
  assert.ok(!files.exist(), 'the other two are missing');
  const target = Buffer.alloc(3);
  await files.read('list', [{ segment: 0, offset: at, length: 3, at: 0 }], target);
  assert.equal(target.toString(), 'abc');
  files.append('search', Buffer.alloc(100_000));
  assert.equal(
    fs.statSync(path.join(directory, 'frag-search-000001')).size,
    CACHE_HEAD_BYTES + 100_000,
    'much is written',
  );
  files.append('details', Buffer.of(1));
  assert.ok(files.exist());
  files.close();
});

test('a full file takes no more, to the octet', (t) => {
  const files = new FragmentFiles(directoryFor(t), 1, CACHE_HEAD_BYTES + 10);
  assert.equal(files.append('search', Buffer.alloc(4)), CACHE_HEAD_BYTES);
  assert.equal(files.append('search', Buffer.alloc(7)), null);
  assert.equal(files.append('search', Buffer.alloc(6)), CACHE_HEAD_BYTES + 4);
  assert.equal(files.append('search', Buffer.alloc(1)), null);
  assert.equal(files.append('list', Buffer.alloc(10)), CACHE_HEAD_BYTES, 'each has its own bound');
  files.close();
});

test('files of earlier numbers go, also the single one of the first format; nothing else does', (t) => {
  const directory = directoryFor(t);
  const names = ['frag-000001', 'frag-list-000001', 'frag-search-000002', 'frag-details-000003', 'seg-000001'];
  for (const name of names) fs.writeFileSync(path.join(directory, name), '');
  removeOldFragments(directory, 3);
  assert.deepEqual(fs.readdirSync(directory).sort(), ['frag-details-000003', 'seg-000001']);
});
