/**
 * Base subject of RFC 5256 §2.1: what stays of a decoded subject without reply and forward marks, list tags and
 * space. Takes text, not bytes. Steps are numbered as in the RFC.
 */
export interface BaseSubject {
  readonly text: string;
  /** A reply or forward mark was taken off. */
  readonly isReply: boolean;
}

/** A subject counts up to here; the steps below look at blobs again and again, so they need a bound. */
export const SORT_KEY_CHARACTERS = 1000;

const OPEN = 0x5b;
const CLOSE = 0x5d;

export function baseSubjectOf(subject: string): BaseSubject {
  // (1)
  let text = collapse(subject);
  if (text.length > SORT_KEY_CHARACTERS) text = text.slice(0, SORT_KEY_CHARACTERS);
  let from = 0;
  let to = text.length;
  let isReply = false;
  for (;;) {
    // (2)
    for (;;) {
      while (to > from && text.charCodeAt(to - 1) === 32) to -= 1;
      if (to - from < 5 || text.slice(to - 5, to).toLowerCase() !== '(fwd)') break;
      to -= 5;
      isReply = true;
    }
    // (3) – (5)
    for (;;) {
      while (from < to && text.charCodeAt(from) === 32) from += 1;
      const mark = afterLeader(text, from, to);
      if (mark >= 0) {
        from = mark;
        isReply = true;
        continue;
      }
      const blob = afterBlob(text, from, to);
      if (blob < 0 || blob >= to) break;
      from = blob;
    }
    // (6)
    if (to - from < 6 || text.charCodeAt(to - 1) !== CLOSE || text.slice(from, from + 5).toLowerCase() !== '[fwd:')
      break;
    from += 5;
    to -= 1;
    isReply = true;
  }
  return { text: text.slice(from, to), isReply };
}

/** Space and tab runs become one space. */
function collapse(text: string): string {
  return /[\t\r\n]| {2}/.test(text) ? text.replaceAll(/[ \t\r\n]+/g, ' ') : text;
}

/** Behind `*subj-blob subj-refwd` at `from`, or -1. */
function afterLeader(text: string, from: number, to: number): number {
  let at = from;
  for (let blob = afterBlob(text, at, to); blob >= 0; blob = afterBlob(text, at, to)) at = blob;
  const first = text.charCodeAt(at) | 32;
  const second = text.charCodeAt(at + 1) | 32;
  if (first === 0x72 && second === 0x65) at += 2;
  else if (first === 0x66 && second === 0x77) at += (text.charCodeAt(at + 2) | 32) === 0x64 ? 3 : 2;
  else return -1;
  while (text.charCodeAt(at) === 32) at += 1;
  const blob = afterBlob(text, at, to);
  if (blob >= 0) at = blob;
  return at < to && text.charCodeAt(at) === 0x3a ? at + 1 : -1;
}

/** Behind `"[" *BLOBCHAR "]" *WSP` at `from`, or -1. */
function afterBlob(text: string, from: number, to: number): number {
  if (from >= to || text.charCodeAt(from) !== OPEN) return -1;
  let at = from + 1;
  while (at < to && text.charCodeAt(at) !== CLOSE) {
    if (text.charCodeAt(at) === OPEN) return -1;
    at += 1;
  }
  if (at >= to) return -1;
  at += 1;
  while (at < to && text.charCodeAt(at) === 32) at += 1;
  return at;
}
