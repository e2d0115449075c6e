import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import * as fc from 'fast-check';
import { foldText } from '../../message/fold.ts';
import { unreachable } from '../../observe/failure.ts';
import { createFolderSearch } from './folder-search.ts';
import type { SearchQuery } from './query.ts';
import { type TestMessage, TestSource, testMessage } from './test-source.ts';
import { closeTextWorkers } from './text-extraction.ts';

const NOW = 100 * 86_400;
const now = (): number => NOW;
const run = async (source: TestSource, query: SearchQuery): Promise<number[]> =>
  Array.from(await createFolderSearch(source, { now }).search(source.uids, query));

after(closeTextWorkers);

const small = [
  testMessage(2, { flags: 1, keywordsLow: 1, subject: 'Hello World', from: 'Ann <ann@example.org>', size: 10 }),
  testMessage(3, { flags: 3, keywordsHigh: 1, subject: 'Grüße aus Köln', to: 'hello@example.org', size: 20 }),
  testMessage(7, {
    flags: 0,
    keywordsLow: 2 ** 31,
    modSeq: 9,
    internalDate: 10 * 86_400,
    sentDay: 9,
    saveDate: 11 * 86_400,
    header: '\nSubject: x\nList-Id: <a.b>\nX-Empty: \n Content-Type: text/html\n',
    body: 'the quick brown STRASSE',
  }),
  testMessage(9, {
    flags: 16,
    internalDate: 11 * 86_400 - 1,
    sentDay: 10,
    thread: 5,
    content: 44,
    cc: 'cc@example.org',
    bcc: 'Hidden',
    header: '\nX-Note: text/html a.b\nReceived: one\nReceived: two\n',
    body: 'nothing of note',
  }),
];

describe('search keys (RFC 9051 §6.4.4)', () => {
  const cases: ReadonlyArray<readonly [string, SearchQuery, number[]]> = [
    ['all', { kind: 'all' }, [2, 3, 7, 9]],
    ['flags', { kind: 'flags', mask: 3 }, [3]],
    ['keyword, first word', { kind: 'keyword', name: 'KEY0' }, [2]],
    ['keyword, last bit', { kind: 'keyword', name: 'key31' }, [7]],
    ['keyword, second word', { kind: 'keyword', name: 'key32' }, [3]],
    ['keyword, unknown', { kind: 'keyword', name: 'none' }, []],
    [
      'uids, overlapping and unordered',
      {
        kind: 'uids',
        ranges: [
          { first: 8, last: 99 },
          { first: 1, last: 2 },
          { first: 9, last: 9 },
        ],
      },
      [2, 9],
    ],
    ['larger is exclusive', { kind: 'larger', octets: 20 }, [7, 9]],
    ['smaller is exclusive', { kind: 'smaller', octets: 20 }, [2]],
    ['since', { kind: 'date', column: 'internal', op: 'since', day: 10 }, [7, 9]],
    ['before', { kind: 'date', column: 'internal', op: 'before', day: 10 }, [2, 3]],
    ['on', { kind: 'date', column: 'internal', op: 'on', day: 10 }, [7, 9]],
    ['sent on', { kind: 'date', column: 'sent', op: 'on', day: 10 }, [9]],
    ['saved since (RFC 8514)', { kind: 'date', column: 'save', op: 'since', day: 11 }, [7]],
    ['younger (RFC 5032) is inclusive', { kind: 'younger', seconds: 90 * 86_400 }, [7, 9]],
    ['older (RFC 5032) is inclusive', { kind: 'older', seconds: 90 * 86_400 }, [2, 3, 7]],
    ['modseq (RFC 7162)', { kind: 'modseq', from: 9 }, [7]],
    ['thread (RFC 8474)', { kind: 'thread', id: 5 }, [9]],
    ['content (RFC 8474)', { kind: 'content', id: 44 }, [9]],
    ['subject, any case', { kind: 'header', name: 'SUBJECT', text: 'hELLO w' }, [2]],
    ['subject, not from or to', { kind: 'header', name: 'subject', text: 'example' }, []],
    ['to only', { kind: 'header', name: 'to', text: 'hello' }, [3]],
    ['subject, folded', { kind: 'header', name: 'subject', text: 'GRÜSSE' }, [3]],
    ['bcc', { kind: 'header', name: 'bcc', text: 'hid' }, [9]],
    ['cc', { kind: 'header', name: 'cc', text: 'cc@' }, [9]],
    ['other field', { kind: 'header', name: 'List-ID', text: 'a.b' }, [7]],
    ['a part has its own fields', { kind: 'header', name: 'content-type', text: 'html' }, []],
    ['second of two fields', { kind: 'header', name: 'received', text: 'two' }, [9]],
    ['field exists', { kind: 'header', name: 'x-empty', text: '' }, [7]],
    ['subject exists', { kind: 'header', name: 'subject', text: '' }, [7]],
    ['body', { kind: 'body', text: 'Straße' }, [7]],
    ['body is not header', { kind: 'body', text: 'list-id' }, []],
    ['empty body text', { kind: 'body', text: '' }, [2, 3, 7, 9]],
    ['text in header or body', { kind: 'text', text: 'NOT' }, [9]],
    ['text in a field of a part', { kind: 'text', text: 'text/HTML' }, [7, 9]],
    ['empty and', { kind: 'and', terms: [] }, [2, 3, 7, 9]],
    ['empty or', { kind: 'or', terms: [] }, []],
    ['not', { kind: 'not', term: { kind: 'flags', mask: 1 } }, [7, 9]],
  ];
  for (const [name, query, expected] of cases) {
    test(name, async () => assert.deepEqual(await run(new TestSource(small), query), expected));
  }
});

