import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { createFolderSearch } from './folder-search.ts';
import type { SortCriterion, SortKey } from './query.ts';
import { sortByKey } from './radix.ts';
import { allOf } from './selection.ts';
import { type TestMessage, TestSource, testMessage } from './test-source.ts';
import { TimeSlice } from './time-slice.ts';

const KEYS: readonly SortKey[] = ['arrival', 'cc', 'date', 'from', 'size', 'subject', 'to', 'displayfrom', 'displayto'];

/** `-key` for REVERSE. */
const by = (...names: readonly string[]): SortCriterion[] =>
  names.map((name) => {
    const key = KEYS.find((candidate) => name.endsWith(candidate) && name.length - candidate.length <= 1);
    assert.ok(key !== undefined, name);
    return { key, reverse: name.startsWith('-') };
  });

const messages = [
  testMessage(1, {
    internalDate: 5,
    sentDate: 9,
    size: 30,
    sort: { baseSubject: 'b', from: 'zoe', displayFrom: 'ann' },
  }),
  testMessage(2, {
    internalDate: 3,
    sentDate: 8,
    size: 30,
    sort: { baseSubject: '', from: 'ann', displayFrom: 'zoe' },
  }),
  testMessage(5, { internalDate: 4, sentDate: 7, size: 10, sort: { baseSubject: '[a', to: 'x', displayTo: 'y' } }),
  testMessage(6, { internalDate: 4, sentDate: 2 ** 40, size: 20, sort: { baseSubject: 'a', cc: 'x' } }),
  testMessage(8, { internalDate: -7, sentDate: 7, size: 0, sort: { baseSubject: 'b', from: 'ann' } }),
];

describe('sort keys (RFC 5256 §3, RFC 5957 §3)', () => {
  const cases: ReadonlyArray<readonly [string, readonly SortCriterion[], number[]]> = [
    ['arrival, ties in mailbox order', by('arrival'), [8, 2, 5, 6, 1]],
    ['reverse arrival leaves ties in mailbox order', by('-arrival'), [1, 5, 6, 2, 8]],
    ['date, far apart', by('date'), [5, 8, 2, 1, 6]],
    ['size', by('size'), [8, 5, 6, 1, 2]],
    ['empty subject first, letters before brackets (i;unicode-casemap)', by('subject'), [2, 6, 1, 8, 5]],
    ['subject, then reverse date', by('subject', '-date'), [2, 6, 1, 8, 5]],
    ['subject, then date', by('subject', 'date'), [2, 6, 8, 1, 5]],
    ['a repeated key decides nothing', by('subject', 'date', '-subject'), [2, 6, 8, 1, 5]],
    ['from', by('from'), [5, 6, 2, 8, 1]],
    ['to', by('-to'), [5, 1, 2, 6, 8]],
    ['cc', by('-cc'), [6, 1, 2, 5, 8]],
    ['displayfrom', by('-displayfrom'), [2, 1, 5, 6, 8]],
    ['displayto', by('-displayto'), [5, 1, 2, 6, 8]],
    ['no criterion', [], [1, 2, 5, 6, 8]],
  ];
  for (const [name, criteria, expected] of cases) {
    test(name, async () => {
      const source = new TestSource(messages);
      assert.deepEqual(Array.from(await createFolderSearch(source).sort(source.uids, criteria)), expected);
    });
  }
});

test('a warm sort reads nothing, a new message costs one fragment, a removed one is left out', async () => {
  const source = new TestSource(messages);
  const search = createFolderSearch(source);
  await search.sort(source.uids, by('subject'));
  assert.equal(source.fragmentsRead, 5);
  source.add(testMessage(11, { sort: { baseSubject: 'aa' } }));
  const uids = source.uids;
  source.remove(6);
  assert.deepEqual(Array.from(await search.sort(uids, by('subject'))), [2, 11, 1, 8, 5]);
  assert.equal(source.fragmentsRead, 6);
  search.close();
  await search.sort(uids, by('subject'));
  assert.equal(source.fragmentsRead, 11);
});

