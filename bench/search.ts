/**
 * Micro-benchmark of src/store/search alone: 50,000 generated messages, fragments and texts read from files with
 * preads of 1 MB as an engine does, no store and no protocol around it. Prints medians, and the longest time the
 * event loop was held. Run: node bench/search.ts [messages]
 */
import { Buffer } from 'node:buffer';
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFolderSearch } from '../src/store/search/folder-search.ts';
import type { SearchQuery } from '../src/store/search/query.ts';
import type { PieceBatch, SearchSource, TextBatch, TextKind } from '../src/store/search/source.ts';
import { type TestMessage, TestSource, testMessage } from '../src/store/search/test-source.ts';

const COUNT = Number(process.argv[2] ?? 50_000);
const TEXT_BYTES = 4000;
const BATCH_BYTES = 1024 * 1024;
const RUNS = 7;

let seed = 7;
const random = (): number => {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
  return seed / 0x7fffffff;
};
const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * random() * list.length)]!;
const letters = 'etaoinshrdlucmfwypvbgkjqxz';
const words = Array.from({ length: 4000 }, () => {
  let word = '';
  for (let left = 2 + random() * 8; left > 0; left -= 1) word += pick(Array.from(letters));
  return word;
});
const sentence = (count: number): string => Array.from({ length: count }, () => pick(words)).join(' ');

/** One file of records, read in order in batches of about 1 MB, two buffers in turn. */
class RecordFile {
  readonly #file: FileHandle;
  readonly #ends: number[] = [0];
  readonly #buffers = [0, 1].map(() => Buffer.allocUnsafeSlow(BATCH_BYTES));
  #next = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async append(records: readonly Buffer[]): Promise<void> {
    for (const record of records) this.#ends.push(this.#ends.at(-1)! + record.length);
    await this.#file.write(Buffer.concat(records));
  }

  /** UIDs are 1 … n; only whole ranges without gaps are needed here. One batch is read ahead. */
  async *read(uids: Uint32Array): AsyncGenerator<TextBatch, void, undefined> {
    let next = this.#batch(uids, 0);
    for (;;) {
      const batch = await next;
      if (batch === null) return;
      next = this.#batch(uids, batch.first + batch.count);
      yield batch;
    }
  }

  async #batch(uids: Uint32Array, first: number): Promise<TextBatch | null> {
    if (first === uids.length) return null;
    const start = this.#ends[uids[first]! - 1]!;
    let last = first;
    while (last + 1 < uids.length && this.#ends[uids[last + 1]!]! - start <= BATCH_BYTES) last += 1;
    const end = this.#ends[uids[last]!]!;
    const bytes = this.#buffers[(this.#next += 1) % 2]!;
    await this.#file.read(bytes, 0, end - start, start);
    const count = last - first + 1;
    const offsets = new Uint32Array(count);
    const lengths = new Uint32Array(count);
    for (let i = 0; i < count; i += 1) {
      const uid = uids[first + i]!;
      offsets[i] = this.#ends[uid - 1]! - start;
      lengths[i] = this.#ends[uid]! - this.#ends[uid - 1]!;
    }
    return { first, count, bytes, offsets, lengths };
  }
}

const directory = await mkdtemp(join(tmpdir(), 'penfold-search-'));
const handles: FileHandle[] = [];
async function recordFile(name: string): Promise<RecordFile> {
  const handle = await open(join(directory, name), 'w+');
  handles.push(handle);
  return new RecordFile(handle);
}

async function build(): Promise<SearchSource> {
  const fragments = await recordFile('frag');
  const texts: Record<TextKind, RecordFile> = { header: await recordFile('head'), body: await recordFile('text') };
  const messages: TestMessage[] = [];
  for (let uid = 1; uid <= COUNT; uid += 1) {
    const subject = sentence(5);
    const parent = uid > 10 && random() < 0.6 ? uid - 1 - Math.floor(random() * 10) : 0;
    messages.push(
      testMessage(uid, {
        subject,
        from: `${sentence(2)} <${pick(words)}@${pick(words)}.example>`,
        to: `${sentence(2)} <${pick(words)}@${pick(words)}.example>`,
        internalDate: uid * 100,
        sentDate: uid * 100 - Math.floor(random() * 5000),
        sort: {
          baseSubject: parent > 0 && random() < 0.9 ? messages[parent - 1]!.sort.baseSubject : subject,
          subjectIsReply: parent > 0,
          from: pick(words),
          messageId: `${uid}.${sentence(2).replace(' ', '.')}@${pick(words)}.example`,
          references:
            parent > 0
              ? [...messages[parent - 1]!.sort.references, messages[parent - 1]!.sort.messageId!].slice(-10)
              : [],
        },
        header: null,
        body: null,
      }),
    );
  }
  /* Borrow its view and its fragments, then keep both out of the heap of the measured part. */
  const plain = new TestSource(messages);
  const all = plain.uids;
  for await (const batch of plain.fragments(all)) {
    const records: Buffer[] = [];
    for (let i = 0; i < batch.count; i += 1) {
      const fragment = batch.bytes.subarray(batch.offsets[i], batch.offsets[i]! + batch.lengths[i]!);
      records.push(fragment);
    }
    await fragments.append(records);
    await texts.body.append(records.map(() => text(TEXT_BYTES)));
    await texts.header.append(
      records.map(() => Buffer.concat([Buffer.from('\nx-mailer: '), text(1500), Buffer.from('\n')])),
    );
  }
  const { columns, generation, folder } = plain.view;
  return {
    view: {
      ...plain.view,
      columns,
      generation,
      folder,
      locate(uids, from, count, rows) {
        for (let i = 0; i < count; i += 1) rows[i] = uids[from + i]! - 1;
      },
    },
    fragments: (uids): AsyncIterable<PieceBatch> => fragments.read(uids),
    texts: (kind, uids) => texts[kind].read(uids),
    bodies: (uids) => plain.bodies(uids),
    putTexts: (entries) => plain.putTexts(entries),
  };
}

