/**
 * A tree of parts (node.ts) to the bytes of a message (RFC 2045, RFC 2046). The fields of the original's header stay
 * as they are, byte for byte, but for those that describe the content; lines of it that are no field are left out,
 * because other readers take them for the end of the header. The same tree gives the same bytes: boundaries come
 * from a hash of the original.
 */
import { Buffer, isAscii } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { Entity } from '../entity.ts';
import { selectFields } from '../headers.ts';
import { protocolParameter } from '../parameters.ts';
import { encodeBase64, encodeText } from './content-encoding.ts';
import type { Node } from './node.ts';

/** RFC 2045 §3, RFC 2183, RFC 1864, RFC 3282, RFC 2557: what describes a body goes with it. */
const CONTENT_FIELDS: ReadonlySet<string> = new Set([
  'content-type',
  'content-transfer-encoding',
  'content-disposition',
  'content-id',
  'content-description',
  'content-md5',
  'content-language',
  'content-location',
  'content-base',
  'content-features',
  'content-duration',
]);
/** Not of a header that stays: `Content-Length` of old mailboxes would now be wrong. */
const LEFT_OUT: ReadonlySet<string> = new Set([...CONTENT_FIELDS, 'mime-version', 'content-length', 'lines']);
/** Fields that tell of the encoded form of a body that is encoded anew. */
const OF_ENCODING: ReadonlySet<string> = new Set([
  'content-transfer-encoding',
  'content-md5',
  'content-length',
  'lines',
]);

/** In front of a message it is a mistake that makes the first field unreadable to others. */
const BYTE_ORDER_MARK = Buffer.from('\ufeff', 'utf8');
const CRLF = Buffer.from('\r\n', 'latin1');
/** Octets of the original that go into the hash; its size does, too. */
const HASHED_BYTES = 16 * 1024;
const HASH_CHARACTERS = 24;

/** MIME fields with line ends, and the body behind the empty line. */
interface Part {
  readonly fields: readonly Buffer[];
  readonly body: readonly Buffer[];
}

/** `extraFields`: whole lines put behind the original's. */
export function writeMessage(original: Buffer, root: Entity, node: Node, extraFields = ''): Buffer {
  const writer = new MessageWriter(original, root);
  const { fields, body } = writer.part(node);
  const start = original.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.length : 0;
  const header = original.subarray(root.headerStart + start, root.bodyStart);
  const pieces = [
    ...lines(selectFields(header, LEFT_OUT, true)),
    Buffer.from(`${extraFields}MIME-Version: 1.0\r\n`, 'latin1'),
    ...fields,
    CRLF,
    ...body,
  ];
  if (!endsLine(body)) pieces.push(CRLF);
  return Buffer.concat(pieces);
}

class MessageWriter {
  readonly #original: Buffer;
  readonly #root: Entity;
  #hash = '';
  #boundaries = 0;

  constructor(original: Buffer, root: Entity) {
    this.#original = original;
    this.#root = root;
  }

  part(node: Node): Part {
    switch (node.kind) {
      case 'kept':
        return { fields: this.#fieldsOf(node.entity, CONTENT_FIELDS), body: [this.#bodyOf(node.entity)] };
      case 'text': {
        const bytes = Buffer.from(canonical(node.text), 'utf8');
        const charset = node.subtype !== 'html' && isAscii(bytes) ? 'us-ascii' : 'utf-8';
        return encoded(`Content-Type: text/${node.subtype}; charset=${charset}\r\n`, encodeText(bytes));
      }
      case 'changed': {
        const fields = this.#fieldsOf(
          node.entity,
          new Set([...CONTENT_FIELDS].filter((name) => !OF_ENCODING.has(name))),
        );
        const { encoding, bytes } = encodeText(node.content);
        return {
          fields: [...fields, Buffer.from(`Content-Transfer-Encoding: ${encoding}\r\n`, 'latin1')],
          body: [bytes],
        };
      }
      case 'binary':
        return encoded(node.fields, encodeBase64(node.content));
      case 'refilled': {
        const boundary = protocolParameter(node.entity.header.parameters, 'boundary')?.trimEnd() ?? '';
        return { fields: this.#fieldsOf(node.entity, CONTENT_FIELDS), body: this.#enclose(node.children, boundary) };
      }
      case 'multipart': {
        const boundary = this.#boundary();
        const body = this.#enclose(node.children, boundary);
        // RFC 2045 §6.4: a multipart says whether anything in it has octets above 127.
        const encoding = body.every((piece) => isAscii(piece)) ? '7bit' : '8bit';
        const type = `Content-Type: multipart/${node.subtype}${node.parameters};\r\n boundary="${boundary}"\r\n`;
        return {
          fields: [Buffer.from(`${type}Content-Transfer-Encoding: ${encoding}\r\n`, 'latin1')],
          body,
        };
      }
    }
  }

  #enclose(children: readonly Node[], boundary: string): Buffer[] {
    const delimiter = Buffer.from(`--${boundary}\r\n`, 'latin1');
    const body: Buffer[] = [];
    for (const child of children) {
      if (body.length > 0) body.push(CRLF);
      body.push(delimiter);
      // As a part inside a part the original's header fits as it is.
      if (child.kind === 'kept' && child.entity.parent !== null) {
        body.push(this.#original.subarray(child.entity.headerStart, child.entity.bodyEnd));
        continue;
      }
      const part = this.part(child);
      body.push(...part.fields, CRLF, ...part.body);
    }
    body.push(Buffer.from(`\r\n--${boundary}--\r\n`, 'latin1'));
    return body;
  }

  #fieldsOf(entity: Entity, names: ReadonlySet<string>): Buffer[] {
    return lines(selectFields(this.#original.subarray(entity.headerStart, entity.bodyStart), names, false));
  }

  #bodyOf(entity: Entity): Buffer {
    return this.#original.subarray(entity.bodyStart, entity.bodyEnd);
  }

  #boundary(): string {
    for (let salt = 0; this.#hash === ''; salt += 1) {
      const hash = createHash('sha256')
        .update(`${salt} ${this.#original.length} `)
        .update(this.#original.subarray(0, this.#root.bodyStart + HASHED_BYTES))
        .digest('hex')
        .slice(0, HASH_CHARACTERS);
      if (!this.#original.includes(hash)) this.#hash = hash;
    }
    this.#boundaries += 1;
    // The number stands first, so that no boundary is the beginning of another one; `=_` occurs in no encoding.
    return `=_${this.#boundaries}_${this.#hash}`;
  }
}

function encoded(fields: string, { encoding, bytes }: { encoding: string; bytes: Buffer }): Part {
  return {
    fields: [Buffer.from(`${fields}Content-Transfer-Encoding: ${encoding}\r\n`, 'latin1')],
    body: [bytes],
  };
}

/** The last field of a header that breaks off gets its line end. */
function lines(fields: Buffer[]): Buffer[] {
  return fields.length === 0 || endsLine(fields) ? fields : [...fields, CRLF];
}

function endsLine(pieces: readonly Buffer[]): boolean {
  const last = pieces.findLast((piece) => piece.length > 0);
  return last !== undefined && last[last.length - 1] === 10;
}

/** RFC 2046 §4.1.1: lines of text end with CRLF. */
function canonical(text: string): string {
  const lines = text.replaceAll('\0', '').replaceAll(/\r\n|\r|\n/g, '\r\n');
  return lines === '' || lines.endsWith('\r\n') ? lines : `${lines}\r\n`;
}
