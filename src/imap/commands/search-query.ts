/**
 * SEARCH keys of a client as the store's query (RFC 9051 §6.4.4): message numbers and \Recent, which only the
 * session's view knows, become UIDs; object ids become the store's numbers (RFC 8474 §4.2, §4.3).
 */
import { unreachable } from '../../observe/failure.ts';
import type { UidRange } from '../../store/model.ts';
import type { SearchQuery } from '../../store/search/query.ts';
import type { SearchKey } from '../grammar/ast.ts';
import { numberRanges, uidRanges } from '../session/message-set.ts';
import type { SelectedView } from '../session/selected-view.ts';

const ALL: SearchQuery = { kind: 'all' };
const NONE: SearchQuery = { kind: 'not', term: ALL };

/** @throws ProtocolViolation for a message number above EXISTS */
export function searchQuery(view: SelectedView, key: SearchKey): SearchQuery {
  switch (key.kind) {
    case 'and':
      return { kind: 'and', terms: key.keys.map((each) => searchQuery(view, each)) };
    case 'or':
      return { kind: 'or', terms: [searchQuery(view, key.left), searchQuery(view, key.right)] };
    case 'not':
      return { kind: 'not', term: searchQuery(view, key.key) };
    case 'recent':
      return { kind: 'uids', ranges: view.recentRanges };
    case 'numbers':
      return { kind: 'uids', ranges: numberRanges(view, key.set).map((range) => asUids(view, range)) };
    case 'uids':
      return { kind: 'uids', ranges: uidRanges(view, key.set) };
    case 'emailid':
      return objectQuery('content', 'M', key.id);
    case 'threadid':
      return objectQuery('thread', 'T', key.id);
    case 'savedatesupported':
    case 'all':
      return ALL;
    case 'flags':
    case 'keyword':
    case 'larger':
    case 'smaller':
    case 'date':
    case 'older':
    case 'younger':
    case 'modseq':
    case 'header':
    case 'body':
    case 'text':
      return key;
    default:
      return unreachable(key);
  }
}

/** Whether MODSEQ is asked for anywhere: a CONDSTORE enabling command (RFC 7162 §3.1.5). */
export function asksModSeq(key: SearchKey): boolean {
  switch (key.kind) {
    case 'modseq':
      return true;
    case 'and':
      return key.keys.some(asksModSeq);
    case 'or':
      return asksModSeq(key.left) || asksModSeq(key.right);
    case 'not':
      return asksModSeq(key.key);
    default:
      return false;
  }
}

/** Between two numbers of the view lie no UIDs of others, as the search is among the view's messages only. */
const asUids = (view: SelectedView, range: UidRange): UidRange => ({
  first: view.uidAt(range.first - 1),
  last: view.uidAt(range.last - 1),
});

function objectQuery(kind: 'content' | 'thread', letter: string, id: string): SearchQuery {
  const digits = id.startsWith(letter) ? id.slice(1) : '';
  return /^[1-9]\d{0,9}$/.test(digits) ? { kind, id: Number(digits) } : NONE;
}
