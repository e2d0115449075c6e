/**
 * Every command the IMAP grammar knows, at random, as the parser would return it: for round-trip properties and as
 * seeds of the fuzz target.
 */
import { Buffer } from 'node:buffer';
import * as fc from 'fast-check';
import type { Arbitrary } from 'fast-check';
import {
  type AppendPrefix,
  type Command,
  type FetchItem,
  type FlagList,
  type ListReturn,
  type PlainFetchItem,
  type SearchKey,
  type SearchReturn,
  type SequenceSet,
  STAR,
  type StatusItem,
} from '../src/imap/grammar/ast.ts';
import { canonicalInbox } from '../src/imap/grammar/mailbox-name.ts';
import { DELETED, DRAFT, SEEN } from '../src/store/model.ts';

const atom = fc.stringMatching(/^[A-Za-z0-9$._-]{1,12}$/).filter((text) => !/^nil$/i.test(text));
const tag = fc.stringMatching(/^[A-Za-z0-9.]{1,8}$/);
const nz = fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 0xffffffff }));
const modSeq = fc.nat(Number.MAX_SAFE_INTEGER);
/** Anything a string can hold: quotes, line ends, emoji; no NUL and no half surrogates. */
const text = fc.string({ unit: 'grapheme', maxLength: 20 }).map((value) => value.replaceAll('\0', '').toWellFormed());

const folder = fc
  .oneof(
    fc.constantFrom('INBOX', 'Work', 'R&D', 'a b', 'Entwürfe/2024', 'NIL', '日本語', '&-', 'x&Jjo-y', '"q"\\'),
    text,
  )
  .map((value) => canonicalInbox(value.normalize('NFC')));

const set: Arbitrary<SequenceSet> = fc.oneof(
  fc.constant<SequenceSet>({ kind: 'saved' }),
  fc
    .array(
      fc.oneof(
        nz.map((n) => ({ first: n, last: n })),
        fc.tuple(nz, nz).map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) })),
        nz.map((n) => ({ first: n, last: STAR })),
        fc.constant({ first: STAR, last: STAR }),
      ),
      { minLength: 1, maxLength: 5 },
    )
    .map((ranges): SequenceSet => ({ kind: 'ranges', ranges })),
);

const flagList: Arbitrary<FlagList> = fc.record({
  flags: fc.nat(31),
  keywords: fc.uniqueArray(atom, { maxLength: 3, selector: (word) => word.toLowerCase() }),
});

const part = fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 4 });
const partial = fc.option(fc.record({ offset: fc.nat(), length: fc.integer({ min: 1 }) }));
const PLAIN_ITEMS: readonly PlainFetchItem[] = [
  'BODY',
  'BODYSTRUCTURE',
  'EMAILID',
  'ENVELOPE',
  'FLAGS',
  'INTERNALDATE',
  'MODSEQ',
  'RFC822',
  'RFC822.HEADER',
  'RFC822.SIZE',
  'RFC822.TEXT',
  'SAVEDATE',
  'THREADID',
  'UID',
];
const fieldName = fc.constantFrom('Date', 'X-"q"', 'List-Id', 'a]b');

const fetchItem: Arbitrary<FetchItem> = fc.oneof(
  fc.constantFrom(...PLAIN_ITEMS).map((item) => ({ item })),
  fc.record({ item: fc.constant('PREVIEW' as const), lazy: fc.boolean() }),
  fc.record({
    item: fc.constant('BODY[]' as const),
    peek: fc.boolean(),
    section: fc.oneof(
      fc.record({
        part,
        text: fc.constantFrom('ALL' as const, 'HEADER' as const, 'TEXT' as const),
        fields: fc.constant([]),
      }),
      fc.record({
        part: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 3 }),
        text: fc.constant('MIME' as const),
        fields: fc.constant([]),
      }),
      fc.record({
        part,
        text: fc.constantFrom('HEADER.FIELDS' as const, 'HEADER.FIELDS.NOT' as const),
        fields: fc.array(fieldName, { minLength: 1, maxLength: 3 }),
      }),
    ),
    partial,
  }),
  fc.record({ item: fc.constant('BINARY[]' as const), peek: fc.boolean(), part, partial }),
  fc.record({ item: fc.constant('BINARY.SIZE[]' as const), part }),
);

