/**
 * Section specifications of FETCH BODY[…] (RFC 9051 §6.4.5.1) resolved on a parts table. The rules of the table:
 * - The message itself is first, with an empty path; when it is no multipart, section `1` means it too.
 * - A message/rfc822 part is followed directly by the message it encloses, whose header begins where the part's body
 *   does. When that message is a multipart it has its part's path, for it has no number of its own; else it has
 *   number 1 below it.
 */
import type { Part } from './model.ts';

/** `body`: the part's content; `mime`: its MIME header; `header`, `text`: those of the (enclosed) message. */
export type SectionText = 'body' | 'mime' | 'header' | 'text';

export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** The part that a path of numbers means, or -1. */
export function findPart(parts: readonly Part[], path: readonly number[]): number {
  const root = parts[0];
  if (root === undefined) return -1;
  if (path.length === 1 && path[0] === 1 && !root.mediaType.startsWith('multipart/')) return 0;
  return parts.findIndex((part) => samePath(part.path, path));
}

/** Bytes of a section; null when the message has no such section. */
export function sectionRange(parts: readonly Part[], path: readonly number[], text: SectionText): ByteRange | null {
  const index = findPart(parts, path);
  const part = parts[index];
  if (part === undefined) return null;
  switch (text) {
    case 'body':
      return path.length === 0
        ? { start: part.headerStart, end: part.bodyEnd }
        : { start: part.bodyStart, end: part.bodyEnd };
    case 'mime':
      return path.length === 0 ? null : { start: part.headerStart, end: part.bodyStart };
    case 'header':
    case 'text': {
      const message = path.length === 0 ? part : enclosedMessage(parts, index);
      if (message === null) return null;
      return text === 'header'
        ? { start: message.headerStart, end: message.bodyStart }
        : { start: message.bodyStart, end: message.bodyEnd };
    }
  }
}

/** The message inside the message/rfc822 part at `index`, or null. */
export function enclosedMessage(parts: readonly Part[], index: number): Part | null {
  const part = parts[index];
  const next = parts[index + 1];
  if (part === undefined || next === undefined) return null;
  const encloses = part.mediaType === 'message/rfc822' || part.mediaType === 'message/global';
  return encloses && next.headerStart === part.bodyStart ? next : null;
}

function samePath(one: readonly number[], other: readonly number[]): boolean {
  return one.length === other.length && one.every((number, index) => number === other[index]);
}
