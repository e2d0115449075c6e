/**
 * A message out of header fields and a tree of parts: MIME by nodemailer's MimeNode, blobs streamed through it, so that
 * an attachment of any size costs a few buffers. The bytes that come out are the original from then on. Knows nothing
 * of JMAP's methods.
 */
import { Buffer } from 'node:buffer';
import { Readable } from 'node:stream';
import MimeNode from 'nodemailer/lib/mime-node';
import type { DraftPart } from './draft-body.ts';
import type { WrittenField } from './header-writing.ts';

/** Decoded octets of a blob, from the beginning; asked for once, when its turn has come. */
export type BlobBytes = (blobId: string) => AsyncIterable<Buffer>;

/** Characters of a text that are encoded in one turn of the event loop; a longer one goes through in pieces. */
const TEXT_AT_ONCE = 32 * 1024;

/** The message in pieces. @throws what `blob` throws */
export async function* composed(
  fields: readonly WrittenField[],
  body: DraftPart,
  blob: BlobBytes,
): AsyncGenerator<Buffer> {
  const header = fields.map(({ name, value }) => `${name}: ${value}\r\n`).join('');
  yield Buffer.from(`${header}MIME-Version: 1.0\r\n`, 'utf8');
  // Within a node of its own, so that no Date and no Message-ID are put in front of it a second time.
  const around = new MimeNode('multipart/mixed', CLOSED);
  const stream = addPart(around, body, blob).createReadStream();
  try {
    for await (const chunk of stream) if (Buffer.isBuffer(chunk)) yield chunk;
  } finally {
    stream.destroy();
  }
}

const CLOSED = { disableFileAccess: true, disableUrlAccess: true } as const;

function addPart(parent: MimeNode, part: DraftPart, blob: BlobBytes): MimeNode {
  const node = parent.createChild(typeOf(part), {
    ...CLOSED,
    ...(part.name === null || part.disposition === null ? {} : { filename: part.name }),
  });
  if (part.disposition !== null) node.setHeader('Content-Disposition', part.disposition);
  if (part.cid !== null) node.setHeader('Content-ID', `<${part.cid}>`);
  for (const { name, value } of part.fields) node.setHeader(name, { prepared: true, value });
  switch (part.kind) {
    case 'multipart':
      for (const child of part.children) addPart(node, child, blob);
      break;
    case 'text':
      setText(node, part.text);
      break;
    case 'blob':
      node.setHeader('Content-Transfer-Encoding', blobEncoding(part.type));
      node.setContent(Readable.from(blob(part.blobId), { objectMode: false }));
      break;
  }
  return node;
}

/** RFC 2046 §5.2.1: a message within a message is not encoded. */
const blobEncoding = (type: string): string => (type === 'message/rfc822' ? '8bit' : 'base64');

function typeOf(part: DraftPart): string {
  const parameters: string[] = [];
  if (part.kind === 'text') parameters.push('charset=utf-8');
  if (part.kind === 'blob' && part.charset !== null) parameters.push(`charset=${part.charset}`);
  // With a disposition the name is a parameter of that, and nodemailer repeats it here.
  if (part.name !== null && part.disposition === null)
    parameters.push(`name="${part.name.replaceAll(/["\\]/g, '\\$&')}"`);
  return [part.type, ...parameters].join('; ');
}

/** Lines end in LF in JMAP (RFC 8621 §4.1.4) and in CRLF in messages. */
function setText(node: MimeNode, text: string): void {
  const lines = text.replaceAll(/\r\n|\r|\n/g, '\r\n');
  if (lines.length <= TEXT_AT_ONCE) {
    node.setContent(lines);
    return;
  }
  node.setHeader('Content-Transfer-Encoding', 'quoted-printable');
  node.setContent(Readable.from(pieces(lines), { objectMode: false }));
}

/** Cut behind a line end where there is one, so that no CRLF and no character falls apart. */
function* pieces(text: string): Generator<Buffer> {
  for (let at = 0; at < text.length; ) {
    const lineEnd = text.lastIndexOf('\n', at + TEXT_AT_ONCE);
    let end = lineEnd >= at ? lineEnd + 1 : Math.min(text.length, at + TEXT_AT_ONCE);
    if (at + TEXT_AT_ONCE >= text.length) end = text.length;
    const last = text.charCodeAt(end - 1);
    if (end < text.length && (last === 0x0d || (last >= 0xd800 && last < 0xdc00))) end -= 1;
    yield Buffer.from(text.slice(at, end), 'utf8');
    at = end;
  }
}