test('expensive terms read only what cheap ones left', async () => {
  const source = new TestSource(small);
  const query: SearchQuery = {
    kind: 'and',
    terms: [
      { kind: 'body', text: 'note' },
      { kind: 'flags', mask: 16 },
    ],
  };
  assert.deepEqual(await run(source, query), [9]);
  assert.equal(source.textsRead, 1);
  assert.deepEqual(
    await run(source, { kind: 'or', terms: [{ kind: 'body', text: 'note' }, { kind: 'all' }] }),
    [2, 3, 7, 9],
  );
  assert.equal(source.textsRead, 1);
});

test('a hit may not reach over the end of a message', async () => {
  const source = new TestSource([testMessage(1, { body: 'abc' }), testMessage(2, { body: 'def abcd' })]);
  assert.deepEqual(await run(source, { kind: 'body', text: 'bcd' }), [2]);
});

test('messages expunged during a search are not in the answer, others are found by their new rows', async () => {
  const source = new TestSource(
    [1, 2, 3, 4].map((uid) => testMessage(uid, { body: 'x', flags: uid === 4 ? 1 : 0 })),
    { batch: 2 },
  );
  source.onRead = () => {
    source.onRead = () => source.remove(2);
  };
  const query: SearchQuery = {
    kind: 'or',
    terms: [
      {
        kind: 'and',
        terms: [
          { kind: 'body', text: 'x' },
          { kind: 'body', text: 'x' },
          { kind: 'flags', mask: 0 },
        ],
      },
      { kind: 'not', term: { kind: 'flags', mask: 0 } },
    ],
  };
  assert.deepEqual(await run(source, query), [1, 3, 4]);
});

/* ---------------------------------------------------- against a naive evaluator */

const word = fc.constantFrom('a', 'ab', 'ba', 'abb', 'B', 'ä', 'ß');
const line = fc.array(word, { maxLength: 4 }).map((words) => words.join(' '));
const message = fc.record({
  flags: fc.integer({ min: 0, max: 31 }),
  keywordsLow: fc.integer({ min: 0, max: 3 }),
  keywordsHigh: fc.integer({ min: 0, max: 3 }),
  modSeq: fc.integer({ min: 1, max: 5 }),
  size: fc.integer({ min: 0, max: 5 }),
  internalDate: fc.integer({ min: 0, max: 5 * 86_400 }),
  sentDay: fc.integer({ min: -1, max: 5 }),
  subject: line,
  from: line,
  body: line,
  header: fc.tuple(line, line).map(([a, b]) => `\nSubject: ${a}\nX-A: ${b}\n`),
});