const leaf: Arbitrary<SearchKey> = fc.oneof(
  fc.constantFrom<SearchKey>({ kind: 'all' }, { kind: 'recent' }, { kind: 'savedatesupported' }),
  fc.constantFrom(SEEN, DELETED, DRAFT).map((mask): SearchKey => ({ kind: 'flags', mask })),
  atom.map((name): SearchKey => ({ kind: 'keyword', name })),
  set.map((each): SearchKey => ({ kind: 'numbers', set: each })),
  set.map((each): SearchKey => ({ kind: 'uids', set: each })),
  fc.tuple(fc.constantFrom('larger' as const, 'smaller' as const), modSeq).map(([kind, octets]) => ({ kind, octets })),
  fc.record({
    kind: fc.constant('date' as const),
    column: fc.constantFrom('internal' as const, 'sent' as const, 'save' as const),
    op: fc.constantFrom('before' as const, 'on' as const, 'since' as const),
    day: fc.integer({ min: -10_000, max: 60_000 }),
  }),
  fc.tuple(fc.constantFrom('older' as const, 'younger' as const), nz).map(([kind, seconds]) => ({ kind, seconds })),
  modSeq.map((from): SearchKey => ({ kind: 'modseq', from })),
  fc.tuple(atom, text).map(([name, value]): SearchKey => ({ kind: 'header', name, text: value })),
  fc.tuple(fc.constantFrom('body' as const, 'text' as const), text).map(([kind, value]) => ({ kind, text: value })),
  fc.tuple(fc.constantFrom('emailid' as const, 'threadid' as const), atom).map(([kind, id]) => ({ kind, id })),
);

const { key } = fc.letrec<{ key: SearchKey }>((tie) => ({
  key: fc.oneof(
    { maxDepth: 4 },
    leaf,
    tie('key').map((inner): SearchKey => ({ kind: 'not', key: inner })),
    fc.tuple(tie('key'), tie('key')).map(([left, right]): SearchKey => ({ kind: 'or', left, right })),
    fc.array(tie('key'), { minLength: 2, maxLength: 3 }).map((keys): SearchKey => ({ kind: 'and', keys })),
  ),
}));

const windowOf = fc.constantFrom({ first: 1, last: 100 }, { first: -1, last: -50 });
const returns: Arbitrary<SearchReturn | null> = fc.oneof(
  fc.constant(null),
  fc.constant({ min: false, max: false, all: true, count: false, save: false, partial: null }),
  fc.record({
    min: fc.boolean(),
    max: fc.boolean(),
    all: fc.constant(false),
    count: fc.constant(true),
    save: fc.boolean(),
    partial: fc.option(windowOf),
  }),
);

const statusItems = fc.uniqueArray(
  fc.constantFrom<StatusItem>('MESSAGES', 'UIDNEXT', 'SIZE', 'DELETED', 'HIGHESTMODSEQ'),
  {
    minLength: 1,
  },
);
const listReturn: Arbitrary<ListReturn> = fc.record({
  subscribed: fc.boolean(),
  children: fc.boolean(),
  specialUse: fc.boolean(),
  status: fc.option(statusItems),
});
const nothing: ListReturn = { subscribed: false, children: false, specialUse: false, status: null };

const qresync = fc.record({
  uidValidity: nz,
  modSeq,
  knownUids: fc.option(set),
  sequenceMatch: fc.option(fc.record({ numbers: set, uids: set })),
});

const name = <const T extends string>(...names: readonly T[]): Arbitrary<T> => fc.constantFrom(...names);

export const anyAppendPrefix: Arbitrary<AppendPrefix> = fc.record({
  flags: flagList,
  internalDate: fc.option(fc.integer({ min: -2_000_000_000, max: 4_000_000_000 })),
  utf8: fc.constant(false),
  literal: fc.record({
    size: fc.nat(),
    synchronizing: fc.boolean(),
    binary: fc.boolean(),
    width: fc.constant(0),
  }),
});

