/** Columns and chunks against plain arrays of rows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { packChunk, unpackChunk } from './chunk.ts';
import { Columns, LINE_END, type Row } from './columns.ts';
import { CHUNK_BITS } from './folder-state.ts';

function rowFor(uid: number): Row {
  return {
    uid,
    flags: uid & 31,
    keywordsLow: (uid * 2_654_435_761) >>> 0,
    keywordsHigh: uid ^ 0xffff,
    modSeq: uid * 1_000_003,
    size: uid + 7,
    internalDate: uid - 5000,
    saveDate: uid + 0.5,
    sentDate: -uid,
    sentDay: -uid,
    content: uid * 3,
    thread: uid >>> 1,
    segment: uid % 5,
    offset: uid * 11,
    listOffset: uid * 13,
    listLength: uid % 1000,
    searchOffset: uid * 17,
    searchLength: uid % 100,
    detailsOffset: uid * 19,
    detailsLength: uid % 3000,
    lineEnd: uid % 2 === 0 ? LINE_END.present : LINE_END.missing,
  };
}

function rowAt(columns: Columns, row: number): Record<string, number | undefined> {
  const names = Object.keys(rowFor(1));
  return Object.fromEntries(
    names.map((name) => {
      const column: unknown = Reflect.get(columns, name);
      assert.ok(ArrayBuffer.isView(column) && !(column instanceof DataView));
      const value: unknown = Reflect.get(column, row);
      return [name, typeof value === 'number' ? value : undefined];
    }),
  );
}

function filled(uids: readonly number[]): Columns {
  const columns = new Columns(1);
  for (const uid of uids) columns.push(rowFor(uid));
  return columns;
}

function assertRows(columns: Columns, uids: readonly number[]): void {
  assert.deepEqual([...columns.uid.subarray(0, columns.length)], uids);
  for (const [row, uid] of uids.entries()) assert.deepEqual(rowAt(columns, row), { ...rowFor(uid) });
}

const ascending = (max: number): fc.Arbitrary<number[]> =>
  fc.uniqueArray(fc.integer({ min: 1, max }), { maxLength: 120 }).map((list) => list.sort((a, b) => a - b));

test('removing rows keeps the others whole and gives the removed ones back', () => {
  fc.assert(
    fc.property(ascending(5000), fc.array(fc.boolean(), { maxLength: 120 }), (uids, picks) => {
      const columns = filled(uids);
      const gone = uids.filter((_, i) => picks[i] === true);
      const shared = columns.uid;
      const removed = columns.remove(columns.rowsOf(Uint32Array.from(gone)));
      assertRows(removed, gone);
      assertRows(
        columns,
        uids.filter((uid) => !gone.includes(uid)),
      );
      assert.deepEqual([...shared.subarray(0, uids.length)], uids, 'a view may share the old array');
    }),
  );
});

test('locating finds exactly what is there', () => {
  fc.assert(
    fc.property(ascending(400), ascending(400), (uids, asked) => {
      const columns = filled(uids);
      const rows = new Int32Array(asked.length);
      columns.locate(Uint32Array.from(asked), 0, asked.length, rows);
      assert.deepEqual(
        [...rows],
        asked.map((uid) => uids.indexOf(uid)),
      );
      for (const uid of asked) assert.equal(columns.rowOf(uid), uids.indexOf(uid));
    }),
  );
});

test('chunks give back the rows they were packed from', () => {
  fc.assert(
    fc.property(ascending(6 << CHUNK_BITS), (uids) => {
      const columns = filled(uids);
      const chunks = new Set(uids.map((uid) => uid >>> CHUNK_BITS));
      const again = new Columns();
      for (const chunk of [...chunks].sort((a, b) => a - b)) {
        const blob = packChunk(columns, chunk);
        assert.ok(blob);
        unpackChunk(blob, again);
      }
      assertRows(again, uids);
      assert.equal(packChunk(columns, 77), null);
    }),
  );
});

test('a chunk that is cut or of another version is corruption', () => {
  const blob = packChunk(filled([1, 2, 3]), 0);
  assert.ok(blob);
  for (const bad of [
    blob.subarray(0, 5),
    blob.subarray(0, blob.length - 1),
    Buffer.concat([Buffer.of(9), blob.subarray(1)]),
  ]) {
    assert.throws(() => unpackChunk(bad, new Columns()), { code: 'CORRUPTION' });
  }
});
