/**
 * Email/get (RFC 8621 §4.2). What a list shows comes from rows in memory and from the parse results that delivery left;
 * a message is opened for uncommon header fields, for fields of its parts and for body values only, and never read as
 * a whole.
 */
import { Buffer } from 'node:buffer';
import { decodeText } from '../../../message/charset.ts';
import { COMMON_FIELDS } from '../../../message/field-names.ts';
import { commonFields, headerLength, readParts, readPreview } from '../../../message/fragment.ts';
import { decodeTransfer } from '../../../message/transfer-encoding.ts';
import type { Mailbox } from '../../../store/api.ts';
import type { Folder } from '../../../store/model.ts';
import type { Json, JsonObject } from '../json.ts';
import { type BodyPart, bodyTree, everyPart, flatBody, partNumber } from './body-parts.ts';
import { type EmailWish, needsDetails, needsPartHeaders } from './email-properties.ts';
import { allHeaders, headerValue, type HeaderWish } from './header-forms.ts';
import { blobIdOf, emailIdOf, mailboxIdOf, threadIdOf } from './ids.ts';
import { keywordsOfEmail } from './keywords.ts';
import type { Placement } from './mail-view.ts';

/** A text part is decoded in memory: what is longer is cut here, whatever the client asks (`isTruncated`). */
export const BODY_VALUE_BYTES = 5 * 1024 * 1024;
/** RFC 2045 §6.8 allows lines of 76 characters; some programs write longer ones. */
const LINE_OCTETS = 1024;
const COMMON: ReadonlySet<string> = new Set(COMMON_FIELDS);

interface WantedEmail {
  readonly content: number;
  readonly placements: readonly Placement[];
}

/** Objects for the Emails that are there, in the order asked. */
export async function emailObjects(
  mailbox: Mailbox,
  wanted: readonly WantedEmail[],
  wish: EmailWish,
): Promise<readonly JsonObject[]> {
  const objects = wanted.map(({ content, placements }) => fromRows(content, placements, wish));
  if (!needsDetails(wish)) return objects;
  const byFolder = new Map<Folder['id'], Array<{ readonly uid: number; readonly at: number }>>();
  for (const [at, { placements }] of wanted.entries()) {
    const [first] = placements;
    if (first === undefined) continue;
    const list = byFolder.get(first.view.folder.id) ?? [];
    byFolder.set(first.view.folder.id, list);
    list.push({ uid: first.uid, at });
  }
  for (const [folder, list] of byFolder) {
    const ascending = list.toSorted((a, b) => a.uid - b.uid);
    const uids = Uint32Array.from(ascending, ({ uid }) => uid);
    for await (const { first, count, bytes, pieces } of mailbox.fragments(folder, uids, ['details'])) {
      const { offsets, lengths } = pieces.details ?? { offsets: [], lengths: [] };
      for (let i = 0; i < count; i += 1) {
        const one = ascending[first + i];
        if (one === undefined || (lengths[i] ?? 0) === 0) continue;
        // Copied: what follows may wait for the message, and the batch's buffer is used again.
        const start = offsets[i] ?? 0;
        const details = Buffer.from(bytes.subarray(start, start + (lengths[i] ?? 0)));
        const content = wanted[one.at]?.content ?? 0;
        const read = (from: number, to: number): Promise<Buffer> => readRange(mailbox, folder, one.uid, from, to);
        objects[one.at] = { ...objects[one.at], ...(await fromDetails(details, content, wish, read)) };
      }
    }
  }
  return objects;
}

