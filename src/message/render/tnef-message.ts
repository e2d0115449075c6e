/**
 * MessageRetrievalMimeFormat 6: the message as winmail.dat for Outlook (MS-OXTNEF), with its text beside it for
 * everyone else. Bodies, subject, date and attachments go into the stream; meeting messages keep text/calendar beside
 * it, because their Outlook form (IPM.Schedule) would need the calendar's own properties.
 */
import { Buffer } from 'node:buffer';
import { RENDERED_TNEF_BYTES } from '../../wire/limits.ts';
import { parseDate } from '../date.ts';
import type { Entity } from '../entity.ts';
import { fieldTexts } from '../headers.ts';
import { parameterText } from '../parameters.ts';
import { firstBody, KINDS } from './body-group.ts';
import { bodyKind, convertibleTree, leafBytes, leafText } from './body-leaves.ts';
import { writeMessage } from './message-writer.ts';
import { multipart, type Node } from './node.ts';
import { convertText } from './text-conversion.ts';
import { ATTRIBUTE, legacyString, longWords, PropertyList, shortString, TnefWriter } from './tnef-writer.ts';

/* Property ids (MS-OXPROPS). */
const PR_MESSAGE_CLASS = 0x001a;
const PR_SUBJECT = 0x0037;
const PR_CLIENT_SUBMIT_TIME = 0x0039;
const PR_TNEF_CORRELATION_KEY = 0x007f;
const PR_BODY = 0x1000;
const PR_HTML = 0x1013;
const PR_INTERNET_MESSAGE_ID = 0x1035;
const PR_NATIVE_BODY = 0x1016;
const PR_INTERNET_CPID = 0x3fde;
const PR_MESSAGE_CODEPAGE = 0x3ffd;
const PR_ATTACH_EXTENSION = 0x3703;
const PR_ATTACH_METHOD = 0x3705;
const PR_ATTACH_LONG_FILENAME = 0x3707;
const PR_RENDERING_POSITION = 0x370b;
const PR_ATTACH_MIME_TAG = 0x370e;
const PR_ATTACH_CONTENT_ID = 0x3712;
const PR_ATTACH_CONTENT_LOCATION = 0x3713;
const PR_ATTACH_FLAGS = 0x3714;
const PR_ATTACHMENT_HIDDEN = 0x7ffe;

const UTF8_CODEPAGE = 65_001;
const WESTERN_CODEPAGE = 1252;
const NATIVE_PLAIN = 1;
const NATIVE_HTML = 3;
const ATTACH_BY_VALUE = 1;
/** MS-OXCMSG 2.2.2.18: the body shows it. */
const SHOWN_IN_HTML = 4;
const NO_POSITION = 0xffffffff;
/** TNEF 1.0. */
const VERSION = 0x0001_0000;

/** Null: it is TNEF already, or may not be converted. */
export function asTnef(bytes: Buffer): Buffer | null {
  const root = bytes.length > RENDERED_TNEF_BYTES ? null : convertibleTree(bytes);
  if (root === null || holdsTnef(root)) return null;
  const header = bytes.subarray(root.headerStart, root.bodyStart);
  const body = firstBody(root);
  const shown = new Set(KINDS.flatMap((kind) => body?.variants[kind]?.leaves ?? []));
  const calendars = new Set(body?.calendars);
  const attached = leavesOf(root).filter(
    (leaf) => !shown.has(leaf) && !calendars.has(leaf) && !isRepeated(leaf, body !== null),
  );
  const plain = body?.variants.plain ?? null;
  const html = body?.variants.html ?? null;
  const source = plain ?? html ?? body?.variants.enriched ?? null;
  const text = source === null ? '' : convertText(bytes, source.leaves, 'plain');
  const stream = writeStream({
    subject: fieldTexts(header, 'subject')[0] ?? '',
    messageId: fieldTexts(header, 'message-id')[0] ?? '',
    date: dateOf(fieldTexts(header, 'date')[0] ?? ''),
    text,
    html: html === null ? null : html.leaves.map((leaf) => leafText(bytes, leaf)).join('\r\n'),
    attachments: attached.map((leaf, index) => attachmentOf(bytes, leaf, index)),
  });
  const shownText: Node = { kind: 'text', subtype: 'plain', text };
  const kept = [...calendars].map((entity): Node => ({ kind: 'kept', entity }));
  const winmail: Node = {
    kind: 'binary',
    fields:
      'Content-Type: application/ms-tnef; name="winmail.dat"\r\n' +
      'Content-Disposition: attachment; filename="winmail.dat"\r\n',
    content: stream,
  };
  return writeMessage(bytes, root, multipart('mixed', [multipart('alternative', [shownText, ...kept]), winmail]));
}

/** Seconds since 1970; null when FILETIME has no room for it. */
function dateOf(value: string): number | null {
  const seconds = parseDate(value)?.seconds ?? null;
  return seconds !== null && seconds >= FIRST_SECOND && seconds <= LAST_SECOND ? seconds : null;
}
/** 1601 and 9999. */
const FIRST_SECOND = -11_644_473_600;
const LAST_SECOND = 253_402_300_799;

function holdsTnef(entity: Entity): boolean {
  const { type, subtype } = entity.header;
  if (type === 'application' && (subtype === 'ms-tnef' || subtype === 'vnd.ms-tnef')) return true;
  return entity.kind === 'multipart' && entity.children.some(holdsTnef);
}

