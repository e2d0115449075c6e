/**
 * A message with UTF-8 header fields (RFC 6532) for a client that has not said it can read them: header fields in
 * ASCII, bodies untouched (RFC 6858; RFC 6856 §2.1 for POP3, RFC 9755 §7 for IMAP). Answers as edits of the original,
 * so that a message of any size can be sent on without being held. Pure.
 *
 * Subject and display names become encoded words. A domain becomes A-labels. An address whose local part is not ASCII
 * cannot be written at all: RFC 6858 §2.1 puts an address of .invalid there. MIME parameters, which RFC 6858 §2.2
 * leaves out, become RFC 2231 ones, so that attachments keep their names. Other fields are left out (§2.4).
 *
 * A field with octets that are no UTF-8 is none of this: it is broken mail of the nineties and passes as it came.
 */
import { Buffer, isAscii, isUtf8 } from 'node:buffer';
import { domainToASCII } from 'node:url';
import { type Address, parseAddressList } from './address-list.ts';
import { decodeWords } from './encoded-word.ts';
import { encodedWords, localPart, phrase } from './encode-words.ts';
import { fieldValue, octetsOf } from './octet-string.ts';
import { type Parameter, parseContentType, parseDisposition } from './parameters.ts';

/** Octets [start, end) of the original are replaced. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly bytes: Buffer;
}

const LF = 10;
const SPACE = 32;
const TAB = 9;
const ADDRESS_FIELDS = new Set([
  'from',
  'sender',
  'reply-to',
  'to',
  'cc',
  'bcc',
  'resent-from',
  'resent-sender',
  'resent-reply-to',
  'resent-to',
  'resent-cc',
  'resent-bcc',
  'return-path',
  'disposition-notification-to',
]);
const TEXT_FIELDS = new Set(['subject', 'comments', 'content-description', 'thread-topic', 'organization']);
/** RFC 6858 §2.1. */
const INVALID_ADDRESS = 'invalid@internationalized-address.invalid';

/**
 * Edits that make one entity's header ASCII; none: it is already, or it is no UTF-8.
 * @param header up to and with the empty line
 * @param offset where it begins in the message
 */
export function surrogateEdits(header: Buffer, offset: number): Edit[] {
  if (isAscii(header)) return [];
  const edits: Edit[] = [];
  for (let start = 0; start < header.length; ) {
    const end = fieldEnd(header, start);
    const field = header.subarray(start, end);
    if (!isAscii(field) && isUtf8(field)) {
      edits.push({ start: offset + start, end: offset + end, bytes: Buffer.from(surrogateField(field), 'latin1') });
    }
    start = end;
  }
  return edits;
}

/** How many octets longer (or shorter) the edits make a message. */
export function growth(edits: readonly Edit[]): number {
  let octets = 0;
  for (const { start, end, bytes } of edits) octets += bytes.length - (end - start);
  return octets;
}

/** The whole message with its edits, in order. */
export function edited(message: Buffer, edits: readonly Edit[]): Buffer {
  const pieces: Buffer[] = [];
  let from = 0;
  for (const { start, end, bytes } of edits) {
    pieces.push(message.subarray(from, start), bytes);
    from = end;
  }
  pieces.push(message.subarray(from));
  return Buffer.concat(pieces);
}

/** The same for a message that comes in chunks. */
export async function* editedChunks(chunks: AsyncIterable<Buffer>, edits: readonly Edit[]): AsyncGenerator<Buffer> {
  let next = 0;
  let at = 0;
  for await (const chunk of chunks) {
    const end = at + chunk.length;
    let from = at;
    for (let edit = edits[next]; edit !== undefined && edit.start < end; edit = edits[next]) {
      if (edit.start >= from && edit.start >= at) {
        if (edit.start > from) yield chunk.subarray(from - at, edit.start - at);
        if (edit.bytes.length > 0) yield edit.bytes;
      }
      from = Math.min(end, edit.end);
      // The rest of a field that goes on in the next chunk is passed over there.
      if (edit.end > end) break;
      next += 1;
    }
    if (from === at) yield chunk;
    else if (from < end) yield chunk.subarray(from - at);
    at = end;
  }
}

/** Offset behind the field that starts at `start`, continuation lines included. */
function fieldEnd(header: Buffer, start: number): number {
  for (let from = start; ; ) {
    const lf = header.indexOf(LF, from);
    if (lf < 0) return header.length;
    const next = header[lf + 1];
    if (next !== SPACE && next !== TAB) return lf + 1;
    from = lf + 1;
  }
}

