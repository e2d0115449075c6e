/** Moves of a mailbox from one database to another (store/moving.ts): everything comes along, nothing goes half. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, test } from 'node:test';
import type { Mailbox, MailboxDatabase } from '../../src/store/api.ts';
import { DELETED, FLAGGED, SEEN, uid } from '../../src/store/model.ts';
import type { Arrival, ContentFrame, Departure } from '../../src/store/moving.ts';
import { mailboxFacts } from '../support/mailbox-facts.ts';
import { append, assertClean, failure, inboxOf, MAILBOX, message, type OpenStore } from './store-fixture.ts';

const MOVE = 'move-1';
/** Larger than what is read or staged in one piece. */
const LARGE = 3 * 1024 * 1024;
/** More rows than one chunk of the index has. */
const MANY = 1100;

interface Stage {
  readonly source: MailboxDatabase;
  readonly target: MailboxDatabase;
  /** Closes the target and opens it again. */
  readonly reopenTarget: () => Promise<MailboxDatabase>;
}

async function onStage(open: OpenStore, openTarget: OpenStore, run: (stage: Stage) => Promise<void>): Promise<void> {
  const source = await open();
  const target = await openTarget();
  try {
    await run({ source: source.database, target: target.database, reopenTarget: target.reopen });
  } finally {
    await source.dispose();
    await target.dispose();
  }
}

/** Nested folders, keywords, copies, expunged messages, recoverable items, unique-ids, two chunks, a large message. */
async function furnish(database: MailboxDatabase, mailbox: Mailbox): Promise<void> {
  const inbox = inboxOf(mailbox);
  const work = await mailbox.createFolder('Work/2026/Größe', { subscribed: true });
  const gone = await mailbox.createFolder('Gone');
  await mailbox.subscribeName('Not there', true);
  for (let i = 0; i < MANY; i += 1) {
    await append(database, mailbox, inbox, message(`m${i}`), {
      flags: i % 3 === 0 ? SEEN : 0,
      keywords: i % 5 === 0 ? ['$Work', `k${i % 40}`] : [],
      internalDate: 1_700_000_000 + i,
      ...(i === 7 ? { uidl: 'from-the-old-server' } : {}),
      ...(i === 1000 ? { uid: uid(2000) } : {}),
    });
  }
  await append(database, mailbox, work.id, message('large', '', LARGE));
  await append(database, mailbox, work.id, Buffer.alloc(0));
  await append(database, mailbox, work.id, message('reply', 'In-Reply-To: <m3@example.org>\r\n'));
  await mailbox.copy(inbox, Uint32Array.of(1, 2, 8, 900), work.id);
  await mailbox.move(inbox, Uint32Array.of(10, 11), work.id);
  await append(database, mailbox, gone.id, message('kept'));
  await mailbox.removeFolder(gone.id);
  await mailbox.setFlags(inbox, Uint32Array.of(20, 21, 22), { op: 'add', flags: DELETED, keywords: [] });
  await mailbox.expunge(inbox, Uint32Array.of(20, 21));
  await mailbox.expunge(inbox, Uint32Array.of(22), { purge: true });
  await mailbox.expunge(inbox, Uint32Array.of(30), { purge: true });
  await mailbox.clearRecent(inbox);
}

async function copyOver(departure: Departure, arrival: Arrival): Promise<void> {
  await arrival.take(departure.contents(arrival.have()));
}

/** The whole way, as the mover goes it. */
async function moveOver(source: MailboxDatabase, target: MailboxDatabase): Promise<void> {
  const departure = await source.depart(MAILBOX);
  const arrival = await target.receive(MAILBOX, MOVE);
  await arrival.takeThreadKeys(departure.threadKeys());
  await copyOver(departure, arrival);
  await arrival.settle();
  await departure.hold(MOVE);
  await copyOver(departure, arrival);
  await arrival.adopt(departure.state());
  await departure.seal();
  await arrival.open();
  departure.close();
}

async function* altered(
  frames: AsyncIterable<ContentFrame>,
  change: (frame: ContentFrame) => ContentFrame | null,
): AsyncIterable<ContentFrame> {
  for await (const frame of frames) {
    const other = change(frame);
    if (other !== null) yield other;
  }
}

const flipped = (bytes: Buffer): Buffer => {
  const copy = Buffer.from(bytes);
  copy[copy.length >>> 1] = copy[copy.length >>> 1]! ^ 1;
  return copy;
};

