import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { ConnectionLost } from '../jmap/errors.ts';
import { DraftSaver, type SaveState, type StoredDraft } from './draft-saver.ts';

/** A store whose saves end when the test says so. */
function stage(stored: StoredDraft | null = null) {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const saves: Array<{
    readonly earlier: StoredDraft | null;
    readonly done: (emailId: string) => void;
    readonly fail: (reason: Error) => void;
  }> = [];
  const states: string[] = [];
  const saver = new DraftSaver(
    stored,
    (earlier) =>
      new Promise<StoredDraft>((resolve, fail) => {
        saves.push({ earlier, done: (emailId) => resolve({ accountId: 'a', emailId }), fail });
      }),
    (state: SaveState) => states.push(state.kind),
  );
  return { saver, saves, states };
}
/** All that waits for promises has run. */
const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

test('a draft is saved behind the last change, each in place of the one before', async (t) => {
  t.after(() => mock.timers.reset());
  const { saver, saves, states } = stage();
  saver.changed();
  mock.timers.tick(1_500);
  saver.changed();
  mock.timers.tick(1_500);
  assert.equal(saves.length, 0);
  mock.timers.tick(500);
  assert.deepEqual(saves[0]?.earlier, null);
  saves[0]?.done('e1');
  await settled();
  assert.deepEqual(states, ['waiting', 'waiting', 'saving', 'saved']);
  assert.equal(saver.isUnsaved, false);
  saver.changed();
  mock.timers.tick(2_000);
  assert.deepEqual(saves[1]?.earlier, { accountId: 'a', emailId: 'e1' });
});

test('who writes without a pause is saved all the same', (t) => {
  t.after(() => mock.timers.reset());
  const { saver, saves } = stage();
  for (let ms = 0; ms < 16_000; ms += 500) {
    saver.changed();
    mock.timers.tick(500);
  }
  assert.equal(saves.length, 1);
});

test('what is written during a save is saved behind it, never beside it', async (t) => {
  t.after(() => mock.timers.reset());
  const { saver, saves } = stage();
  saver.changed();
  mock.timers.tick(2_000);
  saver.changed();
  mock.timers.tick(5_000);
  assert.equal(saves.length, 1, 'the first one still runs');
  assert.equal(saver.isUnsaved, true);
  saves[0]?.done('e1');
  await settled();
  assert.deepEqual(saves[1]?.earlier, { accountId: 'a', emailId: 'e1' });
  saves[1]?.done('e2');
  await settled();
  assert.equal(saver.isUnsaved, false);
});

test('without a connection the text stays, and is saved when there is one again', async (t) => {
  t.after(() => mock.timers.reset());
  const { saver, saves, states } = stage({ accountId: 'a', emailId: 'e0' });
  saver.changed();
  for (const wait of [2_000, 2_000, 5_000]) {
    mock.timers.tick(wait);
    saves.at(-1)?.fail(new ConnectionLost('gone'));
    await settled();
    assert.equal(saver.isUnsaved, true);
  }
  assert.equal(saves.length, 3);
  mock.timers.tick(10_000);
  saves.at(-1)?.done('e1');
  await settled();
  assert.deepEqual(
    saves.map(({ earlier }) => earlier?.emailId),
    ['e0', 'e0', 'e0', 'e0'],
  );
  assert.equal(saver.isUnsaved, false);
  assert.equal(states.at(-1), 'saved');
});

test('what the server refuses is tried again with the next change, not by itself', async (t) => {
  t.after(() => mock.timers.reset());
  const { saver, saves } = stage();
  saver.changed();
  mock.timers.tick(2_000);
  saves[0]?.fail(new Error('mailbox is full'));
  await settled();
  mock.timers.tick(60_000);
  assert.equal(saves.length, 1);
  assert.equal(saver.state.kind === 'failed' && !saver.state.isRetried, true);
  saver.changed();
  mock.timers.tick(2_000);
  assert.equal(saves.length, 2);
});

test('stop waits for the save that runs and says what is stored; nothing is stored after it', async (t) => {
  t.after(() => mock.timers.reset());
  const { saver, saves } = stage();
  saver.changed();
  mock.timers.tick(2_000);
  const stopped = saver.stop();
  saver.changed();
  saves[0]?.done('e1');
  assert.deepEqual(await stopped, { accountId: 'a', emailId: 'e1' });
  mock.timers.tick(60_000);
  assert.equal(saves.length, 1);
  saver.resume({ accountId: 'a', emailId: 'e9' });
  saver.changed();
  mock.timers.tick(2_000);
  assert.deepEqual(saves[1]?.earlier, { accountId: 'a', emailId: 'e9' });
});

test('save says whether it went well, and does nothing when nothing has changed', async (t) => {
  t.after(() => mock.timers.reset());
  const { saver, saves } = stage();
  assert.equal(await saver.save(), true);
  assert.equal(saves.length, 0);
  saver.changed();
  const saved = saver.save();
  await settled();
  saves[0]?.fail(new Error('no'));
  assert.equal(await saved, false);
});
