/**
 * Reads mbox files of all four habits (RFC 4155, mbox-lines.ts), any size, two passes: offsets first, then bytes.
 *
 * Where a message ends: at the byte count of our own block; else at a Content-Length that leads to a From_ line or to
 * the end of the file (a wrong one, and there are many, is not believed); else at the next From_ line with a date.
 */
import { Buffer } from 'node:buffer';
import { type FileHandle, open } from 'node:fs/promises';
import { FileWindow } from './file-window.ts';
import { type MboxFields, readMboxFields } from './mbox-flags.ts';
import { FromQuoting, type MboxFormat, parseFromLine, unquoteRule } from './mbox-lines.ts';
import type { SourceItem } from './record.ts';

const LF = Buffer.from('\n');
const NEXT_FROM = Buffer.from('\nFrom ');
const FROM_LINE_BYTES = 1000;
/** Flags are looked for in this much of a header. */
const HEADER_SCAN_BYTES = 64 * 1024;

interface MboxMessage {
  readonly from: number;
  readonly start: number;
  readonly end: number;
  readonly date: number | null;
  readonly fields: MboxFields;
}

export interface MboxOptions {
  readonly folder: string;
  /** `auto`: mboxcl2 when a body that Content-Length vouches for holds a bare From_ line, mboxrd otherwise. */
  readonly format: MboxFormat | 'auto';
}

/** @throws when the file cannot be opened; all else becomes a problem item */
export async function* readMbox(path: string, options: MboxOptions): AsyncIterable<SourceItem> {
  const file = await open(path, 'r');
  try {
    yield* messagesOf(file, path, options);
  } finally {
    await file.close();
  }
}

async function* messagesOf(file: FileHandle, path: string, options: MboxOptions): AsyncIterable<SourceItem> {
  const { size } = await file.stat();
  if (size === 0) return;
  const window = new FileWindow(file, size);
  const scan = new MboxScan(window);
  const first = await scan.firstFrom();
  if (first > 0 && !(await scan.isBlank(first))) {
    yield {
      kind: 'problem',
      origin: path,
      text:
        first >= size
          ? 'is no mbox file: it has no From_ line'
          : `${first} bytes before the first From_ line were skipped`,
      bytes: first,
    };
  }
  const format = options.format === 'auto' ? await detectFormat(scan, first) : options.format;
  let index = 0;
  for (let at = first; at < size; index += 1) {
    const { message, next } = await scan.messageAt(at);
    at = next;
    const { fields, start, end } = message;
    const origin = `${path}, message ${index + 1} at byte ${message.from}`;
    if (end <= start) {
      yield { kind: 'problem', origin, text: 'is empty', bytes: end };
      continue;
    }
    yield {
      kind: 'message',
      bytes: end,
      message: {
        key: `${path}\0${message.from}\0${end - start}`,
        origin,
        folder: options.folder,
        flags: fields.flags,
        keywords: fields.keywords,
        internalDate: message.date,
        saveDate: null,
        uid: null,
        uidl: fields.uidl,
        size: end - start,
        chunks: () => unquoted(window, start, end, fields.block?.format ?? format),
      },
    };
  }
}

/** Looks at the whole file once; offsets are not kept, so that a file of any size needs no more memory. */
async function detectFormat(scan: MboxScan, first: number): Promise<MboxFormat> {
  for (let at = first; at < scan.size && !scan.sawBareFrom; ) at = (await scan.messageAt(at)).next;
  return scan.sawBareFrom ? 'mboxcl2' : 'mboxrd';
}

async function* unquoted(window: FileWindow, start: number, end: number, format: MboxFormat): AsyncIterable<Buffer> {
  const rule = unquoteRule(format);
  if (rule === null) {
    yield* window.range(start, end);
    return;
  }
  const quoting = new FromQuoting(rule);
  for await (const chunk of window.range(start, end)) yield quoting.push(chunk);
  yield quoting.end();
}

class MboxScan {
  readonly #window: FileWindow;
  /** A body whose length is vouched for holds a line that looks like the start of a message. */
  sawBareFrom = false;

  constructor(window: FileWindow) {
    this.#window = window;
  }

  get size(): number {
    return this.#window.size;
  }

