import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import fc from 'fast-check';
import { Failure } from '../../observe/failure.ts';
import { MemoryStorage } from '../engine/memory/memory-storage.ts';
import { Columns } from './columns.ts';
import type { FolderFacts } from './folder-state.ts';
import { EXPUNGED_UIDS, ImageReader, type MailboxImage, SECTION_BYTES, writeImage } from './mailbox-image.ts';
import { MailboxState } from './mailbox-state.ts';

const NOTHING = { counters: null, folders: [], subscriptions: [], formerFolders: new Map<number, string>() };
const number = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const word = fc.nat({ max: 0xffffffff });
const name = fc.string({ unit: 'grapheme', maxLength: 20 });

const facts: fc.Arbitrary<FolderFacts> = fc.record(
  {
    id: fc.nat({ max: 1_000_000 }),
    name,
    kind: fc.constantFrom('mail', 'calendar', 'contacts', 'recoverable'),
    specialUse: fc.constantFrom(null, 'inbox', 'trash', 'recoverable'),
    hidden: fc.boolean(),
    uidValidity: word,
    uidNext: word,
    highestModSeq: number,
    exists: word,
    unseen: word,
    deleted: word,
    bytes: number,
    keywords: fc.array(name, { maxLength: 5 }),
    firstRecentUid: word,
    modSeqFloor: number,
    expungeFloor: number,
  },
  { noNullPrototype: true },
);

/** Ascending, some of them in further chunks. */
const uids = fc
  .uniqueArray(fc.integer({ min: 1, max: 5000 }), { maxLength: 40 })
  .map((all) => all.sort((a, b) => a - b));

const columns: fc.Arbitrary<Columns> = fc
  .tuple(uids, fc.array(word, { minLength: 40, maxLength: 40 }))
  .map(([all, noise]) => {
    const rows = new Columns();
    for (const [i, uid] of all.entries()) {
      const salt = noise[i] ?? 0;
      rows.push({
        uid,
        flags: salt & 31,
        keywordsLow: salt,
        keywordsHigh: salt >>> 3,
        modSeq: salt * 3,
        size: salt >>> 1,
        internalDate: salt + 0.5,
        saveDate: -salt,
        sentDate: salt * 2,
        sentDay: -i,
        content: salt >>> 2,
        thread: salt >>> 4,
        segment: salt,
        offset: salt,
        listOffset: salt,
        listLength: 1,
        searchOffset: 2,
        searchLength: 3,
        detailsOffset: 4,
        detailsLength: 5,
        lineEnd: 1,
      });
      rows.deletedFrom[i] = salt & 7;
    }
    return rows;
  });

const folder = fc.record(
  {
    facts,
    columns,
    uidls: fc.array(fc.tuple(word, name), { maxLength: 4 }).map((pairs) => new Map(pairs)),
    expungeLog: fc.array(
      fc.record({ modSeq: number, uids: uids.map((all) => Uint32Array.from(all)) }, { noNullPrototype: true }),
      { maxLength: 3 },
    ),
  },
  { noNullPrototype: true },
);

const image: fc.Arbitrary<MailboxImage> = fc.record({
  counters: fc.record({
    highestModSeq: number,
    nextFolder: word,
    nextContent: word,
    nextThread: word,
    lastUidValidity: word,
  }),
  subscriptions: fc.uniqueArray(name, { maxLength: 5 }),
  formerFolders: fc.array(fc.tuple(word, name), { maxLength: 4 }).map((pairs) => new Map(pairs)),
  folders: fc.uniqueArray(folder, { selector: (one) => one.facts.id, maxLength: 4 }),
  digest: fc.constant(''),
});

function stateOf(made: MailboxImage): MailboxState {
  const state = new MailboxState(new MemoryStorage(), NOTHING);
  state.replace(made);
  return state;
}

function written(state: MailboxState): Buffer {
  return Buffer.concat([...writeImage(state)]);
}

function read(bytes: Buffer, size = bytes.length): MailboxImage {
  const reader = new ImageReader();
  for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
  return reader.end();
}

test('a state comes out as it went in, wherever the stream is cut, and says the same again', () => {
  fc.assert(
    fc.property(image, fc.integer({ min: 1, max: 200 }), (made, size) => {
      const bytes = written(stateOf(made));
      const found = read(bytes, size);
      assert.deepEqual(found.counters, { ...made.counters });
      assert.deepEqual(found.formerFolders, new Map([...made.formerFolders].sort(([a], [b]) => a - b)));
      for (const one of found.folders) {
        const source = made.folders.find(({ facts: { id } }) => id === one.facts.id);
        assert.ok(source);
        assert.deepEqual(one.facts, source.facts);
        assert.deepEqual(
          one.columns.uid.subarray(0, one.columns.length),
          source.columns.uid.subarray(0, source.columns.length),
        );
        assert.ok(
          one.columns.segment.every((segment) => segment === 0),
          'places stay where they are',
        );
        assert.deepEqual(one.expungeLog, source.expungeLog);
      }
      assert.ok(written(stateOf(found)).equals(bytes));
    }),
    { numRuns: 60 },
  );
});

test('where contents lie does not show', () => {
  fc.assert(
    fc.property(image, (made) => {
      const state = stateOf(made);
      const before = written(state);
      for (const { columns: rows } of state.folders.values()) {
        rows?.segment.fill(7);
        rows?.detailsOffset.fill(9);
      }
      assert.ok(written(state).equals(before));
    }),
    { numRuns: 20 },
  );
});

test('any change of an octet, and any end before the end, is refused', () => {
  fc.assert(
    fc.property(image, fc.nat(), fc.integer({ min: 1, max: 255 }), (made, where, change) => {
      const bytes = written(stateOf(made));
      const damaged = Buffer.from(bytes);
      const at = where % bytes.length;
      damaged[at] = damaged[at]! ^ change;
      assert.throws(() => read(damaged), Failure);
      assert.throws(() => read(bytes.subarray(0, at)), Failure);
    }),
    { numRuns: 200 },
  );
});

test('a section longer than any is refused before it has come', () => {
  const head = Buffer.alloc(5);
  head.writeUInt8(1, 0);
  head.writeUInt32LE(SECTION_BYTES + 1, 1);
  assert.throws(() => read(head), /CORRUPTION|section/);
});

test('removals cannot claim more messages than a bound, however few octets they are', () => {
  const facts: FolderFacts = {
    id: 1,
    name: 'INBOX',
    kind: 'mail',
    specialUse: 'inbox',
    hidden: false,
    uidValidity: 1,
    uidNext: 1,
    highestModSeq: 1,
    exists: 0,
    unseen: 0,
    deleted: 0,
    bytes: 0,
    keywords: [],
    firstRecentUid: 1,
    modSeqFloor: 0,
    expungeFloor: 0,
  };
  const half = Uint32Array.from({ length: EXPUNGED_UIDS / 2 + 1 }, (_, i) => i + 1);
  const counters = { highestModSeq: 1, nextFolder: 2, nextContent: 1, nextThread: 1, lastUidValidity: 1 };
  const withLog = (count: number): Buffer =>
    written(
      stateOf({
        counters,
        subscriptions: [],
        formerFolders: new Map(),
        digest: '',
        folders: [
          {
            facts,
            columns: new Columns(),
            uidls: new Map(),
            expungeLog: Array.from({ length: count }, (_, i) => ({ modSeq: i, uids: half })),
          },
        ],
      }),
    );
  assert.equal(read(withLog(1)).folders.length, 1);
  assert.ok(withLog(2).length < 1000);
  assert.throws(() => read(withLog(2)), /more than/);
});
