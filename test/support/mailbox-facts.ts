/** All that a mailbox says of itself through store/api.ts, to compare it with itself in another database. */
import { createHash } from 'node:crypto';
import { FRAGMENT_PIECES } from '../../src/message/fragment-pieces.ts';
import type { Mailbox } from '../../src/store/api.ts';
import type { Folder } from '../../src/store/model.ts';

export interface MessageFacts {
  readonly uid: number;
  readonly columns: Readonly<Record<string, number>>;
  readonly keywords: readonly string[];
  readonly uidl: string;
  readonly lineEndMissing: boolean;
  readonly deletedFrom: string | null;
  readonly bytes: string;
  readonly fragments: string;
}

export interface FolderFacts {
  readonly folder: Folder;
  readonly messages: readonly MessageFacts[];
  /** By MODSEQ asked about. */
  readonly expungedSince: Readonly<Record<number, readonly number[] | null>>;
}

export interface MailboxFacts {
  readonly subscribed: readonly string[];
  readonly folders: readonly FolderFacts[];
}

export async function mailboxFacts(mailbox: Mailbox): Promise<MailboxFacts> {
  const folders: FolderFacts[] = [];
  const all = mailbox.folders().toSorted((a, b) => a.id - b.id);
  const highest = Math.max(...all.map(({ highestModSeq }) => highestModSeq));
  for (const folder of all) folders.push(await folderFacts(mailbox, folder, highest));
  return { subscribed: mailbox.subscribedNames().toSorted(), folders };
}

async function folderFacts(mailbox: Mailbox, folder: Folder, highest: number): Promise<FolderFacts> {
  const view = await mailbox.view(folder.id);
  try {
    const { columns } = view;
    const uids = columns.uid.slice(0, columns.length);
    const bodies = await bodyHashes(mailbox, folder, uids);
    const pieces = await fragmentHashes(mailbox, folder, uids);
    const messages: MessageFacts[] = [];
    for (const [row, uid] of uids.entries()) {
      messages.push({
        uid,
        columns: {
          flags: columns.flags[row]!,
          modSeq: columns.modSeq[row]!,
          size: columns.size[row]!,
          internalDate: columns.internalDate[row]!,
          saveDate: columns.saveDate[row]!,
          sentDate: columns.sentDate[row]!,
          sentDay: columns.sentDay[row]!,
          content: columns.content[row]!,
          thread: columns.thread[row]!,
        },
        keywords: folder.keywords.filter((_, bit) =>
          bit < 32
            ? ((columns.keywordsLow[row]! >>> bit) & 1) === 1
            : ((columns.keywordsHigh[row]! >>> (bit - 32)) & 1) === 1,
        ),
        uidl: view.uidl(uid),
        lineEndMissing: view.lineEndMissing(row),
        deletedFrom: view.recoverableOrigin(row)?.name ?? null,
        bytes: bodies[row] ?? '',
        fragments: pieces[row] ?? '',
      });
    }
    const expungedSince: Record<number, readonly number[] | null> = {};
    for (let modSeq = 0; modSeq <= highest; modSeq += 1) {
      const expunged = await view.expungedSince(modSeq);
      expungedSince[modSeq] = expunged === null ? null : [...expunged];
    }
    return { folder, messages, expungedSince };
  } finally {
    view.close();
  }
}

async function bodyHashes(mailbox: Mailbox, folder: Folder, uids: Uint32Array): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const batch of mailbox.bodies(folder.id, uids)) {
    if (batch.kind === 'streamed') {
      const hash = createHash('sha256');
      for await (const chunk of batch.chunks) hash.update(chunk);
      found.push(hash.digest('hex'));
      continue;
    }
    for (let i = 0; i < batch.count; i += 1) {
      const start = batch.offsets[i]!;
      const bytes = batch.bytes.subarray(start, start + batch.lengths[i]!);
      found.push(createHash('sha256').update(bytes).digest('hex'));
    }
  }
  return found;
}

async function fragmentHashes(mailbox: Mailbox, folder: Folder, uids: Uint32Array): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { count, bytes, pieces } of mailbox.fragments(folder.id, uids, FRAGMENT_PIECES)) {
    for (let i = 0; i < count; i += 1) {
      const hash = createHash('sha256');
      for (const piece of FRAGMENT_PIECES) {
        const start = pieces[piece]?.offsets[i] ?? 0;
        hash.update(bytes.subarray(start, start + (pieces[piece]?.lengths[i] ?? 0)));
      }
      found.push(hash.digest('hex'));
    }
  }
  return found;
}
