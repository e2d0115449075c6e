/**
 * Changes of messages: APPEND, STORE, COPY, MOVE, EXPUNGE as intents for the commit queue. Each decides here, in
 * commit order, what exactly will happen, and puts that into one change.
 */
import { Failure } from '../../observe/failure.ts';
import { type AppendOptions, type Appended, type Copied, type FlagChange, type Origin, type Stored } from '../api.ts';
import { modSeq, uid, uidValidity } from '../model.ts';
import { type Columns, LINE_END } from './columns.ts';
import type { Intent } from './commit-queue.ts';
import type { Draft } from './draft.ts';
import type { FolderState } from './folder-state.ts';
import { bytesOf } from './quota.ts';
import type { Staged } from './staging.ts';

const ALL_FLAGS = 31;
const SECONDS_PER_DAY = 86_400;
/** RFC 1939 §7. */
const UIDL = /^[\u0021-\u007e]{1,70}$/;
/** Message-ID hashes of one message that take part in building conversations. */
const THREAD_KEYS = 64;

export function appendIntent(
  folder: number,
  message: Staged,
  options: AppendOptions,
  origin: Origin | null,
): Intent<Appended> {
  return {
    rows: [],
    into: [folder],
    threadKeys: keysOf(message),
    alone: false,
    origin,
    plan(draft) {
      const target = draft.folder(folder);
      if (options.uidl !== undefined && !UIDL.test(options.uidl)) {
        throw new Failure('CANNOT', 'A unique-id has 1 to 70 characters without spaces.');
      }
      const keywords = draft.keywordBits(target, options.keywords ?? []);
      const newUid = draft.takeUids(target, 1, options.uid);
      const at = draft.nextModSeq();
      const { parsed } = message;
      const { thread, unknown } = draft.threadOf(keysOf(message));
      const internalDate = options.internalDate ?? draft.now;
      if (options.ignoreQuota !== true) draft.quota.admit(target, message.size);
      draft.add(
        {
          kind: 'append',
          folder,
          uid: newUid,
          modSeq: at,
          flags: (options.flags ?? 0) & ALL_FLAGS,
          keywordsLow: keywords.low,
          keywordsHigh: keywords.high,
          newKeywords: keywords.learned,
          internalDate,
          saveDate: options.saveDate ?? draft.now,
          sentDate: parsed.sentDate ?? internalDate,
          sentDay: parsed.sentDay ?? Math.floor(internalDate / SECONDS_PER_DAY),
          size: message.size,
          content: draft.nextContent(),
          thread,
          threadKeys: unknown,
          uidl: options.uidl ?? null,
          ...draft.putFragment(parsed.fragment),
          lineEnd: message.lineEndMissing ? LINE_END.missing : LINE_END.present,
        },
        origin,
        message.payload,
      );
      draft.quota.count(target, message.size);
      if (target.facts.kind === 'recoverable') {
        draft.quota.arrive(newUid, () => [message.size]);
        purgeExcess(draft, target);
      }
      return { uid: uid(newUid), uidValidity: uidValidity(target.facts.uidValidity), modSeq: modSeq(at) };
    },
  };
}

function keysOf(message: Staged): readonly number[] {
  return message.parsed.threadKeys.slice(0, THREAD_KEYS);
}

export function flagsIntent(
  folder: number,
  uids: Uint32Array,
  change: FlagChange,
  origin: Origin | null,
): Intent<Stored> {
  return {
    rows: [folder],
    into: [],
    alone: false,
    origin,
    plan(draft) {
      const target = draft.folder(folder);
      const columns = draft.state.rows(target);
      const bits = keywordsOf(draft, target, change);
      const flags = change.flags & ALL_FLAGS;
      const rows = columns.rowsOf(uids);
      const { changed, modified } = select(columns, rows, change, flags, bits.low, bits.high);
      if (changed.length === 0) {
        return { modSeq: modSeq(target.facts.highestModSeq), changed, modified };
      }
      const at = draft.nextModSeq();
      draft.add(
        {
          kind: 'flags',
          folder,
          modSeq: at,
          op: change.op,
          flags,
          keywordsLow: bits.low,
          keywordsHigh: bits.high,
          newKeywords: bits.learned,
          uids: changed,
        },
        origin,
      );
      return { modSeq: modSeq(at), changed, modified };
    },
  };
}

