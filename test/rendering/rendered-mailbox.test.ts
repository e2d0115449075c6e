/**
 * The decorator over the store's Mailbox: whatever is asked, sizes, bodies, pieces and parse results are those of
 * one and the same rendered message, on every engine.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FactsRegistry } from '../../src/backend/rendering/rendered-facts.ts';
import { RenderedMailboxes } from '../../src/backend/rendering/rendered-mailbox.ts';
import { FRAGMENT_PIECES, cutFragment } from '../../src/message/fragment-pieces.ts';
import { renderMessage } from '../../src/message/render/render.ts';
import { AS_IT_IS, type RenderingWish } from '../../src/message/render/wish.ts';
import { parseMessage } from '../../src/message/scanner.ts';
import { silentLog } from '../../src/observe/log.ts';
import type { Mailbox, MailboxDatabase, MailboxEvent } from '../../src/store/api.ts';
import { type FolderId, mailboxId, SEEN } from '../../src/store/model.ts';
import { RENDERED_CACHE_BYTES, RENDERED_SIZES } from '../../src/wire/limits.ts';
import { append, bodies } from '../conformance/store-fixture.ts';
import { engines } from '../support/dialogue-engines.ts';

const WISH: RenderingWish = { format: 'HtmlAndTextAlternative', calendarLinkBase: 'https://web.example' };
const TEXT_ONLY: RenderingWish = { format: 'TextOnly', calendarLinkBase: null };

const plain = (text: string): Buffer => Buffer.from(`Subject: plain\r\n\r\n${text}\r\n`);
const html = (text: string): Buffer =>
  Buffer.from(`Subject: html\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>${text}</p>\r\n`);
const both = (text: string): Buffer =>
  Buffer.from(
    `Subject: both\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n${text}\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>${text}</p>\r\n--b--\r\n`,
  );
const signed = (text: string): Buffer => Buffer.from(`Content-Type: application/pkcs7-mime\r\n\r\n${text}`);
/** Text with a picture of so many octets. */
const large = (octets: number): Buffer =>
  Buffer.concat([
    Buffer.from(
      'Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: text/html\r\n\r\n<p>x</p>\r\n--m\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n',
    ),
    Buffer.alloc(octets, 'QUJD\r\n'),
    Buffer.from('\r\n--m--\r\n'),
  ]);
const shown = (bytes: Buffer, wish: RenderingWish): Buffer => renderMessage(bytes, wish)?.bytes ?? bytes;

interface Stage {
  readonly database: MailboxDatabase;
  readonly original: Mailbox;
  readonly mailbox: Mailbox;
  readonly rendered: RenderedMailboxes;
  readonly inbox: FolderId;
}

async function onStage(
  open: () => Promise<MailboxDatabase>,
  wish: RenderingWish,
  act: (stage: Stage) => Promise<void>,
): Promise<void> {
  const database = await open();
  const id = mailboxId(randomUUID());
  const rendered = new RenderedMailboxes();
  const original = await database.open(id);
  const mailbox = rendered.of(await database.open(id), wish, silentLog);
  const inbox = original.folderByUse('inbox')?.id;
  assert.ok(inbox !== undefined);
  try {
    await act({ database, original, mailbox, rendered, inbox });
  } finally {
    mailbox.close();
    original.close();
    await database.close();
  }
}

