/** Puts the sections of a fragment together once a message has been scanned. */
import { Buffer } from 'node:buffer';
import type { Address } from './address-list.ts';
import { baseSubjectOf, SORT_KEY_CHARACTERS } from './base-subject.ts';
import { writeBody, writeBodyStructure } from './body-structure.ts';
import { ByteSink } from './byte-sink.ts';
import { parseDate } from './date.ts';
import { decodeWords } from './encoded-word.ts';
import type { Entity } from './entity.ts';
import { writeEnvelope } from './envelope.ts';
import { COMMON_FIELDS, UNKNOWN_FIELD } from './field-names.ts';
import { foldText } from './fold.ts';
import {
  beginFragment,
  commonFieldEntry,
  endSection,
  finishFragment,
  SECTION,
  type SortFields,
  writeParts,
  writeSearchText,
  writeSortFields,
} from './fragment.ts';
import { FIELD_STRIDE } from './headers.ts';
import { MessageHeader } from './message-header.ts';
import { messageIdOf, messageIds, threadKey } from './message-id.ts';
import type { ParsedMessage, Part } from './model.ts';
import { parameterText, protocolParameter } from './parameters.ts';
import { previewOf } from './preview.ts';

/** Characters of a file name, media type or charset name kept in the parts table. */
const PART_TEXT_CHARACTERS = 1000;

export interface ScannedMessage {
  readonly root: Entity;
  readonly size: number;
  /** Header of the message as an octet string, and its field table. */
  readonly header: string;
  readonly fields: readonly number[];
  /** First text bodies with their beginnings. */
  readonly plain: Entity | null;
  readonly plainHead: Buffer | null;
  readonly html: Entity | null;
  readonly htmlHead: Buffer | null;
}

/** Used for one message at a time: everything here is synchronous. */
const out = new ByteSink();

export function buildFragment(scanned: ScannedMessage): ParsedMessage {
  const { root } = scanned;
  const message = new MessageHeader(scanned.header, scanned.fields);
  const charset = charsetOf(root);
  beginFragment(out);
  out.octets(' ENVELOPE ');
  writeEnvelope(out, message);
  endSection(out, SECTION.envelope);
  out.octets(' BODYSTRUCTURE ');
  writeBodyStructure(out, root);
  endSection(out, SECTION.bodyStructure);
  out.octets(' BODY ');
  writeBody(out, root);
  endSection(out, SECTION.body);
  writeFields(scanned.header, scanned.fields);
  endSection(out, SECTION.fields);
  const parts: Part[] = [];
  collectParts(parts, root, []);
  writeParts(out, parts);
  endSection(out, SECTION.parts);
  const subject = decodeWords(message.value('subject') ?? '', charset);
  writeSearchText(out, (field) =>
    out.utf8(foldText(field === 'subject' ? subject : decodeWords(message.value(field) ?? '', charset))),
  );
  endSection(out, SECTION.search);
  const sort = sortFields(message, subject, charset);
  writeSortFields(out, sort);
  endSection(out, SECTION.sort);
  out.utf8(preview(scanned));
  endSection(out, SECTION.preview);
  finishFragment(out, root.bodyStart);

  const date = message.value('date');
  const sent = date === null ? null : parseDate(date);
  const ids = sort.messageId === null ? sort.references : [sort.messageId, ...sort.references];
  return {
    fragment: Buffer.from(out.bytes.subarray(0, out.length)),
    size: scanned.size,
    sentDate: sent === null ? null : sent.seconds,
    sentDay: sent === null ? null : sent.day,
    threadKeys: ids.map(threadKey),
    baseSubject: sort.baseSubject,
  };
}

function writeFields(header: string, fields: readonly number[]): void {
  const count = out.length;
  out.u16(0);
  let found = 0;
  for (let i = 0; i < fields.length; i += FIELD_STRIDE) {
    const field = fields[i]!;
    if (field === UNKNOWN_FIELD || field >= COMMON_FIELDS.length) continue;
    out.u32(commonFieldEntry(field, fields[i + 3]! - fields[i + 1]!));
    found += 1;
  }
  out.bytes[count] = found;
  out.bytes[count + 1] = found >>> 8;
  let from = 0;
  let to = 0;
  for (let i = 0; i < fields.length; i += FIELD_STRIDE) {
    const field = fields[i]!;
    if (field === UNKNOWN_FIELD || field >= COMMON_FIELDS.length) continue;
    if (fields[i + 1] !== to) {
      out.octets(header.slice(from, to));
      from = fields[i + 1]!;
    }
    to = fields[i + 3]!;
  }
  out.octets(header.slice(from, to));
}