/** Everything that is no multipart, in the order of the bytes; enclosed messages count as one. */
function leavesOf(entity: Entity): Entity[] {
  return entity.kind === 'multipart' ? entity.children.flatMap(leavesOf) : [entity];
}

/** Another form of a body that is in the stream. */
function isRepeated(leaf: Entity, hasBody: boolean): boolean {
  return hasBody && leaf.parent?.header.subtype === 'alternative' && (bodyKind(leaf) !== null || leaf.kind === 'text');
}

interface TnefAttachment {
  readonly name: string;
  readonly mediaType: string;
  readonly contentId: string | null;
  readonly location: string | null;
  readonly isInline: boolean;
  readonly data: Buffer;
}

function attachmentOf(bytes: Buffer, leaf: Entity, index: number): TnefAttachment {
  const { header } = leaf;
  const isMessage = leaf.kind === 'message';
  return {
    name: fileName(leaf) ?? `attachment-${index + 1}${isMessage ? '.eml' : leaf.kind === 'text' ? '.txt' : '.dat'}`,
    mediaType: `${header.type}/${header.subtype}`,
    contentId: header.id?.replaceAll(/^\s*<|>\s*$/g, '') ?? null,
    location: header.location,
    isInline: header.id !== null && header.disposition?.kind !== 'attachment',
    data: isMessage ? bytes.subarray(leaf.bodyStart, leaf.bodyEnd) : leafBytes(bytes, leaf),
  };
}

function fileName(leaf: Entity): string | null {
  const { disposition, parameters } = leaf.header;
  const name =
    (disposition === null ? null : parameterText(disposition.parameters, 'filename', null)) ??
    parameterText(parameters, 'name', null);
  return name === null ? null : name.replaceAll(/[\u0000-\u001f/\\]/gu, '_').slice(0, NAME_CHARACTERS) || null;
}
const NAME_CHARACTERS = 255;

interface TnefContent {
  readonly subject: string;
  readonly messageId: string;
  /** Seconds since 1970. */
  readonly date: number | null;
  readonly text: string;
  readonly html: string | null;
  readonly attachments: readonly TnefAttachment[];
}

function writeStream(content: TnefContent): Buffer {
  const out = new TnefWriter();
  out.message(ATTRIBUTE.tnefVersion, longWords(VERSION));
  out.message(ATTRIBUTE.oemCodepage, longWords(WESTERN_CODEPAGE, 0));
  out.message(ATTRIBUTE.messageClass, shortString('IPM.Microsoft Mail.Note'));
  out.message(ATTRIBUTE.subject, legacyString(content.subject));
  if (content.messageId !== '') out.message(ATTRIBUTE.messageId, legacyString(content.messageId));
  out.message(ATTRIBUTE.body, legacyString(content.text));
  out.message(ATTRIBUTE.messageProperties, messageProperties(content));
  for (const attachment of content.attachments) writeAttachment(out, attachment);
  return out.finish();
}

function messageProperties({ subject, messageId, date, text, html }: TnefContent): Buffer {
  const list = new PropertyList()
    .unicode(PR_MESSAGE_CLASS, 'IPM.Note')
    .unicode(PR_SUBJECT, subject)
    .unicode(PR_BODY, text)
    .integer(PR_NATIVE_BODY, html === null ? NATIVE_PLAIN : NATIVE_HTML)
    .integer(PR_INTERNET_CPID, UTF8_CODEPAGE)
    .integer(PR_MESSAGE_CODEPAGE, UTF8_CODEPAGE);
  if (html !== null) list.binary(PR_HTML, Buffer.from(html, 'utf8'));
  if (date !== null) list.time(PR_CLIENT_SUBMIT_TIME, date);
  if (messageId !== '') {
    list.unicode(PR_INTERNET_MESSAGE_ID, messageId);
    list.binary(PR_TNEF_CORRELATION_KEY, shortString(messageId));
  }
  return list.bytes();
}

/** MS-OXTNEF 2.1.3.3.15: the render data begins an attachment. */
function writeAttachment(
  out: TnefWriter,
  { name, mediaType, contentId, location, isInline, data }: TnefAttachment,
): void {
  const render = Buffer.alloc(14);
  render.writeUInt16LE(ATTACH_BY_VALUE, 0);
  render.writeUInt32LE(NO_POSITION, 2);
  out.attachment(ATTRIBUTE.attachRenderData, render);
  out.attachment(ATTRIBUTE.attachTitle, legacyString(name));
  out.attachment(ATTRIBUTE.attachData, data);
  const dot = name.lastIndexOf('.');
  const list = new PropertyList()
    .integer(PR_ATTACH_METHOD, ATTACH_BY_VALUE)
    .integer(PR_RENDERING_POSITION, NO_POSITION)
    .unicode(PR_ATTACH_LONG_FILENAME, name)
    .unicode(PR_ATTACH_MIME_TAG, mediaType);
  if (dot > 0) list.unicode(PR_ATTACH_EXTENSION, name.slice(dot));
  if (contentId !== null) list.unicode(PR_ATTACH_CONTENT_ID, contentId);
  if (location !== null) list.unicode(PR_ATTACH_CONTENT_LOCATION, location);
  if (isInline) list.integer(PR_ATTACH_FLAGS, SHOWN_IN_HTML).boolean(PR_ATTACHMENT_HIDDEN, true);
  out.attachment(ATTRIBUTE.attachment, list.bytes());
}
