/**
 * From the parts of one command to its AST (RFC 9051 §9 command and the extensions named in ast.ts): one small
 * function a command, found by name. Whether a command is allowed in the state of the session is not decided here.
 */
import { Buffer } from 'node:buffer';
import { Failure, ProtocolViolation } from '../../observe/failure.ts';
import type { BareName, Command, CommandParts, FetchItem, FolderOnlyName, Refused } from './ast.ts';
import { decodeBase64 } from './base64.ts';
import { ASTRING, LOGIN_ARGUMENT, TAG } from './char-class.ts';
import { Cursor } from './cursor.ts';
import { parseFetchItems } from './fetch-item.ts';
import { parseFlagList } from './flag-list.ts';
import {
  parseCreateParameters,
  parseListArguments,
  parsePattern,
  parseSelectParameters,
  parseStatusItems,
} from './list-args.ts';
import { decodeFolderName } from './mailbox-name.ts';
import { parseReturn, parseSortCriteria, parseThreadAlgorithm } from './search-args.ts';
import { parseSearchProgram } from './search-key.ts';
import { parseSequenceSet } from './sequence-set.ts';

const EQUALS = 0x3d;
const MINUS = 0x2d;
const OPEN = 0x28;
const PLUS = 0x2b;
/** RFC 2971 §3.3. */
const ID_FIELDS = 30;
/** RFC 9208 §5 knows four. */
const QUOTA_RESOURCES = 16;

interface Context {
  readonly cursor: Cursor;
  readonly tag: string;
  /** UTF8=ACCEPT is enabled. */
  readonly utf8: boolean;
  readonly uid: boolean;
}

type Parse = (context: Context) => Command;

const folder = ({ cursor, utf8 }: Context): string => {
  cursor.space('a folder name');
  return decodeFolderName(cursor.folderBytes('a folder name'), utf8);
};

const messageSet = ({ cursor, uid }: Context) => {
  const what = uid ? 'a set of UIDs' : 'a set of message numbers';
  cursor.space(what);
  return parseSequenceSet(cursor, what);
};

const bare =
  (name: BareName): Parse =>
  ({ tag }) => ({ tag, name });

const folderOnly =
  (name: FolderOnlyName): Parse =>
  (context) => ({ tag: context.tag, name, folder: folder(context) });

const select =
  (name: 'SELECT' | 'EXAMINE'): Parse =>
  (context) => ({ tag: context.tag, name, folder: folder(context), ...parseSelectParameters(context.cursor) });

const copy =
  (name: 'COPY' | 'MOVE'): Parse =>
  (context) => ({ tag: context.tag, name, uid: context.uid, set: messageSet(context), folder: folder(context) });

/** Both forms: `FETCH` and `UID FETCH`. */
const MESSAGE_COMMANDS = new Map<string, Parse>([
  ['FETCH', fetch],
  ['STORE', store],
  ['SEARCH', search],
  ['COPY', copy('COPY')],
  ['MOVE', copy('MOVE')],
  ['SORT', sort],
  ['THREAD', thread],
  ['EXPUNGE', expunge],
]);

const COMMANDS = new Map<string, Parse>([
  ...MESSAGE_COMMANDS,
  ...(
    ['CAPABILITY', 'CHECK', 'CLOSE', 'IDLE', 'LOGOUT', 'NAMESPACE', 'NOOP', 'STARTTLS', 'UNSELECT'] satisfies BareName[]
  ).map((name): [string, Parse] => [name, bare(name)]),
  ['APPEND', append],
  ['AUTHENTICATE', authenticate],
  ['CREATE', create],
  ['DELETE', folderOnly('DELETE')],
  ['ENABLE', enable],
  ['EXAMINE', select('EXAMINE')],
  ['GETQUOTA', getQuota],
  ['GETQUOTAROOT', folderOnly('GETQUOTAROOT')],
  ['ID', id],
  ['LIST', list],
  ['LOGIN', login],
  ['LSUB', lsub],
  ['RENAME', rename],
  ['SELECT', select('SELECT')],
  ['SETQUOTA', setQuota],
  ['STATUS', status],
  ['SUBSCRIBE', folderOnly('SUBSCRIBE')],
  ['UID', uid],
  ['UNSUBSCRIBE', folderOnly('UNSUBSCRIBE')],
]);

/** The tag alone, so that even a command that cannot be read gets its answer; `*` when there is none. */
export function tagOf(line: Buffer): string {
  return new Cursor([line]).span(TAG) ?? '*';
}

/**
 * @param utf8 the session has enabled UTF8=ACCEPT
 */
