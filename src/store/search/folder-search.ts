/**
 * The entry point: search, sort and thread over one open folder, whatever the engine behind `source`.
 * Sort and thread keys, and the last finished orders, are kept between calls and released by `close`.
 */
import type { SortKeyField } from '../../message/fragment.ts';
import type { FolderView } from '../api.ts';
import { Candidates } from './candidates.ts';
import { evaluate } from './evaluate.ts';
import { threadBySubject } from './ordered-subject.ts';
import type { SortCriterion, SortKey } from './query.ts';
import { sortByKey } from './radix.ts';
import { allOf, pick } from './selection.ts';
import type { FolderSearch, SearchSource } from './source.ts';
import { KnownOrders } from './known-orders.ts';
import { StringKeys } from './string-keys.ts';
import { ThreadKeys } from './thread-keys.ts';
import { NO_SUBJECT, threadByReferences } from './thread-tree.ts';
import { TimeSlice } from './time-slice.ts';

export interface SearchOptions {
  /** Seconds since 1970, for YOUNGER and OLDER; the clock when missing. */
  readonly now?: () => number;
}

/** RFC 5256 §3, RFC 5957 §3; null: a column, not text. */
const TEXT_KEY: Readonly<Record<SortKey, SortKeyField | null>> = {
  arrival: null,
  date: null,
  size: null,
  subject: 'baseSubject',
  from: 'from',
  to: 'to',
  cc: 'cc',
  displayfrom: 'displayFrom',
  displayto: 'displayTo',
};

export function createFolderSearch(source: SearchSource, options: SearchOptions = {}): FolderSearch {
  const now = options.now ?? (() => Math.floor(Date.now() / 1000));
  const stringKeys = new Map<SortKeyField, StringKeys>();
  let threadKeys: ThreadKeys | null = null;
  const orders = new KnownOrders();
  /** Caches are extended and read by one call at a time, so that none sees another's half-read keys. */
  let last: Promise<unknown> = Promise.resolve();

  function exclusive<T>(work: () => Promise<T>): Promise<T> {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  }

  async function extended(field: SortKeyField, slice: TimeSlice): Promise<StringKeys> {
    const keys = stringKeys.get(field) ?? new StringKeys(field);
    stringKeys.set(field, keys);
    await keys.extend(source, slice);
    return keys;
  }

  return {
    async search(among, query) {
      const slice = new TimeSlice();
      const candidates = new Candidates(source.view, among);
      const found = await evaluate({ source, candidates, now: now(), slice }, query, allOf(among.length));
      return candidates.existing(found);
    },

    async sort(uids, criteria) {
      const slice = new TimeSlice();
      const effective = withoutRepeats(criteria);
      const { existing, columns, ready } = await exclusive(async () => {
        const known = orders.get(locate(source, uids).existing, effective);
        if (known !== null) return { existing: known, columns: [], ready: known };
        const texts = new Map<SortKey, StringKeys>();
        for (const { key } of effective) {
          const field = TEXT_KEY[key];
          if (field !== null) texts.set(key, await extended(field, slice));
        }
        const { existing, rows } = locate(source, uids);
        const columns = effective.map(
          ({ key }) => texts.get(key)?.ranksOf(existing) ?? gather(numbersOf(source.view, key), rows),
        );
        return { existing, columns, ready: null };
      });
      if (ready !== null) return ready;
      let order = allOf(existing.length);
      for (let i = effective.length - 1; i >= 0; i -= 1) {
        order = await sortByKey(order, columns[i]!, effective[i]!.reverse, slice);
      }
      return orders.keep(existing, effective, pick(existing, order));
    },

    async thread(uids, algorithm) {
      const slice = new TimeSlice();
      const input = await exclusive(async () => {
        const subjects = algorithm === 'refs' ? null : await extended('baseSubject', slice);
        const links = algorithm === 'orderedsubject' ? null : (threadKeys ??= new ThreadKeys());
        await links?.extend(source, slice);
        const { existing, rows } = locate(source, uids);
        const { sentDate, internalDate } = source.view.columns;
        const columns = {
          uids: existing,
          sentDate: gather(sentDate, rows),
          internalDate: gather(internalDate, rows),
          subject: subjects?.idsOf(existing) ?? new Uint32Array(existing.length),
          emptySubject: subjects?.emptyId ?? NO_SUBJECT,
        };
        return { ...columns, links: links === null ? null : await links.linksOf(existing, slice) };
      });
      const { links, subject, emptySubject } = input;
      if (links === null || algorithm === 'orderedsubject') {
        return threadBySubject(input.uids, input.sentDate, subject, slice);
      }
      for (let i = 0; i < subject.length; i += 1) if (subject[i] === emptySubject) subject[i] = NO_SUBJECT;
      return threadByReferences({ ...input, ...links }, algorithm, slice);
    },

    close() {
      // Behind whoever still works with them.
      last = last.then(() => {
        stringKeys.clear();
        threadKeys = null;
        orders.clear();
      });
    },
  };
}

/** The column behind a key that is not text. */
function numbersOf(view: FolderView, key: SortKey): Float64Array | Uint32Array {
  const { columns } = view;
  if (key === 'size') return columns.size;
  return key === 'arrival' ? columns.internalDate : columns.sentDate;
}

/** A second criterion with the same key can decide nothing. */
function withoutRepeats(criteria: readonly SortCriterion[]): readonly SortCriterion[] {
  return criteria.filter(({ key }, at) => criteria.findIndex((other) => other.key === key) === at);
}

function locate(source: SearchSource, uids: Uint32Array): { existing: Uint32Array; rows: Int32Array } {
  const found = new Int32Array(uids.length);
  source.view.locate(uids, 0, uids.length, found);
  const existing = new Uint32Array(uids.length);
  const rows = new Int32Array(uids.length);
  let kept = 0;
  for (let i = 0; i < uids.length; i += 1) {
    if (found[i]! < 0) continue;
    existing[kept] = uids[i]!;
    rows[kept++] = found[i]!;
  }
  return { existing: existing.subarray(0, kept), rows: rows.subarray(0, kept) };
}

function gather(column: Float64Array | Uint32Array, rows: Int32Array): Float64Array {
  const out = new Float64Array(rows.length);
  for (let i = 0; i < rows.length; i += 1) out[i] = column[rows[i]!]!;
  return out;
}
