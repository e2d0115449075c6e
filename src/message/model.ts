/**
 * What parsing a message yields. Everything is computed once, at delivery, from the original bytes, and kept in a
 * fragment (fragment.ts) beside them; a fragment is a cache and carries PARSER_VERSION, so a fix can re-parse
 * without a new UIDVALIDITY.
 */
import type { Buffer } from 'node:buffer';

/** Raise when envelope, body structure, search text, sort keys or thread keys of the same bytes change. */
export const PARSER_VERSION = 1;

/** One MIME entity by offsets into the original bytes. */
export interface Part {
  /** Path of part numbers as in IMAP sections (RFC 9051 §6.4.5.1); empty for the message itself. */
  readonly path: readonly number[];
  /** Offset of the first header byte of the entity. */
  readonly headerStart: number;
  /** Offset behind the empty line that ends the header; equals bodyStart. */
  readonly bodyStart: number;
  /** Offset behind the last body byte: the CRLF before a boundary belongs to the boundary (RFC 2046 §5.1.1). */
  readonly bodyEnd: number;
  /** Lower case `type/subtype`. */
  readonly mediaType: string;
  readonly charset: string | null;
  /** Lower case Content-Transfer-Encoding token as written; `7bit` when missing. */
  readonly encoding: string;
  /** Decoded file name (RFC 2231, RFC 2047 in practice), null when there is none. */
  readonly fileName: string | null;
  readonly disposition: string | null;
}

export interface ParsedMessage {
  /** Encoded fragment, see fragment.ts. */
  readonly fragment: Buffer;
  /** Exact size in octets. */
  readonly size: number;
  /** Seconds since 1970 of the Date field in UTC; null when missing or unreadable. */
  readonly sentDate: number | null;
  /** Days since 1970 of the Date field as written (zone disregarded); null when missing or unreadable. */
  readonly sentDay: number | null;
  /**
   * 53-bit hashes for conversation building: the message's own id first, then References / In-Reply-To ids.
   * Empty when the message names none.
   */
  readonly threadKeys: readonly number[];
  /** RFC 5256 §2.1 base subject, lower-cased; part of the conversation rule for replies without References. */
  readonly baseSubject: string;
}
