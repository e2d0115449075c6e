/** Import into and export out of a mailbox that this process has open. */
import type { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { Failure } from '../../observe/failure.ts';
import type { BodyBatch, FolderView, Mailbox, MailboxDatabase, StagedMessage } from '../../store/api.ts';
import type { Folder, FolderId } from '../../store/model.ts';
import type { ImportTarget, StoredDigest } from './import.ts';
import type { ExportItem, FolderRecord, MessageRecord } from './record.ts';

export function mailboxImport(database: MailboxDatabase, mailbox: Mailbox): ImportTarget {
  const ids = new Map<string, FolderId>();
  return {
    async folder(record) {
      const folder = await findOrCreate(mailbox, record);
      ids.set(folder.name, folder.id);
      return { name: folder.name, uidNext: folder.uidNext };
    },
    async append(name, message) {
      const id = ids.get(name) ?? mailbox.folderByName(name)?.id;
      if (id === undefined) throw new Failure('NONEXISTENT', `there is no folder ${name}`);
      const sink = database.stage();
      try {
        for await (const chunk of message.chunks()) await sink.write(chunk);
      } catch (error) {
        await sink.abort();
        throw error;
      }
      const staged = await sink.finish();
      // Not awaited here: the order of the calls is the order of the UIDs, and many share one commit.
      const stored = appendAndRelease(mailbox, id, staged, message);
      // The caller looks at it later; until then a failure is not unhandled.
      stored.catch(() => {});
      return { stored };
    },
    digests: (name, uid) => digests(mailbox, name, uid),
  };
}

async function appendAndRelease(
  mailbox: Mailbox,
  id: FolderId,
  staged: StagedMessage,
  facts: MessageRecord,
): Promise<number> {
  try {
    const { uid } = await mailbox.append(id, staged, {
      // Whoever moves in brings everything; quotas count from then on.
      ignoreQuota: true,
      flags: facts.flags,
      keywords: facts.keywords,
      ...(facts.internalDate === null ? {} : { internalDate: facts.internalDate }),
      ...(facts.saveDate === null ? {} : { saveDate: facts.saveDate }),
      ...(facts.uidl === null ? {} : { uidl: facts.uidl }),
    });
    return uid;
  } finally {
    await staged.release();
  }
}

/** A default folder of the same use takes the place of a folder with another name (Sent, Sent Items, …). */
async function findOrCreate(mailbox: Mailbox, record: FolderRecord): Promise<Folder> {
  const byName = mailbox.folderByName(record.name);
  if (byName !== null) return byName;
  const byUse = record.specialUse === null ? null : mailbox.folderByUse(record.specialUse);
  if (byUse !== null) return byUse;
  return mailbox.createFolder(record.name, {
    subscribed: record.subscribed,
    ...(record.specialUse === null ? {} : { specialUse: record.specialUse }),
  });
}

async function* digests(mailbox: Mailbox, name: string, from: number): AsyncIterable<StoredDigest> {
  const folder = mailbox.folderByName(name);
  if (folder === null) return;
  const view = await mailbox.view(folder.id);
  try {
    const { columns } = view;
    const uids = columns.uid.slice(0, columns.length).filter((uid) => uid >= from);
    for await (const message of bodiesOf(mailbox.bodies(folder.id, uids), uids)) {
      const hash = createHash('sha256');
      for await (const chunk of message.chunks()) hash.update(chunk);
      yield { uid: message.uid, size: message.size, sha256: hash.digest('hex') };
    }
  } finally {
    view.close();
  }
}

/** One message at a time out of batches; a streamed one has to be read before the next is asked for. */
async function* bodiesOf(
  batches: AsyncIterable<BodyBatch>,
  uids: Uint32Array,
): AsyncIterable<{ uid: number; size: number; readonly chunks: () => AsyncIterable<Buffer> }> {
  for await (const batch of batches) {
    if (batch.kind === 'streamed') {
      yield { uid: uids[batch.first] ?? 0, size: batch.size, chunks: () => batch.chunks };
      continue;
    }
    for (let i = 0; i < batch.count; i += 1) {
      const size = batch.lengths[i] ?? 0;
      if (size === 0) continue;
      const start = batch.offsets[i] ?? 0;
      const bytes = batch.bytes.subarray(start, start + size);
      yield {
        uid: uids[batch.first + i] ?? 0,
        size,
        async *chunks() {
          yield bytes;
        },
      };
    }
  }
}

export interface ExportOptions {
  /** Only this folder and what is below it. */
  readonly folder: string | null;
}

/** Folders of mail, the Inbox first; calendar, contacts and recoverable items are no mail. */
export async function* exportMailbox(mailbox: Mailbox, options: ExportOptions): AsyncIterable<ExportItem> {
  const wanted = options.folder;
  const folders = mailbox
    .folders()
    .filter((folder) => folder.kind === 'mail')
    .filter((folder) => wanted === null || folder.name === wanted || folder.name.startsWith(`${wanted}/`))
    .toSorted((a, b) => (a.name === 'INBOX' ? -1 : b.name === 'INBOX' ? 1 : a.name < b.name ? -1 : 1));
  if (folders.length === 0) throw new Failure('NONEXISTENT', `there is no folder ${wanted ?? 'with mail'}`);
  for (const folder of folders) {
    const view = await mailbox.view(folder.id);
    try {
      yield { kind: 'folder', folder: exported(view.folder) };
      yield* messagesOf(mailbox, view);
    } finally {
      view.close();
    }
  }
}

function exported(folder: Folder): FolderRecord {
  return {
    name: folder.name,
    specialUse: folder.specialUse,
    subscribed: folder.subscribed,
    uidValidity: folder.uidValidity,
    uidNext: folder.uidNext,
    messages: folder.exists,
  };
}

async function* messagesOf(mailbox: Mailbox, view: FolderView): AsyncIterable<ExportItem> {
  const uids = view.columns.uid.slice(0, view.columns.length);
  const { folder } = view;
  for await (const body of bodiesOf(mailbox.bodies(folder.id, uids), uids)) {
    const row = view.rowOf(body.uid);
    // Expunged since the export began: it is no longer part of the mailbox.
    if (row < 0) continue;
    const { columns } = view;
    const message: MessageRecord = {
      folder: folder.name,
      flags: columns.flags[row] ?? 0,
      keywords: keywordsOf(view, row),
      internalDate: columns.internalDate[row] ?? null,
      saveDate: columns.saveDate[row] ?? null,
      uid: body.uid,
      uidl: view.uidl(body.uid),
      size: body.size,
      chunks: body.chunks,
    };
    yield { kind: 'message', message };
  }
}

function keywordsOf(view: FolderView, row: number): string[] {
  const low = view.columns.keywordsLow[row] ?? 0;
  const high = view.columns.keywordsHigh[row] ?? 0;
  return view.folder.keywords.filter((_, bit) => ((bit < 32 ? low >>> bit : high >>> (bit - 32)) & 1) === 1);
}