export function parseCommand(parts: CommandParts, utf8: boolean): Command | Refused {
  const cursor = new Cursor(parts);
  let tag = '*';
  try {
    const found = cursor.span(TAG);
    if (found === null) throw cursor.fail('a tag');
    tag = found;
    cursor.space('a command');
    const word = cursor.keyword('a command');
    const parse = COMMANDS.get(word);
    if (parse === undefined) throw new ProtocolViolation('unknown command');
    cursor.command = word;
    const command = parse({ cursor, tag, utf8, uid: false });
    cursor.end();
    return command;
  } catch (error) {
    if (error instanceof ProtocolViolation || error instanceof Failure) return { name: 'REFUSED', tag, error };
    throw error;
  }
}

function uid(context: Context): Command {
  const { cursor } = context;
  cursor.space('FETCH, STORE, SEARCH, COPY, MOVE, SORT, THREAD or EXPUNGE');
  const word = cursor.keyword('FETCH, STORE, SEARCH, COPY, MOVE, SORT, THREAD or EXPUNGE');
  const parse = MESSAGE_COMMANDS.get(word);
  if (parse === undefined) throw new ProtocolViolation('UID: unknown command behind UID');
  cursor.command = `UID ${word}`;
  return parse({ ...context, uid: true });
}

function id({ cursor, tag }: Context): Command {
  cursor.space('NIL or a list of fields');
  if (cursor.acceptKeyword('NIL')) return { tag, name: 'ID', fields: null };
  const fields = new Map<string, string>();
  cursor.possiblyEmptyList('fields and values', () => {
    const key = cursor.string('the name of a field').toString('utf8').toLowerCase();
    cursor.space('its value');
    const value = cursor.nstring('its value');
    if (value !== null) fields.set(key, value.toString('utf8'));
    if (fields.size > ID_FIELDS) throw new ProtocolViolation(`ID: more than ${ID_FIELDS} fields`);
  });
  return { tag, name: 'ID', fields };
}

function authenticate({ cursor, tag }: Context): Command {
  cursor.space('a mechanism');
  const mechanism = cursor.keyword('a mechanism');
  if (!cursor.acceptSpace() || cursor.atEnd) return { tag, name: 'AUTHENTICATE', mechanism, initial: null };
  const response = cursor.rest();
  if (response.length === 1 && response[0] === EQUALS) {
    return { tag, name: 'AUTHENTICATE', mechanism, initial: Buffer.alloc(0) };
  }
  const initial = decodeBase64(response);
  if (initial === null) throw new ProtocolViolation('AUTHENTICATE: the initial response is not base64');
  return { tag, name: 'AUTHENTICATE', mechanism, initial };
}

function login({ cursor, tag }: Context): Command {
  cursor.space('a user name');
  const user = cursor.astring('a user name', LOGIN_ARGUMENT).toString('utf8');
  cursor.space('a password');
  const password = cursor.astring('a password', LOGIN_ARGUMENT).toString('utf8');
  return { tag, name: 'LOGIN', user, password };
}

function enable({ cursor, tag }: Context): Command {
  const capabilities: string[] = [];
  cursor.space('a capability');
  do capabilities.push(cursor.keyword('a capability'));
  while (cursor.acceptSpace() && !cursor.atEnd);
  return { tag, name: 'ENABLE', capabilities };
}

function create(context: Context): Command {
  const name = folder(context);
  const parentOnly = name.length > 1 && name.endsWith('/');
  const specialUse = parseCreateParameters(context.cursor);
  return { tag: context.tag, name: 'CREATE', folder: parentOnly ? name.slice(0, -1) : name, parentOnly, specialUse };
}

function rename(context: Context): Command {
  return { tag: context.tag, name: 'RENAME', folder: folder(context), newName: folder(context) };
}

function quotaRoot({ cursor }: Context): string {
  cursor.space('a quota root');
  return cursor.astring('a quota root', ASTRING).toString('utf8');
}

function getQuota(context: Context): Command {
  return { tag: context.tag, name: 'GETQUOTA', root: quotaRoot(context) };
}

function setQuota(context: Context): Command {
  const { cursor, tag } = context;
  const root = quotaRoot(context);
  cursor.space('a list of limits');
  const limits = new Map<string, number>();
  cursor.possiblyEmptyList('resources and limits', () => {
    const resource = cursor.keyword('the name of a resource');
    cursor.space('its limit');
    limits.set(resource, cursor.number('its limit', Number.MAX_SAFE_INTEGER));
    if (limits.size > QUOTA_RESOURCES) throw new ProtocolViolation(`SETQUOTA: more than ${QUOTA_RESOURCES} resources`);
  });
  return { tag, name: 'SETQUOTA', root, limits };
}

