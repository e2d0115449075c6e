/**
 * Email/query (RFC 8621 §4.4): each folder is searched by the store, the answers are put in one order and an Email that
 * lies in several Mailboxes is named once. Changes of a query are not worked out (§4.5 allows `cannotCalculateChanges`):
 * to ask again costs a few milliseconds.
 */
import type { FolderView } from '../../../store/api.ts';
import type { SortKey } from '../../../store/search/query.ts';
import { TimeSlice } from '../../../store/search/time-slice.ts';
import type { MethodArguments } from '../arguments.ts';
import { isObject, type Json, type JsonObject, property } from '../json.ts';
import { MethodError } from '../method-error.ts';
import { queryWindow, WINDOW_ARGUMENTS } from '../query-window.ts';
import { attachmentQuery } from './attachment-filter.ts';
import { type FilterFor, type FolderFacts, isNothing, readFilter } from './filter.ts';
import { contentOf, emailIdOf } from './ids.ts';
import { isKeyword } from './keywords.ts';
import type { MailView } from './mail-view.ts';
import { NumberSet } from './number-set.ts';
import { inOrder, type ResultColumns } from './query-order.ts';
import { keywordTest, threadQuery, threadsByKeyword } from './thread-keywords.ts';

export const QUERY_ARGUMENTS = ['accountId', 'filter', 'sort', 'collapseThreads', ...WINDOW_ARGUMENTS];
/** Ids in one answer. */
export const QUERY_LIMIT = 5000;
const COMPARATORS = 8;

/** One comparator: a number of each row, or the store's sort for what has to be read. */
interface Order {
  readonly ascending: boolean;
  readonly by:
    | { readonly kind: 'column'; readonly column: Column }
    | { readonly kind: 'keyword'; readonly keyword: string; readonly on: 'email' | 'all' | 'some' }
    | { readonly kind: 'text'; readonly key: SortKey };
}

export interface QueryAnswer {
  readonly ids: readonly string[];
  readonly position: number;
  readonly total: number;
  readonly limit: number | null;
}

/** @throws MethodError */
export async function queryEmails(view: MailView, args: MethodArguments): Promise<QueryAnswer> {
  const filter = readFilter(args.object('filter'));
  const orders = readSort(args.list('sort'));
  const found = await matching(view, filter);
  const ranks = await textRanks(view, found, orders);
  const results = resultColumns(view, found, orders, ranks);
  const order = await inOrder(
    results,
    orders.map(({ ascending }) => ascending),
  );
  const contents = await distinct(results, order, args.flag('collapseThreads'));
  const window = queryWindow(args, contents.length, QUERY_LIMIT, (id) => contents.indexOf(contentOf(id) ?? 0));
  return {
    ids: Array.from(contents.subarray(window.start, window.start + window.count), emailIdOf),
    position: window.start,
    total: contents.length,
    limit: window.limit,
  };
}

interface Found {
  readonly view: FolderView;
  readonly uids: Uint32Array;
  /** All rows there were, as long as the folder is of this generation; null: some of them. */
  readonly wholeAt: number | null;
}

async function matching(mail: MailView, filter: FilterFor): Promise<readonly Found[]> {
  const found: Found[] = [];
  for (const view of mail.views.values()) {
    const query = await filter(factsOf(mail, view));
    if (isNothing(query) || view.columns.length === 0) continue;
    const { id } = view.folder;
    const among = view.columns.uid.slice(0, view.columns.length);
    const isWhole = query.kind === 'all';
    found.push({
      view,
      uids: isWhole ? among : await mail.mailbox.search(id, among, query),
      wholeAt: isWhole ? view.generation : null,
    });
  }
  return found;
}

const factsOf = (mail: MailView, view: FolderView): FolderFacts => ({
  id: view.folder.id,
  threads: (keyword, on) => threadQuery(mail, view, keyword, on),
  withAttachment: () => attachmentQuery(mail.mailbox, view),
});

/** By folder and UID. @throws MethodError unsupportedSort for text over several folders: none knows the others' order */
async function textRanks(
  { mailbox }: MailView,
  found: readonly Found[],
  orders: readonly Order[],
): Promise<ReadonlyMap<number, number>> {
  const ranks = new Map<number, number>();
  const texts = orders.flatMap(({ by }) => (by.kind === 'text' ? [by.key] : []));
  const [key] = texts;
  if (key === undefined) return ranks;
  const [only, ...others] = found.filter(({ uids }) => uids.length > 0);
  if (others.length > 0 || texts.length > 1)
    throw new MethodError('unsupportedSort', `sorting by ${key} works within one Mailbox: filter by inMailbox`);
  if (only === undefined) return ranks;
  const sorted = await mailbox.sort(only.view.folder.id, only.uids, [{ key, reverse: false }]);
  for (const [rank, uid] of sorted.entries()) ranks.set(uid, rank);
  return ranks;
}

