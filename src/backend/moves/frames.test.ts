import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { failure } from '../../../test/conformance/store-fixture.ts';
import { Failure } from '../../observe/failure.ts';
import { decodeFrames, encodeEnd, encodeFailure, encodeFrame, FRAME_BYTES, type MoveFrame } from './frames.ts';

async function* cut(bytes: Buffer, size: number): AsyncIterable<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function decoded(bytes: Buffer, size = bytes.length + 1): Promise<MoveFrame[]> {
  const found: MoveFrame[] = [];
  for await (const frame of decodeFrames(cut(bytes, size))) found.push(frame);
  return found;
}

const octets = (length?: number): fc.Arbitrary<Buffer> =>
  fc
    .uint8Array(length === undefined ? { maxLength: 300 } : { minLength: length, maxLength: length })
    .map((array) => Buffer.from(array));
const PLAIN = { noNullPrototype: true } as const;
const whole = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const frame: fc.Arbitrary<MoveFrame> = fc.oneof(
  fc.record({ kind: fc.constant('rest' as const), contents: whole, bytes: whole }, PLAIN),
  fc.record({ kind: fc.constant('whole' as const), content: whole, bytes: octets(), sha256: octets(32) }, PLAIN),
  fc.record({ kind: fc.constant('begin' as const), content: whole, size: whole }, PLAIN),
  fc.record({ kind: fc.constant('piece' as const), bytes: octets() }, PLAIN),
  fc.record({ kind: fc.constant('end' as const), sha256: octets(32) }, PLAIN),
  fc.record(
    { kind: fc.constant('keys' as const), keys: fc.array(fc.record({ key: whole, thread: whole }, PLAIN)) },
    PLAIN,
  ),
);

test('frames come out as they went in, wherever the stream is cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { maxLength: 12 }), fc.integer({ min: 1, max: 64 }), async (frames, size) => {
      const bytes = Buffer.concat([...frames.map(encodeFrame), encodeEnd()]);
      assert.deepEqual(await decoded(bytes, size), frames);
    }),
    { numRuns: 60 },
  );
});

test('a stream that is broken off is told from one that ends', async () => {
  const bytes = Buffer.concat([encodeFrame({ kind: 'piece', bytes: Buffer.from('x') }), encodeEnd()]);
  for (let length = 0; length < bytes.length; length += 1)
    await assert.rejects(decoded(bytes.subarray(0, length)), failure('UNAVAILABLE'));
});

test('a frame longer than allowed is refused before it has come', async () => {
  const head = Buffer.alloc(5);
  head.writeUInt8(4, 0);
  head.writeUInt32LE(FRAME_BYTES + 1, 1);
  await assert.rejects(decoded(head), failure('UNAVAILABLE'));
});

test('what went wrong at the source arrives as that, and what no source says as a reason to try again', async () => {
  for (const code of ['CORRUPTION', 'NONEXISTENT', 'CANNOT'] as const)
    await assert.rejects(decoded(encodeFailure(new Failure(code, 'why'))), (error) => {
      assert.ok(error instanceof Failure);
      assert.deepEqual([error.code, error.message], [code, 'why']);
      return true;
    });
  await assert.rejects(decoded(encodeFailure(new Failure('SERVERBUG', 'why'))), failure('UNAVAILABLE'));
});

test('any octets are a refusal or frames, never anything else', async () => {
  for (let round = 0; round < 2000; round += 1) {
    const bytes = randomBytes(1 + (round % 200));
    // Short lengths, so that payloads are looked into.
    if (bytes.length > 5) bytes.writeUInt32LE(bytes.length - 5, 1);
    bytes[0] = round % 9;
    await decoded(bytes).catch((error: unknown) => assert.ok(error instanceof Failure, String(error)));
  }
});