export function copyIntent(
  kind: 'copy' | 'move',
  from: number,
  uids: Uint32Array,
  to: number,
  origin: Origin | null,
): Intent<Copied> {
  return {
    rows: [from],
    into: [to],
    alone: false,
    origin,
    plan(draft) {
      const source = draft.folder(from);
      const target = draft.folder(to);
      const there = existing(draft, source, uids);
      if (kind === 'copy') draft.quota.admit(target, there.bytes);
      return addCopy(draft, kind, source, there, target, origin);
    },
  };
}

export function expungeIntent(
  folder: number,
  uids: Uint32Array,
  purge: boolean,
  origin: Origin | null,
): Intent<{ expunged: Uint32Array; modSeq: ReturnType<typeof modSeq> }> {
  return {
    rows: [folder],
    into: purge ? [] : ['recoverable'],
    alone: false,
    origin,
    plan(draft) {
      const source = draft.folder(folder);
      const there = existing(draft, source, uids);
      const gone = there.uids;
      if (gone.length === 0) return { expunged: gone, modSeq: modSeq(source.facts.highestModSeq) };
      const kept = purge || source.facts.kind === 'recoverable' ? null : draft.state.byUse('recoverable');
      if (kept !== null) {
        return { expunged: gone, modSeq: addCopy(draft, 'move', source, there, kept, origin).modSeq };
      }
      const at = draft.nextModSeq();
      draft.quota.count(source, -there.bytes);
      draft.add({ kind: 'expunge', folder, modSeq: at, uids: gone }, origin);
      return { expunged: gone, modSeq: modSeq(at) };
    },
  };
}

/** After the quota of recoverable items was lowered. */
export function purgeExcessIntent(recoverable: number): Intent<void> {
  return {
    rows: [recoverable],
    into: [],
    alone: false,
    origin: null,
    plan: (draft) => purgeExcess(draft, draft.folder(recoverable)),
  };
}

/** Recoverable items above their quota: the oldest go for good, nobody is refused (exchange-behaviour.md §9.2). */
function purgeExcess(draft: Draft, recoverable: FolderState): void {
  const { uids, bytes } = draft.quota.takeExcess(recoverable);
  if (uids.length === 0) return;
  draft.quota.count(recoverable, -bytes);
  const gone = Uint32Array.from(uids);
  draft.add({ kind: 'expunge', folder: recoverable.id, modSeq: draft.nextModSeq(), uids: gone }, null);
}

/** All messages of a folder that is renamed (INBOX) or removed. */
export function addCopy(
  draft: Draft,
  kind: 'copy' | 'move',
  source: FolderState,
  { uids, bytes }: Present,
  target: FolderState,
  origin: Origin | null,
): Copied {
  const targetValidity = uidValidity(target.facts.uidValidity);
  if (uids.length === 0) {
    return { uidValidity: targetValidity, source: uids, target: uids, modSeq: modSeq(target.facts.highestModSeq) };
  }
  const firstUid = draft.takeUids(target, uids.length);
  const at = draft.nextModSeq();
  draft.add(
    {
      kind,
      folder: source.id,
      to: target.id,
      modSeq: at,
      uids,
      firstUid,
      saveDate: draft.now,
      newKeywords: source === target ? [] : draft.learnable(target, keywordsUsed(draft, source, uids)),
    },
    origin,
  );
  draft.quota.count(target, bytes);
  if (kind === 'move') draft.quota.count(source, -bytes);
  if (target.facts.kind === 'recoverable') {
    draft.quota.arrive(firstUid, () => {
      const columns = draft.state.rows(source);
      return Array.from(columns.rowsOf(uids), (row) => columns.size[row]!);
    });
    purgeExcess(draft, target);
  }
  const targets = new Uint32Array(uids.length);
  for (let i = 0; i < targets.length; i += 1) targets[i] = firstUid + i;
  return { uidValidity: targetValidity, source: uids, target: targets, modSeq: modSeq(at) };
}

