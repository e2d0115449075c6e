/**
 * Email/query (RFC 8621 §4.4): each folder is searched by the store, the answers are put in one order and an Email that
 * lies in several Mailboxes is named once. Changes of a query are not worked out (§4.5 allows `cannotCalculateChanges`):
 * to ask again costs a few milliseconds.
 */
import type { Json, JsonObject } from '../json.ts';
import { isObject, property } from '../json.ts';
import type { MethodArguments } from '../arguments.ts';
import { MethodError } from '../method-error.ts';
import type { SortKey } from '../../../store/search/query.ts';
import { type FilterFor, readFilter } from './filter.ts';
import { contentOf, emailIdOf } from './ids.ts';
import { FLAG_KEYWORDS, isKeyword, keywordsOf } from './keywords.ts';
import type { MailView, Placement } from './mail-view.ts';
import type { FolderView } from '../../../store/api.ts';

export const QUERY_ARGUMENTS = [
  'accountId',
  'filter',
  'sort',
  'position',
  'anchor',
  'anchorOffset',
  'limit',
  'calculateTotal',
  'collapseThreads',
];
/** Ids in one answer. */
export const QUERY_LIMIT = 5000;
const COMPARATORS = 8;

/** Numbers compared row by row; the store's sort for what has to be read. */
type Order =
  | { readonly kind: 'number'; readonly ascending: boolean; readonly of: (view: FolderView, row: number) => number }
  | { readonly kind: 'text'; readonly ascending: boolean; readonly key: SortKey };

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
  const asked = args.whole('limit', 0, QUERY_LIMIT);
  const limit = Math.min(asked, QUERY_LIMIT);
  const found = await matching(view, filter);
  const sorted = await inOrder(view, found, orders);
  const contents = distinct(sorted, args.flag('collapseThreads'));
  const position = startOf(contents, args);
  return {
    ids: contents.slice(position, position + limit).map(emailIdOf),
    position,
    total: contents.length,
    limit: asked > QUERY_LIMIT ? QUERY_LIMIT : null,
  };
}

async function matching(view: MailView, filter: FilterFor): Promise<Placement[]> {
  const found: Placement[] = [];
  for (const folderView of view.views.values()) {
    const { id } = folderView.folder;
    const among = folderView.columns.uid.slice(0, folderView.columns.length);
    const uids = among.length === 0 ? among : await view.mailbox.search(id, among, filter({ id }));
    const rows = new Int32Array(uids.length);
    folderView.locate(uids, 0, uids.length, rows);
    for (let i = 0; i < uids.length; i += 1)
      if (rows[i]! >= 0) found.push({ view: folderView, uid: uids[i]!, row: rows[i]! });
  }
  return found;
}

/** @throws MethodError unsupportedSort for text over several folders: each folder's order says nothing of the others */
async function inOrder(view: MailView, found: Placement[], orders: readonly Order[]): Promise<readonly Placement[]> {
  const texts = orders.filter((order) => order.kind === 'text');
  const [text] = texts;
  const ranks = new Map<Placement, number>();
  if (text !== undefined) {
    const folders = new Set(found.map((placement) => placement.view));
    if (folders.size > 1 || texts.length > 1)
      throw new MethodError('unsupportedSort', `sorting by ${text.key} works within one Mailbox: filter by inMailbox`);
    const [only] = folders;
    if (only !== undefined) {
      const byUid = new Map(found.map((placement) => [placement.uid, placement]));
      const uids = Uint32Array.from(found, ({ uid }) => uid);
      const sorted = await view.mailbox.sort(only.folder.id, uids, [{ key: text.key, reverse: false }]);
      for (const [rank, uid] of sorted.entries()) {
        const placement = byUid.get(uid);
        if (placement !== undefined) ranks.set(placement, rank);
      }
    }
  }
  const compare = (a: Placement, b: Placement): number => {
    for (const order of orders) {
      const difference =
        order.kind === 'text'
          ? (ranks.get(a) ?? 0) - (ranks.get(b) ?? 0)
          : order.of(a.view, a.row) - order.of(b.view, b.row);
      if (difference !== 0) return order.ascending ? difference : -difference;
    }
    // RFC 8620 §5.5: the same query has the same order every time.
    return b.view.columns.content[b.row]! - a.view.columns.content[a.row]!;
  };
  return found.toSorted(compare);
}

function distinct(placements: readonly Placement[], collapseThreads: boolean): number[] {
  const seen = new Set<number>();
  const threads = new Set<number>();
  for (const { view, row } of placements) {
    const content = view.columns.content[row]!;
    if (seen.has(content)) continue;
    const thread = view.columns.thread[row]!;
    if (collapseThreads && threads.has(thread)) continue;
    seen.add(content);
    threads.add(thread);
  }
  return [...seen];
}

/** RFC 8620 §5.5: an anchor counts before a position; negative positions count from the end. */
function startOf(contents: readonly number[], args: MethodArguments): number {
  const anchor = args.optionalText('anchor');
  if (anchor === null) {
    const position = args.whole('position', Number.MIN_SAFE_INTEGER, 0);
    return position < 0 ? Math.max(0, contents.length + position) : position;
  }
  const at = contents.indexOf(contentOf(anchor) ?? -1);
  if (at < 0) throw new MethodError('anchorNotFound', 'the anchor is not among the results');
  return Math.max(0, at + args.whole('anchorOffset', Number.MIN_SAFE_INTEGER, 0));
}

/** `emailQuerySortOptions` (§1.3.1). */
export const SORT_PROPERTIES = ['receivedAt', 'sentAt', 'size', 'from', 'to', 'subject', 'hasKeyword'] as const;

const TEXT_KEYS: Readonly<Record<string, SortKey>> = { from: 'displayfrom', to: 'displayto', subject: 'subject' };
type Column = 'internalDate' | 'sentDate' | 'size';
const NUMBER_KEYS: Readonly<Record<string, Column>> = { receivedAt: 'internalDate', sentAt: 'sentDate', size: 'size' };

/** §4.4.2. @throws MethodError */
function readSort(sort: readonly Json[] | null): readonly Order[] {
  if (sort === null || sort.length === 0)
    return [{ kind: 'number', ascending: false, of: (view, row) => view.columns.internalDate[row]! }];
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
  if (column !== undefined) return { kind: 'number', ascending, of: (view, row) => view.columns[column][row]! };
  const key = Object.hasOwn(TEXT_KEYS, name) ? TEXT_KEYS[name] : undefined;
  if (key !== undefined) return { kind: 'text', ascending, key };
  if (name !== 'hasKeyword')
    throw new MethodError('unsupportedSort', `sorting by ${name.slice(0, 100)} is not supported`);
  const keyword = property(comparator, 'keyword');
  if (typeof keyword !== 'string' || !isKeyword(keyword)) throw invalidSort('hasKeyword needs a keyword');
  const lower = keyword.toLowerCase();
  const bit = FLAG_KEYWORDS.get(lower);
  const has = (view: FolderView, row: number): boolean =>
    bit === undefined ? keywordsOf(view, row).has(lower) : (view.columns.flags[row]! & bit) !== 0;
  return { kind: 'number', ascending, of: (view, row) => (has(view, row) ? 1 : 0) };
}

const invalidSort = (text: string): MethodError => new MethodError('invalidArguments', text, { arguments: ['sort'] });