/** Numbers parts as RFC 9051 §6.4.5.1 does; see sections.ts. */
function collectParts(parts: Part[], entity: Entity, path: readonly number[]): void {
  const { header } = entity;
  const { type, subtype } = entity.contentType;
  const charset = charsetOf(entity);
  const fileName =
    (header.disposition === null ? null : parameterText(header.disposition.parameters, 'filename', charset)) ??
    parameterText(header.parameters, 'name', charset);
  parts.push({
    path,
    headerStart: entity.headerStart,
    bodyStart: entity.bodyStart,
    bodyEnd: entity.bodyEnd,
    mediaType: `${type}/${subtype}`.slice(0, PART_TEXT_CHARACTERS),
    charset: charset === null ? null : charset.slice(0, PART_TEXT_CHARACTERS),
    encoding: header.encoding.slice(0, PART_TEXT_CHARACTERS),
    fileName: fileName === null ? null : fileName.slice(0, PART_TEXT_CHARACTERS).toWellFormed(),
    disposition: header.disposition === null ? null : header.disposition.kind.slice(0, PART_TEXT_CHARACTERS),
  });
  if (entity.kind === 'multipart') {
    for (const [index, child] of entity.children.entries()) collectParts(parts, child, [...path, index + 1]);
    return;
  }
  const [message] = entity.children;
  if (message === undefined) return;
  // The message itself is part 1 when it is no multipart.
  const own = path.length === 0 ? [1] : path;
  const hasOwnNumber = message.kind !== 'multipart' || message.children.length === 0;
  collectParts(parts, message, hasOwnNumber ? [...own, 1] : own);
}

function charsetOf(entity: Entity): string | null {
  const value = protocolParameter(entity.contentType.parameters, 'charset');
  return value === null || value === '' ? null : value;
}

function sortFields(message: MessageHeader, subject: string, charset: string | null): SortFields {
  const from = firstAddress(message.addresses('from'));
  const to = firstAddress(message.addresses('to'));
  const cc = firstAddress(message.addresses('cc'));
  const base = baseSubjectOf(subject);
  const ownId = message.value('message-id');
  const references = messageIds(message.value('references') ?? '');
  return {
    baseSubject: sortKey(base.text, null),
    subjectIsReply: base.isReply,
    from: sortKey(from?.mailbox ?? '', charset),
    to: sortKey(to?.mailbox ?? '', charset),
    cc: sortKey(cc?.mailbox ?? '', charset),
    displayFrom: displayName(from, charset),
    displayTo: displayName(to, charset),
    messageId: ownId === null ? null : messageIdOf(ownId),
    // RFC 5256 §3 REFERENCES (1): without References the first id of In-Reply-To.
    references: references.length > 0 ? references : messageIds(message.value('in-reply-to') ?? '').slice(0, 1),
  };
}

/** RFC 5256 §3 sorts by the first address; a group's name is none. */
function firstAddress(addresses: readonly Address[]): Address | null {
  for (const address of addresses) if (address.host !== null && address.mailbox !== null) return address;
  return null;
}

/** RFC 5957 §3: the decoded display name, else the address. */
function displayName(address: Address | null, charset: string | null): string {
  if (address === null) return '';
  if (address.name !== null) return sortKey(address.name, charset);
  return sortKey(address.host === '' ? (address.mailbox ?? '') : `${address.mailbox}@${address.host}`, charset);
}

function sortKey(octets: string, charset: string | null): string {
  return foldText(decodeWords(octets, charset)).slice(0, SORT_KEY_CHARACTERS).toWellFormed();
}

function preview(scanned: ScannedMessage): string {
  const { plain, plainHead, html, htmlHead } = scanned;
  const text = plain === null || plainHead === null ? '' : previewOf(source(plain, plainHead, false));
  return text !== '' || html === null || htmlHead === null ? text : previewOf(source(html, htmlHead, true));
}

function source(
  entity: Entity,
  head: Buffer,
  isHtml: boolean,
): { head: Buffer; isHtml: boolean; encoding: string; charset: string | null } {
  return { head, isHtml, encoding: entity.header.encoding, charset: charsetOf(entity) };
}