const leaf: fc.Arbitrary<SearchQuery> = fc.oneof(
  fc.record({ kind: fc.constant('flags' as const), mask: fc.integer({ min: 0, max: 31 }) }),
  fc.record({ kind: fc.constant('keyword' as const), name: fc.constantFrom('key0', 'key1', 'key32', 'nokey') }),
  fc.record({
    kind: fc.constant('uids' as const),
    ranges: fc.array(
      fc.tuple(fc.integer({ min: 1, max: 40 }), fc.nat(9)).map(([first, more]) => ({ first, last: first + more })),
    ),
  }),
  fc.record({ kind: fc.constantFrom('larger' as const, 'smaller' as const), octets: fc.nat(5) }),
  fc.record({
    kind: fc.constant('date' as const),
    column: fc.constantFrom('internal' as const, 'sent' as const),
    op: fc.constantFrom('before' as const, 'on' as const, 'since' as const),
    day: fc.nat(5),
  }),
  fc.record({ kind: fc.constant('modseq' as const), from: fc.nat(5) }),
  fc.record({ kind: fc.constant('header' as const), name: fc.constantFrom('subject', 'from', 'x-a'), text: line }),
  fc.record({ kind: fc.constantFrom('body' as const, 'text' as const), text: line }),
);
const query = fc.letrec<{ query: SearchQuery }>((tie) => ({
  query: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      terms: fc.array(tie('query'), { maxLength: 3 }),
    }),
    fc.record({ kind: fc.constant('not' as const), term: tie('query') }),
  ),
})).query;

function holds(m: TestMessage, q: SearchQuery): boolean {
  const has = (text: string | null, part: string): boolean => foldText(text ?? '').includes(foldText(part));
  switch (q.kind) {
    case 'all':
      return true;
    case 'and':
      return q.terms.every((term) => holds(m, term));
    case 'or':
      return q.terms.some((term) => holds(m, term));
    case 'not':
      return !holds(m, q.term);
    case 'flags':
      return (m.flags & q.mask) === q.mask;
    case 'keyword':
      if (q.name === 'nokey') return false;
      return q.name === 'key32' ? (m.keywordsHigh & 1) === 1 : ((m.keywordsLow >> Number(q.name.at(-1))) & 1) === 1;
    case 'uids':
      return q.ranges.some(({ first, last }) => first <= m.uid && m.uid <= last);
    case 'larger':
      return m.size > q.octets;
    case 'smaller':
      return m.size < q.octets;
    case 'date': {
      const day = q.column === 'sent' ? m.sentDay : Math.floor(m.internalDate / 86_400);
      return q.op === 'before' ? day < q.day : q.op === 'on' ? day === q.day : day >= q.day;
    }
    case 'modseq':
      return m.modSeq >= q.from;
    case 'header': {
      if (q.text !== '' && q.name === 'subject') return has(m.subject, q.text);
      if (q.text !== '' && q.name === 'from') return has(m.from, q.text);
      const field = (m.header ?? '').split('\n').find((one) => one.toLowerCase().startsWith(`${q.name}: `));
      return field !== undefined && has(field.slice(q.name.length + 2), q.text);
    }
    case 'body':
      return has(m.body, q.text);
    case 'text':
      return has(m.body, q.text) || has(m.header, q.text);
    case 'younger':
    case 'older':
    case 'received':
    case 'thread':
    case 'content':
      throw new Error('not generated');
    default:
      return unreachable(q);
  }
}

test('any query gives what a naive evaluator gives, for any messages, batches and candidates', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(message, { maxLength: 30 }),
      query,
      fc.integer({ min: 1, max: 8 }),
      fc.nat(3),
      async (given, q, batch, skip) => {
        const messages = given.map((one, i) => testMessage(i + 1, one));
        const source = new TestSource(messages, { batch });
        const among = source.uids.filter((uid) => skip === 0 || uid % (skip + 1) !== 0);
        const wanted = messages.filter((m) => among.includes(m.uid) && holds(m, q)).map((m) => m.uid);
        const got = await createFolderSearch(source).search(among, q);
        assert.deepEqual(Array.from(got), wanted);
      },
    ),
    { numRuns: 400 },
  );
});
