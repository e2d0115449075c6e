/**
 * Writes one mbox file per folder in any of the four habits. Each message has our block in front (mbox-flags.ts).
 * Line ends become LF as mail programs on Unix expect; a message that LF could not bring back (it holds CR CR LF), or
 * one too large to look through first, keeps its CRLF.
 */
import { Buffer } from 'node:buffer';
import type { FileHandle } from 'node:fs/promises';
import { writeMboxBlock } from './mbox-flags.ts';
import {
  crlfToLf,
  FromQuoting,
  hasQuotedFrom,
  type MboxFormat,
  quoteRule,
  survivesLf,
  writeFromLine,
} from './mbox-lines.ts';
import type { MessageRecord } from './record.ts';

/** Smaller messages are put together in memory. */
const IN_MEMORY_BYTES = 1024 * 1024;

/** Keeps track of where the body begins and of the size, over chunks. */
class BodyCount {
  bytes = 0;
  bodyBytes = 0;
  #inBody = false;
  #tail = '\n';

  add(piece: Buffer): void {
    this.bytes += piece.length;
    if (this.#inBody) {
      this.bodyBytes += piece.length;
      return;
    }
    // The empty line may stand across two pieces: look at them with the last bytes of the one before.
    const text = this.#tail + piece.toString('latin1');
    const empty = /\n\r?\n/.exec(text);
    if (empty === null) {
      this.#tail = text.slice(-2);
      return;
    }
    this.#inBody = true;
    this.bodyBytes = text.length - (empty.index + empty[0].length);
  }
}

/** Appends at `position` and returns the position behind. */
export async function appendToMbox(
  file: FileHandle,
  position: number,
  format: MboxFormat,
  message: MessageRecord,
): Promise<number> {
  const from = Buffer.from(writeFromLine(message.internalDate ?? 0));
  if (message.size > IN_MEMORY_BYTES) return appendLarge(file, position, format, message, from);
  const whole: Buffer[] = [];
  for await (const chunk of message.chunks()) whole.push(chunk);
  const bytes = Buffer.concat(whole);
  const count = new BodyCount();
  const quoting = quotingOf(format, bytes);
  const body = quoted(quoting, survivesLf(bytes) ? crlfToLf(bytes) : bytes);
  count.add(body);
  const all = Buffer.concat([from, block(format, quoting, message, count), body, separator(body)]);
  await file.write(all, 0, all.length, position);
  return position + all.length;
}

/**
 * mboxo and mboxcl lose one `>` of a line that had one already. Such a message (and a large one, which is not looked
 * through) is quoted as mboxrd instead, and its block says so: what other programs make of the line is as it always was
 * with these formats, and we get it back.
 */
function quotingOf(format: MboxFormat, message: Buffer | null): MboxFormat {
  if (format !== 'mboxo' && format !== 'mboxcl') return format;
  return message === null || hasQuotedFrom(message) ? 'mboxrd' : format;
}

async function appendLarge(
  file: FileHandle,
  position: number,
  format: MboxFormat,
  message: MessageRecord,
  from: Buffer,
): Promise<number> {
  const count = new BodyCount();
  const quoted = quotingOf(format, null);
  let at = position + from.length + block(format, quoted, message, count).length;
  let last: Buffer = from;
  const rule = quoteRule(quoted);
  const quoting = rule === null ? null : new FromQuoting(rule);
  const put = async (piece: Buffer): Promise<void> => {
    if (piece.length === 0) return;
    count.add(piece);
    await file.write(piece, 0, piece.length, at);
    at += piece.length;
    last = piece;
  };
  for await (const chunk of message.chunks()) await put(quoting?.push(chunk) ?? chunk);
  if (quoting !== null) await put(quoting.end());
  const end = separator(last);
  await file.write(end, 0, end.length, at);
  // The counts are known only now; the block is as long for any of them.
  const head = Buffer.concat([from, block(format, quoted, message, count)]);
  await file.write(head, 0, head.length, position);
  return at + end.length;
}

function quoted(format: MboxFormat, message: Buffer): Buffer {
  const rule = quoteRule(format);
  if (rule === null) return message;
  const quoting = new FromQuoting(rule);
  return Buffer.concat([quoting.push(message), quoting.end()]);
}

function block(format: MboxFormat, quoting: MboxFormat, message: MessageRecord, count: BodyCount): Buffer {
  return Buffer.from(
    writeMboxBlock(quoting, {
      withLength: format === 'mboxcl' || format === 'mboxcl2',
      flags: message.flags,
      keywords: message.keywords,
      uidl: message.uidl,
      bytes: count.bytes,
      bodyBytes: count.bodyBytes,
    }),
  );
}

/** Ends the last line when the message does not, then the empty line before the next From_. */
function separator(last: Buffer): Buffer {
  return Buffer.from(last[last.length - 1] === 10 ? '\n' : '\n\n');
}