/** Every command but APPEND, whose message is no part of it. */
export const anyCommand: Arbitrary<Command> = fc.oneof(
  fc.record({
    tag,
    name: name('CAPABILITY', 'CHECK', 'CLOSE', 'IDLE', 'LOGOUT', 'NAMESPACE', 'NOOP', 'STARTTLS', 'UNSELECT'),
  }),
  fc.record({
    tag,
    name: name('ID'),
    fields: fc.option(
      fc
        .array(
          fc.tuple(
            atom.map((each) => each.toLowerCase()),
            text,
          ),
          { maxLength: 5 },
        )
        .map((pairs) => new Map(pairs)),
    ),
  }),
  fc.record({
    tag,
    name: name('AUTHENTICATE'),
    mechanism: name('PLAIN', 'SCRAM-SHA-256'),
    initial: fc.option(fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes))),
  }),
  fc.record({ tag, name: name('LOGIN'), user: text, password: text }),
  fc.record({
    tag,
    name: name('ENABLE'),
    capabilities: fc.array(
      atom.map((word) => word.toUpperCase()),
      { minLength: 1 },
    ),
  }),
  fc.record({ tag, name: name('SELECT', 'EXAMINE'), folder, condstore: fc.boolean(), qresync: fc.option(qresync) }),
  fc.record({ tag, name: name('DELETE', 'GETQUOTAROOT', 'SUBSCRIBE', 'UNSUBSCRIBE'), folder }),
  fc.record({ tag, name: name('GETQUOTA'), root: text }),
  fc.record({
    tag,
    name: name('SETQUOTA'),
    root: text,
    limits: fc
      .uniqueArray(fc.constantFrom('STORAGE', 'MESSAGE', 'MAILBOX'))
      .map((resources) => new Map(resources.map((resource, i) => [resource, i * 1000]))),
  }),
  fc.record({
    tag,
    name: name('CREATE'),
    folder: folder.filter((each) => !each.endsWith('/') && each !== ''),
    parentOnly: fc.boolean(),
    specialUse: fc.uniqueArray(fc.constantFrom('archive' as const, 'sent' as const, 'trash' as const)),
  }),
  fc.record({ tag, name: name('RENAME'), folder, newName: folder }),
  fc.record({
    tag,
    name: name('LIST'),
    reference: folder,
    patterns: fc.array(folder, { minLength: 1, maxLength: 3 }),
    select: fc.uniqueArray(fc.constantFrom('SUBSCRIBED' as const, 'REMOTE' as const, 'SPECIAL-USE' as const)),
    returns: listReturn,
    extended: fc.constant(true),
  }),
  fc.record({
    tag,
    name: name('LIST'),
    reference: folder,
    patterns: folder.map((pattern) => [pattern]),
    select: fc.constant([]),
    returns: fc.constant(nothing),
    extended: fc.constant(false),
  }),
  fc.record({ tag, name: name('LSUB'), reference: folder, pattern: folder }),
  fc.record({ tag, name: name('STATUS'), folder, items: statusItems }),
  fc.oneof(
    fc.record({ tag, name: name('EXPUNGE'), uid: fc.constant(false), uids: fc.constant(null) }),
    fc.record({ tag, name: name('EXPUNGE'), uid: fc.constant(true), uids: set }),
  ),
  fc.record({ tag, name: name('SEARCH'), uid: fc.boolean(), returns, key }),
  fc.record({
    tag,
    name: name('SORT'),
    uid: fc.boolean(),
    returns,
    criteria: fc.array(
      fc.record({ key: fc.constantFrom('date' as const, 'subject' as const), reverse: fc.boolean() }),
      {
        minLength: 1,
        maxLength: 3,
      },
    ),
    key,
  }),
  fc.record({
    tag,
    name: name('THREAD'),
    uid: fc.boolean(),
    algorithm: name('orderedsubject', 'references', 'refs'),
    key,
  }),
  fc
    .record({
      tag,
      name: name('FETCH'),
      uid: fc.boolean(),
      set,
      items: fc.uniqueArray(fetchItem, { minLength: 1, maxLength: 4, selector: (item) => JSON.stringify(item) }),
      changedSince: fc.option(modSeq),
      vanished: fc.boolean(),
    })
    .map((command) => ({ ...command, vanished: command.vanished && command.uid && command.changedSince !== null })),
  fc.record({
    tag,
    name: name('STORE'),
    uid: fc.boolean(),
    set,
    op: name('add', 'remove', 'replace'),
    silent: fc.boolean(),
    change: flagList,
    unchangedSince: fc.option(modSeq),
  }),
  fc.record({ tag, name: name('COPY', 'MOVE'), uid: fc.boolean(), set, folder }),
);
