import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../observe/log.ts';
import { warmUp } from './warm-up.ts';

test('every command is rehearsed, once a process, and nothing keeps the process alive', async () => {
  const said: Array<[string, unknown]> = [];
  const log = {
    ...silentLog,
    debug: (fields: unknown, text?: string) => void said.push([text ?? '', fields]),
    warn: (fields: unknown, text?: string) => void said.push([text ?? '', fields]),
  };
  await warmUp(log, new AbortController().signal);
  await warmUp(log, new AbortController().signal);
  assert.equal(said.length, 1);
  assert.equal(said[0]?.[0], 'warmed up');
});