export function movingConformance(name: string, open: OpenStore, openTarget: OpenStore = open): void {
  describe(`moves, ${name}`, () => {
    test('everything a mailbox says is the same at its new place', async () => {
      await onStage(open, openTarget, async ({ source, target }) => {
        const mailbox = await source.open(MAILBOX);
        await furnish(source, mailbox);
        const before = await mailboxFacts(mailbox);
        mailbox.close();
        await moveOver(source, target);
        const moved = await target.open(MAILBOX);
        assert.deepEqual(await mailboxFacts(moved), before);
        await assertClean(target, moved);
        const again = await append(target, moved, inboxOf(moved), message('next', 'In-Reply-To: <m3@example.org>\r\n'));
        const inbox = before.folders.find(({ folder }) => folder.specialUse === 'inbox');
        assert.ok(inbox);
        assert.equal(again.uid, inbox.folder.uidNext);
        const after = (await mailboxFacts(moved)).folders.flatMap(({ messages }) => messages);
        const threadOf = (at: number): number | undefined => after.find((one) => one.uid === at)?.columns['thread'];
        assert.equal(threadOf(again.uid), threadOf(4), 'conversations go on');
        const folder = await moved.createFolder('After');
        assert.ok(before.folders.every((one) => one.folder.id < folder.id));
        moved.close();
      });
    });

    test('what was written at the new place is there when its database is opened again', async () => {
      await onStage(open, openTarget, async ({ source, target, reopenTarget }) => {
        const mailbox = await source.open(MAILBOX);
        await append(source, mailbox, inboxOf(mailbox), message('one'), { keywords: ['$k'] });
        const before = await mailboxFacts(mailbox);
        mailbox.close();
        await moveOver(source, target);
        const moved = await (await reopenTarget()).open(MAILBOX);
        assert.deepEqual(await mailboxFacts(moved), before);
        moved.close();
      });
    });

    test('an empty mailbox moves', async () => {
      await onStage(open, openTarget, async ({ source, target }) => {
        const mailbox = await source.open(MAILBOX);
        const before = await mailboxFacts(mailbox);
        mailbox.close();
        await moveOver(source, target);
        const moved = await target.open(MAILBOX);
        assert.deepEqual(await mailboxFacts(moved), before);
        moved.close();
      });
    });

    test('while it comes in nobody opens it, when it has gone nobody opens it where it was', async () => {
      await onStage(open, openTarget, async ({ source, target }) => {
        const mailbox = await source.open(MAILBOX);
        const inbox = inboxOf(mailbox);
        await append(source, mailbox, inbox, message('one'));
        const departure = await source.depart(MAILBOX);
        await assert.rejects(source.depart(MAILBOX), failure('INUSE'));
        const arrival = await target.receive(MAILBOX, MOVE);
        await assert.rejects(target.open(MAILBOX), failure('UNAVAILABLE'));
        await assert.rejects(target.receive(MAILBOX, MOVE), failure('INUSE'));
        await copyOver(departure, arrival);
        await departure.hold(MOVE);
        const waiting = append(source, mailbox, inbox, message('late'));
        const refused = assert.rejects(waiting, failure('UNAVAILABLE'));
        await arrival.adopt(departure.state());
        let isOpen = false;
        const early = target.open(MAILBOX).then((handle) => {
          isOpen = true;
          return handle;
        });
        await departure.seal();
        await refused;
        await assert.rejects(append(source, mailbox, inbox, message('later')), failure('UNAVAILABLE'));
        await assert.rejects(source.open(MAILBOX), failure('UNAVAILABLE'));
        mailbox.close();
        departure.close();
        assert.equal(isOpen, false, 'who comes at the moment of the switch waits for it');
        await arrival.open();
        (await early).close();
        await assert.rejects(source.open(MAILBOX), failure('UNAVAILABLE'));
        assert.equal((await source.standing(MAILBOX))?.kind, 'moved');
        assert.equal(await target.standing(MAILBOX), null);
        const moved = await target.open(MAILBOX);
        assert.equal(moved.folder(inbox)?.exists, 1);
        moved.close();
      });
    });

    test('commits that waited for a move that came to nothing are carried out', async () => {
      await onStage(open, openTarget, async ({ source, target }) => {
        const mailbox = await source.open(MAILBOX);
        const inbox = inboxOf(mailbox);
        const departure = await source.depart(MAILBOX);
        const arrival = await target.receive(MAILBOX, MOVE);
        await departure.hold(MOVE);
        let isDone = false;
        const waiting = append(source, mailbox, inbox, message('late')).then((done) => {
          isDone = true;
          return done;
        });
        await arrival.adopt(departure.state());
        assert.equal(isDone, false);
        await departure.resume();
        assert.equal((await waiting).uid, 1);
        await arrival.abandon();
        departure.close();
        assert.equal(await source.standing(MAILBOX), null);
        assert.deepEqual(await target.mailboxes(), []);
        await append(source, mailbox, inbox, message('next'));
        await assertClean(source, mailbox);
        mailbox.close();
      });
    });

    test('changes between passes come along, and a second attempt behind a failed one takes what is true then', async () => {
      await onStage(open, openTarget, async ({ source, target }) => {
        const mailbox = await source.open(MAILBOX);
        const inbox = inboxOf(mailbox);
        for (let i = 0; i < 30; i += 1) await append(source, mailbox, inbox, message(`m${i}`));
        const departure = await source.depart(MAILBOX);
        const first = await target.receive(MAILBOX, MOVE);
        await copyOver(departure, first);
        await append(source, mailbox, inbox, message('second pass'));
        await mailbox.expunge(inbox, Uint32Array.of(3));
        await departure.hold(MOVE);
        await copyOver(departure, first);
        await first.adopt(departure.state());
        await departure.resume();
        await first.close();
        await mailbox.expunge(
          inbox,
          Uint32Array.from({ length: 20 }, (_, i) => i + 1),
          { purge: true },
        );
        const work = await mailbox.createFolder('Work');
        await mailbox.move(inbox, Uint32Array.of(25), work.id);
        await mailbox.setFlags(inbox, Uint32Array.of(26), { op: 'add', flags: FLAGGED, keywords: ['$x'] });
        const before = await mailboxFacts(mailbox);
        const second = await target.receive(MAILBOX, MOVE);
        await departure.hold(MOVE);
        await copyOver(departure, second);
        await second.adopt(departure.state());
        await departure.seal();
        await second.open();
        const moved = await target.open(MAILBOX);
        assert.deepEqual(await mailboxFacts(moved), before);
        await assertClean(target, moved);
        moved.close();
        mailbox.close();
        departure.close();
      });
    });

    test('a mailbox moves away and back again', async () => {
      await onStage(open, openTarget, async ({ source, target }) => {
        const mailbox = await source.open(MAILBOX);
        await append(source, mailbox, inboxOf(mailbox), message('one'));
        mailbox.close();
        await moveOver(source, target);
        const there = await target.open(MAILBOX);
        await append(target, there, inboxOf(there), message('two'));
        const before = await mailboxFacts(there);
        there.close();
        await moveOver(target, source);
        const back = await source.open(MAILBOX);
        assert.deepEqual(await mailboxFacts(back), before);
        back.close();
      });
    });

    test('what has come is not sent again when the move goes on later', async () => {
      await onStage(open, openTarget, async ({ source, target, reopenTarget }) => {
        const mailbox = await source.open(MAILBOX);
        for (let i = 0; i < 9; i += 1) await append(source, mailbox, inboxOf(mailbox), message(`m${i}`));
        const departure = await source.depart(MAILBOX);
        const first = await target.receive(MAILBOX, MOVE);
        await copyOver(departure, first);
        await first.close();
        const reopened = await reopenTarget();
        await assert.rejects(reopened.open(MAILBOX), failure('UNAVAILABLE'));
        const second = await reopened.receive(MAILBOX, MOVE);
        const isKept = second.have().length > 0;
        const rest: number[] = [];
        await second.take(departure.contents(second.have()), { expected: (contents) => rest.push(contents) });
        assert.deepEqual(rest, [isKept ? 0 : 9], 'all or, where nothing outlives the process, none');
        await second.abandon();
        const other = await reopened.receive(MAILBOX, 'another move');
        assert.equal(other.have().length, 0, 'what another move has left is not trusted');
        await other.abandon();
        departure.close();
        mailbox.close();
      });
    });

    for (const [what, change] of [
      [
        'a small message',
        (frame: ContentFrame) => (frame.kind === 'whole' ? { ...frame, bytes: flipped(frame.bytes) } : frame),
      ],
      [
        'a piece of a large message',
        (frame: ContentFrame) => (frame.kind === 'piece' ? { ...frame, bytes: flipped(frame.bytes) } : frame),
      ],
      ['the end of a large message', (frame: ContentFrame) => (frame.kind === 'end' ? null : frame)],
    ] as const) {
      test(`${what} damaged on the way is found, and the source stays as it was`, async () => {
        await onStage(open, openTarget, async ({ source, target }) => {
          const mailbox = await source.open(MAILBOX);
          const inbox = inboxOf(mailbox);
          await append(source, mailbox, inbox, message('small'));
          await append(source, mailbox, inbox, message('large', '', LARGE));
          const departure = await source.depart(MAILBOX);
          const arrival = await target.receive(MAILBOX, MOVE);
          const damaged = altered(departure.contents(arrival.have()), change);
          await assert.rejects(arrival.take(damaged), failure('CORRUPTION'));
          await arrival.abandon();
          departure.close();
          assert.equal((await append(source, mailbox, inbox, message('next'))).uid, 3);
          await assertClean(source, mailbox);
          mailbox.close();
        });
      });
    }

    test('nothing that was acknowledged is lost to a move while clients append, flag and expunge', async () => {
      await onStage(open, openTarget, async ({ source, target }) => {
        const mailbox = await source.open(MAILBOX);
        const inbox = inboxOf(mailbox);
        for (let i = 0; i < 200; i += 1) await append(source, mailbox, inbox, message(`m${i}`));
        const before = mailbox.folder(inbox)?.highestModSeq ?? 0;
        const working = { on: true };
        const acknowledged = { appended: new Set<number>(), expunged: new Set<number>(), flagged: new Set<number>() };
        const until = async (step: (round: number) => Promise<void>): Promise<void> => {
          try {
            for (let round = 0; working.on; round += 1) {
              await step(round);
              // In memory nothing waits for a disk, and nobody else would get a turn.
              await new Promise(setImmediate);
            }
          } catch (reason) {
            failure('UNAVAILABLE')(reason);
          }
        };
        const clients = [
          until(
            async (round) =>
              void acknowledged.appended.add((await append(source, mailbox, inbox, message(`new${round}`))).uid),
          ),
          until(async (round) => {
            const uids = Uint32Array.of(1 + (round % 50));
            const { expunged } = await mailbox.expunge(inbox, uids, { purge: round % 2 === 0 });
            for (const one of expunged) acknowledged.expunged.add(one);
          }),
          until(async (round) => {
            const uids = Uint32Array.of(60 + (round % 100));
            const { changed } = await mailbox.setFlags(inbox, uids, { op: 'add', flags: FLAGGED, keywords: [] });
            for (const one of changed) acknowledged.flagged.add(one);
          }),
        ];
        const departure = await source.depart(MAILBOX);
        const arrival = await target.receive(MAILBOX, MOVE);
        await arrival.takeThreadKeys(departure.threadKeys());
        for (let pass = 0; pass < 3; pass += 1) await copyOver(departure, arrival);
        await departure.hold(MOVE);
        await copyOver(departure, arrival);
        await arrival.adopt(departure.state());
        await departure.seal();
        working.on = false;
        await Promise.all(clients);
        const last = await mailboxFacts(mailbox);
        await arrival.open();
        departure.close();
        mailbox.close();
        const moved = await target.open(MAILBOX);
        assert.deepEqual(await mailboxFacts(moved), last);
        await assertClean(target, moved);
        const view = await moved.view(inbox);
        for (const one of acknowledged.appended) assert.ok(view.rowOf(one) >= 0, `UID ${one} was acknowledged`);
        for (const one of acknowledged.expunged) assert.ok(view.rowOf(one) < 0, `UID ${one} was expunged`);
        for (const one of acknowledged.flagged) assert.equal(view.columns.flags[view.rowOf(one)], FLAGGED);
        assert.deepEqual(
          new Set(await view.expungedSince(before)),
          acknowledged.expunged,
          'a client from before is told all',
        );
        assert.ok(acknowledged.appended.size > 0 && acknowledged.expunged.size > 0 && acknowledged.flagged.size > 0);
        view.close();
        moved.close();
      });
    });

    test('a state damaged on the way, or without a content, is refused', async () => {
      await onStage(open, openTarget, async ({ source, target }) => {
        const mailbox = await source.open(MAILBOX);
        await append(source, mailbox, inboxOf(mailbox), message('one'));
        const departure = await source.depart(MAILBOX);
        await departure.hold(MOVE);
        const arrival = await target.receive(MAILBOX, MOVE);
        await assert.rejects(arrival.adopt(departure.state()), failure('CORRUPTION'));
        await copyOver(departure, arrival);
        const state: Buffer[] = [];
        for await (const bytes of departure.state()) state.push(Buffer.from(bytes));
        const whole = Buffer.concat(state);
        for (const at of [3, 40, whole.length >>> 1, whole.length - 5]) {
          const damaged = Buffer.from(whole);
          damaged[at] = damaged[at]! ^ 4;
          await assert.rejects(
            arrival.adopt(
              (async function* () {
                yield damaged;
              })(),
            ),
            (reason) =>
              reason instanceof Error &&
              'code' in reason &&
              ['CORRUPTION', 'UNAVAILABLE'].includes(String(reason.code)),
          );
        }
        await assert.rejects(
          arrival.adopt(
            (async function* () {
              yield whole.subarray(0, -1);
            })(),
          ),
          failure('CORRUPTION'),
        );
        await arrival.adopt(
          (async function* () {
            yield whole;
          })(),
        );
        await departure.seal();
        await arrival.open();
        mailbox.close();
        departure.close();
      });
    });

    test('a target that holds another mailbox of this id is left alone', async () => {
      await onStage(open, openTarget, async ({ target }) => {
        (await target.open(MAILBOX)).close();
        await assert.rejects(target.receive(MAILBOX, MOVE), failure('ALREADYEXISTS'));
        (await target.open(MAILBOX)).close();
      });
    });
  });
}