/** Empty: the field is left out. */
function surrogateField(field: Buffer): string {
  const octets = field.toString('latin1');
  const colon = octets.indexOf(':');
  const name = octets.slice(0, Math.max(0, colon)).trimEnd();
  const lower = name.toLowerCase();
  const value = fieldValue(octets, colon + 1, octets.length);
  if (ADDRESS_FIELDS.has(lower)) return line(name, addressList(parseAddressList(value)));
  if (TEXT_FIELDS.has(lower)) return line(name, encodedWords(decodeWords(value, null)));
  if (lower === 'content-type') {
    const type = parseContentType(value);
    return type === null ? '' : line(name, `${type.type}/${type.subtype}${parameters(type.parameters)}`);
  }
  if (lower === 'content-disposition') {
    const disposition = parseDisposition(value);
    return disposition === null ? '' : line(name, `${disposition.kind}${parameters(disposition.parameters)}`);
  }
  return '';
}

/** What the parts of a value may still hold of other octets (a type, a kind) makes the field unfit to be sent. */
const line = (name: string, value: string): string => (value === '' || !isPlain(value) ? '' : `${name}: ${value}\r\n`);

const isPlain = (text: string): boolean => /^[\x20-\x7e\t\r\n]*$/.test(text);

function addressList(addresses: readonly Address[]): string {
  const parts: string[] = [];
  let group: string[] | null = null;
  let groupName = '';
  for (const address of addresses) {
    if (address.host === null) {
      if (address.mailbox !== null) {
        groupName = displayName(address.mailbox);
        group = [];
      } else if (group !== null) {
        parts.push(`${groupName}:${group.length === 0 ? '' : ' '}${group.join(',\r\n ')};`);
        group = null;
      }
    } else (group ?? parts).push(oneAddress(address));
  }
  return parts.join(',\r\n ');
}

function oneAddress({ name, mailbox, host }: Address): string {
  const local = mailbox ?? '';
  const domain = isPlain(host ?? '') ? (host ?? '') : domainToASCII(textOf(host ?? ''));
  const shown = name === null || name === '' ? null : displayName(name);
  if (!isPlain(local) || (domain === '' && host !== '')) {
    return `${shown ?? encodedWords(textOf(`${local}@${host ?? ''}`))} <${INVALID_ADDRESS}>`;
  }
  const spec = domain === '' ? localPart(local) : `${localPart(local)}@${domain}`;
  return shown === null ? spec : `${shown}${shown.includes('\r\n') ? '\r\n ' : ' '}<${spec}>`;
}

const displayName = (octets: string): string => phrase(decodeWords(octets, null));

const textOf = (octets: string): string => octetsOf(octets).toString('utf8');

/** RFC 2045 §5.1: brackets would begin a comment. */
const TOKEN = /^[!#-'*+\-.0-9A-Z^-~]+$/;
/** RFC 2231 §7: what stands behind `name*=` is never quoted. */
const isExtended = (name: string, value: string): boolean => name.endsWith('*') && EXTENDED.test(value);
const EXTENDED = /^(?:[\w-]*'[\w-]*')?[!#$&+\-.0-9A-Z^-~%]*$/;

function parameters(all: readonly Parameter[]): string {
  let text = '';
  for (const { name, value } of all) {
    if (!isPlain(name)) continue;
    if (isPlain(value)) {
      const isToken = TOKEN.test(value) || isExtended(name, value);
      text += `;\r\n ${name}=${isToken ? value : `"${value.replaceAll(/["\\]/g, '\\$&')}"`}`;
    } else if (!name.includes('*')) {
      text += `;\r\n ${name}*=UTF-8''${percentEncoded(textOf(value))}`;
    }
  }
  return text;
}

/** RFC 2231 §7 attribute-char as they are. */
const percentEncoded = (text: string): string => encodeURIComponent(text).replaceAll(/['()*]/g, percent);
const percent = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;

const DELIMITER = Buffer.from('\n--', 'latin1');
const HEADER_END = Buffer.from('\r\n\r\n', 'latin1');
const EMBEDDED = /message\//i;

/**
 * Whether no header of a message, whose own one is `top`, can hold anything but ASCII; then there is nothing to edit.
 * Looks at each text between a line that begins like a delimiter (RFC 2046 §5.1.1) and the next empty line, at memory
 * speed. False where that cannot be said without parsing: an embedded message has headers of its own.
 */
export function headersAreAscii(message: Buffer, top: Buffer): boolean {
  if (!isAscii(top) || EMBEDDED.test(top.toString('latin1'))) return false;
  for (let at = message.indexOf(DELIMITER); at >= 0; ) {
    const end = message.indexOf(HEADER_END, at);
    const header = message.subarray(at, end < 0 ? message.length : end);
    if (!isAscii(header) || EMBEDDED.test(header.toString('latin1'))) return false;
    at = end < 0 ? -1 : message.indexOf(DELIMITER, end);
  }
  return true;
}
