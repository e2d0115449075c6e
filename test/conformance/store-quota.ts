/** Quotas, what recoverable items remember, and line ends (store/api.ts). */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, test } from 'node:test';
import type { Mailbox, MailboxQuota, MailboxUsage } from '../../src/store/api.ts';
import { type FolderId, SEEN } from '../../src/store/model.ts';
import {
  append,
  assertClean,
  bodies,
  failure,
  inboxOf,
  message,
  type OpenStore,
  uidsIn,
  withStore,
} from './store-fixture.ts';

const SIZE = 1000;

/** Exactly SIZE octets. */
function sized(name: string): Buffer {
  const bare = message(name).length;
  return message(name, '', SIZE - bare);
}

function recoverableOf(mailbox: Mailbox): FolderId {
  const folder = mailbox.folderByUse('recoverable');
  assert.ok(folder);
  return folder.id;
}

/** Counted from the rows, as `usage` must say from its counters. */
async function counted(mailbox: Mailbox): Promise<MailboxUsage> {
  const usage = { bytes: 0, messages: 0, recoverableBytes: 0, recoverableMessages: 0 };
  for (const folder of mailbox.folders()) {
    const { columns, close } = await view(mailbox, folder.id);
    const bytes = columns.size.subarray(0, columns.length).reduce((sum, size) => sum + size, 0);
    if (folder.kind === 'recoverable') {
      usage.recoverableBytes += bytes;
      usage.recoverableMessages += columns.length;
    } else {
      usage.bytes += bytes;
      usage.messages += columns.length;
    }
    close();
  }
  return usage;
}

async function view(
  mailbox: Mailbox,
  folder: FolderId,
): Promise<{ columns: Awaited<ReturnType<Mailbox['view']>>['columns']; close: () => void }> {
  const opened = await mailbox.view(folder);
  return { columns: opened.columns, close: () => opened.close() };
}

