import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import fc from 'fast-check';
import { dataFrames, folderFrame, frame, framesOf, type Incoming, messageFrame, readItems } from './frames.ts';
import { type ExportItem, folderRecord, type MessageRecord } from './record.ts';

function message(body: Buffer): MessageRecord {
  return {
    folder: 'Ä/B',
    flags: 5,
    keywords: ['$x'],
    internalDate: 12,
    saveDate: null,
    uid: 7,
    uidl: 'u',
    size: body.length,
    async *chunks() {
      yield body;
    },
  };
}

/** The same bytes, cut elsewhere. */
async function* cut(bytes: Buffer, sizes: readonly number[]): AsyncIterable<Buffer> {
  let at = 0;
  for (const size of sizes) {
    yield bytes.subarray(at, at + size);
    at += size;
  }
  yield bytes.subarray(at);
}

async function collect(stream: AsyncIterable<Buffer>): Promise<Array<{ item: Incoming; body: string }>> {
  const all: Array<{ item: Incoming; body: string }> = [];
  for await (const item of readItems(stream)) {
    const chunks: Buffer[] = [];
    if (item.kind === 'message') for await (const chunk of item.message.chunks()) chunks.push(chunk);
    all.push({ item, body: Buffer.concat(chunks).toString('latin1') });
  }
  return all;
}

test('what framesOf writes, readItems reads, however the stream is cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }),
      fc.array(fc.integer({ min: 0, max: 90 }), { maxLength: 20 }),
      async (bodies, sizes) => {
        const items = async function* (): AsyncIterable<ExportItem> {
          yield { kind: 'folder', folder: folderRecord('Ä/B') };
          for (const body of bodies) yield { kind: 'message', message: message(Buffer.from(body)) };
        };
        const written: Buffer[] = [];
        for await (const piece of framesOf(items())) written.push(piece);
        const [first, ...rest] = await collect(cut(Buffer.concat(written), sizes));
        assert.ok(first?.item.kind === 'folder' && first.item.folder.name === 'Ä/B');
        assert.deepEqual(
          rest.map(({ body }) => body),
          bodies.map((body) => Buffer.from(body).toString('latin1')),
        );
        for (const { item } of rest) {
          assert.ok(item.kind === 'message');
          const { chunks: _, ...head } = item.message;
          const { chunks: __, ...sent } = message(Buffer.alloc(0));
          assert.deepEqual({ ...head, size: 0 }, sent);
        }
      },
    ),
    { numRuns: 50 },
  );
});

test('a message nobody read is skipped; a broken one throws where it is read, and the next is there', async () => {
  const bytes = Buffer.concat([
    ...messageFrame(1, message(Buffer.from('one'))),
    ...dataFrames(Buffer.from('one')),
    ...frame('end', Buffer.alloc(0)),
    ...messageFrame(2, message(Buffer.from('two'))),
    ...frame('broken', Buffer.from('the disk is gone')),
    ...folderFrame(3, folderRecord('next')),
  ]);
  const seen: string[] = [];
  for await (const item of readItems(cut(bytes, [9, 50]))) {
    seen.push(`${item.n} ${item.kind}`);
    if (item.n === 2 && item.kind === 'message') {
      const { chunks } = item.message;
      await assert.rejects(async () => {
        for await (const chunk of chunks()) assert.fail(String(chunk));
      }, /the disk is gone/);
    }
  }
  assert.deepEqual(seen, ['1 message', '2 message', '3 folder']);
});

const damaged: ReadonlyArray<[string, Buffer, RegExp]> = [
  ['an unknown frame', Buffer.from([0, 0, 0, 0, 99]), /damaged/],
  ['a frame above the limit', Buffer.from([1, 0, 0, 0, 2]), /damaged/],
  ['data outside of a message', Buffer.concat(frame('data', Buffer.from('x'))), /outside of a message/],
  ['an end within a frame', Buffer.concat(folderFrame(1, folderRecord('x'))).subarray(0, 20), /cut off/],
  ['an end within a message', Buffer.concat(messageFrame(1, message(Buffer.from('x')))), /cut off within a message/],
];
for (const [name, bytes, text] of damaged) {
  test(`refused: ${name}`, async () => {
    await assert.rejects(collect(cut(bytes, [])), text);
  });
}
