import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import * as fc from 'fast-check';
import type { BodyBatch } from '../api.ts';
import { createFolderSearch } from './folder-search.ts';
import type { SearchQuery } from './query.ts';
import type { TextEntry, TextSource } from './source.ts';
import { TestSource, testMessage } from './test-source.ts';
import { RAW_TEXT_BYTES, rawTexts, textsOf } from './text-entry.ts';
import { closeTextWorkers, extractTexts } from './text-extraction.ts';
import { INDEX_BATCH, createTextIndexer } from './text-indexer.ts';

after(closeTextWorkers);

const mail = (...lines: readonly string[]): Buffer => Buffer.from(lines.join('\r\n'));
const letter = mail(
  'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=',
  'X-Long: one',
  ' two',
  'X-Split: =?utf-8?q?a=0Ax-fake:_b?=',
  'Content-Type: multipart/mixed; boundary=B',
  '',
  '--B',
  'Content-Type: text/plain; charset=iso-8859-1',
  'Content-Transfer-Encoding: quoted-printable',
  '',
  'Sch=F6ne STRASSE, one=',
  'word',
  '--B',
  'Content-Type: text/html',
  'X-Part: Inner',
  '',
  '<p>Hello <b>World</b></p>',
  '--B--',
  '',
);

test('texts are decoded, folded, and keep fields of the message apart from fields of its parts', () => {
  const { header, body } = textsOf(letter);
  assert.match(header.toString(), /^\nsubject: grüsse\nx-long: one two\nx-split: a x-fake: b\ncontent-type: multipart/);
  assert.match(header.toString(), /\n x-part: inner\n$/);
  assert.match(body.toString(), /schöne strasse, oneword/);
  assert.match(body.toString(), /hello world/);
  assert.equal(textsOf(Buffer.alloc(0)).header.length, 0);
  assert.equal(textsOf(Buffer.from('no header at all')).header.toString(), '\n');
});

test('no bytes make the extractor throw', () => {
  const piece = fc.constantFrom(
    'Subject: ',
    '=?utf-8?b?',
    '?=',
    '\r\n',
    '\n',
    '--B',
    'Content-Type: multipart/mixed; boundary=B',
  );
  const noise = fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, noise)), (pieces) => {
      const message = Buffer.from(pieces.join(''), 'latin1');
      const { header } = textsOf(message);
      assert.equal(header.length > 0, message.length > 0);
    }),
  );
});

test('a message that breaks the extractor is searched by its bytes', () => {
  const { header, body } = rawTexts(mail('Subject: ABC', 'To: x', '', 'BODY'));
  assert.equal(header.toString(), '\nsubject: abc\r\nto: x\r\n');
  assert.equal(body.toString(), '\r\nbody');
  const { header: all } = rawTexts(Buffer.alloc(RAW_TEXT_BYTES + 5, 'x'));
  assert.equal(all.length, RAW_TEXT_BYTES + 1);
});

describe('search over messages that are not indexed yet', () => {
  const raw = (uid: number): Buffer => mail(`Subject: number ${uid}`, `X-Id: <${uid}@x>`, '', `Text of ${uid}.`, '');
  const messages = Array.from({ length: 25 }, (_, i) =>
    testMessage(i + 1, i % 3 === 0 ? { header: null, body: null, bytes: raw(i + 1) } : { body: `text of ${i + 1}.` }),
  );
  const cases: ReadonlyArray<readonly [string, SearchQuery, number[]]> = [
    ['body', { kind: 'body', text: 'text OF 1' }, [1, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]],
    ['header', { kind: 'header', name: 'x-id', text: '<22@' }, [22]],
    ['text', { kind: 'text', text: 'number 4' }, [4]],
  ];
  for (const batch of [1, 7, 256]) {
    for (const [name, query, expected] of cases) {
      test(`${name}, ${batch} a batch`, async () => {
        const source = new TestSource(messages, { batch });
        const search = createFolderSearch(source);
        assert.deepEqual(Array.from(await search.search(source.uids, query)), expected);
        assert.equal(source.bodiesRead, 9);
        assert.deepEqual(Array.from(await search.search(source.uids, query)), expected);
        assert.equal(source.bodiesRead, 9, 'texts made once are kept');
      });
    }
  }

  test('a message that goes away while its text is made is neither found nor kept', async () => {
    const source = new TestSource(messages.slice(0, 4), { batch: 1 });
    source.onRead = () => {
      if (source.bodiesRead > 0) source.remove(4);
    };
    const found = await createFolderSearch(source).search(source.uids, { kind: 'body', text: 'text of' });
    assert.deepEqual(Array.from(found), [1, 2, 3]);
    assert.ok(source.stored.every((entry) => entry.header.length > 0));
  });
});

/** Texts in memory over messages by content id. */
class Memory implements TextSource {
  readonly texts = new Map<number, TextEntry>();
  readonly contents: ReadonlyMap<number, Buffer>;
  constructor(contents: ReadonlyMap<number, Buffer>) {
    this.contents = contents;
  }
  async untexted(limit: number): Promise<Uint32Array> {
    return Uint32Array.from([...this.contents.keys()].filter((content) => !this.texts.has(content)).slice(0, limit));
  }
  async *messages(contents: Uint32Array): AsyncGenerator<BodyBatch, void, undefined> {
    for (const [first, content] of contents.entries()) {
      const bytes = this.contents.get(content)!;
      const lengths = Uint32Array.of(bytes.length);
      yield { kind: 'joined', first, count: 1, bytes, offsets: Uint32Array.of(0), lengths };
    }
  }
  async putTexts(entries: readonly TextEntry[]): Promise<void> {
    for (const entry of entries) this.texts.set(entry.content, entry);
  }
}

test('the indexer takes what has no text, in steps, and ends also where bytes are gone', async () => {
  const count = INDEX_BATCH + 3;
  const source = new Memory(
    new Map(
      Array.from({ length: count }, (_, i) => [i + 1, i === 5 ? Buffer.alloc(0) : mail('Subject: x', '', `b${i}`)]),
    ),
  );
  const indexer = createTextIndexer(source);
  assert.deepEqual(await Promise.all([indexer.step(0), indexer.step(0)]), [true, true]);
  assert.equal(source.texts.size, INDEX_BATCH);
  assert.equal(await indexer.step(10_000), false);
  assert.equal(source.texts.size, count);
  assert.equal(source.texts.get(6)?.body.length, 0);
  assert.equal(source.texts.get(count)?.body.toString(), `b${count - 1}\n`);
});

test('when a worker ends under its work, the messages are searched by their bytes', async () => {
  const bytes = mail('Subject: KEPT', '', 'x');
  const messages = { count: 1, bytes, offsets: Uint32Array.of(0), lengths: Uint32Array.of(bytes.length) };
  const extraction = extractTexts(messages);
  await closeTextWorkers();
  const { header } = await extraction;
  assert.match(header.bytes.toString(), /subject: kept/);
  assert.match((await extractTexts(messages)).header.bytes.toString(), /^\nsubject: kept\n$/);
});

const torture = new URL('../../../../shared/corpus/torture/', import.meta.url);
test('every message of the torture corpus has texts', {
  skip: !existsSync(torture) && 'no corpus beside the repository',
}, () => {
  let seen = 0;
  for (const entry of readdirSync(torture, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const message = readFileSync(`${entry.parentPath}/${entry.name}`);
    if (message.length > 1_000_000) continue;
    const { header } = textsOf(message);
    assert.equal(header.length > 0, message.length > 0, entry.name);
    seen += 1;
  }
  assert.ok(seen > 20, String(seen));
});