export function quotaConformance(name: string, open: OpenStore): void {
  describe(`${name}: quotas and recoverable items`, () => {
    test('append and copy stop at the quota, by the octet; the failure names limit and usage', () => {
      let quota: MailboxQuota = { prohibitSendReceive: 3 * SIZE, recoverableItems: Infinity };
      return withStore(
        open,
        async ({ database }, mailbox) => {
          const inbox = inboxOf(mailbox);
          const target = await mailbox.createFolder('T');
          await append(database, mailbox, inbox, sized('a'));
          assert.equal(mailbox.usage().bytes, SIZE);
          await mailbox.copy(inbox, Uint32Array.of(1), target.id);
          await append(database, mailbox, inbox, sized('b'));
          assert.deepEqual(mailbox.usage(), await counted(mailbox));
          await assert.rejects(append(database, mailbox, inbox, Buffer.from('x')), (reason) => {
            assert.ok(failure('OVERQUOTA')(reason));
            assert.match(String(reason), /3000 octets are allowed, 3000 are in use, 1 more/);
            return true;
          });
          await assert.rejects(mailbox.copy(inbox, Uint32Array.of(1), target.id), failure('OVERQUOTA'));
          await mailbox.move(inbox, Uint32Array.of(1), target.id);
          await append(database, mailbox, inbox, sized('notice'), { ignoreQuota: true });
          quota = { ...quota, prohibitSendReceive: 5 * SIZE };
          await append(database, mailbox, inbox, sized('c'));
          assert.equal(mailbox.usage().messages, 5);
          await mailbox.setFlags(inbox, Uint32Array.of(2), { op: 'add', flags: SEEN, keywords: [] });
          await mailbox.expunge(inbox, Uint32Array.of(2));
          assert.deepEqual(mailbox.usage(), await counted(mailbox));
          await append(database, mailbox, inbox, sized('d'));
          await mailbox.move(recoverableOf(mailbox), Uint32Array.of(1), inbox);
          assert.equal(mailbox.usage().bytes, 6 * SIZE, 'restoring is a move');
          assert.deepEqual(mailbox.usage(), await counted(mailbox));
          await assertClean(database, mailbox);
        },
        { quotaOf: () => quota },
      );
    });

    test('callers that share a commit count each other', () =>
      withStore(
        open,
        async ({ database }, mailbox) => {
          const inbox = inboxOf(mailbox);
          await append(database, mailbox, inbox, sized('first'));
          const results = await Promise.allSettled([
            ...Array.from({ length: 20 }, (_, i) => append(database, mailbox, inbox, sized(`m${i}`))),
            ...Array.from({ length: 20 }, () => mailbox.copy(inbox, Uint32Array.of(1), inbox)),
          ]);
          const done = results.filter((one) => one.status === 'fulfilled').length;
          assert.equal(done, 6);
          for (const one of results) if (one.status === 'rejected') failure('OVERQUOTA')(one.reason);
          assert.equal(mailbox.usage().bytes, 7 * SIZE);
          const [expunged, refilled] = await Promise.all([
            mailbox.expunge(inbox, Uint32Array.of(1)),
            append(database, mailbox, inbox, sized('after')),
          ]);
          assert.equal(expunged.expunged.length, 1);
          assert.ok(refilled.uid > 7);
        },
        { quotaOf: () => ({ prohibitSendReceive: 7 * SIZE + 500, recoverableItems: Infinity }) },
      ));

    test('counts survive a restart', () =>
      withStore(
        open,
        async ({ database, reopen }, mailbox) => {
          const inbox = inboxOf(mailbox);
          for (const text of ['a', 'b', 'c']) await append(database, mailbox, inbox, sized(text));
          await mailbox.expunge(inbox, Uint32Array.of(1));
          const before = mailbox.usage();
          const again = await reopen();
          const m = await again.open(mailbox.id);
          assert.deepEqual(m.usage(), before);
          assert.deepEqual(m.usage(), {
            bytes: 2 * SIZE,
            messages: 2,
            recoverableBytes: SIZE,
            recoverableMessages: 1,
          });
          await append(again, m, inboxOf(m), sized('d'));
          await assert.rejects(append(again, m, inboxOf(m), sized('e')), failure('OVERQUOTA'));
        },
        { quotaOf: () => ({ prohibitSendReceive: 3 * SIZE, recoverableItems: Infinity }) },
      ));

    test('recoverable items above their quota: the oldest go, no expunge is refused', () => {
      let quota: MailboxQuota = { prohibitSendReceive: Infinity, recoverableItems: 3 * SIZE };
      return withStore(
        open,
        async ({ database, reopen }, mailbox) => {
          const inbox = inboxOf(mailbox);
          const other = await mailbox.createFolder('Other');
          const texts = Array.from({ length: 9 }, (_, i) => sized(`m${i + 1}`));
          for (const text of texts) await append(database, mailbox, inbox, text);
          await mailbox.move(inbox, Uint32Array.of(8, 9), other.id);
          const kept = recoverableOf(mailbox);
          await mailbox.expunge(inbox, Uint32Array.of(1, 2));
          await mailbox.expunge(inbox, Uint32Array.of(3, 4));
          const left = async (m: Mailbox): Promise<unknown> => bodies(m, kept, await uidsIn(m, kept));
          assert.deepEqual(await left(mailbox), texts.slice(1, 4));
          const [one, two] = await Promise.all([
            mailbox.expunge(inbox, Uint32Array.of(5)),
            mailbox.expunge(other.id, Uint32Array.of(1, 2)),
          ]);
          assert.deepEqual([one.expunged.length, two.expunged.length], [1, 2]);
          assert.deepEqual(await left(mailbox), [texts[4], texts[7], texts[8]]);
          quota = { ...quota, recoverableItems: SIZE };
          const m = await (await reopen()).open(mailbox.id);
          assert.equal(m.usage().recoverableMessages, 3);
          await m.maintain({ retentionSeconds: 1_000_000 });
          assert.deepEqual(await left(m), [texts[8]], 'a lowered quota acts with the next maintenance');
          quota = { ...quota, recoverableItems: SIZE - 1 };
          await m.expunge(inbox, Uint32Array.of(6, 7));
          assert.deepEqual(await left(m), [], 'larger than the quota by itself');
          assert.deepEqual(m.usage(), await counted(m));
          const last = await reopen();
          await assertClean(last, await last.open(mailbox.id));
        },
        { quotaOf: () => quota },
      );
    });

    test('many expunges in one commit, each above the quota', () =>
      withStore(
        open,
        async ({ database }, mailbox) => {
          const inbox = inboxOf(mailbox);
          const folders = [inbox];
          for (let i = 0; i < 4; i += 1) folders.push((await mailbox.createFolder(`F${i}`)).id);
          for (const folder of folders) {
            for (let i = 0; i < 3; i += 1) await append(database, mailbox, folder, sized(`${folder}-${i}`));
          }
          await Promise.all(folders.map((folder) => mailbox.expunge(folder, Uint32Array.of(1, 2, 3))));
          assert.deepEqual(mailbox.usage(), {
            bytes: 0,
            messages: 0,
            recoverableBytes: 4 * SIZE,
            recoverableMessages: 4,
          });
          assert.deepEqual(await uidsIn(mailbox, recoverableOf(mailbox)), [12, 13, 14, 15]);
          await assertClean(database, mailbox);
        },
        { quotaOf: () => ({ prohibitSendReceive: Infinity, recoverableItems: 4 * SIZE }) },
      ));

    test('recoverable items know where they were and since when', () => {
      let now = 1_800_000_000;
      return withStore(
        open,
        async ({ database, reopen }, mailbox) => {
          const inbox = inboxOf(mailbox);
          const work = await mailbox.createFolder('Work');
          const gone = await mailbox.createFolder('Gone');
          for (const folder of [inbox, work.id, gone.id]) {
            await append(database, mailbox, folder, message(`in-${folder}`));
          }
          now += 10;
          await mailbox.expunge(inbox, Uint32Array.of(1));
          now += 10;
          await mailbox.expunge(work.id, Uint32Array.of(1));
          await mailbox.changeFolder(work.id, { name: 'Works' });
          now += 10;
          await mailbox.removeFolder(gone.id);
          const check = async (m: Mailbox): Promise<void> => {
            const opened = await m.view(recoverableOf(m));
            assert.deepEqual(
              [0, 1, 2].map((row) => opened.recoverableOrigin(row)),
              [
                { folder: inbox, name: 'INBOX', deletedAt: 1_800_000_010 },
                { folder: work.id, name: 'Works', deletedAt: 1_800_000_020 },
                { folder: null, name: 'Gone', deletedAt: 1_800_000_030 },
              ],
            );
            opened.close();
            const plain = await m.view(inbox);
            assert.equal(plain.recoverableOrigin(0), null);
            plain.close();
          };
          await check(mailbox);
          await check(await (await reopen()).open(mailbox.id));
          await store(mailbox, reopen);
        },
        { now: () => now },
      );

      async function store(mailbox: Mailbox, reopen: () => Promise<{ open: (id: Mailbox['id']) => Promise<Mailbox> }>) {
        const m = await (await reopen()).open(mailbox.id);
        await m.maintain({ retentionSeconds: 1_000_000 });
        const folded = await (await reopen()).open(mailbox.id);
        const opened = await folded.view(recoverableOf(folded));
        assert.equal(opened.recoverableOrigin(2)?.name, 'Gone', 'also when it is folded');
        const restored = await folded.move(recoverableOf(folded), Uint32Array.of(1), inboxOf(folded));
        assert.equal(restored.target.length, 1);
        await folded.expunge(inboxOf(folded), restored.target);
        assert.equal(opened.recoverableOrigin(2)?.folder, inboxOf(folded), 'deleted a second time');
        opened.close();
      }
    });
  });

  describe(`${name}: line ends`, () => {
    const CASES: ReadonlyArray<readonly [string, readonly string[], boolean]> = [
      ['complete', ['a: b\r\n\r\nc\r\n'], false],
      ['without end', ['a: b\r\n\r\nc'], true],
      ['CR alone', ['a: b\r\n\r\nc\r'], true],
      ['bare LF, completed at the door', ['a: b\n\nc\n'], false],
      ['CR and LF in two pieces', ['a: b\r\n\r\nc\r', '\n'], false],
      ['one octet', ['a'], true],
      ['nothing at all', [], false],
      ['spooled, complete', ['x'.repeat(1_100_000), '\r', '\n'], false],
      ['spooled, without end', ['x'.repeat(1_100_000), '\r\n', 'y'], true],
    ];

    test('are known without reading, also of copies and over restarts', () =>
      withStore(open, async ({ database, reopen }, mailbox) => {
        const inbox = inboxOf(mailbox);
        for (const [, pieces] of CASES) {
          const sink = database.stage();
          for (const piece of pieces) await sink.write(Buffer.from(piece));
          const staged = await sink.finish();
          await mailbox.append(inbox, staged, {});
          await staged.release();
        }
        const target = await mailbox.createFolder('T');
        await mailbox.copy(
          inbox,
          Uint32Array.from(CASES, (_, i) => i + 1),
          target.id,
        );
        const check = async (m: Mailbox): Promise<void> => {
          for (const folder of [inbox, target.id]) {
            const opened = await m.view(folder);
            for (const [row, [what, , missing]] of CASES.entries()) {
              assert.equal(opened.lineEndMissing(row), missing, what);
            }
            opened.close();
          }
        };
        await check(mailbox);
        const again = await (await reopen()).open(mailbox.id);
        await check(again);
        await again.maintain({ retentionSeconds: 1_000_000 });
        await check(await (await reopen()).open(mailbox.id));
      }));
  });
}
