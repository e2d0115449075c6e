/** docs/jmap-conformance.md says of every method whether it is carried out, and names a test that calls it. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { coreEcho } from '../../src/web/jmap/core-echo.ts';
import { mailMethods } from '../../src/web/jmap/mail/methods.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');
const read = (file: string): Promise<string> => readFile(path.join(ROOT, file), 'utf8');

test('the table and the methods are the same, and each row has its test', async () => {
  const table = new Map<string, string>();
  for (const [, name = '', , file = ''] of (await read('docs/jmap-conformance.md')).matchAll(
    /^\| ([A-Za-z]+\/[A-Za-z]+) \| (yes|partly|no) \| (\S+) \|/gm,
  ))
    table.set(name, file);
  const named = [...mailMethods, ...coreEcho.methods].map(({ name }) => name);
  for (const file of [
    'submission/identity-methods.ts',
    'submission/submission-methods.ts',
    'recoverable/recoverable-items.ts',
    'quota/quota-capability.ts',
  ])
    for (const [, name = ''] of (await read(`src/web/jmap/${file}`)).matchAll(
      /name: '([A-Za-z]+\/[A-Za-z]+)',\n\s+capability|name: 'EmailSubmission\/set', capability/g,
    ))
      named.push(name === '' ? 'EmailSubmission/set' : name);
  assert.deepEqual([...table.keys()].toSorted(), [...new Set(named)].toSorted());
  for (const [name, file] of table) assert.ok((await read(file)).includes(`'${name}'`), `${file} calls ${name}`);
});
