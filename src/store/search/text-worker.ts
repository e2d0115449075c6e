/** Worker thread: decoded, folded texts of batches of messages. Started by text-extraction.ts; keeps no state. */
import { Buffer } from 'node:buffer';
import { parentPort } from 'node:worker_threads';
import { textsOf } from './text-entry.ts';
import type { PackedTexts, TextReply, TextRequest } from './text-extraction.ts';

const port = parentPort;
if (port === null) throw new Error('text-worker.ts runs as a worker thread only');

port.on('message', (request: TextRequest) => {
  const reply = answer(request);
  port.postMessage(reply, reply.failed === null ? [reply.header.bytes.buffer, reply.body.bytes.buffer] : []);
});

function answer(request: TextRequest): TextReply {
  const messages = Buffer.from(request.bytes.buffer);
  const headers: Buffer[] = [];
  const bodies: Buffer[] = [];
  try {
    for (let i = 0; i < request.lengths.length; i += 1) {
      const start = request.offsets[i]!;
      const { header, body } = textsOf(messages.subarray(start, start + request.lengths[i]!));
      headers.push(header);
      bodies.push(body);
    }
  } catch (error) {
    return { failed: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  return { header: pack(headers), body: pack(bodies), failed: null };
}

function pack(texts: readonly Buffer[]): PackedTexts {
  const offsets = new Uint32Array(texts.length);
  const lengths = new Uint32Array(texts.length);
  let total = 0;
  texts.forEach((text, i) => {
    offsets[i] = total;
    lengths[i] = text.length;
    total += text.length;
  });
  const bytes = new Uint8Array(total);
  texts.forEach((text, i) => bytes.set(text, offsets[i]));
  return { bytes, offsets, lengths };
}
