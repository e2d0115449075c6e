/** Every bound of wire/limits.ts is named by a test, so that none is only believed. */
import assert from 'node:assert/strict';
import { glob, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';

const root = path.join(import.meta.dirname, '..', '..');

test('each limit has a test that names it', async () => {
  const limits = await readFile(path.join(root, 'src/wire/limits.ts'), 'utf8');
  const untested = new Set([...limits.matchAll(/^export const ([A-Z0-9_]+)/gm)].map((match) => match[1] ?? ''));
  assert.ok(untested.size > 40);
  // The conformance suite's files are run by *.test.ts of its folder.
  for (const pattern of ['src/**/*.test.ts', 'test/**/*.test.ts', 'test/conformance/*.ts']) {
    for await (const file of glob(pattern, { cwd: root })) {
      if (file.endsWith(path.basename(import.meta.filename))) continue;
      const text = await readFile(path.join(root, file), 'utf8');
      for (const name of untested) if (new RegExp(`\\b${name}\\b`).test(text)) untested.delete(name);
    }
  }
  assert.deepEqual([...untested], []);
});
