import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { openMemoryDatabase } from '../store/engine/memory/index.ts';
import { mailboxId } from '../store/model.ts';
import { Maildrop } from './maildrop.ts';

interface Model {
  readonly uid: number;
  /** As RETR sends it. */
  readonly size: number;
  deleted: boolean;
}

test('numbers, sums and UIDs agree with a plain list, whatever is deleted and reset', async () => {
  const bodies = fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.boolean()), { maxLength: 12 });
  const order = fc.constantFrom('Ascending' as const, 'Descending' as const);
  const steps = fc.array(fc.oneof(fc.integer({ min: -1, max: 14 }), fc.constant('reset' as const)), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(bodies, order, steps, async (messages, direction, actions) => {
      const database = openMemoryDatabase();
      const mailbox = await database.open(mailboxId(randomUUID()));
      const inbox = mailbox.folderByName('INBOX');
      assert.ok(inbox !== null);
      const model: Model[] = [];
      for (const [length, complete] of messages) {
        const bytes = Buffer.from(`X: ${'y'.repeat(length)}${complete ? '\r\n' : ''}`);
        const sink = database.stage();
        await sink.write(bytes);
        const staged = await sink.finish();
        const { uid } = await mailbox.append(inbox.id, staged, {});
        await staged.release();
        model.push({ uid, size: bytes.length + (complete ? 0 : 2), deleted: false });
      }
      const maildrop = new Maildrop(await mailbox.view(inbox.id), direction);
      const shown = direction === 'Ascending' ? model : model.toReversed();
      for (const action of actions) {
        if (action === 'reset') {
          maildrop.reset();
          for (const each of model) each.deleted = false;
          continue;
        }
        const message = action < 1 ? undefined : shown[action - 1];
        const row = maildrop.row(action);
        assert.equal(row >= 0, message !== undefined && !message.deleted);
        if (row < 0 || message === undefined) continue;
        assert.deepEqual([maildrop.uid(row), maildrop.size(row)], [message.uid, message.size]);
        maildrop.delete(row);
        message.deleted = true;
      }
      const left = model.filter((each) => !each.deleted);
      assert.deepEqual(maildrop.remaining, {
        count: left.length,
        bytes: left.reduce((sum, each) => sum + each.size, 0),
      });
      assert.deepEqual(
        [...maildrop.deletedUids()],
        model.filter((each) => each.deleted).map((each) => each.uid),
      );
      maildrop.close();
      mailbox.close();
      await database.close();
    }),
    { numRuns: 60 },
  );
});
