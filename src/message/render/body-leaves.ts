/**
 * Which parts of a message are its text, and whether they may be touched at all. Converting what is signed or
 * encrypted would break it, so such messages are served as they are (RFC 1847, RFC 8551, RFC 9580); so are those
 * beyond the limits.
 */
import type { Buffer } from 'node:buffer';
import {
  HEADER_BYTES,
  HEADER_FIELDS,
  MIME_PARTS,
  RENDERED_MESSAGE_BYTES,
  RENDERED_TEXT_BYTES,
} from '../../wire/limits.ts';
import { decodeText } from '../charset.ts';
import { enclosesMessage, type Entity } from '../entity.ts';
import { FIELD_STRIDE, readFields } from '../headers.ts';
import { MimeScanner } from '../mime-scanner.ts';
import { parameterText, protocolParameter } from '../parameters.ts';
import { decodeTransfer } from '../transfer-encoding.ts';

export type BodyKind = 'plain' | 'html' | 'enriched';

const PROTECTED_MULTIPARTS = new Set(['signed', 'encrypted']);
const PROTECTED_APPLICATIONS = new Set(['pkcs7-mime', 'x-pkcs7-mime', 'pgp-encrypted', 'pgp']);
/** RFC 9580 §6.2.1: text that is signed or encrypted within itself. */
const ARMOR = '-----BEGIN PGP ';

/** The message as a tree, or null when it must be served as it is. */
export function convertibleTree(bytes: Buffer): Entity | null {
  if (bytes.length > RENDERED_MESSAGE_BYTES) return null;
  const { root } = scan(bytes);
  if (isHeaderFull(bytes, root)) return null;
  const found = { parts: 0, text: 0 };
  return mayConvert(bytes, root, found) ? root : null;
}

/** No field that is put behind it would be read any more. */
function isHeaderFull(bytes: Buffer, { headerStart, bodyStart }: Entity): boolean {
  if (bodyStart - headerStart < HEADER_FIELDS) return false;
  if (bodyStart - headerStart > HEADER_BYTES - ADDED_BYTES) return true;
  const fields = readFields(bytes.toString('latin1', headerStart, bodyStart)).length / FIELD_STRIDE;
  return fields > HEADER_FIELDS - ADDED_FIELDS;
}
/** What a rendered message's header may hold more than that of its original, with the fields of a part. */
const ADDED_BYTES = 64 * 1024;
const ADDED_FIELDS = 20;

function scan(bytes: Buffer): MimeScanner {
  const scanner = new MimeScanner({ messageHeader: () => {}, bodyBegins: () => {} });
  scanner.consume(bytes, true);
  return scanner;
}

function mayConvert(bytes: Buffer, entity: Entity, found: { parts: number; text: number }): boolean {
  found.parts += 1;
  if (found.parts >= MIME_PARTS) return false;
  const { type, subtype } = entity.header;
  switch (entity.kind) {
    case 'multipart':
      return !PROTECTED_MULTIPARTS.has(subtype) && entity.children.every((child) => mayConvert(bytes, child, found));
    // What a message encloses is an attachment of it and stays as it is.
    case 'message':
      return true;
    // Nested too deeply to be looked into.
    case 'opaque':
      return (
        type !== 'multipart' &&
        !enclosesMessage(entity.header) &&
        !(type === 'application' && PROTECTED_APPLICATIONS.has(subtype))
      );
    case 'text': {
      if (bodyKind(entity) === null) return true;
      found.text += entity.bodyEnd - entity.bodyStart;
      return found.text <= RENDERED_TEXT_BYTES && !isArmored(bytes, entity);
    }
  }
}

function isArmored(bytes: Buffer, leaf: Entity): boolean {
  const body = bytes.subarray(leaf.bodyStart, leaf.bodyEnd);
  return body.includes(ARMOR) || (leaf.header.encoding === 'base64' && decodeTransfer(body, 'base64').includes(ARMOR));
}

/** What kind of body text a part is; null for attachments and for everything that is no text for reading. */
export function bodyKind(entity: Entity): BodyKind | null {
  const { type, subtype, disposition } = entity.header;
  if (entity.kind !== 'text' || type !== 'text' || disposition?.kind === 'attachment' || isNamed(entity)) return null;
  switch (subtype) {
    case 'plain':
    case 'html':
    case 'enriched':
      return subtype;
    case 'richtext':
      return 'enriched';
    default:
      return null;
  }
}

/** Text with a file name is a file, whatever its disposition says. */
function isNamed(entity: Entity): boolean {
  const { parameters, disposition } = entity.header;
  return (
    (disposition !== null && parameterText(disposition.parameters, 'filename', null) !== null) ||
    parameterText(parameters, 'name', null) !== null
  );
}

export function isCalendar(entity: Entity): boolean {
  return entity.kind === 'text' && entity.header.subtype === 'calendar';
}

/** Decoded bytes of a leaf, still in its charset. */
export function leafBytes(bytes: Buffer, leaf: Entity): Buffer {
  return decodeTransfer(bytes.subarray(leaf.bodyStart, leaf.bodyEnd), leaf.header.encoding);
}

export function leafText(bytes: Buffer, leaf: Entity): string {
  return decodeText(leafBytes(bytes, leaf), protocolParameter(leaf.header.parameters, 'charset'));
}
