/** Views, change feed, batches, limbo, expunge log. */
import assert from 'node:assert/strict';
import type { Buffer } from 'node:buffer';
import { describe, test } from 'node:test';
import { cutFragment } from '../../src/message/fragment-pieces.ts';
import { parseMessage } from '../../src/message/scanner.ts';
import type { MailboxEvent } from '../../src/store/api.ts';
import { SEEN } from '../../src/store/model.ts';
import {
  append,
  assertClean,
  bodies,
  fragments,
  inboxOf,
  message,
  type OpenStore,
  uidsIn,
  withStore,
} from './store-fixture.ts';

export function readingConformance(name: string, open: OpenStore): void {
  describe(`${name}: views, feed and batches`, () => {
    test('a shared uid array never changes under a view', () =>
      withStore(open, async ({ database }, mailbox) => {
        const inbox = inboxOf(mailbox);
        for (const text of ['a', 'b', 'c']) await append(database, mailbox, inbox, message(text));
        const view = await mailbox.view(inbox);
        const kept = view.columns.uid;
        const { generation } = view;
        await append(database, mailbox, inbox, message('d'));
        assert.equal(view.generation, generation, 'appending keeps the generation');
        await mailbox.expunge(inbox, Uint32Array.of(2));
        assert.ok(view.generation > generation);
        assert.deepEqual([...kept.subarray(0, 3)], [1, 2, 3]);
        assert.deepEqual([...view.columns.uid.subarray(0, view.columns.length)], [1, 3, 4]);
        assert.deepEqual([view.rowOf(1), view.rowOf(2), view.rowOf(4), view.rowOf(9)], [0, -1, 2, -1]);
        const rows = new Int32Array(3);
        view.locate(Uint32Array.of(7, 1, 2, 4), 1, 3, rows);
        assert.deepEqual([...rows], [0, -1, 2]);
        assert.equal(view.folder.exists, 3);
      }));

    test('expunged bytes stay readable while a view is open', () =>
      withStore(open, async ({ database }, mailbox) => {
        const inbox = inboxOf(mailbox);
        for (const text of ['a', 'b']) await append(database, mailbox, inbox, message(text));
        const view = await mailbox.view(inbox);
        const expected = await fragments(mailbox, inbox, [1, 2]);
        await mailbox.expunge(inbox, Uint32Array.of(1), { purge: true });
        await mailbox.maintain({ retentionSeconds: 0 });
        assert.deepEqual(await bodies(mailbox, inbox, [1, 2]), [message('a'), message('b')]);
        assert.deepEqual(await fragments(mailbox, inbox, [1, 2]), expected);
        view.close();
        assert.deepEqual(await bodies(mailbox, inbox, [1, 2, 3]), [null, message('b'), null]);
        assert.deepEqual(await fragments(mailbox, inbox, [1, 3]), [null, null]);
      }));

    test('fragments are what parsing gives, in batches that cover the list', () =>
      withStore(open, async ({ database, reopen }, mailbox) => {
        const inbox = inboxOf(mailbox);
        const count = 700;
        await Promise.all(
          Array.from({ length: count }, (_, i) =>
            append(database, mailbox, inbox, message(`m${i}`, '', (i % 7) * 1000)),
          ),
        );
        const again = await (await reopen()).open(mailbox.id);
        const uids = await uidsIn(again, inbox);
        assert.equal(uids.length, count);
        const parsed = await fragments(again, inbox, uids);
        const whole = await bodies(again, inbox, uids);
        for (const [i, bytes] of whole.entries()) {
          assert.ok(bytes);
          assert.deepEqual(parsed[i], { ...cutFragment(parseMessage(bytes).fragment) });
        }
        for (const want of [['search'], ['details', 'list']] as const) {
          const some = await fragments(again, inbox, uids, want);
          for (const [i, one] of some.entries()) {
            for (const piece of want) assert.deepEqual(one?.[piece], parsed[i]?.[piece]);
          }
        }
        const some = uids.filter((_, i) => i % 3 === 1);
        assert.deepEqual(
          await fragments(again, inbox, some),
          some.map((one) => parsed[one - 1]),
        );
      }));

    test('a consumer may stop reading at any time', () =>
      withStore(open, async ({ database }, mailbox) => {
        const inbox = inboxOf(mailbox);
        for (let i = 0; i < 5; i += 1) await append(database, mailbox, inbox, message(`m${i}`, '', 800_000));
        for await (const batch of mailbox.bodies(inbox, Uint32Array.of(1, 2, 3, 4, 5))) {
          assert.equal(batch.first, 0);
          break;
        }
        await assertClean(database, mailbox);
      }));

    test('the feed tells every change once, in order, before the caller hears of it', () =>
      withStore(open, async ({ database }, mailbox) => {
        const inbox = inboxOf(mailbox);
        const target = await mailbox.createFolder('T');
        const events: MailboxEvent[] = [];
        const stop = mailbox.watch((event) => events.push(event));
        const me = {};
        const one = await append(database, mailbox, inbox, message('a'), {}, me);
        assert.deepEqual(events.splice(0), [
          {
            kind: 'messages',
            events: [
              {
                folder: inbox,
                modSeq: one.modSeq,
                origin: me,
                appended: { first: 1, last: 1 },
                flagged: null,
                expunged: null,
              },
            ],
          },
        ]);
        const stored = await mailbox.setFlags(inbox, Uint32Array.of(1), { op: 'add', flags: SEEN, keywords: [] }, me);
        const [flagged] = events.splice(0);
        assert.ok(flagged?.kind === 'messages');
        assert.deepEqual([...(flagged.events[0]?.flagged ?? [])], [1]);
        assert.equal(flagged.events[0]?.modSeq, stored.modSeq);
        assert.equal(flagged.events[0]?.origin, me);
        await mailbox.move(inbox, Uint32Array.of(1), target.id);
        const [moved] = events.splice(0);
        assert.ok(moved?.kind === 'messages');
        assert.deepEqual([...(moved.events[0]?.expunged ?? [])], [1]);
        assert.deepEqual(moved.events[1]?.appended, { first: 1, last: 1 });
        const made = await mailbox.createFolder('New');
        await mailbox.changeFolder(made.id, { name: 'Newer' });
        await mailbox.removeFolder(made.id);
        assert.deepEqual(events.splice(0), [
          { kind: 'folders', created: [made.id], changed: [], removed: [] },
          { kind: 'folders', created: [], changed: [made.id], removed: [] },
          { kind: 'folders', created: [], changed: [], removed: [made.id] },
        ]);
        stop();
        await append(database, mailbox, inbox, message('b'));
        assert.equal(events.length, 0);
      }));

    test('a watcher that throws hurts nobody', () =>
      withStore(open, async ({ database }, mailbox) => {
        let heard = 0;
        mailbox.watch(() => {
          throw new Error('a broken session');
        });
        mailbox.watch(() => (heard += 1));
        await append(database, mailbox, inboxOf(mailbox), message('a'));
        assert.equal(heard, 1);
      }));

    test('all handles of a mailbox share one state; closing one leaves the others', () =>
      withStore(open, async ({ database }, mailbox) => {
        const other = await database.open(mailbox.id);
        const inbox = inboxOf(mailbox);
        const view = await other.view(inbox);
        let heard = 0;
        mailbox.watch(() => (heard += 1));
        await append(database, mailbox, inbox, message('a'));
        assert.equal(view.folder.exists, 1);
        mailbox.close();
        await append(database, other, inbox, message('b'));
        assert.equal(heard, 1, 'a closed handle hears nothing');
        assert.equal(view.folder.exists, 2);
      }));

    test('the expunge log answers for what it knows, and only for that', () =>
      withStore(open, async ({ database, reopen }, mailbox) => {
        const inbox = inboxOf(mailbox);
        for (const text of ['a', 'b', 'c', 'd']) await append(database, mailbox, inbox, message(text));
        const start = mailbox.folder(inbox)?.highestModSeq ?? 0;
        await mailbox.expunge(inbox, Uint32Array.of(3));
        const middle = mailbox.folder(inbox)?.highestModSeq ?? 0;
        await mailbox.expunge(inbox, Uint32Array.of(1, 4));
        const check = async (m: typeof mailbox): Promise<void> => {
          const view = await m.view(inbox);
          assert.deepEqual(await view.expungedSince(start), Uint32Array.of(1, 3, 4));
          assert.deepEqual(await view.expungedSince(middle), Uint32Array.of(1, 4));
          assert.deepEqual(await view.expungedSince(view.folder.highestModSeq), new Uint32Array(0));
          view.close();
        };
        await check(mailbox);
        await mailbox.maintain({ retentionSeconds: 1000 });
        await check(await (await reopen()).open(mailbox.id));
      }));

    test('concurrent writers get distinct UIDs in order, and every answer is true', () =>
      withStore(open, async ({ database }, mailbox) => {
        const inbox = inboxOf(mailbox);
        const target = await mailbox.createFolder('T');
        const done = new Map<number, Buffer>();
        await Promise.all(
          Array.from({ length: 20 }, async (_, writer) => {
            for (let i = 0; i < 10; i += 1) {
              const bytes = message(`w${writer}-${i}`);
              const { uid } = await append(database, mailbox, inbox, bytes);
              assert.ok(!done.has(uid));
              done.set(uid, bytes);
              await mailbox.setFlags(inbox, Uint32Array.of(uid), {
                op: 'add',
                flags: SEEN,
                keywords: [`k${writer % 5}`],
              });
              if (i % 3 === 0) {
                const { source } = await mailbox.move(inbox, Uint32Array.of(uid), target.id);
                assert.deepEqual([...source], [uid]);
                done.delete(uid);
              }
            }
          }),
        );
        const uids = await uidsIn(mailbox, inbox);
        assert.deepEqual(new Set(uids), new Set(done.keys()));
        for (const [i, bytes] of (await bodies(mailbox, inbox, uids)).entries()) {
          assert.deepEqual(bytes, done.get(uids[i]!));
        }
        assert.equal(mailbox.folder(inbox)?.unseen, 0);
        assert.equal(mailbox.folder(target.id)?.exists, 80);
        await assertClean(database, mailbox);
      }));
  });
}
