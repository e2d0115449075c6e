/**
 * Finds the MIME tree of a message by offsets (RFC 2045, RFC 2046 §5.1): where headers end, where delimiter lines
 * stand, how many lines text has. Works on windows: `consume` takes what it can decide on and says how much that
 * was; the caller brings the rest again with more behind it. A whole message is one final window, so a streamed
 * and a one-shot parse take the same decisions on the same bytes.
 *
 * Delimiters follow RFC 2046 §5.1.1: a line that begins with `--` and an open boundary, whatever stands behind it;
 * of several the longest wins. A delimiter of an outer multipart ends everything inside it (§5.1.2).
 */
import { Buffer } from 'node:buffer';
import { HEADER_BYTES, MIME_BOUNDARY_BYTES, MIME_DEPTH, MIME_PARTS } from '../wire/limits.ts';
import { enclosesMessage, Entity } from './entity.ts';
import { readFields } from './headers.ts';
import { readMimeHeader } from './mime-header.ts';
import { protocolParameter } from './parameters.ts';

const CR = 13;
const LF = 10;
const DASH = 45;
/** `CR LF -`: what the end of a window may hold of a delimiter's line end. */
const DELIMITER_HEAD = 3;
const LINE_DASHES = Buffer.from('\n--', 'latin1');

/* Results of looking at one place, beside offsets. */
const NOT_HERE = -1;
const UNDECIDED = -2;

/** What the scanner meets on its way, in the order of the bytes. */
export interface ScanListener {
  /** The header of a message, the root or an enclosed one, as an octet string with its field table. */
  messageHeader(entity: Entity, header: string, fields: readonly number[]): void;
  /** The header of an entity that is not inside an enclosed message has been read; its body follows. */
  bodyBegins(entity: Entity): void;
  /** Body bytes of a leaf of the message itself; pieces of one body come in order and without a gap. */
  bodyBytes?(entity: Entity, window: Buffer, from: number, to: number): void;
}

interface OpenMultipart {
  readonly entity: Entity;
  readonly boundary: string;
}

export class MimeScanner {
  readonly root = new Entity(null, 0);

  readonly #listener: ScanListener;
  readonly #open: Entity[] = [this.root];
  /** Multiparts whose delimiters end lines now, outermost first. */
  readonly #delimited: OpenMultipart[] = [];
  #longestBoundary = 0;
  #parts = 1;
  /** Open message/rfc822 entities. */
  #enclosing = 0;
  #state: 'header' | 'long-header' | 'delimiter-line' | 'body' = 'header';
  /** Offset in the message of the window's first byte. */
  #base = 0;
  /** In a header: its bytes up to the line at hand, and up to where no LF was found. */
  #looked = 0;
  #searched = 0;
  /** The part of an overlong header that is read. */
  #cutHeader = '';
  /** The next byte begins a line. */
  #lineStart = true;
  #counting = false;
  #lines = 0;

  constructor(listener: ScanListener) {
    this.#listener = listener;
  }

  /** @returns how many bytes of `window` were taken; the rest comes again, at the start of the next window. */
  consume(window: Buffer, final: boolean): number {
    let at = 0;
    // A step gives the offset where the next one begins, or -1 - offset when it needs more bytes than there are.
    for (let next = 0; next >= 0; ) {
      next = this.#step(window, at, final);
      at = next < 0 ? -1 - next : next;
    }
    this.#base += at;
    if (final) this.#close(0, this.#base);
    return at;
  }

