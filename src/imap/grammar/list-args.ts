/**
 * Arguments of LIST (RFC 9051 §6.3.9 with RFC 5258, 5819, 6154), LSUB, STATUS (§6.3.11, RFC 8438, 7162, 8474, 7889),
 * CREATE (RFC 6154 §3) and SELECT (RFC 7162 §3.1.8, §3.2.5).
 */
import { Failure, ProtocolViolation } from '../../observe/failure.ts';
import type { SpecialUse } from '../../store/model.ts';
import type { ListReturn, ListSelect, QResync, StatusItem } from './ast.ts';
import type { Cursor } from './cursor.ts';
import { decodeFolderName } from './mailbox-name.ts';
import { parseSequenceSet } from './sequence-set.ts';

const BACKSLASH = 0x5c;
const OPEN = 0x28;
/** Patterns of one LIST: RFC 5258 names no number. */
const LIST_PATTERNS = 256;

const SELECTS = new Map<string, ListSelect>(
  (['SUBSCRIBED', 'REMOTE', 'RECURSIVEMATCH', 'SPECIAL-USE'] satisfies ListSelect[]).map((name) => [name, name]),
);

const STATUS_ITEMS = new Map<string, StatusItem>(
  (
    [
      'APPENDLIMIT',
      'DELETED',
      'DELETED-STORAGE',
      'HIGHESTMODSEQ',
      'MAILBOXID',
      'MESSAGES',
      'RECENT',
      'SIZE',
      'UIDNEXT',
      'UIDVALIDITY',
      'UNSEEN',
    ] satisfies StatusItem[]
  ).map((name) => [name, name]),
);

const SPECIAL_USES = new Map<string, SpecialUse>([
  ['ARCHIVE', 'archive'],
  ['DRAFTS', 'drafts'],
  ['JUNK', 'junk'],
  ['SENT', 'sent'],
  ['TRASH', 'trash'],
]);

export function parseStatusItems(cursor: Cursor): readonly StatusItem[] {
  const items = new Set<StatusItem>();
  cursor.list('status items', () => {
    const item = STATUS_ITEMS.get(cursor.keyword('a status item'));
    if (item === undefined) throw new ProtocolViolation(`${cursor.command}: there is no such status item`);
    items.add(item);
  });
  return [...items];
}

export interface ListArguments {
  readonly reference: string;
  readonly patterns: readonly string[];
  readonly select: readonly ListSelect[];
  readonly returns: ListReturn;
  readonly extended: boolean;
}

const NOTHING: ListReturn = { subscribed: false, children: false, specialUse: false, status: null };

export function parseListArguments(cursor: Cursor, utf8: boolean): ListArguments {
  let extended = false;
  const select = new Set<ListSelect>();
  if (cursor.peek() === OPEN) {
    extended = true;
    cursor.possiblyEmptyList('selection options', () => {
      const option = SELECTS.get(cursor.keyword('a selection option'));
      if (option === undefined) throw new ProtocolViolation('LIST: there is no such selection option');
      select.add(option);
    });
    // RFC 5258 §3.1: RECURSIVEMATCH only refines another option, and REMOTE is none to refine.
    if (select.has('RECURSIVEMATCH') && !select.has('SUBSCRIBED') && !select.has('SPECIAL-USE')) {
      throw new ProtocolViolation('LIST: RECURSIVEMATCH needs SUBSCRIBED or SPECIAL-USE beside it');
    }
    cursor.space('a reference name');
  }
  const reference = decodeFolderName(cursor.folderBytes('a reference name'), utf8);
  cursor.space('a folder pattern');
  const patterns: string[] = [];
  const pattern = (): void => {
    patterns.push(parsePattern(cursor, utf8));
    if (patterns.length > LIST_PATTERNS) throw new ProtocolViolation(`LIST: more than ${LIST_PATTERNS} patterns`);
  };
  if (cursor.peek() === OPEN) {
    extended = true;
    cursor.list('folder patterns', pattern);
  } else pattern();
  let returns = NOTHING;
  if (cursor.acceptSpace() && !cursor.atEnd) {
    extended = true;
    returns = parseListReturn(cursor);
  }
  return { reference, patterns, select: [...select], returns, extended };
}

