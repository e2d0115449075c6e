/** What a client or a sender may do to make SEARCH and THREAD expensive, and the limits that hold (search/**). */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { after, test } from 'node:test';
import type { BodyBatch } from '../../src/store/api.ts';
import { createFolderSearch } from '../../src/store/search/folder-search.ts';
import { SEARCHED_MESSAGE_BYTES, extractAll } from '../../src/store/search/missing-texts.ts';
import type { SearchQuery } from '../../src/store/search/query.ts';
import { TestSource, testMessage } from '../../src/store/search/test-source.ts';
import { closeTextWorkers } from '../../src/store/search/text-extraction.ts';
import { NO_SUBJECT, THREAD_LOOP_STEPS, threadByReferences } from '../../src/store/search/thread-tree.ts';
import { TimeSlice } from '../../src/store/search/time-slice.ts';
import { IMAP_SEARCH_KEYS } from '../../src/wire/limits.ts';

after(closeTextWorkers);

test('References that ask again and again for a loop far up a deep thread cost a bounded number of steps', async () => {
  /* A chain of messages, then messages whose references name its end and its head in turn: each pair is a loop. */
  const depth = 20_000;
  const crafted = 50;
  const pairs = 500;
  const count = depth + crafted;
  const references: number[] = [];
  const referencesStart = new Uint32Array(count + 1);
  for (let i = 0; i < count; i += 1) {
    if (i > 0 && i < depth) references.push(i - 1);
    if (i >= depth) for (let pair = 0; pair < pairs; pair += 1) references.push(depth - 1, 0);
    referencesStart[i + 1] = references.length;
  }
  const asked = crafted * pairs * depth;
  assert.ok(asked > 20 * THREAD_LOOP_STEPS, 'the attack is larger than the limit');
  const threads = await threadByReferences(
    {
      uids: Uint32Array.from({ length: count }, (_, i) => i + 1),
      sentDate: new Float64Array(count),
      internalDate: new Float64Array(count),
      ownId: Int32Array.from({ length: count }, (_, i) => i),
      references: Uint32Array.from(references),
      referencesStart,
      idCount: count,
      subject: new Uint32Array(count).fill(NO_SUBJECT),
      isReply: new Uint8Array(count),
    },
    'references',
    new TimeSlice(),
  );
  assert.equal(threads.length, 1);
  let seen = 0;
  const left = [...threads];
  for (let node = left.pop(); node !== undefined; node = left.pop()) {
    seen += 1;
    left.push(...node.children);
  }
  assert.equal(seen, count, 'every message is in the tree once');
});

test('of a huge message only the beginning is read for searching', async () => {
  const piece = Buffer.alloc(1024 * 1024, 'x');
  let read = 0;
  async function* chunks(): AsyncGenerator<Buffer, void, undefined> {
    yield Buffer.from('Subject: huge\r\n\r\n');
    for (;;) {
      read += piece.length;
      yield piece;
    }
  }
  async function* bodies(): AsyncGenerator<BodyBatch, void, undefined> {
    yield { kind: 'streamed', first: 0, size: 2 ** 40, chunks: chunks() };
  }
  for await (const made of extractAll(bodies())) {
    assert.match(made.header.bytes.toString(), /subject: huge/);
    assert.ok(made.body.lengths[0]! <= SEARCHED_MESSAGE_BYTES);
  }
  assert.ok(read <= SEARCHED_MESSAGE_BYTES + piece.length, String(read));
});

test('as many nested keys as a command may hold', async () => {
  const source = new TestSource([testMessage(1, { body: 'a' }), testMessage(2, { body: 'b' })]);
  const search = createFolderSearch(source);
  let nested: SearchQuery = { kind: 'body', text: 'a' };
  for (let depth = 1; depth < IMAP_SEARCH_KEYS; depth += 1) {
    nested =
      depth % 2 === 0 ? { kind: 'or', terms: [nested, { kind: 'body', text: 'c' }] } : { kind: 'not', term: nested };
  }
  assert.deepEqual(Array.from(await search.search(source.uids, nested)), [1]);
});
