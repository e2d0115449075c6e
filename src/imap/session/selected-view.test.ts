import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import fc from 'fast-check';
import { openMemoryDatabase } from '../../store/engine/memory/index.ts';
import type { Mailbox, MailboxDatabase } from '../../store/api.ts';
import { type FolderId, mailboxId } from '../../store/model.ts';
import { ByteWriter } from '../../wire/byte-writer.ts';
import { ascending, SelectedView } from './selected-view.ts';

/** A client that only applies what it is told. */
class Screen {
  uids: number[];
  #text = '';
  readonly out = new ByteWriter((chunk) => {
    this.#text += chunk.toString('latin1');
  });

  constructor(uids: Iterable<number>) {
    this.uids = [...uids];
  }

  /** @returns the lines; EXISTS adds unknown messages as 0 */
  apply(): string[] {
    this.out.flush();
    const lines = this.#text.split('\r\n').filter((line) => line !== '');
    this.#text = '';
    for (const line of lines) {
      const [, number = '', what = ''] = line.split(' ');
      const n = Number(number);
      if (what === 'EXPUNGE') {
        assert.ok(n >= 1 && n <= this.uids.length, `${line} of ${this.uids.length}`);
        this.uids.splice(n - 1, 1);
      } else if (what === 'EXISTS') {
        assert.ok(n >= this.uids.length, `${line} of ${this.uids.length}`);
        while (this.uids.length < n) this.uids.push(0);
      } else if (what === 'FETCH') {
        assert.ok(n >= 1 && n <= this.uids.length, `${line} of ${this.uids.length}`);
      }
    }
    return lines;
  }
}

async function withFolder(
  messages: number,
  run: (mailbox: Mailbox, folder: FolderId, database: MailboxDatabase) => Promise<void>,
): Promise<void> {
  const database = openMemoryDatabase();
  const mailbox = await database.open(mailboxId('view-test'));
  const inbox = mailbox.folderByName('INBOX');
  assert.ok(inbox !== null);
  for (let i = 0; i < messages; i += 1) await append(database, mailbox, inbox.id);
  await run(mailbox, inbox.id, database);
  mailbox.close();
  await database.close();
}

async function append(database: MailboxDatabase, mailbox: Mailbox, folder: FolderId): Promise<void> {
  const sink = database.stage();
  await sink.write(Buffer.from('Subject: x\r\n\r\n'));
  const staged = await sink.finish();
  await mailbox.append(folder, staged, {});
  await staged.release();
}

type Step =
  | { readonly kind: 'append' }
  | { readonly kind: 'expunge' | 'flag'; readonly at: number }
  | { readonly kind: 'release'; readonly expunge: boolean };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constant<Step>({ kind: 'append' }),
  fc.record({ kind: fc.constantFrom('expunge' as const, 'flag' as const), at: fc.nat(20) }),
  fc.record({ kind: fc.constant('release' as const), expunge: fc.boolean() }),
);

test('whatever others do, the client that applies every answer has the view, and numbers move only with leave', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(6), fc.array(step, { maxLength: 25 }), async (messages, steps) => {
      await withFolder(messages, async (mailbox, folder, database) => {
        const view = new SelectedView(await mailbox.view(folder), false);
        const stop = mailbox.watch((event) => {
          if (event.kind === 'messages') for (const each of event.events) view.note(each, false);
        });
        const screen = new Screen(view.uids);
        for (const each of [...steps, { kind: 'release', expunge: true } satisfies Step]) {
          const { uid, length } = view.store.columns;
          if (each.kind === 'append') await append(database, mailbox, folder);
          else if (each.kind === 'release') {
            const frozen = [...view.uids];
            view.release(screen.out, each.expunge);
            const lines = screen.apply();
            if (!each.expunge) {
              assert.ok(!lines.some((line) => line.endsWith('EXPUNGE')));
              assert.deepEqual([...view.uids].slice(0, frozen.length), frozen);
            }
            // What EXISTS announced is learned by FETCH.
            screen.uids = screen.uids.map((known, i) => (known === 0 ? view.uidAt(i) : known));
            assert.deepEqual(screen.uids, [...view.uids]);
          } else if (each.at < length) {
            const uids = uid.slice(each.at, each.at + 2).filter((n) => n > 0 && n <= (uid[length - 1] ?? 0));
            if (each.kind === 'expunge') await mailbox.expunge(folder, uids);
            else await mailbox.setFlags(folder, uids, { op: 'add', flags: 1 << (each.at % 5), keywords: [] });
          }
        }
        assert.deepEqual([...view.uids], [...view.store.columns.uid.subarray(0, view.store.columns.length)]);
        stop();
        view.close();
      });
    }),
    { numRuns: 150 },
  );
});

test('the view shares the UID array of the folder: no copy a session', async () => {
  await withFolder(5, async (mailbox, folder) => {
    const one = new SelectedView(await mailbox.view(folder), false);
    const other = new SelectedView(await mailbox.view(folder), false);
    assert.equal(one.uids.buffer, other.uids.buffer);
    one.close();
    other.close();
  });
});

test('targets: by number, by UID, of found UIDs', async () => {
  await withFolder(6, async (mailbox, folder) => {
    await mailbox.expunge(folder, Uint32Array.of(2));
    const view = new SelectedView(await mailbox.view(folder), false);
    assert.deepEqual([...view.uids], [1, 3, 4, 5, 6]);
    assert.deepEqual([...view.byNumber([{ first: 2, last: 3 }]).uids], [3, 4]);
    const apart = view.byNumber([
      { first: 1, last: 1 },
      { first: 5, last: 5 },
    ]);
    assert.deepEqual(
      [[...apart.uids], [...(apart.indexes ?? [])]],
      [
        [1, 6],
        [0, 4],
      ],
    );
    assert.deepEqual([...view.byUid([{ first: 2, last: 4 }]).uids], [3, 4]);
    assert.deepEqual([...view.byUid([{ first: 2, last: 2 }]).uids], []);
    const found = view.targetsOf(Uint32Array.of(1, 2, 6));
    assert.deepEqual(
      [[...found.uids], [...(found.indexes ?? [])]],
      [
        [1, 6],
        [0, 4],
      ],
    );
    assert.equal(view.indexOf(2), -1);
    view.close();
  });
});

test('many queued flag changes are folded, none is lost', async () => {
  await withFolder(3, async (mailbox, folder) => {
    const view = new SelectedView(await mailbox.view(folder), false);
    const stop = mailbox.watch((event) => {
      if (event.kind === 'messages') for (const each of event.events) view.note(each, false);
    });
    for (let i = 0; i < 200; i += 1) {
      const op = i % 2 === 0 ? 'add' : 'remove';
      await mailbox.setFlags(folder, Uint32Array.of(1 + (i % 3)), { op, flags: 2, keywords: [] });
    }
    const screen = new Screen(view.uids);
    view.release(screen.out, false);
    assert.deepEqual(
      screen.apply().map((line) => line.split(' ').slice(0, 5).join(' ')),
      ['* 1 FETCH (UID 1', '* 2 FETCH (UID 2', '* 3 FETCH (UID 3'],
    );
    stop();
    view.close();
  });
});

test('ascending joins lists and keeps each UID once', () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.integer({ min: 1, max: 60 }))), (lists) => {
      const expected = [...new Set(lists.flat())].sort((a, b) => a - b);
      assert.deepEqual([...ascending(lists.map((list) => Uint32Array.from(list)))], expected);
    }),
  );
});