async function piece(mailbox: Mailbox, folder: FolderId, uid: number, start: number, end: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of mailbox.read(folder, uid, start, end)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Everything the mailbox says of its messages, against rendering done by hand. */
async function checkAll(
  mailbox: Mailbox,
  folder: FolderId,
  expected: ReadonlyArray<readonly [number, Buffer]>,
  wish: RenderingWish,
): Promise<void> {
  const view = await mailbox.view(folder);
  try {
    const { columns } = view;
    assert.equal(columns.length, expected.length);
    const uids = Uint32Array.from(expected, ([uid]) => uid);
    const read = await bodies(mailbox, folder, uids);
    const fragments = new Map<number, Readonly<Record<string, Buffer>>>();
    for await (const batch of mailbox.fragments(folder, uids, FRAGMENT_PIECES)) {
      for (let i = 0; i < batch.count; i += 1) {
        const cut: Record<string, Buffer> = {};
        for (const name of FRAGMENT_PIECES) {
          const slots = batch.pieces[name];
          assert.ok(slots !== null);
          const start = slots.offsets[i] ?? 0;
          cut[name] = Buffer.from(batch.bytes.subarray(start, start + (slots.lengths[i] ?? 0)));
        }
        fragments.set(batch.first + i, cut);
      }
    }
    for (const [row, [uid, original]] of expected.entries()) {
      const bytes = shown(original, wish);
      assert.equal(columns.uid[row], uid);
      assert.equal(view.rowOf(uid), row);
      assert.equal(columns.size[row], bytes.length, 'RFC822.SIZE');
      assert.deepEqual(read[row], bytes, 'the body');
      assert.equal(view.lineEndMissing(row), bytes.length > 0 && !bytes.toString('latin1').endsWith('\r\n'));
      const middle = Math.floor(bytes.length / 2);
      assert.deepEqual(await piece(mailbox, folder, uid, 3, middle), bytes.subarray(3, middle), 'a piece');
      assert.deepEqual(
        await piece(mailbox, folder, uid, middle, bytes.length + 10),
        bytes.subarray(middle),
        'the rest',
      );
      const cut = cutFragment(parseMessage(bytes).fragment);
      for (const name of FRAGMENT_PIECES) assert.deepEqual(fragments.get(row)?.[name], cut[name], `${name} of ${row}`);
    }
    const sum = expected.reduce((bytes, [, original]) => bytes + shown(original, wish).length, 0);
    assert.equal(mailbox.folder(folder)?.bytes, sum, 'STATUS SIZE of an open folder');
  } finally {
    view.close();
  }
}

for (const engine of engines) {
  describe(`a rendered mailbox on ${engine.name}`, () => {
    it('is the mailbox itself when nothing is to be rendered', () =>
      onStage(
        () => engine.open(),
        AS_IT_IS,
        ({ mailbox, original, rendered }) => {
          assert.equal(rendered.of(original, AS_IT_IS, silentLog), original);
          assert.notEqual(mailbox, original);
          return Promise.resolve();
        },
      ));

    it('agrees with itself whatever is in it (property)', async () => {
      const message = fc
        .tuple(fc.constantFrom(plain, html, both, signed), fc.string({ maxLength: 200 }))
        .map(([make, text]) => make(text.replaceAll(/[\r\n]/g, ' ')));
      await fc.assert(
        fc.asyncProperty(
          fc.array(message, { maxLength: 12 }),
          fc.constantFrom(WISH, TEXT_ONLY),
          async (messages, wish) => {
            await onStage(
              () => engine.open(),
              wish,
              async ({ database, original, mailbox, inbox }) => {
                const expected: Array<readonly [number, Buffer]> = [];
                for (const bytes of messages)
                  expected.push([(await append(database, original, inbox, bytes)).uid, bytes]);
                await checkAll(mailbox, inbox, expected, wish);
              },
            );
          },
        ),
        { numRuns: engine.name === 'memory' ? 30 : 5 },
      );
    });

    it('keeps small and large messages apart from each other', () =>
      onStage(
        () => engine.open(),
        WISH,
        async ({ database, original, mailbox, inbox }) => {
          const expected: Array<readonly [number, Buffer]> = [];
          for (const bytes of [
            html('a'),
            large(3 * 1024 * 1024),
            signed('b'),
            plain('c'),
            large(2 * 1024 * 1024),
            html('d'),
          ]) {
            expected.push([(await append(database, original, inbox, bytes)).uid, bytes]);
          }
          await checkAll(mailbox, inbox, expected, WISH);
        },
      ));

    it('shows a new message when its size is known, and tells of it then', () =>
      onStage(
        () => engine.open(),
        WISH,
        async ({ database, original, mailbox, inbox }) => {
          await append(database, original, inbox, html('one'));
          const view = await mailbox.view(inbox);
          const events: MailboxEvent[] = [];
          const told = new Promise<void>((resolve) => {
            mailbox.watch((event) => {
              events.push(event);
              assert.equal(view.columns.length, view.columns.uid.slice(0, view.columns.length).length);
              if (events.length === 2) resolve();
            });
          });
          const second = await append(database, original, inbox, html('two'));
          assert.equal(view.columns.length, 1, 'not measured yet');
          assert.equal(view.rowOf(second.uid), -1);
          await original.setFlags(inbox, Uint32Array.of(second.uid), { op: 'add', flags: SEEN, keywords: [] });
          await told;
          assert.deepEqual(
            events.map((event) => event.kind === 'messages' && event.events[0]?.appended !== null),
            [true, false],
          );
          assert.equal(view.columns.length, 2);
          assert.equal(view.columns.size[1], shown(html('two'), WISH).length);
          assert.equal(view.columns.flags[1], SEEN);
          view.close();
        },
      ));

    it('its own APPEND and COPY are there when they are done, and originals stay as they were', () =>
      onStage(
        () => engine.open(),
        TEXT_ONLY,
        async ({ database, original, mailbox, inbox }) => {
          const view = await mailbox.view(inbox);
          const first = await append(database, mailbox, inbox, html('one'));
          assert.equal(view.columns.length, 1);
          await mailbox.copy(inbox, Uint32Array.of(first.uid), inbox);
          assert.equal(view.columns.length, 2);
          assert.equal(view.columns.size[1], shown(html('one'), TEXT_ONLY).length);
          assert.deepEqual((await bodies(original, inbox, [first.uid]))[0], html('one'));
          view.close();
        },
      ));

    it('stays right while messages go', () =>
      onStage(
        () => engine.open(),
        TEXT_ONLY,
        async ({ database, original, mailbox, inbox }) => {
          const uids: number[] = [];
          const messages = [html('one'), plain('two'), html('three four'), html('5')];
          for (const bytes of messages) uids.push((await append(database, original, inbox, bytes)).uid);
          const view = await mailbox.view(inbox);
          const gone = uids[0]!;
          await original.expunge(inbox, Uint32Array.of(gone));
          assert.equal(view.columns.length, 3);
          assert.deepEqual(
            Array.from(view.columns.size.subarray(0, 3)),
            messages.slice(1).map((bytes) => shown(bytes, TEXT_ONLY).length),
          );
          // A view that was open may still ask for it.
          assert.deepEqual((await bodies(mailbox, inbox, [gone]))[0], shown(html('one'), TEXT_ONLY));
          assert.deepEqual(await piece(mailbox, inbox, gone, 0, 1000), shown(html('one'), TEXT_ONLY));
          view.close();
        },
      ));

    it('answers LARGER and SMALLER by the sizes it tells, and STATUS SIZE with no less than their sum', () =>
      onStage(
        () => engine.open(),
        TEXT_ONLY,
        async ({ database, original, mailbox, inbox }) => {
          const uids: number[] = [];
          const messages = [html('x'.repeat(50)), plain('y'), both('z'.repeat(500))];
          for (const bytes of messages) uids.push((await append(database, original, inbox, bytes)).uid);
          const sum = messages.reduce((bytes, one) => bytes + shown(one, TEXT_ONLY).length, 0);
          assert.ok((mailbox.folder(inbox)?.bytes ?? 0) >= sum);
          const among = Uint32Array.from(uids);
          for (const [row, bytes] of messages.entries()) {
            const octets = shown(bytes, TEXT_ONLY).length;
            const above = await mailbox.search(inbox, among, { kind: 'larger', octets: octets - 1 });
            const not = await mailbox.search(inbox, among, {
              kind: 'not',
              term: {
                kind: 'or',
                terms: [
                  { kind: 'larger', octets },
                  { kind: 'smaller', octets },
                ],
              },
            });
            assert.ok(above.includes(uids[row]!));
            assert.deepEqual(Array.from(not), [uids[row]]);
          }
        },
      ));

    it('sorts by the sizes it tells, whatever stands before and behind in the criteria', () =>
      onStage(
        () => engine.open(),
        TEXT_ONLY,
        async ({ database, original, mailbox, inbox }) => {
          const rows: Array<{ uid: number; subject: string; size: number; arrival: number }> = [];
          for (let i = 0; i < 24; i += 1) {
            const subject = `s${i % 3}`;
            const bytes = Buffer.from(
              `Subject: ${subject}\r\nContent-Type: text/html\r\n\r\n<p${' '.repeat((i * 37) % 100)}>${'x'.repeat(i % 4)}\r\n`,
            );
            const arrival = 1_000_000 + (i % 5);
            const { uid } = await append(database, original, inbox, bytes, { internalDate: arrival });
            rows.push({ uid, subject, size: shown(bytes, TEXT_ONLY).length, arrival });
          }
          const by = {
            subject: (row: (typeof rows)[number]) => row.subject,
            size: (row: (typeof rows)[number]) => row.size,
            arrival: (row: (typeof rows)[number]) => row.arrival,
          };
          for (const keys of [
            ['size'],
            ['subject', 'size'],
            ['size', 'subject'],
            ['subject', 'size', 'arrival'],
            ['arrival', 'subject', 'size'],
          ] as const) {
            for (const reverse of [false, true]) {
              const expected = rows.toSorted((one, other) => {
                for (const key of keys) {
                  const [a, b] = [by[key](one), by[key](other)];
                  if (a !== b) return a < b === reverse ? 1 : -1;
                }
                return one.uid - other.uid;
              });
              const sorted = await mailbox.sort(
                inbox,
                Uint32Array.from(rows, ({ uid }) => uid),
                keys.map((key) => ({ key, reverse })),
              );
              assert.deepEqual(
                Array.from(sorted),
                expected.map(({ uid }) => uid),
                `${keys.join(' ')} ${reverse ? 'reverse' : ''}`,
              );
            }
          }
          assert.equal(
            mailbox.folder(inbox)?.bytes,
            rows.reduce((sum, { size }) => sum + size, 0),
            'exact once it was open',
          );
          await append(database, original, inbox, plain('one more'));
          assert.ok((mailbox.folder(inbox)?.bytes ?? 0) > 24 * 1024, 'a bound again');
        },
      ));

    it('opens a folder of 2,000 messages in turns of the event loop', () =>
      onStage(
        () => engine.open(),
        WISH,
        async ({ database, original, mailbox, inbox }) => {
          const sink = database.stage();
          await sink.write(html('many '.repeat(400)));
          const staged = await sink.finish();
          for (let i = 0; i < 2000; i += 1) await original.append(inbox, staged, {});
          await staged.release();
          let longest = 0;
          let last = performance.now();
          const timer = setInterval(() => {
            longest = Math.max(longest, performance.now() - last);
            last = performance.now();
          }, 1);
          const view = await mailbox.view(inbox);
          clearInterval(timer);
          assert.equal(view.columns.length, 2000);
          assert.ok(longest < 200, `the loop was held for ${longest} ms`);
          view.close();
        },
      ));
  });
}

describe('what is remembered', () => {
  it('of bodies is bounded by RENDERED_CACHE_BYTES', () => {
    const registry = new FactsRegistry();
    const facts = registry.take(mailboxId('m'), WISH);
    const body = large(1024 * 1024);
    for (let content = 0; content < 40; content += 1) {
      facts.render(body, content);
      assert.ok(registry.cachedBytes <= RENDERED_CACHE_BYTES);
    }
    assert.equal(facts.held(0), null, 'the oldest went');
    assert.ok(facts.held(39) !== null);
    assert.ok(registry.cachedBytes > RENDERED_CACHE_BYTES / 2);
  });

  it('of sizes is bounded by RENDERED_SIZES, but for mailboxes in use', () => {
    const registry = new FactsRegistry();
    const used = registry.take(mailboxId('used'), WISH);
    for (const name of ['a', 'b', 'c']) {
      const facts = registry.take(mailboxId(name), WISH);
      for (let content = 0; content < RENDERED_SIZES / 2; content += 1) facts.note(content, 1);
      if (name === 'a') for (let content = 0; content < 10; content += 1) used.note(content, 1);
      registry.release(facts);
    }
    assert.ok(registry.sizesKnown <= RENDERED_SIZES);
    assert.equal(used.sizeOf(3), 1);
    assert.equal(registry.take(mailboxId('a'), WISH).known, 0, 'the longest unused went');
    assert.equal(registry.take(mailboxId('c'), WISH).known, RENDERED_SIZES / 2);
  });
});