function fromRows(content: number, placements: readonly Placement[], { properties }: EmailWish): JsonObject {
  const [first] = placements;
  if (first === undefined) return { id: emailIdOf(content) };
  const { columns } = first.view;
  const object: Record<string, Json> = { id: emailIdOf(content) };
  if (properties.has('blobId')) object['blobId'] = blobIdOf(content);
  if (properties.has('threadId')) object['threadId'] = threadIdOf(columns.thread[first.row]!);
  if (properties.has('mailboxIds'))
    object['mailboxIds'] = Object.fromEntries(placements.map(({ view }) => [mailboxIdOf(view.folder.id), true]));
  if (properties.has('keywords')) object['keywords'] = keywordsOfEmail(placements);
  if (properties.has('size')) object['size'] = columns.size[first.row]!;
  if (properties.has('receivedAt')) object['receivedAt'] = utcDate(columns.internalDate[first.row]!);
  return object;
}

/** RFC 8620 §1.4: seconds, no fraction. */
export const utcDate = (seconds: number): string => `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;

export type ReadRange = (from: number, to: number) => Promise<Buffer>;

async function fromDetails(details: Buffer, content: number, wish: EmailWish, read: ReadRange): Promise<JsonObject> {
  const { properties } = wish;
  const object: Record<string, Json> = {};
  let header = commonFields(details, 0);
  if (properties.has('headers') || wish.headers.some(({ field }) => !COMMON.has(field)))
    header = await read(0, headerLength(details, 0));
  for (const one of wish.headers) object[one.property] = headerValue(header, one);
  if (properties.has('headers')) object['headers'] = allHeaders(header);
  if (properties.has('preview')) object['preview'] = readPreview(details, 0);

  const tree = bodyTree(readParts(details, 0));
  if (tree === null) return object;
  const { textBody, htmlBody, attachments } = flatBody(tree);
  // RFC 8621 §4.1.4: pictures that only serve the HTML count for nothing.
  if (properties.has('hasAttachment'))
    object['hasAttachment'] = attachments.some(({ part }) => part.disposition !== 'inline');
  const headersOf = needsPartHeaders(wish)
    ? (part: BodyPart): Promise<Buffer> => read(part.part.headerStart, part.part.bodyStart)
    : (): Promise<Buffer> => Promise.resolve(NO_HEADER);
  const describe = (parts: readonly BodyPart[]): Promise<Json[]> =>
    Promise.all(parts.map((part) => partObject(part, content, wish, headersOf, read)));
  if (properties.has('bodyStructure')) object['bodyStructure'] = (await describe([tree]))[0] ?? null;
  if (properties.has('textBody')) object['textBody'] = await describe(textBody);
  if (properties.has('htmlBody')) object['htmlBody'] = await describe(htmlBody);
  if (properties.has('attachments')) object['attachments'] = await describe(attachments);
  if (properties.has('bodyValues')) {
    const asked = new Set([
      ...(wish.fetchText ? textBody : []),
      ...(wish.fetchHtml ? htmlBody : []),
      ...(wish.fetchAll ? everyPart(tree) : []),
    ]);
    const values: Record<string, Json> = {};
    for (const part of asked)
      if (part.part.mediaType.startsWith('text/'))
        values[partNumber(part.part)] = await bodyValue(part, wish.maxBodyValueBytes, read);
    object['bodyValues'] = values;
  }
  return object;
}

const NO_HEADER = Buffer.alloc(0);
const CID: HeaderWish = { property: 'cid', field: 'content-id', form: 'MessageIds', all: false };
const LANGUAGE: HeaderWish = { property: 'language', field: 'content-language', form: 'Raw', all: false };
const LOCATION: HeaderWish = { property: 'location', field: 'content-location', form: 'Raw', all: false };

async function partObject(
  body: BodyPart,
  content: number,
  wish: EmailWish,
  headersOf: (part: BodyPart) => Promise<Buffer>,
  read: ReadRange,
): Promise<JsonObject> {
  const { part, children } = body;
  const { partProperties } = wish;
  const header = await headersOf(body);
  const all: Readonly<Record<string, () => Json | Promise<Json>>> = {
    partId: () => (children === null ? partNumber(part) : null),
    blobId: () => (children === null ? blobIdOf(content, part.path.length === 0 ? [1] : part.path) : null),
    size: () => decodedSize(part, read),
    headers: () => allHeaders(header),
    name: () => part.fileName,
    type: () => part.mediaType,
    // §4.1.4: text without a charset is us-ascii, anything else has none.
    charset: () => part.charset ?? (part.mediaType.startsWith('text/') ? 'us-ascii' : null),
    disposition: () => part.disposition,
    cid: () => {
      const ids = headerValue(header, CID);
      return Array.isArray(ids) && typeof ids[0] === 'string' ? ids[0] : null;
    },
    language: () => {
      const tags = headerValue(header, LANGUAGE);
      return typeof tags === 'string' ? tags.split(',').map((tag) => tag.trim()) : null;
    },
    location: () => {
      const location = headerValue(header, LOCATION);
      return typeof location === 'string' ? location.trim() : null;
    },
  };
  const object: Record<string, Json> = {};
  for (const [name, value] of Object.entries(all)) if (hasName(partProperties, name)) object[name] = await value();
  for (const one of wish.partHeaders) object[one.property] = headerValue(header, one);
  // The tree is what bodyStructure is asked for: its children are always there.
  if (children !== null)
    object['subParts'] = await Promise.all(children.map((child) => partObject(child, content, wish, headersOf, read)));
  return object;
}

const hasName = (names: ReadonlySet<string>, name: string): boolean => names.has(name);

/**
 * Octets behind the transfer encoding (§4.1.4). Base64 is worked out from its first line and its end: lines are of one
 * length in all mail that programs write. Quoted-printable has to be decoded.
 */
export async function decodedSize(
  { bodyStart, bodyEnd, encoding }: BodyPart['part'],
  read: ReadRange,
): Promise<number> {
  const octets = bodyEnd - bodyStart;
  if (encoding === 'quoted-printable' && octets <= BODY_VALUE_BYTES)
    return decodeTransfer(await read(bodyStart, bodyEnd), encoding).length;
  if (encoding !== 'base64' || octets === 0) return octets;
  const head = (await read(bodyStart, Math.min(bodyEnd, bodyStart + LINE_OCTETS))).toString('latin1');
  const tail = (await read(Math.max(bodyStart, bodyEnd - LINE_OCTETS), bodyEnd)).toString('latin1');
  const line = head.indexOf('\n') + 1;
  const lineEnd = line === 0 ? 0 : head[line - 2] === '\r' ? 2 : 1;
  const written = octets - (/[\r\n]*$/.exec(tail)?.[0].length ?? 0);
  const lineEnds = line === 0 ? 0 : Math.floor(written / line) * lineEnd;
  const padding = /(=*)[\r\n]*$/.exec(tail)?.[1]?.length ?? 0;
  return Math.max(0, Math.floor(((written - lineEnds) * 3) / 4) - padding);
}

async function bodyValue({ part }: BodyPart, most: number, read: ReadRange): Promise<JsonObject> {
  const octets = part.bodyEnd - part.bodyStart;
  const taken = Math.min(octets, BODY_VALUE_BYTES);
  const bytes = await read(part.bodyStart, part.bodyStart + taken);
  const text = decodeText(decodeTransfer(bytes, part.encoding), part.charset).replaceAll('\r\n', '\n');
  const cut = most === 0 ? text : cutText(text, most, part.mediaType === 'text/html');
  return {
    value: cut,
    isEncodingProblem: text.includes('\uFFFD'),
    isTruncated: cut.length < text.length || taken < octets,
  };
}

/** At most so many octets of UTF-8, no character cut, HTML not within a tag where that can be helped. */
function cutText(text: string, most: number, isHtml: boolean): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= most) return text;
  let end = most;
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end -= 1;
  const cut = bytes.toString('utf8', 0, end);
  const open = cut.lastIndexOf('<');
  return isHtml && open > cut.lastIndexOf('>') ? cut.slice(0, open) : cut;
}

export async function readRange(
  mailbox: Mailbox,
  folder: Folder['id'],
  uid: number,
  from: number,
  to: number,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of mailbox.read(folder, uid, from, to)) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}
