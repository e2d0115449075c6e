/** Messages in recoverable items by what they say and when they were deleted. Reads only. */
import { Buffer } from 'node:buffer';
import { fieldTexts } from '../../message/headers.ts';
import type { Mailbox } from '../../store/api.ts';
import type { FolderId } from '../../store/model.ts';
import type { SearchQuery } from '../../store/search/query.ts';
import { Failure } from '../../observe/failure.ts';

/** Subject and sender stand in so many first octets of nearly every message; beyond, they are shown as empty. */
export const HEADER_LOOKED_AT = 64 * 1024;

/** Texts null: any. Times in ms since 1970; `deletedUntil` is excluded. */
export interface ItemQuery {
  readonly subject: string | null;
  readonly text: string | null;
  readonly from: string | null;
  readonly deletedFrom: number;
  readonly deletedUntil: number;
  /** At most so many, the last deleted ones. */
  readonly most: number;
}

export interface FoundItem {
  readonly uid: number;
  readonly size: number;
  /** Seconds since 1970, as deletedAt. */
  readonly receivedAt: number;
  readonly deletedAt: number;
  /** Where it was; null: gone, or not known. */
  readonly folder: FolderId | null;
  readonly folderName: string | null;
}

function storeQuery(query: ItemQuery): SearchQuery {
  const terms: SearchQuery[] = [];
  if (query.subject !== null) terms.push({ kind: 'header', name: 'subject', text: query.subject });
  if (query.from !== null) terms.push({ kind: 'header', name: 'from', text: query.from });
  if (query.text !== null) terms.push({ kind: 'text', text: query.text });
  return terms.length === 0 ? { kind: 'all' } : { kind: 'and', terms };
}

/** The last deleted first. */
export async function findItems(mailbox: Mailbox, query: ItemQuery): Promise<readonly FoundItem[]> {
  const folder = mailbox.folderByUse('recoverable');
  if (folder === null || folder.exists === 0) return [];
  const view = await mailbox.view(folder.id);
  try {
    const all = view.columns.uid.slice(0, view.columns.length);
    const uids = await mailbox.search(folder.id, all, storeQuery(query));
    const found: FoundItem[] = [];
    // In one turn: rows do not move meanwhile.
    for (const uid of uids) {
      const row = view.rowOf(uid);
      const origin = row < 0 ? null : view.recoverableOrigin(row);
      if (origin === null) continue;
      const at = origin.deletedAt * 1000;
      if (at < query.deletedFrom || at >= query.deletedUntil) continue;
      found.push({
        uid,
        size: view.columns.size[row]!,
        receivedAt: view.columns.internalDate[row]!,
        deletedAt: origin.deletedAt,
        folder: origin.folder,
        folderName: origin.name,
      });
    }
    return found.toSorted((a, b) => b.deletedAt - a.deletedAt || b.uid - a.uid).slice(0, query.most);
  } finally {
    view.close();
  }
}

/** Names one message of one mailbox for good: UIDs are not used twice under a UIDVALIDITY. */
export function itemId(mailbox: Mailbox, item: FoundItem): string {
  return `${mailbox.id}:${mailbox.folderByUse('recoverable')?.uidValidity ?? 0}:${item.uid}`;
}

/** Null: it is gone. */
export async function summaryOf(
  mailbox: Mailbox,
  item: FoundItem,
): Promise<{ readonly subject: string; readonly from: string } | null> {
  const folder = mailbox.folderByUse('recoverable');
  if (folder === null) return null;
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of mailbox.read(folder.id, item.uid, 0, HEADER_LOOKED_AT)) chunks.push(chunk);
  } catch (error) {
    if (error instanceof Failure && error.code === 'EXPUNGEISSUED') return null;
    throw error;
  }
  const bytes = Buffer.concat(chunks);
  const end = bytes.indexOf('\r\n\r\n');
  const header = end < 0 ? bytes : bytes.subarray(0, end + 2);
  return { subject: fieldTexts(header, 'subject')[0] ?? '', from: fieldTexts(header, 'from')[0] ?? '' };
}