/** Keywords that at least one of these messages has: the target learns no others. */
function keywordsUsed(draft: Draft, folder: FolderState, uids: Uint32Array): readonly string[] {
  const { keywords } = folder.facts;
  if (keywords.length === 0) return keywords;
  const columns = draft.state.rows(folder);
  let low = 0;
  let high = 0;
  for (const row of columns.rowsOf(uids)) {
    low |= columns.keywordsLow[row]!;
    high |= columns.keywordsHigh[row]!;
  }
  return keywords.filter((_, bit) => ((bit < 32 ? low >>> bit : high >>> (bit - 32)) & 1) === 1);
}

/** Messages that are there, and their octets. */
export interface Present {
  readonly uids: Uint32Array;
  readonly bytes: number;
}

/** All messages of a folder. */
export function allOf(draft: Draft, folder: FolderState): Present {
  const columns = draft.state.rows(folder);
  return { uids: columns.uid.slice(0, columns.length), bytes: folder.facts.bytes };
}

function existing(draft: Draft, folder: FolderState, uids: Uint32Array): Present {
  const columns = draft.state.rows(folder);
  const rows = columns.rowsOf(uids);
  return { uids: columns.uidsOf(rows), bytes: bytesOf(columns, rows) };
}

/** Removing a keyword the folder does not know teaches it nothing. */
function keywordsOf(draft: Draft, folder: FolderState, change: FlagChange): ReturnType<Draft['keywordBits']> {
  if (change.op !== 'remove') return draft.keywordBits(folder, change.keywords);
  const known = change.keywords.filter((keyword) => folder.keywordBit(keyword) >= 0);
  return draft.keywordBits(folder, known);
}

/** Which rows really change, and which UNCHANGEDSINCE protects (RFC 7162 §3.1.3). */
function select(
  columns: Columns,
  rows: Int32Array,
  change: FlagChange,
  flags: number,
  low: number,
  high: number,
): { changed: Uint32Array; modified: Uint32Array } {
  const changed = new Uint32Array(rows.length);
  const modified = change.unchangedSince === undefined ? null : new Uint32Array(rows.length);
  const since = change.unchangedSince ?? Number.MAX_SAFE_INTEGER;
  let changes = 0;
  let kept = 0;
  for (let i = 0; i < rows.length; i += 1) {
    const row = rows[i]!;
    if (modified !== null && columns.modSeq[row]! > since) {
      modified[kept++] = columns.uid[row]!;
      continue;
    }
    const nowFlags = columns.flags[row]!;
    const nowLow = columns.keywordsLow[row]!;
    const nowHigh = columns.keywordsHigh[row]!;
    let differs: boolean;
    if (change.op === 'add') {
      differs =
        (nowFlags | flags) !== nowFlags || (nowLow | low) >>> 0 !== nowLow || (nowHigh | high) >>> 0 !== nowHigh;
    } else if (change.op === 'remove')
      differs = (nowFlags & flags) !== 0 || (nowLow & low) !== 0 || (nowHigh & high) !== 0;
    else differs = nowFlags !== flags || nowLow !== low || nowHigh !== high;
    if (differs) changed[changes++] = columns.uid[row]!;
  }
  return {
    changed: changes === rows.length ? changed : changed.slice(0, changes),
    modified: modified === null ? new Uint32Array(0) : modified.slice(0, kept),
  };
}
