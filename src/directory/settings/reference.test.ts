import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { settingsReference } from './reference.ts';

const file = path.join(import.meta.dirname, '..', '..', '..', 'docs', 'admin', 'settings.md');

test('docs/admin/settings.md is what the tables say', async () => {
  const made = settingsReference();
  if (process.env['UPDATE_DOCS'] === '1') await writeFile(file, made);
  assert.equal(
    await readFile(file, 'utf8'),
    made,
    'write it again: UPDATE_DOCS=1 node --test src/directory/settings/reference.test.ts',
  );
  for (const line of made.split('\n').filter((one) => one.startsWith('| `')))
    assert.equal(line.split(/(?<!\\)\|/).length, 9, line);
});