const pool = Buffer.from(sentence(200_000));
function text(size: number): Buffer {
  const at = Math.floor(random() * (pool.length - size));
  return Buffer.from(pool.subarray(at, at + size));
}

/** Longest turn of the event loop while `work` runs. */
async function measured(work: () => Promise<unknown>): Promise<{ ms: number; held: number }> {
  let held = 0;
  let last = performance.now();
  let running = true;
  const beat = (): void => {
    const now = performance.now();
    held = Math.max(held, now - last);
    last = now;
    if (running) setImmediate(beat);
  };
  setImmediate(beat);
  const start = performance.now();
  await work();
  const ms = performance.now() - start;
  held = Math.max(held, performance.now() - last);
  running = false;
  return { ms, held };
}

async function report(name: string, work: () => Promise<unknown>, runs = RUNS): Promise<void> {
  const all = [];
  for (let run = 0; run < runs; run += 1) all.push(await measured(work));
  const times = all.map(({ ms }) => ms).sort((a, b) => a - b);
  const held = Math.max(...all.map(({ held }) => held));
  const show = (ms: number): string => ms.toFixed(1).padStart(7);
  console.log(
    `${name.padEnd(44)} ${show(times[times.length >> 1]!)} ms   min ${show(times[0]!)}   loop held ${show(held)}`,
  );
}

const source = await build();
const uids = source.view.columns.uid;
const search = createFolderSearch(source);
const find = (query: SearchQuery) => (): Promise<Uint32Array> => search.search(uids, query);
console.log(`${COUNT} messages, ${((COUNT * TEXT_BYTES) / 1e6).toFixed(0)} MB of body text`);
await report('SINCE', find({ kind: 'date', column: 'internal', op: 'since', day: 30 }));
await report('UNSEEN', find({ kind: 'not', term: { kind: 'flags', mask: 1 } }));
await report('SUBJECT, no hit', find({ kind: 'header', name: 'subject', text: 'quarterly' }));
await report('SUBJECT, common word', find({ kind: 'header', name: 'subject', text: words[3]! }));
await report('SUBJECT, one letter', find({ kind: 'header', name: 'subject', text: 'e' }));
await report('FROM', find({ kind: 'header', name: 'from', text: `${words[9]!}@` }));
await report('HEADER X-Mailer', find({ kind: 'header', name: 'x-mailer', text: 'quarterly' }));
for (const needle of ['quarterly', 'zebra', 'ethyl', 'the', 'e', 'meeting tomorrow', words[3]!]) {
  await report(`BODY ${needle}`, find({ kind: 'body', text: needle }));
}
await report('TEXT quarterly', find({ kind: 'text', text: 'quarterly' }));
const sortBy = (key: 'subject' | 'date' | 'from') => (): Promise<Uint32Array> =>
  search.sort(uids, [{ key, reverse: false }]);
await report('SORT SUBJECT, first', sortBy('subject'), 1);
await report('SORT SUBJECT, warm', sortBy('subject'));
await report('SORT FROM, first', sortBy('from'), 1);
await report('SORT DATE', sortBy('date'));
await report('THREAD REFERENCES, first', () => search.thread(uids, 'references'), 1);
await report('THREAD REFERENCES, warm', () => search.thread(uids, 'references'));
await report('THREAD REFS, warm', () => search.thread(uids, 'refs'));
await report('THREAD ORDEREDSUBJECT, warm', () => search.thread(uids, 'orderedsubject'));
for (const handle of handles) await handle.close();
await rm(directory, { recursive: true });
