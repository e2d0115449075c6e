/** What the store conformance suites share: messages of known bytes, short ways to stage, read and collect. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { FRAGMENT_PIECES, type FragmentPiece } from '../../src/message/fragment-pieces.ts';
import type { AppendOptions, Appended, Mailbox, MailboxDatabase, Origin, QuotaOf } from '../../src/store/api.ts';
import { type FolderId, mailboxId } from '../../src/store/model.ts';

/** One database under test. `reopen` closes it and opens the same data again. */
export interface StoreUnderTest {
  database: MailboxDatabase;
  readonly reopen: () => Promise<MailboxDatabase>;
  readonly dispose: () => Promise<void>;
}

export interface StoreOptions {
  /** Seconds since 1970. */
  readonly now?: () => number;
  readonly quotaOf?: QuotaOf;
}

export type OpenStore = (options?: StoreOptions) => Promise<StoreUnderTest>;

export const MAILBOX = mailboxId('0c7f4f0e-0000-4000-8000-000000000001');
export const DAY = 86_400;

/** A message whose text names it; CRLF line ends, so that stored bytes equal these. */
export function message(name: string, extra = '', filler = 0): Buffer {
  const head = `From: Ann <ann@example.org>\r\nTo: bob@example.net\r\nSubject: ${name}\r\n`;
  const date = 'Date: Fri, 20 Nov 2026 23:30:00 -0500\r\n';
  return Buffer.from(
    `${head}${date}Message-ID: <${name}@example.org>\r\n${extra}\r\nbody of ${name}\r\n${'x'.repeat(filler)}`,
  );
}

export async function append(
  database: MailboxDatabase,
  mailbox: Mailbox,
  folder: FolderId,
  bytes: Buffer,
  options: AppendOptions = {},
  origin?: Origin,
): Promise<Appended> {
  const sink = database.stage();
  await sink.write(bytes);
  const staged = await sink.finish();
  try {
    return await mailbox.append(folder, staged, options, origin);
  } finally {
    await staged.release();
  }
}

/** Bytes of each asked message; null: gone. */
export async function bodies(mailbox: Mailbox, folder: FolderId, uids: ArrayLike<number>): Promise<(Buffer | null)[]> {
  const found: (Buffer | null)[] = [];
  for await (const batch of mailbox.bodies(folder, Uint32Array.from(uids))) {
    assert.equal(batch.first, found.length, 'batches cover the list in order');
    if (batch.kind === 'streamed') {
      const pieces: Buffer[] = [];
      for await (const piece of batch.chunks) pieces.push(Buffer.from(piece));
      found.push(Buffer.concat(pieces));
      assert.equal(found.at(-1)?.length, batch.size);
      continue;
    }
    for (let i = 0; i < batch.count; i += 1) {
      const start = batch.offsets[i]!;
      const length = batch.lengths[i]!;
      found.push(length === 0 ? null : Buffer.from(batch.bytes.subarray(start, start + length)));
    }
  }
  return found;
}

type Pieces = Partial<Record<FragmentPiece, Buffer>>;

/** Copies of the fragments of each asked message, by piece; null: gone. */
export async function fragments(
  mailbox: Mailbox,
  folder: FolderId,
  uids: ArrayLike<number>,
  want: readonly FragmentPiece[] = FRAGMENT_PIECES,
): Promise<(Pieces | null)[]> {
  const found: (Pieces | null)[] = [];
  for await (const { first, count, bytes, pieces } of mailbox.fragments(folder, Uint32Array.from(uids), want)) {
    assert.equal(first, found.length, 'batches cover the list in order');
    for (const piece of FRAGMENT_PIECES) assert.equal(pieces[piece] !== null, want.includes(piece), piece);
    for (let i = 0; i < count; i += 1) {
      const one: Pieces = {};
      for (const piece of want) {
        const start = pieces[piece]?.offsets[i] ?? 0;
        const length = pieces[piece]?.lengths[i] ?? 0;
        if (length > 0) one[piece] = Buffer.from(bytes.subarray(start, start + length));
      }
      const there = Object.keys(one).length;
      assert.ok(there === 0 || there === want.length, 'all pieces or none');
      found.push(there === 0 ? null : one);
    }
  }
  return found;
}

export async function readAll(source: AsyncIterable<Buffer>): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of source) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces).toString('latin1');
}

/** UIDs in a folder now. */
export async function uidsIn(mailbox: Mailbox, folder: FolderId): Promise<number[]> {
  const view = await mailbox.view(folder);
  const uids = [...view.columns.uid.subarray(0, view.columns.length)];
  view.close();
  return uids;
}

export function inboxOf(mailbox: Mailbox): FolderId {
  const inbox = mailbox.folderByUse('inbox');
  assert.ok(inbox);
  return inbox.id;
}

export async function assertClean(database: MailboxDatabase, mailbox: Mailbox): Promise<void> {
  assert.deepEqual((await database.verify(mailbox.id)).problems, []);
}

/** Runs a test on a store of its own. */
export async function withStore(
  open: OpenStore,
  run: (store: StoreUnderTest, mailbox: Mailbox) => Promise<void>,
  options?: StoreOptions,
): Promise<void> {
  const store = await open(options);
  try {
    await run(store, await store.database.open(MAILBOX));
  } finally {
    await store.dispose();
  }
}

export function failure(code: string): (reason: unknown) => boolean {
  return (reason) => {
    assert.ok(reason instanceof Error && 'code' in reason, String(reason));
    assert.equal(reason.code, code, reason.message);
    return true;
  };
}
