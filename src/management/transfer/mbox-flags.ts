/**
 * Flags in the header fields that mail programs put into mbox files: Status and X-Status (elm, mutt, UW imapd,
 * Dovecot), X-Keywords (UW imapd, Dovecot), X-Mozilla-Status and X-Mozilla-Keys (Thunderbird), X-UIDL (qpopper).
 *
 * Our own files start each message with a block of such fields, its first line being
 * `X-Penfold-Mbox: FORMAT; lines=N; bytes=M`: the N lines of the block belong to the file, the M bytes behind them are
 * the message. So the bytes come back exactly, and other programs see ordinary fields. Fields of a foreign file are read
 * and left where they are: what stands in a message stays in it.
 */
import { ANSWERED, DELETED, DRAFT, FLAGGED, SEEN } from '../../store/model.ts';
import { MBOX_FORMATS, type MboxFormat } from './mbox-lines.ts';

export interface MboxFields {
  flags: number;
  keywords: string[];
  uidl: string | null;
  contentLength: number | null;
  /** Set when the message stands in a file of ours. */
  block: { format: MboxFormat; lines: number; bytes: number } | null;
}

const MARK = 'X-Penfold-Mbox';
/** Width of the byte count, so that it can be written after a large message. */
const COUNT_WIDTH = 14;
const STATUS_FLAGS: Readonly<Record<string, number>> = {
  R: SEEN,
  A: ANSWERED,
  F: FLAGGED,
  D: DELETED,
  T: DRAFT,
};
/** nsMsgMessageFlags: read, replied, marked, expunged. */
const MOZILLA_FLAGS: ReadonlyArray<readonly [number, number]> = [
  [0x1, SEEN],
  [0x2, ANSWERED],
  [0x4, FLAGGED],
  [0x8, DELETED],
];

/** `header`: the first bytes behind the From_ line as ISO-8859-1; reading stops at the empty line. */
export function readMboxFields(header: string): MboxFields {
  const fields: MboxFields = { flags: 0, keywords: [], uidl: null, contentLength: null, block: null };
  let line = 0;
  for (const text of header.split(/\r?\n/)) {
    if (text === '') break;
    if (fields.block !== null && line >= fields.block.lines) break;
    readField(fields, text, line === 0);
    line += 1;
  }
  return fields;
}

function readField(fields: MboxFields, text: string, first: boolean): void {
  const colon = text.indexOf(':');
  if (colon < 2) return;
  const value = text.slice(colon + 1).trim();
  switch (text.slice(0, colon).trimEnd().toLowerCase()) {
    case 'x-penfold-mbox':
      if (first) fields.block = readMark(value);
      break;
    case 'status':
    case 'x-status':
      for (const letter of value) fields.flags |= STATUS_FLAGS[letter] ?? 0;
      break;
    case 'x-keywords':
    case 'x-mozilla-keys':
      fields.keywords.push(...value.split(/[\s,]+/).filter((word) => word !== '' && !fields.keywords.includes(word)));
      break;
    case 'x-mozilla-status': {
      const bits = Number.parseInt(value, 16);
      for (const [bit, flag] of MOZILLA_FLAGS) if ((bits & bit) !== 0) fields.flags |= flag;
      break;
    }
    case 'x-uidl':
      if (/^[\x21-\x7e]{1,70}$/.test(value)) fields.uidl ??= value;
      break;
    case 'content-length':
      if (/^\d{1,15}$/.test(value)) fields.contentLength ??= Number(value);
      break;
    default:
      break;
  }
}

function readMark(value: string): MboxFields['block'] {
  const match = /^(\w+); lines=(\d+); bytes= *(\d+)$/.exec(value);
  if (match === null) return null;
  const format = MBOX_FORMATS.find((known) => known === match[1]);
  return format === undefined ? null : { format, lines: Number(match[2]), bytes: Number(match[3]) };
}

export interface BlockFacts {
  readonly flags: number;
  readonly keywords: readonly string[];
  readonly uidl: string | null;
  /** Say Content-Length, too. */
  readonly withLength: boolean;
  /** Bytes of the message as they stand in the file. */
  readonly bytes: number;
  /** Bytes of its body as they stand in the file; only the two Content-Length formats say it. */
  readonly bodyBytes: number;
}

/** The block in front of a message; as long for any byte counts. `quoting`: how this message's lines are protected. */
export function writeMboxBlock(quoting: MboxFormat, facts: BlockFacts): string {
  const count = (n: number): string => String(n).padStart(COUNT_WIDTH, ' ');
  const letters = (known: string): string =>
    Array.from(known)
      .filter((letter) => (facts.flags & (STATUS_FLAGS[letter] ?? 0)) !== 0)
      .join('');
  // `O`: old, that is, no longer new to the program that wrote the file.
  const lines = [`Status: ${letters('R')}O`, `X-Status: ${letters('AFDT')}`];
  if (facts.keywords.length > 0) lines.push(`X-Keywords: ${facts.keywords.join(' ')}`);
  if (facts.uidl !== null) lines.push(`X-UIDL: ${facts.uidl}`);
  if (facts.withLength) lines.push(`Content-Length: ${count(facts.bodyBytes)}`);
  lines.unshift(`${MARK}: ${quoting}; lines=${lines.length + 1}; bytes=${count(facts.bytes)}`);
  return `${lines.join('\n')}\n`;
}