  #step(window: Buffer, at: number, final: boolean): number {
    switch (this.#state) {
      case 'header':
        return this.#header(window, at, final);
      case 'long-header':
        return this.#longHeader(window, at, final);
      case 'delimiter-line':
        return this.#delimiterLine(window, at, final);
      case 'body':
        return this.#body(window, at, final);
    }
  }

  /* ------------------------------------------------------------ headers */

  /** Keeps a header in the window until its end is there. */
  #header(window: Buffer, at: number, final: boolean): number {
    let line = at + this.#looked;
    for (;;) {
      if (line - at >= HEADER_BYTES) return this.#headerTooLong(window, at);
      const end = this.#headerEnd(window, line, final);
      if (end >= 0) return this.#headerDone(window, at, end);
      const lf = end === UNDECIDED ? -1 : window.indexOf(LF, Math.max(line, at + this.#searched));
      if (lf >= 0) {
        line = lf + 1;
        continue;
      }
      if (end === NOT_HERE) {
        if (window.length - at >= HEADER_BYTES) return this.#headerTooLong(window, at);
        this.#searched = window.length - at;
      }
      if (final) return this.#headerDone(window, at, window.length);
      this.#looked = line - at;
      return -1 - at;
    }
  }

  /** Offset where the body begins: behind an empty line, or at a delimiter line that cuts the header off. */
  #headerEnd(window: Buffer, line: number, final: boolean): number {
    if (line === window.length) return UNDECIDED;
    const first = window[line]!;
    if (first === LF) return line + 1;
    if (first === CR) {
      if (line + 1 === window.length) return final ? NOT_HERE : UNDECIDED;
      return window[line + 1] === LF ? line + 2 : NOT_HERE;
    }
    if (first !== DASH || this.#delimited.length === 0) return NOT_HERE;
    if (!this.#canMatch(window, line, final)) return UNDECIDED;
    return this.#match(window, line) === null ? NOT_HERE : line;
  }

  #headerDone(window: Buffer, at: number, bodyStart: number): number {
    this.#count(window, at, bodyStart);
    this.#headerRead(window.toString('latin1', at, Math.min(bodyStart, at + HEADER_BYTES)), this.#base + bodyStart);
    return bodyStart;
  }

  /** HEADER_BYTES of it are read as the header; the rest is passed over up to the empty line. */
  #headerTooLong(window: Buffer, at: number): number {
    const end = at + HEADER_BYTES;
    this.#cutHeader = window.toString('latin1', at, end);
    this.#count(window, at, end);
    this.#lineStart = window[end - 1] === LF;
    this.#state = 'long-header';
    return end;
  }

  #longHeader(window: Buffer, at: number, final: boolean): number {
    for (let from = at; ; ) {
      let end = this.#lineStart ? this.#headerEnd(window, from, final) : NOT_HERE;
      if (end === UNDECIDED && !final) return -1 - from;
      let next = from;
      if (end === NOT_HERE) {
        const lf = window.indexOf(LF, from);
        next = lf < 0 ? window.length : lf + 1;
        this.#lineStart = lf >= 0;
        if (lf < 0 && final) end = window.length;
        else if (lf < 0) {
          this.#count(window, from, next);
          return -1 - next;
        }
      } else next = end === UNDECIDED ? window.length : end;
      this.#count(window, from, next);
      if (end !== NOT_HERE) {
        const header = this.#cutHeader;
        this.#cutHeader = '';
        this.#headerRead(header, this.#base + next);
        return next;
      }
      from = next;
    }
  }

  #headerRead(header: string, bodyStart: number): void {
    const entity = this.#innermost;
    const fields = readFields(header);
    entity.bodyStart = bodyStart;
    entity.header = readMimeHeader(header, fields, entity.inDigest);
    this.#classify(entity);
    entity.lines = -this.#lines;
    if (entity.isMessage) this.#listener.messageHeader(entity, header, fields);
    if (this.#enclosing === 0) this.#listener.bodyBegins(entity);
    if (entity.kind === 'message') {
      this.#enclosing += 1;
      this.#beginPart(entity, bodyStart);
    } else {
      this.#state = 'body';
      this.#lineStart = true;
    }
    this.#chooseCounting();
  }

  #classify(entity: Entity): void {
    const { type, parameters } = entity.header;
    const tooDeep = entity.depth >= MIME_DEPTH;
    if (type === 'text') entity.kind = 'text';
    else if (type === 'multipart' && !tooDeep) {
      entity.kind = 'multipart';
      const boundary = protocolParameter(parameters, 'boundary')?.trimEnd() ?? '';
      if (boundary === '' || boundary.length > MIME_BOUNDARY_BYTES) return;
      this.#delimited.push({ entity, boundary });
      this.#longestBoundary = Math.max(this.#longestBoundary, boundary.length);
    } else if (enclosesMessage(entity.header) && !tooDeep && this.#parts < MIME_PARTS) entity.kind = 'message';
    else entity.kind = 'opaque';
  }

  #beginPart(parent: Entity, headerStart: number): void {
    const part = new Entity(parent, headerStart);
    parent.children.push(part);
    this.#open.push(part);
    this.#parts += 1;
    this.#looked = 0;
    this.#searched = 0;
    this.#state = 'header';
  }

  /* ------------------------------------------------------------- bodies */

  /** Passes over body bytes up to the next delimiter line. */
  #body(window: Buffer, at: number, final: boolean): number {
    let from = at;
    if (this.#delimited.length === 0) {
      this.#pass(window, from, window.length);
      return -1 - window.length;
    }
    if (this.#lineStart) {
      if (!this.#canMatch(window, from, final)) return -1 - from;
      this.#lineStart = false;
      const found = this.#match(window, from);
      if (found !== null) return this.#delimiter(window, found, from, from);
    }
    for (;;) {
      const lf = window.indexOf(LINE_DASHES, from);
      if (lf < 0) break;
      const end = lf > from && window[lf - 1] === CR ? lf - 1 : lf;
      if (!this.#canMatch(window, lf + 1, final)) {
        this.#pass(window, from, end);
        return -1 - end;
      }
      const found = this.#match(window, lf + 1);
      if (found !== null) {
        this.#pass(window, from, end);
        return this.#delimiter(window, found, end, lf + 1);
      }
      this.#pass(window, from, lf + 1);
      from = lf + 1;
    }
    const safe = final ? window.length : Math.max(from, window.length - DELIMITER_HEAD);
    this.#pass(window, from, safe);
    return -1 - safe;
  }

  /** Is enough of the line at `at` in the window to tell whether it is a delimiter? */
  #canMatch(window: Buffer, at: number, final: boolean): boolean {
    if (final || window.length - at >= this.#longestBoundary + 4) return true;
    if (at === window.length) return false;
    return window[at] !== DASH || window.indexOf(LF, at) >= 0;
  }

  /** The open multipart whose delimiter begins at `at`: the longest boundary, of equal ones the innermost. */
  #match(window: Buffer, at: number): OpenMultipart | null {
    if (window[at] !== DASH || window[at + 1] !== DASH) return null;
    let best: OpenMultipart | null = null;
    for (let i = this.#delimited.length - 1; i >= 0; i -= 1) {
      const candidate = this.#delimited[i]!;
      if (best !== null && candidate.boundary.length <= best.boundary.length) continue;
      if (startsWith(window, at + 2, candidate.boundary)) best = candidate;
    }
    return best;
  }

  /** A delimiter line: its line end begins at `end` and ends what is open inside of the multipart it belongs to. */
  #delimiter(window: Buffer, found: OpenMultipart, end: number, dashes: number): number {
    this.#close(this.#open.indexOf(found.entity) + 1, this.#base + end);
    const behind = dashes + 2 + found.boundary.length;
    const isLast = window[behind] === DASH && window[behind + 1] === DASH;
    if (isLast) {
      this.#delimited.splice(this.#delimited.indexOf(found), 1);
      this.#longestBoundary = Math.max(0, ...this.#delimited.map((open) => open.boundary.length));
    }
    this.#state = isLast || this.#parts >= MIME_PARTS ? 'body' : 'delimiter-line';
    this.#chooseCounting();
    this.#count(window, end, behind);
    return behind;
  }

  /** Skips what stands behind a delimiter; a part begins on the next line if there is one. */
  #delimiterLine(window: Buffer, at: number, final: boolean): number {
    const lf = window.indexOf(LF, at);
    if (lf < 0) return -1 - window.length;
    if (lf + 1 === window.length) {
      // Nothing follows: there is no part, and the line end is the multipart's.
      if (final) this.#count(window, lf, lf + 1);
      return -1 - (final ? lf + 1 : lf);
    }
    this.#count(window, lf, lf + 1);
    this.#beginPart(this.#innermost, this.#base + lf + 1);
    this.#chooseCounting();
    return lf + 1;
  }

  /** Ends the open entities from level `depth` of the stack on. */
  #close(depth: number, offset: number): void {
    // The line end in front of a delimiter may be the one that ended the innermost header.
    const end = Math.max(offset, this.#innermost.bodyStart);
    while (this.#open.length > depth) {
      const entity = this.#open.pop()!;
      entity.bodyEnd = end;
      entity.lines += this.#lines;
      if (entity.kind === 'message') this.#enclosing -= 1;
      if (this.#delimited.at(-1)?.entity === entity) this.#delimited.pop();
    }
    this.#longestBoundary = Math.max(0, ...this.#delimited.map((open) => open.boundary.length));
  }

  get #innermost(): Entity {
    return this.#open[this.#open.length - 1] ?? this.root;
  }

  /* -------------------------------------------------------------- lines */

  #chooseCounting(): void {
    const { kind, children } = this.#innermost;
    this.#counting = this.#enclosing > 0 || kind === 'text' || (kind === 'multipart' && children.length === 0);
  }

  #pass(window: Buffer, from: number, to: number): void {
    if (from === to) return;
    this.#count(window, from, to);
    if (this.#enclosing === 0) this.#listener.bodyBytes?.(this.#innermost, window, from, to);
  }

  #count(window: Buffer, from: number, to: number): void {
    if (!this.#counting) return;
    let lines = 0;
    for (let lf = window.indexOf(LF, from); lf >= 0 && lf < to; lf = window.indexOf(LF, lf + 1)) lines += 1;
    this.#lines += lines;
  }
}

function startsWith(window: Buffer, at: number, octets: string): boolean {
  if (window.length - at < octets.length) return false;
  for (let i = 0; i < octets.length; i += 1) if (window[at + i] !== octets.charCodeAt(i)) return false;
  return true;
}
