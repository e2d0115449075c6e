/**
 * The wire form of a command, so that `parse(print(command))` can be held against it, and so that a tool of ours can
 * speak IMAP as a client. Prints what the AST says, not what the client once sent: SEEN is (SEEN), macros are expanded.
 */
import { Buffer } from 'node:buffer';
import { unreachable } from '../../observe/failure.ts';
import { ANSWERED, DELETED, DRAFT, FLAGGED, SEEN, type SpecialUse } from '../../store/model.ts';
import type { AppendPrefix, Command, CommandOf, ListReturn, QResync, SearchKey } from './ast.ts';
import { printDate, printDateTime } from './date-time.ts';
import { printFetchItem } from './fetch-item.ts';
import { printFlagList } from './flag-list.ts';
import { encodeFolderName } from './mailbox-name.ts';
import { printReturn, printSortCriteria } from './search-args.ts';
import { printSequenceSet } from './sequence-set.ts';

/** Quoted, or a non-synchronizing literal (RFC 7888) where a quoted string cannot hold the text. */
function string(text: string): string {
  if (/[\0\r\n]/.test(text)) return `{${Buffer.byteLength(text)}+}\r\n${text}`;
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}

const FLAG_KEYS: ReadonlyArray<readonly [number, string]> = [
  [SEEN, 'SEEN'],
  [ANSWERED, 'ANSWERED'],
  [FLAGGED, 'FLAGGED'],
  [DELETED, 'DELETED'],
  [DRAFT, 'DRAFT'],
];

const USES: Partial<Record<SpecialUse, string>> = {
  archive: '\\Archive',
  drafts: '\\Drafts',
  junk: '\\Junk',
  sent: '\\Sent',
  trash: '\\Trash',
};

const DATE_PREFIX = { internal: '', sent: 'SENT', save: 'SAVED' } as const;

/** The whole command as UTF-8 with its line end; for APPEND up to and including the announcement of the message. */
export function printCommand(command: Command, utf8 = false): Buffer {
  const name = (folder: string): string => string(encodeFolderName(folder, utf8));
  return Buffer.from(`${command.tag} ${printBody(command, name)}\r\n`, 'utf8');
}

function printBody(command: Command, folder: (name: string) => string): string {
  const uid = 'uid' in command && command.uid ? 'UID ' : '';
  switch (command.name) {
    case 'CAPABILITY':
    case 'CHECK':
    case 'CLOSE':
    case 'IDLE':
    case 'LOGOUT':
    case 'NAMESPACE':
    case 'NOOP':
    case 'STARTTLS':
    case 'UNSELECT':
      return command.name;
    case 'ID':
      return `ID ${printIdFields(command.fields)}`;
    case 'AUTHENTICATE':
      return `AUTHENTICATE ${command.mechanism}${printInitial(command.initial)}`;
    case 'LOGIN':
      return `LOGIN ${string(command.user)} ${string(command.password)}`;
    case 'ENABLE':
      return `ENABLE ${command.capabilities.join(' ')}`;
    case 'SELECT':
    case 'EXAMINE':
      return `${command.name} ${folder(command.folder)}${printSelect(command.condstore, command.qresync)}`;
    case 'GETQUOTA':
      return `GETQUOTA ${string(command.root)}`;
    case 'SETQUOTA': {
      const limits = [...command.limits].map(([resource, limit]) => `${resource} ${limit}`).join(' ');
      return `SETQUOTA ${string(command.root)} (${limits})`;
    }
    case 'DELETE':
    case 'GETQUOTAROOT':
    case 'SUBSCRIBE':
    case 'UNSUBSCRIBE':
      return `${command.name} ${folder(command.folder)}`;
    case 'CREATE': {
      const uses = command.specialUse.map((use) => USES[use] ?? '').join(' ');
      return `CREATE ${folder(command.folder + (command.parentOnly ? '/' : ''))}${uses === '' ? '' : ` (USE (${uses}))`}`;
    }
    case 'RENAME':
      return `RENAME ${folder(command.folder)} ${folder(command.newName)}`;
    case 'LIST':
      return printList(command, folder);
    case 'LSUB':
      return `LSUB ${folder(command.reference)} ${folder(command.pattern)}`;
    case 'STATUS':
      return `STATUS ${folder(command.folder)} (${command.items.join(' ')})`;
    case 'APPEND':
      return `APPEND ${folder(command.folder)} ${printAppendPrefix(command.first)}`;
    case 'EXPUNGE':
      return `${uid}EXPUNGE${command.uids === null ? '' : ` ${printSequenceSet(command.uids)}`}`;
    case 'SEARCH':
      return `${uid}SEARCH ${printReturn(command.returns)}CHARSET UTF-8 ${printSearchProgram(command.key)}`;
    case 'SORT':
      return `${uid}SORT ${printReturn(command.returns)}${printSortCriteria(command.criteria)} UTF-8 ${printSearchProgram(command.key)}`;
    case 'THREAD':
      return `${uid}THREAD ${command.algorithm.toUpperCase()} UTF-8 ${printSearchProgram(command.key)}`;
    case 'FETCH': {
      const since =
        command.changedSince === null
          ? ''
          : ` (CHANGEDSINCE ${command.changedSince}${command.vanished ? ' VANISHED' : ''})`;
      return `${uid}FETCH ${printSequenceSet(command.set)} (${command.items.map(printFetchItem).join(' ')})${since}`;
    }
    case 'STORE': {
      const since = command.unchangedSince === null ? '' : `(UNCHANGEDSINCE ${command.unchangedSince}) `;
      const op = { add: '+', remove: '-', replace: '' }[command.op];
      const item = `${op}FLAGS${command.silent ? '.SILENT' : ''}`;
      return `${uid}STORE ${printSequenceSet(command.set)} ${since}${item} ${printFlagList(command.change)}`;
    }
    case 'COPY':
    case 'MOVE':
      return `${uid}${command.name} ${printSequenceSet(command.set)} ${folder(command.folder)}`;
    default:
      return unreachable(command);
  }
}

