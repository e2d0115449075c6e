/**
 * Search keys (RFC 9051 §6.4.4 and the extensions named in ast.ts), shared by SEARCH, SORT and THREAD. Text is
 * decoded here from the charset of the command, so that nothing behind this file knows charsets of searches.
 */
import { TextDecoder } from 'node:util';
import { Failure, ProtocolViolation } from '../../observe/failure.ts';
import { ANSWERED, DELETED, DRAFT, FLAGGED, SEEN } from '../../store/model.ts';
import { IMAP_SEARCH_KEYS } from '../../wire/limits.ts';
import type { DateOp, SearchKey } from './ast.ts';
import { DIGIT, isClass } from './char-class.ts';
import type { Cursor } from './cursor.ts';
import { parseDate } from './date-time.ts';
import { parseSequenceSet } from './sequence-set.ts';

const ASTERISK = 0x2a;
const DOLLAR = 0x24;
const OPEN = 0x28;
const QUOTE = 0x22;

const has = (mask: number): SearchKey => ({ kind: 'flags', mask });
const not = (key: SearchKey): SearchKey => ({ kind: 'not', key });
const RECENT: SearchKey = { kind: 'recent' };

/** Keys without arguments. */
const WORDS = new Map<string, SearchKey>([
  ['ALL', { kind: 'all' }],
  ['ANSWERED', has(ANSWERED)],
  ['DELETED', has(DELETED)],
  ['DRAFT', has(DRAFT)],
  ['FLAGGED', has(FLAGGED)],
  ['NEW', { kind: 'and', keys: [RECENT, not(has(SEEN))] }],
  ['OLD', not(RECENT)],
  ['RECENT', RECENT],
  ['SAVEDATESUPPORTED', { kind: 'savedatesupported' }],
  ['SEEN', has(SEEN)],
  ['UNANSWERED', not(has(ANSWERED))],
  ['UNDELETED', not(has(DELETED))],
  ['UNDRAFT', not(has(DRAFT))],
  ['UNFLAGGED', not(has(FLAGGED))],
  ['UNSEEN', not(has(SEEN))],
]);

const DATES = new Map<string, readonly ['internal' | 'sent' | 'save', DateOp]>([
  ['BEFORE', ['internal', 'before']],
  ['ON', ['internal', 'on']],
  ['SINCE', ['internal', 'since']],
  ['SENTBEFORE', ['sent', 'before']],
  ['SENTON', ['sent', 'on']],
  ['SENTSINCE', ['sent', 'since']],
  ['SAVEDBEFORE', ['save', 'before']],
  ['SAVEDON', ['save', 'on']],
  ['SAVEDSINCE', ['save', 'since']],
]);

const ADDRESS_FIELDS = new Set(['BCC', 'CC', 'FROM', 'SUBJECT', 'TO']);

/** What an unknown charset is answered with (RFC 9051 §7.1 BADCHARSET); more are read than are listed. */
export const SEARCH_CHARSETS = ['US-ASCII', 'UTF-8'] as const;

/** `CHARSET` of SEARCH, and the bare charset argument of SORT and THREAD. */
export function textDecoder(charset: string): TextDecoder {
  try {
    return new TextDecoder(charset, { fatal: true, ignoreBOM: true });
  } catch (cause) {
    throw new Failure('BADCHARSET', `searches can be in ${SEARCH_CHARSETS.join(' or ')}`, { cause });
  }
}

/** The rest of the command as one key: several keys are joined by AND. Without a charset, text is UTF-8 (RFC 9051 §6.4.4). */
export function parseSearchProgram(cursor: Cursor, charset: string | null): SearchKey {
  const keys = new SearchKeys(cursor, textDecoder(charset ?? 'utf-8'));
  return keys.sequence(() => cursor.acceptSpace());
}

class SearchKeys {
  readonly #cursor: Cursor;
  readonly #decoder: TextDecoder;
  #count = 0;

  constructor(cursor: Cursor, decoder: TextDecoder) {
    this.#cursor = cursor;
    this.#decoder = decoder;
  }

