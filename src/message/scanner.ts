/**
 * The parser's front door: a message in, a fragment and the facts of its index row out. Two ways to the same bytes:
 * `parseMessage` for a message that is in memory, `MessageScanner` for one that streams in. Neither throws on bad
 * mail. The streaming form keeps header blocks and the head of the first text body, never the whole message.
 */
import { Buffer } from 'node:buffer';
import { ByteSink } from './byte-sink.ts';
import type { Entity } from './entity.ts';
import { writeEnvelope } from './envelope.ts';
import { buildFragment } from './fragment-builder.ts';
import { MessageHeader } from './message-header.ts';
import { MimeScanner, type ScanListener } from './mime-scanner.ts';
import type { ParsedMessage } from './model.ts';

/** Raw bytes kept of a text body for the preview; HTML hides its text behind a long head. */
const PLAIN_HEAD_BYTES = 4 * 1024;
const HTML_HEAD_BYTES = 16 * 1024;
/** A plain body of less than this may be a placeholder, so the HTML one is kept as well. */
const SHORT_BODY_BYTES = 64;

const envelopes = new ByteSink();

/** What one parse collects on its way. */
class Collector implements ScanListener {
  /** The first text/plain and text/html bodies that are no attachments. */
  plain: Entity | null = null;
  html: Entity | null = null;
  header = '';
  fields: readonly number[] = [];

  messageHeader(entity: Entity, header: string, fields: readonly number[]): void {
    if (entity.parent === null) {
      this.header = header;
      this.fields = fields;
      return;
    }
    envelopes.reset();
    writeEnvelope(envelopes, new MessageHeader(header, fields));
    entity.envelope = Buffer.from(envelopes.bytes.subarray(0, envelopes.length));
  }

  bodyBegins(entity: Entity): void {
    const { kind, header } = entity;
    if (kind !== 'text' || header.disposition?.kind === 'attachment') return;
    if (header.subtype === 'plain') this.plain ??= entity;
    else if (header.subtype === 'html' && (this.plain === null || isShort(this.plain))) this.html ??= entity;
  }
}

function isShort(entity: Entity): boolean {
  return entity.bodyEnd - entity.bodyStart < SHORT_BODY_BYTES;
}

/** Keeps heads of bodies while they pass. */
class StreamCollector extends Collector {
  plainHead: Buffer = Buffer.alloc(0);
  htmlHead: Buffer = Buffer.alloc(0);

  bodyBytes(entity: Entity, window: Buffer, from: number, to: number): void {
    if (entity === this.plain) this.plainHead = extended(this.plainHead, window, from, to, PLAIN_HEAD_BYTES);
    else if (entity === this.html) this.htmlHead = extended(this.htmlHead, window, from, to, HTML_HEAD_BYTES);
  }
}

function extended(head: Buffer, window: Buffer, from: number, to: number, limit: number): Buffer {
  if (head.length >= limit) return head;
  return Buffer.concat([head, window.subarray(from, Math.min(to, from + limit - head.length))]);
}

/** Parses a whole message; 10 to 20 µs for everyday mail. */
export function parseMessage(bytes: Buffer): ParsedMessage {
  const collector = new Collector();
  const mime = new MimeScanner(collector);
  mime.consume(bytes, true);
  const head = (entity: Entity | null, limit: number): Buffer | null =>
    entity === null ? null : bytes.subarray(entity.bodyStart, Math.min(entity.bodyEnd, entity.bodyStart + limit));
  return buildFragment({
    root: mime.root,
    size: bytes.length,
    header: collector.header,
    fields: collector.fields,
    plain: collector.plain,
    plainHead: head(collector.plain, PLAIN_HEAD_BYTES),
    html: collector.html,
    htmlHead: head(collector.html, HTML_HEAD_BYTES),
  });
}

/** One message in chunks of any size; chunks may be used again after `write` returns. */
export class MessageScanner {
  readonly #collector = new StreamCollector();
  readonly #mime = new MimeScanner(this.#collector);
  /** Bytes that could not be decided on yet: #window[#start, #end). */
  #window: Buffer = Buffer.alloc(0);
  #start = 0;
  #end = 0;
  #size = 0;

  write(chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#start === this.#end) {
      this.#start = 0;
      this.#end = 0;
      this.#keep(chunk.subarray(this.#mime.consume(chunk, false)));
      return;
    }
    this.#keep(chunk);
    this.#start += this.#mime.consume(this.#window.subarray(this.#start, this.#end), false);
  }

  /** Call once, after the last chunk. */
  end(): ParsedMessage {
    this.#mime.consume(this.#window.subarray(this.#start, this.#end), true);
    this.#window = Buffer.alloc(0);
    const collector = this.#collector;
    return buildFragment({
      root: this.#mime.root,
      size: this.#size,
      header: collector.header,
      fields: collector.fields,
      plain: collector.plain,
      plainHead: collector.plainHead,
      html: collector.html,
      htmlHead: collector.htmlHead,
    });
  }

  #keep(bytes: Buffer): void {
    if (bytes.length === 0) return;
    const kept = this.#end - this.#start;
    if (this.#end + bytes.length > this.#window.length) {
      const needed = kept + bytes.length;
      // Moving is fine while half of the room is free afterwards; otherwise double, so that growth stays linear.
      const room = needed * 2 <= this.#window.length ? this.#window : Buffer.allocUnsafe(Math.max(1024, needed * 2));
      this.#window.copy(room, 0, this.#start, this.#end);
      this.#window = room;
      this.#start = 0;
      this.#end = kept;
    }
    this.#end += bytes.copy(this.#window, this.#end);
  }
}