function list({ cursor, tag, utf8 }: Context): Command {
  cursor.space('a reference name');
  return { tag, name: 'LIST', ...parseListArguments(cursor, utf8) };
}

function lsub(context: Context): Command {
  const reference = folder(context);
  context.cursor.space('a folder pattern');
  return { tag: context.tag, name: 'LSUB', reference, pattern: parsePattern(context.cursor, context.utf8) };
}

function status(context: Context): Command {
  const name = folder(context);
  context.cursor.space('status items');
  return { tag: context.tag, name: 'STATUS', folder: name, items: parseStatusItems(context.cursor) };
}

/** Complete without a message literal: the reader takes every other APPEND before it comes here. */
function append(context: Context): Command {
  folder(context);
  throw context.cursor.fail('a message literal');
}

function expunge({ cursor, tag, uid }: Context): Command {
  if (!uid) return { tag, name: 'EXPUNGE', uid, uids: null };
  cursor.space('a set of UIDs');
  return { tag, name: 'EXPUNGE', uid, uids: parseSequenceSet(cursor, 'a set of UIDs') };
}

function search({ cursor, tag, uid }: Context): Command {
  cursor.space('search keys');
  const returns = parseReturn(cursor);
  let charset: string | null = null;
  if (cursor.acceptKeyword('CHARSET')) {
    cursor.space('a charset');
    charset = cursor.astring('a charset').toString('latin1');
    cursor.space('search keys');
  }
  return { tag, name: 'SEARCH', uid, returns, key: parseSearchProgram(cursor, charset) };
}

/** SORT and THREAD: `charset keys`, the charset always there (RFC 5256 §3). */
function charsetAndKeys(cursor: Cursor) {
  cursor.space('a charset');
  const charset = cursor.astring('a charset', ASTRING).toString('latin1');
  cursor.space('search keys');
  return parseSearchProgram(cursor, charset);
}

function sort({ cursor, tag, uid }: Context): Command {
  cursor.space('sort criteria');
  const returns = parseReturn(cursor);
  const criteria = parseSortCriteria(cursor);
  return { tag, name: 'SORT', uid, returns, criteria, key: charsetAndKeys(cursor) };
}

function thread({ cursor, tag, uid }: Context): Command {
  cursor.space('a threading algorithm');
  const algorithm = parseThreadAlgorithm(cursor);
  return { tag, name: 'THREAD', uid, algorithm, key: charsetAndKeys(cursor) };
}

function fetch(context: Context): Command {
  const { cursor, tag, uid } = context;
  const set = messageSet(context);
  cursor.space('items to fetch');
  const items: readonly FetchItem[] = parseFetchItems(cursor);
  let changedSince: number | null = null;
  let vanished = false;
  if (cursor.acceptSpace() && !cursor.atEnd) {
    cursor.list('CHANGEDSINCE', () => {
      if (cursor.acceptKeyword('CHANGEDSINCE')) {
        cursor.space('a mod-sequence');
        changedSince = cursor.modSeq('a mod-sequence');
      } else if (cursor.acceptKeyword('VANISHED')) vanished = true;
      else throw cursor.fail('CHANGEDSINCE or VANISHED');
    });
    // RFC 7162 §3.2.6.
    if (vanished && (!uid || changedSince === null)) {
      throw new ProtocolViolation(`${cursor.command}: VANISHED goes with UID FETCH and CHANGEDSINCE only`);
    }
  }
  return { tag, name: 'FETCH', uid, set, items, changedSince, vanished };
}

function store(context: Context): Command {
  const { cursor, tag, uid } = context;
  const set = messageSet(context);
  cursor.space('flags');
  let unchangedSince: number | null = null;
  if (cursor.peek() === OPEN) {
    cursor.list('UNCHANGEDSINCE', () => {
      if (!cursor.acceptKeyword('UNCHANGEDSINCE')) throw cursor.fail('UNCHANGEDSINCE');
      cursor.space('a mod-sequence');
      unchangedSince = cursor.modSeq('a mod-sequence');
    });
    cursor.space('flags');
  }
  const op = cursor.accept(PLUS) ? 'add' : cursor.accept(MINUS) ? 'remove' : 'replace';
  const word = cursor.keyword('FLAGS or FLAGS.SILENT');
  if (word !== 'FLAGS' && word !== 'FLAGS.SILENT') {
    throw new ProtocolViolation(`${cursor.command}: only FLAGS and FLAGS.SILENT can be stored`);
  }
  cursor.space('flags');
  const change = parseFlagList(cursor, true);
  return { tag, name: 'STORE', uid, set, op, silent: word === 'FLAGS.SILENT', change, unchangedSince };
}
