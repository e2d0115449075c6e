/**
 * What of a message is shown as its body and what is listed beside it: texts and pictures in their order, own pictures
 * by the names the HTML uses for them, attachments. Reads part headers and texts, each within a bound, never the whole
 * message.
 */
import type { Buffer } from 'node:buffer';
import { readFields } from '../../../message/headers.ts';
import { type MimeHeader, readMimeHeader } from '../../../message/mime-header.ts';
import type { Part } from '../../../message/model.ts';
import { parameter } from '../../../message/parameters.ts';
import type { Flow } from '../../../message/safe-html/plain-text.ts';
import type { BodySource } from '../../../message/safe-html/message-view.ts';
import { type BodyPart, bodyTree, everyPart, flatBody } from '../mail/body-parts.ts';
import { decodedSize, type ReadRange } from '../mail/email-get.ts';
import { blobIdOf } from '../mail/ids.ts';

/** Encoded octets of all texts of a message that are shown; the rest can be downloaded. */
export const VIEW_BYTES = 1024 * 1024;
/** Parts whose own header is read: pictures by name, exact sizes. Of those beyond only the parse result is known. */
export const VIEW_PART_HEADERS = 200;
const PART_HEADER_BYTES = 16 * 1024;

export interface Attachment {
  readonly part: Part;
  readonly blobId: string;
  readonly cid: string | null;
  readonly size: number;
  /** A request to meet, or an answer to one (RFC 6047). */
  readonly isInvitation: boolean;
  /** Names that the HTML may use for it. */
  readonly names: readonly string[];
  /** It stands among the texts already. */
  readonly isShown: boolean;
}

export interface Contents {
  readonly bodies: readonly BodySource[];
  readonly attachments: readonly Attachment[];
  readonly ownPictures: ReadonlyMap<string, string>;
  readonly isTruncated: boolean;
}

/** @param downloadOf address at which a part of the message can be had */
export async function contentsOf(
  content: number,
  parts: readonly Part[],
  read: ReadRange,
  downloadOf: (blobId: string, part: Part) => string,
): Promise<Contents> {
  const tree = bodyTree(parts);
  if (tree === null) return { bodies: [], attachments: [], ownPictures: new Map(), isTruncated: false };
  const { htmlBody } = flatBody(tree);
  const shown = new Set(htmlBody.map(({ part }) => part));
  const headers = new PartHeaders(read);
  const bodies: BodySource[] = [];
  let left = VIEW_BYTES;
  let isTruncated = false;
  for (const { part } of htmlBody) {
    const blobId = blobOf(content, part);
    if (isPicture(part)) {
      bodies.push({ kind: 'picture', address: downloadOf(blobId, part), name: part.fileName });
      continue;
    }
    if (!isText(part)) continue;
    const octets = Math.min(left, part.bodyEnd - part.bodyStart);
    isTruncated ||= octets < part.bodyEnd - part.bodyStart;
    left -= octets;
    bodies.push({
      kind: part.mediaType === 'text/html' ? 'html' : 'plain',
      bytes: new Uint8Array(await read(part.bodyStart, part.bodyStart + octets)),
      encoding: part.encoding,
      charset: part.charset,
      flow: flowOf(await headers.of(part)),
    });
  }
  const attachments: Attachment[] = [];
  const ownPictures = new Map<string, string>();
  for (const { part } of besides(tree, shown)) {
    const header = await headers.of(part);
    const blobId = blobOf(content, part);
    const cid = header?.id?.trim().replaceAll(/^<|>$/g, '') ?? null;
    const names = [cid ?? '', header?.location?.trim() ?? ''].filter((name) => name !== '');
    if (part.mediaType.startsWith('image/'))
      for (const name of names) if (!ownPictures.has(name)) ownPictures.set(name, downloadOf(blobId, part));
    attachments.push({
      part,
      blobId,
      cid,
      size: header === null ? guessedSize(part) : await decodedSize(part, read),
      isInvitation: isInvitation(part, header),
      names,
      isShown: shown.has(part) && isPicture(part),
    });
  }
  return { bodies, attachments, ownPictures, isTruncated };
}

class PartHeaders {
  readonly #read: ReadRange;
  #left = VIEW_PART_HEADERS;

  constructor(read: ReadRange) {
    this.#read = read;
  }

  /** Null: too many were read already. */
  async of({ headerStart, bodyStart }: Part): Promise<MimeHeader | null> {
    if (this.#left === 0) return null;
    this.#left -= 1;
    const bytes: Buffer = await this.#read(headerStart, Math.min(bodyStart, headerStart + PART_HEADER_BYTES));
    const header = bytes.toString('latin1');
    return readMimeHeader(header, readFields(header), false);
  }
}

/** Parts that are files to the reader: not the texts that are shown, and not other forms of them. */
function besides(tree: BodyPart, shown: ReadonlySet<Part>): readonly BodyPart[] {
  const forms = new Set<Part>();
  for (const { part, children } of everyPart(tree))
    if (part.mediaType === 'multipart/alternative')
      for (const child of children ?? []) if (isText(child.part) && !isNamed(child.part)) forms.add(child.part);
  return everyPart(tree).filter(
    ({ part, children }) => children === null && !forms.has(part) && !(shown.has(part) && !isMedia(part)),
  );
}

/** RFC 3676 §4: null where each line stands for itself. */
function flowOf(header: MimeHeader | null): Flow | null {
  if (header === null || parameter(header.parameters, 'format')?.toLowerCase() !== 'flowed') return null;
  return { deleteSpace: parameter(header.parameters, 'delsp')?.toLowerCase() === 'yes' };
}

function isInvitation({ mediaType, fileName }: Part, header: MimeHeader | null): boolean {
  if (mediaType === 'text/calendar') return header === null || parameter(header.parameters, 'method') !== null;
  return mediaType === 'application/ics' || /\.ics$/i.test(fileName ?? '');
}

const isMedia = ({ mediaType }: Part): boolean => /^(?:image|audio|video)\//.test(mediaType);
/** What every browser shows in an `<img>`. */
const isPicture = ({ mediaType }: Part): boolean => /^image\/(?:png|gif|jpe?g|pjpeg|webp|avif|bmp)$/.test(mediaType);
const isText = ({ mediaType }: Part): boolean => mediaType.startsWith('text/') && mediaType !== 'text/calendar';
const isNamed = ({ disposition }: Part): boolean => disposition === 'attachment';

const blobOf = (content: number, { path }: Part): string => blobIdOf(content, path.length === 0 ? [1] : path);

/** Base64 or as it is; quoted-printable is read for its size only where parts are few. */
const guessedSize = ({ bodyStart, bodyEnd, encoding }: Part): number =>
  encoding === 'base64' ? Math.floor(((bodyEnd - bodyStart) * 3) / 4) : bodyEnd - bodyStart;
