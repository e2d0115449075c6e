/**
 * The frozen view one session has of its selected folder: which UID stands behind which message sequence number.
 * Numbers move only when this class tells the client so (RFC 9051 §5.5, §7.5.1); other sessions may change the
 * folder at any time (field-study.md B1, B2).
 *
 * It shares `columns.uid` of one generation of the FolderView, so fifty thousand messages cost a session no copy.
 * What was expunged since is not queued but found by comparing that array with the present one: no order of
 * commits and events can make it miss a removal. It knows no grammar and no socket.
 */
import type { FolderEvent, FolderView } from '../../store/api.ts';
import type { Folder, FolderId, UidRange } from '../../store/model.ts';
import type { ByteWriter } from '../../wire/byte-writer.ts';
import { FlagText } from './flag-text.ts';

/** Queued flag changes are folded into one sorted list when they come in more pieces than this. */
const FLAG_LISTS = 64;

/** Flag changes told in one turn of the event loop: about a millisecond. */
const FLAGS_A_TURN = 2000;

/** Shared by all views that have nothing to tell. */
const NOTHING: readonly never[] = [];

/**
 * Messages a command is about, resolved once: `uids` ascending. Where they stand side by side in the view,
 * `indexes` is null and message i has sequence number `first + i + 1`.
 */
export interface Targets {
  readonly uids: Uint32Array;
  readonly first: number;
  /** 0-based positions in the view. */
  readonly indexes: Uint32Array | null;
}

export class SelectedView {
  readonly id: FolderId;
  readonly readOnly: boolean;
  /** Made when flags are told of for the first time. */
  #flagText: FlagText | null = null;
  readonly #view: FolderView;
  #uids: Uint32Array;
  #count: number;
  #generation: number;
  /** The highest UID the client was ever told of by EXISTS. */
  #highest: number;
  /** UIDs shown as \Recent here, ascending and apart (RFC 3501 §2.3.2). */
  #recent: readonly UidRange[] = NOTHING;
  #flagged: readonly Uint32Array[] = NOTHING;
  #reportsModSeq = false;
  #recentToClear = false;
  /** Keywords the client was told of with FLAGS. */
  #keywords: readonly string[];

  constructor(view: FolderView, readOnly: boolean) {
    this.id = view.folder.id;
    this.readOnly = readOnly;
    this.#view = view;
    this.#uids = view.columns.uid;
    this.#count = view.columns.length;
    this.#generation = view.generation;
    this.#highest = this.#count === 0 ? 0 : (this.#uids[this.#count - 1] ?? 0);
    this.#keywords = view.folder.keywords;
    this.#noteRecent(view.folder.firstRecentUid, view.folder.firstRecentUid);
  }

  get folder(): Folder {
    return this.#view.folder;
  }

  get store(): FolderView {
    return this.#view;
  }

  /** Messages the client knows of. */
  get exists(): number {
    return this.#count;
  }

