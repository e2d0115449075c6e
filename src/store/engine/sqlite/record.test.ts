/** The log's format: every change comes back as it was written, and no damaged record passes for a whole one. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Change } from '../../mailbox/change.ts';
import { LINE_END } from '../../mailbox/columns.ts';
import { ByteDecoder, ByteEncoder, encodeUids } from '../../mailbox/byte-codec.ts';
import { changeLength, decodeRecordHead, encodeRecordHead, RECORD_FRONT_BYTES } from './record.ts';

const uids = fc
  .uniqueArray(fc.integer({ min: 1, max: 0xfffffffe }), { minLength: 1, maxLength: 50 })
  .map((list) => Uint32Array.from(list).sort());
const id = fc.integer({ min: 1, max: 0xffffffff });
const modSeq = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const words = fc.array(fc.string({ unit: 'binary' }), { maxLength: 5 });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const seconds = fc.integer({ min: -1e10, max: 1e12 });
const folderKind = fc.constantFrom('mail' as const, 'calendar' as const, 'contacts' as const, 'recoverable' as const);
const specialUse = fc.constantFrom(null, 'inbox' as const, 'junk' as const, 'recoverable' as const);
const constant = <T extends string>(value: T): fc.Arbitrary<T> => fc.constant(value);

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({
    kind: constant('append'),
    folder: id,
    uid: id,
    modSeq,
    flags: fc.nat(31),
    keywordsLow: u32,
    keywordsHigh: u32,
    newKeywords: words,
    internalDate: seconds,
    saveDate: seconds,
    sentDate: seconds,
    sentDay: fc.integer({ min: -100_000, max: 100_000 }),
    size: u32,
    content: id,
    thread: id,
    threadKeys: fc.array(fc.maxSafeNat(), { maxLength: 20 }),
    uidl: fc.constantFrom(null, 'abc', '!'.repeat(70)),
    detailsOffset: fc.maxSafeNat(),
    detailsLength: u32,
    listOffset: fc.maxSafeNat(),
    listLength: u32,
    searchOffset: fc.maxSafeNat(),
    searchLength: u32,
    lineEnd: fc.constantFrom(LINE_END.unknown, LINE_END.present, LINE_END.missing),
  }),
  fc.record({
    kind: constant('flags'),
    folder: id,
    modSeq,
    op: fc.constantFrom('add' as const, 'remove' as const, 'replace' as const),
    flags: fc.nat(31),
    keywordsLow: u32,
    keywordsHigh: u32,
    newKeywords: words,
    uids,
  }),
  fc.record({
    kind: fc.constantFrom('copy' as const, 'move' as const),
    folder: id,
    to: id,
    modSeq,
    uids,
    firstUid: id,
    saveDate: seconds,
    newKeywords: words,
  }),
  fc.record({ kind: constant('expunge'), folder: id, modSeq, uids }),
  fc.record({
    kind: constant('create-folder'),
    folder: id,
    modSeq,
    name: fc.string({ unit: 'binary' }),
    folderKind,
    specialUse,
    uidValidity: id,
    hidden: fc.boolean(),
  }),
  fc.record({
    kind: constant('change-folder'),
    folder: id,
    modSeq,
    name: fc.string(),
    specialUse,
    hidden: fc.boolean(),
  }),
  fc.record({ kind: constant('remove-folder'), folder: id, modSeq }),
  fc.record({ kind: constant('subscribe'), name: fc.string(), subscribed: fc.boolean() }),
  fc.record({ kind: constant('recent'), folder: id, firstRecentUid: id }),
  fc.record({ kind: constant('raise'), modSeq, touch: fc.boolean() }),
  fc.record({ kind: constant('relocate'), segment: id, contents: uids, offsets: uids }),
);

test('every change comes back from its record', () => {
  fc.assert(
    fc.property(change, u32, u32, (one, payloadLength, payloadCrc) => {
      const head = encodeRecordHead(one, payloadLength, payloadCrc);
      assert.ok(changeLength(head.subarray(0, RECORD_FRONT_BYTES)) !== null);
      assert.deepEqual(decodeRecordHead(head), { change: { ...one }, payloadLength, payloadCrc });
    }),
    { numRuns: 500 },
  );
});

test('one changed bit anywhere in a record head is noticed', () => {
  fc.assert(
    fc.property(change, fc.nat(), fc.nat(7), (one, place, bit) => {
      const head = Buffer.from(encodeRecordHead(one, 5, 7));
      const at = place % head.length;
      head[at] = head[at]! ^ (1 << bit);
      // Magic and length are looked at first, by who reads the log.
      const length = changeLength(head);
      if (length === null || length + 20 !== head.length) return;
      assert.equal(decodeRecordHead(head), null);
    }),
    { numRuns: 500 },
  );
});

test('a UID set of a whole folder is a few octets', () => {
  const all = Uint32Array.from({ length: 50_000 }, (_, i) => i + 1);
  const bytes = encodeUids(all);
  assert.ok(bytes.length < 16);
  assert.deepEqual(new ByteDecoder(bytes).uids(), all);
});

test('numbers keep all 53 bits', () => {
  for (const value of [0, 1, 127, 128, 16_383, 16_384, 2 ** 31, 2 ** 32, 2 ** 49, Number.MAX_SAFE_INTEGER]) {
    const out = new ByteEncoder();
    out.number(value);
    assert.equal(new ByteDecoder(out.bytes()).number(), value);
  }
});