  sequence(more: () => boolean): SearchKey {
    const first = this.#key();
    if (!more()) return first;
    const keys = [first];
    do {
      if (this.#cursor.atEnd) break;
      keys.push(this.#key());
    } while (more());
    return keys.length === 1 ? first : { kind: 'and', keys };
  }

  #key(): SearchKey {
    const cursor = this.#cursor;
    this.#count += 1;
    if (this.#count > IMAP_SEARCH_KEYS) {
      throw new ProtocolViolation(`${cursor.command}: more than ${IMAP_SEARCH_KEYS} search keys`);
    }
    const next = cursor.peek();
    if (next === OPEN) {
      cursor.open('search keys');
      const key = this.sequence(() => cursor.acceptSpace());
      cursor.close();
      return key;
    }
    if (next === ASTERISK || next === DOLLAR || (next >= 0 && isClass(next, DIGIT))) {
      return { kind: 'numbers', set: parseSequenceSet(cursor, 'message numbers') };
    }
    const word = cursor.keyword('a search key');
    return WORDS.get(word) ?? this.#keyWithArgument(word);
  }

  #keyWithArgument(word: string): SearchKey {
    const cursor = this.#cursor;
    const date = DATES.get(word);
    if (date !== undefined) {
      cursor.space('a date');
      return { kind: 'date', column: date[0], op: date[1], day: parseDate(cursor) };
    }
    if (ADDRESS_FIELDS.has(word)) return { kind: 'header', name: word.toLowerCase(), text: this.#text() };
    switch (word) {
      case 'HEADER': {
        cursor.space('the name of a header field');
        const name = cursor.astring('the name of a header field').toString('utf8');
        return { kind: 'header', name, text: this.#text() };
      }
      case 'BODY':
        return { kind: 'body', text: this.#text() };
      case 'TEXT':
        return { kind: 'text', text: this.#text() };
      case 'KEYWORD':
        return { kind: 'keyword', name: this.#keyword() };
      case 'UNKEYWORD':
        return not({ kind: 'keyword', name: this.#keyword() });
      case 'LARGER':
      case 'SMALLER': {
        cursor.space('a number of octets');
        const octets = cursor.number('the number of octets', Number.MAX_SAFE_INTEGER);
        return { kind: word === 'LARGER' ? 'larger' : 'smaller', octets };
      }
      case 'OLDER':
      case 'YOUNGER': {
        cursor.space('a number of seconds');
        return { kind: word === 'OLDER' ? 'older' : 'younger', seconds: cursor.nzNumber('the number of seconds') };
      }
      case 'UID':
        cursor.space('a set of UIDs');
        return { kind: 'uids', set: parseSequenceSet(cursor, 'UIDs') };
      case 'EMAILID':
      case 'THREADID':
        cursor.space('an id');
        return { kind: word === 'EMAILID' ? 'emailid' : 'threadid', id: cursor.atom('an id') };
      case 'MODSEQ':
        return { kind: 'modseq', from: this.#modSeq() };
      case 'NOT':
        return not(this.#operand());
      case 'OR': {
        const left = this.#operand();
        return { kind: 'or', left, right: this.#operand() };
      }
      default:
        throw new ProtocolViolation(`${cursor.command}: there is no such search key`);
    }
  }

  #operand(): SearchKey {
    this.#cursor.space('a search key');
    this.#cursor.enter();
    const key = this.#key();
    this.#cursor.leave();
    return key;
  }

  #text(): string {
    const cursor = this.#cursor;
    cursor.space('the text to search for');
    const bytes = cursor.searchText();
    try {
      return this.#decoder.decode(bytes);
    } catch (cause) {
      throw new ProtocolViolation(`${cursor.command}: the text is not in the charset of the search`, { cause });
    }
  }

  #keyword(): string {
    this.#cursor.space('a keyword');
    return this.#cursor.atom('a keyword');
  }

  /** RFC 7162 §3.1.5: `MODSEQ "/flags/\\draft" all 620162338` or only the number. */
  #modSeq(): number {
    const cursor = this.#cursor;
    cursor.space('a mod-sequence');
    if (cursor.peek() === QUOTE) {
      const entry = cursor.string('an entry name').toString('latin1').toLowerCase();
      if (!entry.startsWith('/flags/')) throw new ProtocolViolation(`${cursor.command}: an entry begins with /flags/`);
      cursor.space('priv, shared or all');
      const type = cursor.keyword('priv, shared or all');
      if (type !== 'PRIV' && type !== 'SHARED' && type !== 'ALL') throw cursor.fail('priv, shared or all before this');
      cursor.space('a mod-sequence');
    }
    return cursor.modSeq('a mod-sequence');
  }
}
