/**
 * A search as the store understands it: engine- and protocol-free. IMAP turns message numbers into UIDs first.
 * Matching follows RFC 9051 §6.4.4: substrings, case-insensitive by Unicode folding; dates are whole days.
 */
import type { UidRange } from '../model.ts';

export type SearchQuery =
  | { readonly kind: 'all' }
  | { readonly kind: 'and'; readonly terms: readonly SearchQuery[] }
  | { readonly kind: 'or'; readonly terms: readonly SearchQuery[] }
  | { readonly kind: 'not'; readonly term: SearchQuery }
  /** All the given system flag bits are set. */
  | { readonly kind: 'flags'; readonly mask: number }
  | { readonly kind: 'keyword'; readonly name: string }
  | { readonly kind: 'uids'; readonly ranges: readonly UidRange[] }
  /** Exclusive bounds in octets. */
  | { readonly kind: 'larger' | 'smaller'; readonly octets: number }
  /** `day`: days since 1970, UTC for internal and save dates, as written for sent. `since` includes the day, `before` excludes it. */
  | {
      readonly kind: 'date';
      readonly column: 'internal' | 'sent' | 'save';
      readonly op: 'before' | 'on' | 'since';
      readonly day: number;
    }
  /** RFC 5032: within / beyond the last `seconds`. */
  | { readonly kind: 'younger' | 'older'; readonly seconds: number }
  /** INTERNALDATE in [from, before), seconds since 1970. */
  | { readonly kind: 'received'; readonly from: number; readonly before: number }
  /** RFC 7162 §3.1.5: MODSEQ at or above. */
  | { readonly kind: 'modseq'; readonly from: number }
  /** Address and subject fields searched decoded; any other field name is read from the header. Empty text: field exists. */
  | { readonly kind: 'header'; readonly name: string; readonly text: string }
  | { readonly kind: 'body'; readonly text: string }
  /** Header or body. */
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'thread' | 'content'; readonly id: number };

/** RFC 5256 §3, RFC 5957. */
export type SortKey = 'arrival' | 'cc' | 'date' | 'from' | 'size' | 'subject' | 'to' | 'displayfrom' | 'displayto';

export interface SortCriterion {
  readonly key: SortKey;
  readonly reverse: boolean;
}

export type ThreadAlgorithm = 'orderedsubject' | 'references' | 'refs';

/** One node of a THREAD answer: `uid` is null for a dummy parent (RFC 5256 §4). */
export interface ThreadNode {
  readonly uid: number | null;
  readonly children: readonly ThreadNode[];
}