  async firstFrom(): Promise<number> {
    const head = await this.#window.bytes(0, 5);
    if (head.toString('latin1') === 'From ') return 0;
    const at = await this.#window.find(NEXT_FROM, 0);
    return at < 0 ? this.#window.size : at + 1;
  }

  /** Some writers put empty lines before the first From_ line. */
  async isBlank(length: number): Promise<boolean> {
    if (length > FROM_LINE_BYTES) return false;
    return /^[\r\n]*$/.test((await this.#window.bytes(0, length)).toString('latin1'));
  }

  async messageAt(from: number): Promise<{ message: MboxMessage; next: number }> {
    const window = this.#window;
    const lf = await window.find(LF, from);
    const start = lf < 0 ? window.size : lf + 1;
    const line = (await window.bytes(from, Math.min(start - from, FROM_LINE_BYTES))).toString('latin1').trimEnd();
    const fields = readMboxFields((await window.bytes(start, HEADER_SCAN_BYTES)).toString('latin1'));
    const date = parseFromLine(line)?.date ?? null;
    const known = await this.#knownEnd(start, fields);
    if (known !== null) return { message: { from, date, fields, ...known }, next: known.next };
    const next = await this.#nextFrom(start);
    const end = await this.#withoutSeparator(start, next);
    fields.block = null;
    return { message: { from, start, end, date, fields }, next };
  }

  /** Where the file itself says how long the message is, and a From_ line or the end of the file confirms it. */
  async #knownEnd(start: number, fields: MboxFields): Promise<{ start: number; end: number; next: number } | null> {
    const { block } = fields;
    if (block !== null) {
      let behind = start;
      for (let line = 0; line < block.lines; line += 1) behind = (await this.#window.find(LF, behind)) + 1;
      const next = await this.#boundary(behind + block.bytes);
      return next === null ? null : { start: behind, end: behind + block.bytes, next };
    }
    if (fields.contentLength === null) return null;
    const body = await this.#bodyStart(start);
    if (body === null) return null;
    const end = body + fields.contentLength;
    const next = await this.#boundary(end);
    if (next === null) return null;
    if (!this.sawBareFrom) this.sawBareFrom = (await this.#nextFrom(body, end)) < end;
    return { start, end, next };
  }

  async #bodyStart(start: number): Promise<number | null> {
    const header = (await this.#window.bytes(start, HEADER_SCAN_BYTES)).toString('latin1');
    const empty = /(?:^|\n)\r?\n/.exec(header);
    return empty === null ? null : start + empty.index + empty[0].length;
  }

  /** Offset of the From_ line (or of the file's end) that follows directly behind `at`; null when none does. */
  async #boundary(at: number): Promise<number | null> {
    const { size } = this.#window;
    if (at > size) return null;
    const text = (await this.#window.bytes(at, 9)).toString('latin1');
    const blank = /^(?:\r?\n){0,2}/.exec(text)?.[0].length ?? 0;
    if (at + blank >= size) return size;
    return text.startsWith('From ', blank) ? at + blank : null;
  }

  /** The next line that starts a message: "From " with a date, or without one but behind an empty line. */
  async #nextFrom(start: number, until = this.#window.size): Promise<number> {
    let at = start - 1;
    for (;;) {
      at = await this.#window.find(NEXT_FROM, at, until);
      if (at < 0) return until;
      const line = (await this.#window.bytes(at + 1, FROM_LINE_BYTES)).toString('latin1').split('\n', 1)[0] ?? '';
      if (parseFromLine(line)?.date !== null) return at + 1;
      if (/^From \S+ .*\d{4}/.test(line) && (await this.#emptyLineEndsAt(at))) return at + 1;
      at += 1;
    }
  }

  async #emptyLineEndsAt(lf: number): Promise<boolean> {
    const from = Math.max(0, lf - 2);
    return /\n\r?$/.test((await this.#window.bytes(from, lf - from)).toString('latin1'));
  }

  /** The empty line before a From_ line belongs to the file, not to the message (RFC 4155). */
  async #withoutSeparator(start: number, next: number): Promise<number> {
    const from = Math.max(start, next - 4);
    const tail = (await this.#window.bytes(from, next - from)).toString('latin1');
    if (tail.endsWith('\n\r\n')) return next - 2;
    return tail.endsWith('\n\n') ? next - 1 : next;
  }
}
