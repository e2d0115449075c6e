import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../../../observe/log.ts';
import { ChangeFeed, CHANGES_KEPT } from './change-feed.ts';
import type { Row, Statements } from './seam.ts';

/** The change table, as far as the feed asks for it. */
class Table implements Statements {
  rows: Row[] = [];

  async get(sql: string): Promise<Row | null> {
    const seqs = this.rows.map((row) => Number(row['seq']));
    if (sql.includes('min(seq)')) return seqs.length === 0 ? null : { seq: Math.min(...seqs) };
    return { last: Math.max(0, ...seqs) };
  }

  async all(_sql: string, seen: number): Promise<readonly Row[]> {
    return this.rows.filter((row) => Number(row['seq']) > seen);
  }

  async run(_sql: string, upTo: number): Promise<number> {
    const before = this.rows.length;
    this.rows = this.rows.filter((row) => Number(row['seq']) > upTo);
    return before - this.rows.length;
  }

  add(...seqs: readonly number[]): void {
    for (const seq of seqs) this.rows.push({ seq, kind: 'account', id: String(seq) });
  }
}

async function begun(): Promise<{ table: Table; feed: ChangeFeed; heard: string[] }> {
  const table = new Table();
  table.add(1);
  const heard: string[] = [];
  const forgotten = new Set<string>();
  const feed = new ChangeFeed(silentLog, ({ kind, id }) => forgotten.add(`${kind} ${id}`));
  await feed.begin(table);
  feed.listen(({ kind, id }) => {
    assert.ok(forgotten.has(`${kind} ${id}`), 'caches let go first');
    heard.push(`${kind} ${id}`);
  });
  return { table, feed, heard };
}

test('each change once, in order, however often it is read', async () => {
  const { table, feed, heard } = await begun();
  table.add(2, 3);
  const [one, two] = [await feed.unseen(table), await feed.unseen(table)];
  feed.apply(one);
  feed.apply(two);
  table.add(4);
  feed.apply(await feed.unseen(table));
  feed.apply(one);
  assert.deepEqual(heard, ['account 2', 'account 3', 'account 4']);
});

test('a number of a transaction that failed is no missed change', async () => {
  const { table, feed, heard } = await begun();
  table.add(5, 9);
  feed.apply(await feed.unseen(table));
  assert.deepEqual(heard, ['account 5', 'account 9']);
});

test('who missed what is no longer in the table is told that anything may have changed', async () => {
  const { table, feed, heard } = await begun();
  table.rows = [];
  table.add(7, 8);
  feed.apply(await feed.unseen(table));
  assert.ok(heard.includes('account null') && heard.includes('domain null') && !heard.includes('account 7'));
  heard.length = 0;
  table.add(9);
  feed.apply(await feed.unseen(table));
  assert.deepEqual(heard, ['account 9']);
});

test('after a restart numbers may be lower than before', async () => {
  const { table, feed, heard } = await begun();
  table.add(2, 3, 4);
  feed.apply(await feed.unseen(table));
  table.rows = table.rows.slice(0, 2);
  await feed.restart(table);
  assert.ok(heard.includes('organization null'));
  heard.length = 0;
  table.add(3);
  feed.apply(await feed.unseen(table));
  assert.deepEqual(heard, ['account 3']);
});

test('a listener that fails keeps nobody else from hearing', async () => {
  const { table, feed, heard } = await begun();
  feed.listen(() => {
    throw new Error('a bug');
  });
  table.add(2);
  feed.apply(await feed.unseen(table));
  assert.deepEqual(heard, ['account 2']);
});

test('the table stays bounded', async () => {
  const { table, feed } = await begun();
  for (let seq = 2; seq <= CHANGES_KEPT + 3000; seq += 1) {
    table.add(seq);
    const unseen = await feed.unseen(table);
    await feed.prune(table, unseen);
    feed.apply(unseen);
  }
  assert.ok(table.rows.length >= CHANGES_KEPT && table.rows.length <= CHANGES_KEPT + 1000, String(table.rows.length));
});