test('an order asked for again is the same until a message comes or goes', async () => {
  const source = new TestSource(messages);
  const search = createFolderSearch(source);
  const first = await search.sort(source.uids, by('subject'));
  assert.equal(await search.sort(source.uids, by('subject')), first);
  assert.notDeepEqual(await search.sort(source.uids, [{ key: 'subject', reverse: true }]), first);
  const rest = source.uids.subarray(1);
  assert.deepEqual(
    await search.sort(rest, by('subject')),
    first.filter((uid) => uid !== source.uids[0]),
  );
  const uids = source.uids;
  const gone = first[0] ?? 0;
  await search.sort(uids, by('subject'));
  source.remove(gone);
  assert.deepEqual(
    await search.sort(uids, by('subject')),
    first.filter((uid) => uid !== gone),
  );
});

test('keys start again when most of them belong to messages that are gone', async () => {
  const many = Array.from({ length: 1100 }, (_, i) => testMessage(i + 1, { sort: { baseSubject: `s${i % 7}` } }));
  const source = new TestSource(many);
  const search = createFolderSearch(source);
  await search.sort(source.uids, by('subject'));
  for (let uid = 1; uid < 1099; uid += 1) source.remove(uid);
  assert.deepEqual(Array.from(await search.sort(source.uids, by('subject'))), [1100, 1099]);
  assert.equal(source.fragmentsRead, 1102);
});

test('sorts that run at the same time do not disturb each other', async () => {
  const source = new TestSource(messages, { batch: 1 });
  const search = createFolderSearch(source);
  const answers = await Promise.all(
    [by('subject'), by('from'), by('subject', 'date')].map((criteria) => search.sort(source.uids, criteria)),
  );
  assert.deepEqual(
    answers.map((answer) => Array.from(answer)),
    [
      [2, 6, 1, 8, 5],
      [5, 6, 2, 8, 1],
      [2, 6, 8, 1, 5],
    ],
  );
  assert.equal(source.fragmentsRead, 10);
});

test('radix sort is a stable sort, for all whole numbers and both directions', async () => {
  const key = fc.oneof(
    fc.integer({ min: -3, max: 3 }),
    fc.maxSafeInteger().map((n) => Math.trunc(n / 2)),
    fc.integer(),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(key), fc.boolean(), async (values, descending) => {
      const keys = Float64Array.from(values);
      const expected = values
        .map((value, i) => ({ value, i }))
        .sort((a, b) => (descending ? b.value - a.value : a.value - b.value))
        .map(({ i }) => i);
      const got = await sortByKey(allOf(keys.length), keys, descending, new TimeSlice());
      assert.deepEqual(Array.from(got), expected);
    }),
  );
});

const text = fc.constantFrom('', 'a', 'ab', 'b', '_', '[', 'é', 'z');
const row = fc.record({
  internalDate: fc.integer({ min: 0, max: 5 }),
  sentDate: fc.integer({ min: -1, max: 2 }),
  size: fc.nat(3),
  sort: fc.record({ baseSubject: text, from: text, to: text, cc: text, displayFrom: text, displayTo: text }),
});
const criterion = fc.record({
  key: fc.constantFrom(...KEYS),
  reverse: fc.boolean(),
});

function valueOf(m: TestMessage, key: SortKey): number | string {
  const { sort } = m;
  const all: Record<SortKey, number | string> = {
    arrival: m.internalDate,
    date: m.sentDate,
    size: m.size,
    subject: sort.baseSubject,
    from: sort.from,
    to: sort.to,
    cc: sort.cc,
    displayfrom: sort.displayFrom,
    displayto: sort.displayTo,
  };
  const value = all[key];
  return typeof value === 'string' ? value.toUpperCase() : value;
}

test('any criteria give what a comparison sort gives, also when messages come in between', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(row),
      fc.array(row),
      fc.array(criterion, { maxLength: 3 }),
      async (old, late, criteria) => {
        const all = [...old, ...late].map((one, i) => testMessage(i * 2 + 1, one));
        const source = new TestSource(all.slice(0, old.length), { batch: 4 });
        const search = createFolderSearch(source);
        await search.sort(source.uids, criteria);
        for (const message of all.slice(old.length)) source.add(message);
        const expected = [...all].sort((a, b) => {
          for (const { key, reverse } of criteria) {
            const x = valueOf(a, key);
            const y = valueOf(b, key);
            if (x !== y) return x < y === reverse ? 1 : -1;
          }
          return a.uid - b.uid;
        });
        assert.deepEqual(
          Array.from(await search.sort(source.uids, criteria)),
          expected.map((m) => m.uid),
        );
      },
    ),
  );
});