/** `*` and `%` pass through the decoding unchanged: they are plain ASCII and never part of an encoded run. */
export const parsePattern = (cursor: Cursor, utf8: boolean): string =>
  decodeFolderName(cursor.patternBytes('a folder pattern'), utf8);

function parseListReturn(cursor: Cursor): ListReturn {
  if (!cursor.acceptKeyword('RETURN')) throw cursor.fail('RETURN or the end of the command');
  cursor.space('return options');
  let { subscribed, children, specialUse, status } = NOTHING;
  cursor.possiblyEmptyList('return options', () => {
    const option = cursor.keyword('a return option');
    switch (option) {
      case 'SUBSCRIBED':
        subscribed = true;
        break;
      case 'CHILDREN':
        children = true;
        break;
      case 'SPECIAL-USE':
        specialUse = true;
        break;
      case 'STATUS':
        cursor.space('status items');
        status = parseStatusItems(cursor);
        break;
      default:
        throw new ProtocolViolation('LIST: there is no such return option');
    }
  });
  return { subscribed, children, specialUse, status };
}

/** ` (USE (\Sent))`, possibly missing. */
export function parseCreateParameters(cursor: Cursor): readonly SpecialUse[] {
  const uses = new Set<SpecialUse>();
  if (!cursor.acceptSpace() || cursor.atEnd) return [];
  cursor.list('USE', () => {
    if (!cursor.acceptKeyword('USE')) throw cursor.fail('USE');
    cursor.space('special-use attributes');
    cursor.possiblyEmptyList('special-use attributes', () => {
      cursor.expect(BACKSLASH, '"\\" and a special use');
      const use = SPECIAL_USES.get(cursor.keyword('a special use'));
      if (use === undefined) {
        throw new Failure('USEATTR', 'special uses are \\Archive, \\Drafts, \\Junk, \\Sent and \\Trash');
      }
      uses.add(use);
    });
  });
  return [...uses];
}

export interface SelectParameters {
  readonly condstore: boolean;
  readonly qresync: QResync | null;
}

const PLAIN_SELECT: SelectParameters = { condstore: false, qresync: null };

/** ` (CONDSTORE)`, ` (QRESYNC (…))`, possibly missing. */
export function parseSelectParameters(cursor: Cursor): SelectParameters {
  if (!cursor.acceptSpace() || cursor.atEnd) return PLAIN_SELECT;
  let condstore = false;
  let qresync: QResync | null = null;
  cursor.list('CONDSTORE or QRESYNC', () => {
    if (cursor.acceptKeyword('CONDSTORE')) condstore = true;
    else if (cursor.acceptKeyword('QRESYNC')) {
      cursor.space('its arguments');
      qresync = parseQResync(cursor);
    } else throw cursor.fail('CONDSTORE or QRESYNC');
  });
  return { condstore, qresync };
}

function parseQResync(cursor: Cursor): QResync {
  cursor.open('UIDVALIDITY');
  const uidValidity = cursor.nzNumber('UIDVALIDITY');
  cursor.space('a mod-sequence');
  const modSeq = cursor.modSeq('a mod-sequence');
  let knownUids: QResync['knownUids'] = null;
  let sequenceMatch: QResync['sequenceMatch'] = null;
  if (cursor.acceptSpace()) {
    if (cursor.peek() !== OPEN) {
      knownUids = parseSequenceSet(cursor, 'known UIDs');
      if (cursor.acceptSpace()) sequenceMatch = parseSequenceMatch(cursor);
    } else sequenceMatch = parseSequenceMatch(cursor);
  }
  cursor.close();
  return { uidValidity, modSeq, knownUids, sequenceMatch };
}

function parseSequenceMatch(cursor: Cursor): QResync['sequenceMatch'] {
  cursor.open('message numbers');
  const numbers = parseSequenceSet(cursor, 'message numbers');
  cursor.space('their UIDs');
  const uids = parseSequenceSet(cursor, 'UIDs');
  cursor.close();
  return { numbers, uids };
}
