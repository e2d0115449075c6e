/** Messages: append, flags, copy, move, expunge, retention, unique-ids, what each does to counters and MODSEQ. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, test } from 'node:test';
import { DELETED, FLAGGED, folderId, mailboxId, SEEN, uid } from '../../src/store/model.ts';
import { KEYWORD_BYTES, KEYWORDS_PER_FOLDER } from '../../src/wire/limits.ts';
import {
  append,
  assertClean,
  bodies,
  DAY,
  failure,
  inboxOf,
  message,
  type OpenStore,
  readAll,
  uidsIn,
  withStore,
} from './store-fixture.ts';

const MAILBOX_2 = mailboxId('0c7f4f0e-0000-4000-8000-000000000002');

export function messageConformance(name: string, open: OpenStore): void {
  describe(`${name}: messages`, () => {
    test('append keeps bytes and facts, also over a restart', () =>
      withStore(open, async ({ database, reopen }, mailbox) => {
        const inbox = inboxOf(mailbox);
        const bytes = message('facts');
        const options = { flags: SEEN | FLAGGED, keywords: ['$Work', 'later'], internalDate: 1_700_000_000 };
        const appended = await append(database, mailbox, inbox, bytes, options);
        assert.equal(appended.uid, 1);
        const check = async (m: typeof mailbox): Promise<void> => {
          const view = await m.view(inbox);
          const { columns } = view;
          assert.equal(columns.length, 1);
          assert.equal(columns.uid[0], 1);
          assert.equal(columns.flags[0], SEEN | FLAGGED);
          assert.equal(columns.keywordsLow[0], (1 << view.keywordBit('$WORK')) | (1 << view.keywordBit('later')));
          assert.equal(columns.size[0], bytes.length);
          assert.equal(columns.internalDate[0], 1_700_000_000);
          assert.equal(columns.sentDate[0], Date.UTC(2026, 10, 21, 4, 30) / 1000);
          assert.equal(columns.sentDay[0], Date.UTC(2026, 10, 20) / 1000 / DAY, 'the day as written');
          assert.equal(columns.modSeq[0], appended.modSeq);
          const { exists, unseen, deleted, bytes: sum, uidNext, uidValidity } = view.folder;
          assert.deepEqual([exists, unseen, deleted, sum, uidNext], [1, 0, 0, bytes.length, 2]);
          assert.equal(uidValidity, appended.uidValidity);
          assert.deepEqual(await bodies(m, inbox, [1]), [bytes]);
          view.close();
        };
        await check(mailbox);
        await check(await (await reopen()).open(mailbox.id));
      }));

    test('a bare LF becomes CRLF at the door, nothing else changes', () =>
      withStore(open, async ({ database }, mailbox) => {
        const inbox = inboxOf(mailbox);
        const sink = database.stage();
        for (const piece of ['Subject: a\n\nb\r', '\nc\rd\0\n']) await sink.write(Buffer.from(piece));
        const staged = await sink.finish();
        assert.equal(staged.size, 23);
        await mailbox.append(inbox, staged, {});
        await staged.release();
        assert.equal((await bodies(mailbox, inbox, [1]))[0]?.toString('latin1'), 'Subject: a\r\n\r\nb\r\nc\rd\0\r\n');
      }));

    test('a message above the limit is refused while it comes in, one at the limit is not', () =>
      withStore(open, async ({ database }, mailbox) => {
        const exact = database.stage({ maxBytes: 100 });
        await exact.write(Buffer.alloc(100, 'x'));
        assert.equal((await exact.finish()).size, 100);
        const over = database.stage({ maxBytes: 100 });
        await over.write(Buffer.alloc(99, 'x'));
        await assert.rejects(async () => over.write(Buffer.alloc(2, 'x')), failure('TOOBIG'));
        await over.abort();
        await assertClean(database, mailbox);
      }));

    test('a large message is spooled, stored and read in pieces and by range', () =>
      withStore(open, async ({ database, reopen }, mailbox) => {
        const inbox = inboxOf(mailbox);
        const bytes = message('large', '', 3_000_000);
        bytes.writeUInt32LE(0xdeadbeef, 2_000_000);
        const sink = database.stage();
        for (let at = 0; at < bytes.length; at += 100_000) await sink.write(bytes.subarray(at, at + 100_000));
        const staged = await sink.finish();
        await mailbox.append(inbox, staged, {});
        await mailbox.append(inbox, staged, {});
        await staged.release();
        const again = await (await reopen()).open(mailbox.id);
        const [first, second] = await bodies(again, inbox, [1, 2]);
        assert.ok(first?.equals(bytes));
        assert.ok(second?.equals(bytes));
        const part = await readAll(again.read(inbox, 2, 1_999_990, 2_000_010));
        assert.equal(part, bytes.toString('latin1', 1_999_990, 2_000_010));
        assert.equal(await readAll(again.read(inbox, 1, bytes.length - 5, bytes.length + 50)), 'xxxxx');
        assert.equal(await readAll(again.read(inbox, 1, bytes.length, bytes.length + 50)), '');
        await assert.rejects(readAll(again.read(inbox, 3, 0, 10)), failure('EXPUNGEISSUED'));
      }));

    test('one staged message goes into several mailboxes', () =>
      withStore(open, async ({ database }, mailbox) => {
        const other = await database.open(MAILBOX_2);
        const sink = database.stage();
        await sink.write(message('both'));
        const staged = await sink.finish();
        await Promise.all([mailbox, other].map((m) => m.append(inboxOf(m), staged, {})));
        await staged.release();
        assert.deepEqual(await bodies(other, inboxOf(other), [1]), [message('both')]);
        assert.deepEqual(await bodies(mailbox, inboxOf(mailbox), [1]), [message('both')]);
        assert.equal((await database.mailboxes()).length, 2);
      }));

    test('UIDs may be chosen at or above UIDNEXT only', () =>
      withStore(open, async ({ database }, mailbox) => {
        const inbox = inboxOf(mailbox);
        assert.equal((await append(database, mailbox, inbox, message('a'), { uid: uid(10) })).uid, 10);
        assert.equal((await append(database, mailbox, inbox, message('b'))).uid, 11);
        await assert.rejects(append(database, mailbox, inbox, message('c'), { uid: uid(11) }), failure('CANNOT'));
        await assert.rejects(
          append(database, mailbox, inbox, message('c'), { uid: uid(2 ** 32 - 1) }),
          failure('LIMIT'),
        );
        await assert.rejects(append(database, mailbox, folderId(999), message('c')), failure('NONEXISTENT'));
        assert.deepEqual(await uidsIn(mailbox, inbox), [10, 11]);
      }));

    test('unique-ids are made, or stored and carried along', () =>
      withStore(open, async ({ database, reopen }, mailbox) => {
        const inbox = inboxOf(mailbox);
        await append(database, mailbox, inbox, message('a'));
        await append(database, mailbox, inbox, message('b'), { uidl: 'old~server!1' });
        for (const bad of ['', 'with space', 'x'.repeat(71), 'ä']) {
          await assert.rejects(append(database, mailbox, inbox, message('c'), { uidl: bad }), failure('CANNOT'), bad);
        }
        const made = (await mailbox.view(inbox)).uidl(1);
        assert.match(made, /^[\u0021-\u007e]{1,70}$/);
        const again = await (await reopen()).open(mailbox.id);
        const view = await again.view(inbox);
        assert.equal(view.uidl(1), made);
        assert.equal(view.uidl(2), 'old~server!1');
      }));

    test('STORE: add, remove, replace; only real changes count', () =>
      withStore(open, async ({ database, reopen }, mailbox) => {
        const inbox = inboxOf(mailbox);
        for (const text of ['a', 'b', 'c']) await append(database, mailbox, inbox, message(text));
        const all = Uint32Array.of(1, 2, 3, 77);
        const before = mailbox.folder(inbox)?.highestModSeq ?? 0;
        const seen = await mailbox.setFlags(inbox, Uint32Array.of(2), { op: 'add', flags: SEEN, keywords: ['$x'] });
        assert.ok(seen.modSeq > before);
        assert.deepEqual([...seen.changed], [2]);
        const more = await mailbox.setFlags(inbox, all, { op: 'add', flags: SEEN, keywords: [] });
        assert.deepEqual([...more.changed], [1, 3]);
        const none = await mailbox.setFlags(inbox, all, { op: 'add', flags: SEEN, keywords: [] });
        assert.deepEqual([...none.changed], []);
        assert.equal(mailbox.folder(inbox)?.highestModSeq, more.modSeq, 'nothing changed, no MODSEQ');
        await mailbox.setFlags(inbox, Uint32Array.of(3), { op: 'replace', flags: DELETED, keywords: ['$Y', '$x'] });
        await mailbox.setFlags(inbox, Uint32Array.of(2), { op: 'remove', flags: 0, keywords: ['$X', 'unknown'] });
        const check = async (m: typeof mailbox): Promise<void> => {
          const view = await m.view(inbox);
          assert.deepEqual([...view.columns.flags.subarray(0, 3)], [SEEN, SEEN, DELETED]);
          assert.deepEqual([...view.columns.keywordsLow.subarray(0, 3)], [0, 0, 3]);
          assert.deepEqual(view.folder.keywords, ['$x', '$Y']);
          assert.deepEqual([view.folder.unseen, view.folder.deleted], [1, 1]);
          view.close();
        };
        await check(mailbox);
        await check(await (await reopen()).open(mailbox.id));
      }));

    test('STORE UNCHANGEDSINCE leaves newer messages alone (RFC 7162 §3.1.3)', () =>
      withStore(open, async ({ database }, mailbox) => {
        const inbox = inboxOf(mailbox);
        await append(database, mailbox, inbox, message('a'));
        const second = await append(database, mailbox, inbox, message('b'));
        await mailbox.setFlags(inbox, Uint32Array.of(1), { op: 'add', flags: SEEN, keywords: [] });
        const stored = await mailbox.setFlags(inbox, Uint32Array.of(1, 2), {
          op: 'add',
          flags: FLAGGED,
          keywords: [],
          unchangedSince: second.modSeq,
        });
        assert.deepEqual([...stored.changed], [2]);
        assert.deepEqual([...stored.modified], [1]);
      }));

    test('keywords: 64 a folder, not one more, none too long', () =>
      withStore(open, async ({ database, reopen }, mailbox) => {
        const inbox = inboxOf(mailbox);
        await append(database, mailbox, inbox, message('a'));
        const names = Array.from({ length: KEYWORDS_PER_FOLDER }, (_, i) => `k${i}`);
        await mailbox.setFlags(inbox, Uint32Array.of(1), { op: 'replace', flags: 0, keywords: names });
        const one = Uint32Array.of(1);
        for (const keywords of [['more'], ['x'.repeat(KEYWORD_BYTES + 1)], ['']]) {
          await assert.rejects(mailbox.setFlags(inbox, one, { op: 'add', flags: 0, keywords }), failure('LIMIT'));
        }
        const again = await (await reopen()).open(mailbox.id);
        const view = await again.view(inbox);
        assert.deepEqual(view.folder.keywords, names);
        assert.deepEqual([view.columns.keywordsLow[0], view.columns.keywordsHigh[0]], [0xffffffff, 0xffffffff]);
        await again.setFlags(inbox, one, { op: 'remove', flags: 0, keywords: ['K0', 'k63'] });
        assert.deepEqual([view.columns.keywordsLow[0], view.columns.keywordsHigh[0]], [0xfffffffe, 0x7fffffff]);
      }));

    test('COPY shares bytes, keeps facts, maps keywords, skips what is gone', () =>
      withStore(open, async ({ database, reopen }, mailbox) => {
        const inbox = inboxOf(mailbox);
        const target = await mailbox.createFolder('T');
        await append(database, mailbox, target.id, message('t'), { keywords: ['other'] });
        await append(database, mailbox, inbox, message('a'), { flags: SEEN, keywords: ['$A', '$B'] });
        await append(database, mailbox, inbox, message('b'), { internalDate: 5, keywords: ['$B'] });
        const copied = await mailbox.copy(inbox, Uint32Array.of(1, 2, 9), target.id);
        assert.deepEqual([...copied.source], [1, 2]);
        assert.deepEqual([...copied.target], [2, 3]);
        assert.equal(copied.uidValidity, target.uidValidity);
        const again = await (await reopen()).open(mailbox.id);
        const [from, to] = [await again.view(inbox), await again.view(target.id)];
        const bits = (v: typeof to, row: number): string[] =>
          v.folder.keywords.filter((word) => ((v.columns.keywordsLow[row] ?? 0) >>> v.keywordBit(word)) & 1);
        assert.deepEqual(bits(to, 1).sort(), ['$A', '$B']);
        assert.deepEqual(bits(to, 2), ['$B']);
        assert.deepEqual([...to.columns.content.subarray(1, 3)], [...from.columns.content.subarray(0, 2)]);
        assert.deepEqual([...to.columns.thread.subarray(1, 3)], [...from.columns.thread.subarray(0, 2)]);
        assert.equal(to.columns.internalDate[2], 5);
        assert.equal(to.folder.exists, 3);
        assert.equal(from.folder.exists, 2);
        const none = await again.copy(inbox, Uint32Array.of(50), target.id);
        assert.equal(none.source.length, 0);
        const self = await again.copy(inbox, Uint32Array.of(2), inbox);
        assert.deepEqual([...self.target], [3]);
        assert.deepEqual(await bodies(again, inbox, [2, 3]), [message('b'), message('b')]);
        const third = await reopen();
        await assertClean(third, await third.open(mailbox.id));
      }));

    test('MOVE leaves nothing behind, also within one folder', () =>
      withStore(open, async ({ database }, mailbox) => {
        const inbox = inboxOf(mailbox);
        const target = await mailbox.createFolder('T');
        for (const text of ['a', 'b', 'c']) await append(database, mailbox, inbox, message(text));
        const moved = await mailbox.move(inbox, Uint32Array.of(1, 3), target.id);
        assert.deepEqual([...moved.target], [1, 2]);
        assert.deepEqual(await uidsIn(mailbox, inbox), [2]);
        assert.deepEqual(await bodies(mailbox, target.id, [1, 2]), [message('a'), message('c')]);
        const self = await mailbox.move(inbox, Uint32Array.of(2), inbox);
        assert.deepEqual([...self.target], [4]);
        assert.deepEqual(await uidsIn(mailbox, inbox), [4]);
        await assertClean(database, mailbox);
      }));

    test('expunged messages wait in recoverable items until retention ends', async () => {
      let now = 1_800_000_000;
      await withStore(
        open,
        async ({ database, reopen }, mailbox) => {
          const inbox = inboxOf(mailbox);
          for (const text of ['a', 'b', 'c']) await append(database, mailbox, inbox, message(text), { flags: DELETED });
          const gone = await mailbox.expunge(inbox, Uint32Array.of(1, 2, 8));
          assert.deepEqual([...gone.expunged], [1, 2]);
          assert.equal(mailbox.folder(inbox)?.deleted, 1);
          const kept = mailbox.folderByUse('recoverable');
          assert.ok(kept);
          assert.equal(kept.exists, 2);
          assert.deepEqual(await bodies(mailbox, kept.id, [1, 2]), [message('a'), message('b')]);
          now += 14 * DAY;
          await mailbox.maintain({ retentionSeconds: 14 * DAY });
          assert.equal(mailbox.folderByUse('recoverable')?.exists, 2, 'fourteen days are not over yet');
          const purged = await mailbox.expunge(inbox, Uint32Array.of(3), { purge: true });
          assert.equal(purged.expunged.length, 1);
          assert.equal(mailbox.folderByUse('recoverable')?.exists, 2);
          now += 1;
          await mailbox.maintain({ retentionSeconds: 14 * DAY });
          assert.equal(mailbox.folderByUse('recoverable')?.exists, 0);
          const again = await reopen();
          await assertClean(again, await again.open(mailbox.id));
        },
        { now: () => now },
      );
    });

    test('conversations follow Message-ID and References', () =>
      withStore(open, async ({ database, reopen }, mailbox) => {
        const inbox = inboxOf(mailbox);
        await append(database, mailbox, inbox, message('root'));
        await append(database, mailbox, inbox, message('stranger'));
        const again = await reopen();
        const m = await again.open(mailbox.id);
        await append(again, m, inbox, message('reply', 'References: <root@example.org>\r\n'));
        await append(again, m, inbox, message('answer', 'In-Reply-To: <reply@example.org>\r\n'));
        const [root, stranger, reply, answer] = (await m.view(inbox)).columns.thread;
        assert.equal(reply, root);
        assert.equal(answer, root);
        assert.notEqual(stranger, root);
      }));

    test('clearRecent moves the border, once', () =>
      withStore(open, async ({ database, reopen }, mailbox) => {
        const inbox = inboxOf(mailbox);
        await append(database, mailbox, inbox, message('a'));
        assert.equal(mailbox.folder(inbox)?.firstRecentUid, 1);
        await mailbox.clearRecent(inbox);
        await append(database, mailbox, inbox, message('b'));
        const again = await (await reopen()).open(mailbox.id);
        assert.equal(again.folder(inbox)?.firstRecentUid, 2);
      }));
  });
}