  get recentCount(): number {
    let sum = 0;
    for (const range of this.#recent) sum += this.#lowerBound(range.last + 1) - this.#lowerBound(range.first);
    return sum;
  }

  /** All messages of the view, ascending. Stays valid: arrays of a generation never change in place. */
  get uids(): Uint32Array {
    return this.#uids.subarray(0, this.#count);
  }

  /** Row numbers of the live columns equal positions in this view: nothing was removed since the last release. */
  get isAligned(): boolean {
    return this.#view.generation === this.#generation;
  }

  get recentRanges(): readonly UidRange[] {
    return this.#recent;
  }

  /** RFC 7162 §3.1: from now on every FETCH of flags carries MODSEQ. */
  reportModSeq(): void {
    this.#reportsModSeq = true;
  }

  get reportsModSeq(): boolean {
    return this.#reportsModSeq;
  }

  isRecent(uid: number): boolean {
    for (const range of this.#recent) if (uid >= range.first && uid <= range.last) return true;
    return false;
  }

  /** True once after messages became \Recent here that the store does not know yet as shown. */
  takeRecentToClear(): boolean {
    const due = this.#recentToClear && !this.readOnly;
    this.#recentToClear = false;
    return due;
  }

  uidAt(index: number): number {
    return this.#uids[index] ?? 0;
  }

  /** 0-based position or -1. */
  indexOf(uid: number): number {
    const at = this.#lowerBound(uid);
    return at < this.#count && this.#uids[at] === uid ? at : -1;
  }

  /**
   * `indexOf` for `count` UIDs in any order, valid until the next await: a large part of the view is looked up in a
   * table, if UIDs are not so sparse that the table would be mostly empty.
   */
  positions(count: number): (uid: number) => number {
    const lowest = this.uidAt(0);
    const span = this.#count === 0 ? 0 : this.uidAt(this.#count - 1) - lowest + 1;
    if (count * 8 < this.#count || span > this.#count * 16) return (uid) => this.indexOf(uid);
    const table = new Int32Array(span);
    for (let i = 0; i < this.#count; i += 1) table[this.#uids[i]! - lowest] = i + 1;
    return (uid) => (table[uid - lowest] ?? 0) - 1;
  }

  /** Sequence numbers `ranges` (1-based, inside 1…exists, ascending and apart) as targets. */
  byNumber(ranges: readonly UidRange[]): Targets {
    const only = ranges[0];
    if (ranges.length === 1 && only !== undefined) {
      return { uids: this.#uids.subarray(only.first - 1, only.last), first: only.first - 1, indexes: null };
    }
    return this.#gather(ranges.map((range) => ({ first: range.first - 1, last: range.last })));
  }

  /** Those messages of the view whose UID lies in `ranges` (ascending and apart). */
  byUid(ranges: readonly UidRange[]): Targets {
    const spans: UidRange[] = [];
    for (const range of ranges) {
      const first = this.#lowerBound(range.first);
      const last = this.#lowerBound(range.last + 1);
      if (last > first) spans.push({ first, last });
    }
    const only = spans[0];
    if (only === undefined) return { uids: new Uint32Array(0), first: 0, indexes: null };
    if (spans.length === 1)
      return { uids: this.#uids.subarray(only.first, only.last), first: only.first, indexes: null };
    return this.#gather(spans);
  }

  /** Positions of ascending UIDs all of which stand in the view. */
  targetsOf(uids: Uint32Array): Targets {
    const indexes = new Uint32Array(uids.length);
    let at = 0;
    let kept = 0;
    for (let i = 0; i < uids.length; i += 1) {
      const wanted = uids[i]!;
      // A short list in a long view is looked up, a long list is merged.
      if (uids.length * 16 < this.#count) at = this.#lowerBound(wanted);
      else while (at < this.#count && this.#uids[at]! < wanted) at += 1;
      if (at < this.#count && this.#uids[at] === wanted) indexes[kept++] = at;
    }
    if (kept === uids.length) return { uids, first: 0, indexes };
    const found = indexes.subarray(0, kept);
    return { uids: Uint32Array.from(found, (index) => this.uidAt(index)), first: 0, indexes: found };
  }

  /** Queues what another session changed; `own` changes were or will be reported by the command itself. */
  note(event: FolderEvent, own: boolean): void {
    if (own || event.flagged === null || event.flagged.length === 0) return;
    const flagged = [...this.#flagged, event.flagged];
    this.#flagged = flagged.length > FLAG_LISTS ? [ascending(flagged)] : flagged;
  }

  /**
   * Tells the client what happened since the last time. Without `expunge` sequence numbers must not move, so
   * nothing about removed messages is said, nor about messages behind them.
   * @returns whether anything was written; what `hasMore` then says is told by the next call
   */
  release(out: ByteWriter, expunge: boolean): boolean {
    const columns = this.#view.columns;
    const known = this.#highest;
    let wrote = false;
    if (this.#view.generation !== this.#generation) {
      const gone = this.#missing();
      if (gone.length > 0) {
        if (!expunge) return this.#releaseFlags(out, known);
        // From the highest down, so that no number needs correction for those sent before it.
        for (let i = gone.length - 1; i >= 0; i -= 1) {
          out
            .ascii('* ')
            .number(gone[i]! + 1)
            .ascii(' EXPUNGE\r\n');
        }
        wrote = true;
      }
    }
    const before = this.#count;
    this.#uids = columns.uid;
    this.#count = columns.length;
    this.#generation = this.#view.generation;
    const highest = this.#count === 0 ? 0 : this.uidAt(this.#count - 1);
    if (highest > known) {
      this.#highest = highest;
      this.#noteRecent(this.#view.folder.firstRecentUid, Math.max(known + 1, this.#view.folder.firstRecentUid));
      out.ascii('* ').number(this.#count).ascii(' EXISTS\r\n* ').number(this.recentCount).ascii(' RECENT\r\n');
      wrote = true;
    } else if (this.#count === 0 && before > 0) {
      // field-study.md B25: a client that emptied its folder waits for this line.
      out.ascii('* 0 EXISTS\r\n');
    }
    return this.#releaseFlags(out, known) || wrote;
  }

  /** Flag changes are left for another turn. */
  get hasMore(): boolean {
    return this.#flagged.length > 0;
  }

  /** RFC 9051 §7.3.5: a keyword that is new in this folder is made known before messages carry it. */
  tellKeywords(out: ByteWriter): void {
    const keywords = this.folder.keywords;
    if (keywords.length === this.#keywords.length) return;
    this.#keywords = keywords;
    out.utf8(`* FLAGS (${flagNames(this.folder)})\r\n`);
  }

  /** `* n FETCH (UID u FLAGS (…))` of one message; `row` is its row in the live columns now. */
  writeFlags(out: ByteWriter, index: number, row: number): void {
    const columns = this.#view.columns;
    const uid = this.uidAt(index);
    out
      .ascii('* ')
      .number(index + 1)
      .ascii(' FETCH (UID ')
      .number(uid);
    this.#flagText ??= new FlagText(' ', '');
    this.#flagText.write(out, this.#view, row, this.isRecent(uid));
    if (this.#reportsModSeq) {
      out
        .ascii(' MODSEQ (')
        .number(columns.modSeq[row] ?? 0)
        .byte(0x29);
    }
    out.ascii(')\r\n');
  }

  close(): void {
    this.#flagged = NOTHING;
    this.#view.close();
  }

  #releaseFlags(out: ByteWriter, known: number): boolean {
    if (this.#flagged.length === 0) return false;
    const all = this.#flagged.length === 1 ? this.#flagged[0]! : ascending(this.#flagged);
    const changed = all.subarray(0, FLAGS_A_TURN);
    this.#flagged = all.length > FLAGS_A_TURN ? [all.subarray(FLAGS_A_TURN)] : NOTHING;
    const rows = new Int32Array(changed.length);
    this.#view.locate(changed, 0, changed.length, rows);
    this.tellKeywords(out);
    let wrote = false;
    for (let i = 0; i < changed.length; i += 1) {
      const uid = changed[i]!;
      const row = rows[i]!;
      // A message the client hears of for the first time is fetched by it anyway.
      if (row < 0 || uid > known) continue;
      const index = this.isAligned ? row : this.indexOf(uid);
      if (index < 0) continue;
      this.writeFlags(out, index, row);
      wrote = true;
    }
    return wrote;
  }

  /** Positions of messages that the folder no longer holds, ascending. */
  #missing(): number[] {
    const now = this.#view.columns;
    const missing: number[] = [];
    let at = 0;
    for (let i = 0; i < this.#count; i += 1) {
      const uid = this.#uids[i]!;
      while (at < now.length && now.uid[at]! < uid) at += 1;
      if (at < now.length && now.uid[at] === uid) at += 1;
      else missing.push(i);
    }
    return missing;
  }

  #gather(spans: readonly UidRange[]): Targets {
    let total = 0;
    for (const span of spans) total += span.last - span.first;
    const uids = new Uint32Array(total);
    const indexes = new Uint32Array(total);
    let at = 0;
    for (const span of spans) {
      uids.set(this.#uids.subarray(span.first, span.last), at);
      for (let i = span.first; i < span.last; i += 1) indexes[at++] = i;
    }
    return { uids, first: 0, indexes };
  }

  #noteRecent(stored: number, from: number): void {
    const first = Math.max(stored, from);
    if (this.#highest < first) return;
    const last = this.#recent[this.#recent.length - 1];
    if (last !== undefined && last.last + 1 >= first) {
      this.#recent = [...this.#recent.slice(0, -1), { first: last.first, last: this.#highest }];
    } else {
      this.#recent = [...this.#recent, { first, last: this.#highest }];
    }
    this.#recentToClear = true;
  }

  #lowerBound(uid: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#uids[middle]! < uid) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** System flags and the keywords of a folder, as FLAGS lists them. */
export const flagNames = (folder: Folder): string =>
  ['\\Seen', '\\Answered', '\\Flagged', '\\Deleted', '\\Draft', ...folder.keywords].join(' ');

/** Several UID lists as one, ascending, each UID once. */
export function ascending(lists: readonly Uint32Array[]): Uint32Array {
  let total = 0;
  for (const list of lists) total += list.length;
  const all = new Uint32Array(total);
  let at = 0;
  for (const list of lists) {
    all.set(list, at);
    at += list.length;
  }
  all.sort();
  let kept = 0;
  for (let i = 0; i < total; i += 1) if (kept === 0 || all[i] !== all[kept - 1]) all[kept++] = all[i]!;
  return all.subarray(0, kept);
}
