import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Use } from '../directory/last-use.ts';
import { accountId } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';
import { USE_COARSENESS_MS, UseNotes, USES_KEPT } from './use-notes.ts';

const use = (account: string, more: Partial<Use> = {}): Omit<Use, 'at'> => ({
  account: accountId(account),
  protocol: 'imap',
  clientAddress: '192.0.2.1',
  program: '',
  appPassword: null,
  webSession: null,
  ...more,
});

function notes(): {
  notes: UseNotes;
  written: Use[][];
  pass: (ms: number) => void;
  fail: (error: Error | null) => void;
} {
  let now = 1_000_000_000;
  let failing: Error | null = null;
  const written: Use[][] = [];
  const made = new UseNotes({
    directory: {
      noteUses: async (uses) => {
        if (failing !== null) throw failing;
        written.push([...uses]);
      },
    },
    now: () => now,
  });
  return {
    notes: made,
    written,
    pass: (ms) => {
      now += ms;
    },
    fail: (error) => {
      failing = error;
    },
  };
}

test('a thousand logons of one person are one write in minutes', async () => {
  const { notes: made, written, pass } = notes();
  for (let at = 0; at < 1000; at += 1) made.note(use('ann'));
  await made.flush();
  for (let at = 0; at < 1000; at += 1) made.note(use('ann'));
  await made.flush();
  assert.deepEqual(
    written.map((batch) => batch.length),
    [1],
  );
  pass(USE_COARSENESS_MS);
  made.note(use('ann'));
  await made.close();
  assert.deepEqual(
    written.map((batch) => batch.length),
    [1, 1],
  );
});

test('protocols, app passwords, sessions and people are told apart; many go in few transactions', async () => {
  const { notes: made, written } = notes();
  made.note(use('ann'));
  made.note(use('ann', { protocol: 'pop3' }));
  made.note(use('ann', { appPassword: 'p' }));
  made.note(use('ann', { protocol: 'web', webSession: 's' }));
  for (let at = 0; at < 996; at += 1) made.note(use(`u${at}`));
  await made.close();
  assert.equal(written.flat().length, 1000);
  assert.equal(written.length, 4);
});

test('while the directory is away notes wait, and what it refuses is dropped', async () => {
  const { notes: made, written, fail } = notes();
  made.note(use('ann'));
  fail(new Failure('UNAVAILABLE', 'away'));
  await made.flush();
  assert.equal(written.length, 0);
  fail(null);
  await made.flush();
  assert.equal(written.flat().length, 1);
  made.note(use('bob'));
  fail(new Error('a bug'));
  await made.flush();
  fail(null);
  await made.close();
  assert.equal(written.flat().length, 1);
});

test('memory is bounded while nothing can be written', async () => {
  const { notes: made, written, fail } = notes();
  fail(new Failure('UNAVAILABLE', 'away'));
  for (let at = 0; at < USES_KEPT + 10; at += 1) made.note(use(`u${at}`));
  await made.flush();
  fail(null);
  await made.close();
  assert.equal(written.flat().length, USES_KEPT);
  assert.equal(written[0]?.[0]?.account, 'u10', 'the oldest went');
});
