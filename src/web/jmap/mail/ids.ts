/**
 * Ids of JMAP out of numbers of the store, and back. An Email is a content: the same bytes in several folders are one
 * Email in several Mailboxes, and a message that moves keeps its id (RFC 8621 §4.1.1; RFC 8474 EMAILID says the same).
 * Pure.
 */
import { type ContentId, contentId, type FolderId, folderId, type ThreadId, threadId } from '../../../store/model.ts';

const MOST = 2 ** 32 - 1;

function numberAfter(letter: string, id: string): number | null {
  if (!id.startsWith(letter) || !/^[1-9][0-9]{0,9}$/.test(id.slice(1))) return null;
  const number = Number(id.slice(1));
  return number <= MOST ? number : null;
}

export const mailboxIdOf = (folder: FolderId | number): string => `F${folder}`;
export const emailIdOf = (content: ContentId | number): string => `M${content}`;
export const threadIdOf = (thread: ThreadId | number): string => `T${thread}`;

export function folderOf(id: string): FolderId | null {
  const number = numberAfter('F', id);
  return number === null ? null : folderId(number);
}

export function contentOf(id: string): ContentId | null {
  const number = numberAfter('M', id);
  return number === null ? null : contentId(number);
}

export function threadOf(id: string): ThreadId | null {
  const number = numberAfter('T', id);
  return number === null ? null : threadId(number);
}

/** A whole message, or one part of it by its path (`B12`, `B12_1_2`). */
export interface BlobPlace {
  readonly content: ContentId;
  /** Null: the message as it is. */
  readonly part: readonly number[] | null;
}

export const blobIdOf = (content: ContentId | number, part: readonly number[] | null = null): string =>
  `B${content}${part === null ? '' : part.map((number) => `_${number}`).join('')}`;

export function blobPlaceOf(id: string): BlobPlace | null {
  const [head = '', ...path] = id.split('_');
  const content = numberAfter('B', head);
  if (content === null || path.some((number) => !/^[1-9][0-9]{0,5}$/.test(number))) return null;
  return { content: contentId(content), part: path.length === 0 ? null : path.map(Number) };
}