/** In one turn, behind everything that waits: rows move. */
function resultColumns(
  mail: MailView,
  found: readonly Found[],
  orders: readonly Order[],
  ranks: ReadonlyMap<number, number>,
): ResultColumns {
  const most = found.reduce((sum, { uids }) => sum + uids.length, 0);
  const content = new Uint32Array(most);
  const thread = new Uint32Array(most);
  const keys = orders.map(() => new Float64Array(most));
  const threadSets = new Map(
    orders.flatMap(({ by }) =>
      by.kind === 'keyword' && by.on !== 'email' ? [[by.keyword, threadsByKeyword(mail, by.keyword)] as const] : [],
    ),
  );
  let length = 0;
  for (const { view, uids, wholeAt } of found) {
    const only = orders.length === 1 ? orders[0]?.by : undefined;
    if (wholeAt === view.generation && only?.kind === 'column') {
      // A list of a whole folder, the most common of all: columns are copied as they stand.
      const { columns } = view;
      content.set(columns.content.subarray(0, uids.length), length);
      thread.set(columns.thread.subarray(0, uids.length), length);
      keys[0]!.set(columns[only.column].subarray(0, uids.length), length);
      length += uids.length;
      continue;
    }
    const rows = new Int32Array(uids.length);
    view.locate(uids, 0, uids.length, rows);
    const { columns } = view;
    const values = orders.map(({ by }): ((row: number, uid: number) => number) => {
      switch (by.kind) {
        case 'column': {
          const column = columns[by.column];
          return (row) => column[row]!;
        }
        case 'text':
          return (_row, uid) => ranks.get(uid) ?? 0;
        case 'keyword': {
          const sets = threadSets.get(by.keyword);
          const has = keywordTest(view, by.keyword);
          if (by.on === 'email' || sets === undefined) return (row) => (has(row) ? 1 : 0);
          return (row) => {
            const id = columns.thread[row]!;
            return sets.having.has(id) && (by.on === 'some' || !sets.lacking.has(id)) ? 1 : 0;
          };
        }
      }
    });
    for (let i = 0; i < uids.length; i += 1) {
      const row = rows[i]!;
      if (row < 0) continue;
      content[length] = columns.content[row]!;
      thread[length] = columns.thread[row]!;
      for (let k = 0; k < keys.length; k += 1) keys[k]![length] = values[k]!(row, uids[i]!);
      length += 1;
    }
  }
  return { length, content, thread, keys };
}

/** Each Email once, and with `collapseThreads` the first of each conversation (RFC 8621 §4.4.3). */
async function distinct(results: ResultColumns, order: Uint32Array, collapseThreads: boolean): Promise<Uint32Array> {
  const seen = new NumberSet();
  const threads = new NumberSet();
  const contents = new Uint32Array(results.length);
  const slice = new TimeSlice();
  let length = 0;
  for (let i = 0; i < order.length; i += 1) {
    const at = order[i]!;
    const content = results.content[at]!;
    if (collapseThreads && !threads.add(results.thread[at]!)) continue;
    if (seen.add(content)) contents[length++] = content;
    if ((i & 4095) === 4095 && slice.due()) await slice.pause();
  }
  return contents.subarray(0, length);
}

/** `emailQuerySortOptions` (§1.3.1). */
export const SORT_PROPERTIES = [
  'receivedAt',
  'sentAt',
  'size',
  'from',
  'to',
  'subject',
  'hasKeyword',
  'allInThreadHaveKeyword',
  'someInThreadHaveKeyword',
] as const;
const ON: Readonly<Record<string, 'email' | 'all' | 'some'>> = {
  hasKeyword: 'email',
  allInThreadHaveKeyword: 'all',
  someInThreadHaveKeyword: 'some',
};

const TEXT_KEYS: Readonly<Record<string, SortKey>> = { from: 'displayfrom', to: 'displayto', subject: 'subject' };
type Column = 'internalDate' | 'sentDate' | 'size';
const NUMBER_KEYS: Readonly<Record<string, Column>> = { receivedAt: 'internalDate', sentAt: 'sentDate', size: 'size' };

/** §4.4.2. @throws MethodError */
function readSort(sort: readonly Json[] | null): readonly Order[] {
  if (sort === null || sort.length === 0) return [{ ascending: false, by: { kind: 'column', column: 'internalDate' } }];
  if (sort.length > COMPARATORS) throw new MethodError('unsupportedSort', `at most ${COMPARATORS} comparators`);
  return sort.map((comparator) => {
    if (!isObject(comparator)) throw invalidSort('a comparator is an object');
    return readComparator(comparator);
  });
}

function readComparator(comparator: JsonObject): Order {
  const name = property(comparator, 'property');
  const ascending = property(comparator, 'isAscending') ?? true;
  if (typeof name !== 'string' || typeof ascending !== 'boolean') throw invalidSort('a comparator names a property');
  const column = Object.hasOwn(NUMBER_KEYS, name) ? NUMBER_KEYS[name] : undefined;
  if (column !== undefined) return { ascending, by: { kind: 'column', column } };
  const key = Object.hasOwn(TEXT_KEYS, name) ? TEXT_KEYS[name] : undefined;
  if (key !== undefined) return { ascending, by: { kind: 'text', key } };
  const on = Object.hasOwn(ON, name) ? ON[name] : undefined;
  if (on === undefined) throw new MethodError('unsupportedSort', `sorting by ${name.slice(0, 100)} is not supported`);
  const keyword = property(comparator, 'keyword');
  if (typeof keyword !== 'string' || !isKeyword(keyword)) throw invalidSort(`${name} needs a keyword`);
  return { ascending, by: { kind: 'keyword', keyword: keyword.toLowerCase(), on } };
}

const invalidSort = (text: string): MethodError => new MethodError('invalidArguments', text, { arguments: ['sort'] });