function printIdFields(fields: ReadonlyMap<string, string> | null): string {
  if (fields === null) return 'NIL';
  return `(${[...fields].map(([key, value]) => `${string(key)} ${string(value)}`).join(' ')})`;
}

function printInitial(initial: Uint8Array | null): string {
  if (initial === null) return '';
  return initial.length === 0 ? ' =' : ` ${Buffer.from(initial).toString('base64')}`;
}

function printSelect(condstore: boolean, qresync: QResync | null): string {
  const parameters = condstore ? ['CONDSTORE'] : [];
  if (qresync !== null) {
    const known = qresync.knownUids === null ? '' : ` ${printSequenceSet(qresync.knownUids)}`;
    const match = qresync.sequenceMatch;
    const pairs = match === null ? '' : ` (${printSequenceSet(match.numbers)} ${printSequenceSet(match.uids)})`;
    parameters.push(`QRESYNC (${qresync.uidValidity} ${qresync.modSeq}${known}${pairs})`);
  }
  return parameters.length === 0 ? '' : ` (${parameters.join(' ')})`;
}

function printList(command: CommandOf<'LIST'>, folder: (name: string) => string): string {
  const { select, patterns, returns } = command;
  if (!command.extended) return `LIST ${folder(command.reference)} ${patterns.map(folder).join(' ')}`;
  const what = `${folder(command.reference)} (${patterns.map(folder).join(' ')})`;
  return `LIST (${select.join(' ')}) ${what} RETURN (${printListReturn(returns)})`;
}

const printListReturn = (returns: ListReturn): string =>
  [
    returns.subscribed ? 'SUBSCRIBED' : '',
    returns.children ? 'CHILDREN' : '',
    returns.specialUse ? 'SPECIAL-USE' : '',
    returns.status === null ? '' : `STATUS (${returns.status.join(' ')})`,
  ]
    .filter((option) => option !== '')
    .join(' ');

export function printAppendPrefix(prefix: AppendPrefix): string {
  const { literal } = prefix;
  const flags = prefix.flags.flags === 0 && prefix.flags.keywords.length === 0 ? '' : `${printFlagList(prefix.flags)} `;
  const date = prefix.internalDate === null ? '' : `${printDateTime(prefix.internalDate)} `;
  const announced = `${literal.binary ? '~' : ''}{${literal.size}${literal.synchronizing ? '' : '+'}}`;
  return `${flags}${date}${prefix.utf8 ? 'UTF8 (' : ''}${announced}`;
}

/** Top-level AND needs no parentheses. */
const printSearchProgram = (key: SearchKey): string =>
  key.kind === 'and' ? key.keys.map(printSearchKey).join(' ') : printSearchKey(key);

export function printSearchKey(key: SearchKey): string {
  switch (key.kind) {
    case 'all':
      return 'ALL';
    case 'and':
      return `(${key.keys.map(printSearchKey).join(' ')})`;
    case 'or':
      return `OR ${printSearchKey(key.left)} ${printSearchKey(key.right)}`;
    case 'not':
      return `NOT ${printSearchKey(key.key)}`;
    case 'flags': {
      const words = FLAG_KEYS.filter(([bit]) => (key.mask & bit) !== 0).map(([, word]) => word);
      return words.length === 1 ? words.join('') : `(${words.join(' ')})`;
    }
    case 'recent':
      return 'RECENT';
    case 'keyword':
      return `KEYWORD ${key.name}`;
    case 'numbers':
      return printSequenceSet(key.set);
    case 'uids':
      return `UID ${printSequenceSet(key.set)}`;
    case 'larger':
    case 'smaller':
      return `${key.kind.toUpperCase()} ${key.octets}`;
    case 'date':
      return `${DATE_PREFIX[key.column]}${key.op.toUpperCase()} ${printDate(key.day)}`;
    case 'older':
    case 'younger':
      return `${key.kind.toUpperCase()} ${key.seconds}`;
    case 'modseq':
      return `MODSEQ ${key.from}`;
    case 'header':
      return `HEADER ${string(key.name)} ${string(key.text)}`;
    case 'body':
    case 'text':
      return `${key.kind.toUpperCase()} ${string(key.text)}`;
    case 'emailid':
    case 'threadid':
      return `${key.kind.toUpperCase()} ${key.id}`;
    case 'savedatesupported':
      return 'SAVEDATESUPPORTED';
    default:
      return unreachable(key);
  }
}
