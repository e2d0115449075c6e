/**
 * Blobs by id as a stream (RFC 8620 §6.2): a whole message, a part of one without its transfer encoding, or what the
 * caller has uploaded. Nothing is held in memory.
 */
import type { Buffer } from 'node:buffer';
import { readParts } from '../../../message/fragment.ts';
import type { Part } from '../../../message/model.ts';
import { transferDecoder } from '../../../message/transfer-decoder.ts';
import type { Mailbox } from '../../../store/api.ts';
import type { FolderId } from '../../../store/model.ts';
import { bodyTree, everyPart } from './body-parts.ts';
import type { OpenAccount } from './context.ts';
import { blobPlaceOf } from './ids.ts';
import { isMail } from './mail-view.ts';

export interface Blob {
  /** Octets; null: known when it has been decoded. Ranges can be read where it is known. */
  readonly size: number | null;
  /** Of the part, or as uploaded; a claim of whoever made it. */
  readonly type: string;
  readonly name: string | null;
  /** Octets [start, end); a blob without a size is read from its beginning to its end. */
  read(start?: number, end?: number): AsyncIterable<Buffer>;
}

type Reading = Pick<OpenAccount, 'mailbox' | 'uploads'>;

/** Null: there is none of this id for him. @throws Failure */
export async function openBlob({ mailbox, uploads }: Reading, blobId: string): Promise<Blob | null> {
  const place = blobPlaceOf(blobId);
  if (place === null) {
    const uploaded = await uploads.find(blobId);
    return uploaded === null
      ? null
      : { size: uploaded.size, type: uploaded.type, name: null, read: (start, end) => uploaded.read(start, end) };
  }
  const found = await messageOf(mailbox, place.content);
  if (found === null) return null;
  const { folder, uid, size } = found;
  if (place.part === null)
    return {
      size,
      type: 'message/rfc822',
      name: null,
      read: (start = 0, end = size) => mailbox.read(folder, uid, start, end),
    };
  const part = partAt(await partsOf(mailbox, folder, uid), place.part);
  return part === null ? null : partBlob(part, (start, end) => mailbox.read(folder, uid, start, end));
}

/** Where any copy of it lies, in recoverable items as well: what can be seen can be read. */
async function messageOf(
  mailbox: Mailbox,
  content: number,
): Promise<{ readonly folder: FolderId; readonly uid: number; readonly size: number } | null> {
  const folders = [...mailbox.folders()].sort((a, b) => Number(isMail(b)) - Number(isMail(a)));
  for (const { id } of folders) {
    const view = await mailbox.view(id);
    try {
      const { columns } = view;
      const row = columns.content.subarray(0, columns.length).indexOf(content);
      if (row >= 0) return { folder: id, uid: columns.uid[row] ?? 0, size: columns.size[row] ?? 0 };
    } finally {
      view.close();
    }
  }
  return null;
}

async function partsOf(mailbox: Mailbox, folder: FolderId, uid: number): Promise<readonly Part[]> {
  for await (const { bytes, pieces } of mailbox.fragments(folder, Uint32Array.of(uid), ['details'])) {
    const { offsets, lengths } = pieces.details ?? { offsets: [], lengths: [] };
    if ((lengths[0] ?? 0) > 0) return readParts(bytes, offsets[0] ?? 0);
  }
  return [];
}

function partAt(parts: readonly Part[], path: readonly number[]): Part | null {
  const tree = bodyTree(parts);
  if (tree === null) return null;
  const wanted = path.join('.');
  const found = everyPart(tree).find(
    ({ part, children }) => children === null && (part.path.length === 0 ? '1' : part.path.join('.')) === wanted,
  );
  return found?.part ?? null;
}

function partBlob(part: Part, read: (start: number, end: number) => AsyncIterable<Buffer>): Blob {
  const { bodyStart, bodyEnd, mediaType: type, fileName: name, encoding } = part;
  const octets = bodyEnd - bodyStart;
  return transferDecoder(encoding) === null
    ? {
        size: octets,
        type,
        name,
        read: (start = 0, end = octets) => read(bodyStart + start, Math.min(bodyEnd, bodyStart + end)),
      }
    : { size: null, type, name, read: () => decoded(read(bodyStart, bodyEnd), encoding) };
}

async function* decoded(pieces: AsyncIterable<Buffer>, encoding: string): AsyncIterable<Buffer> {
  const decoder = transferDecoder(encoding);
  if (decoder === null) return;
  for await (const piece of pieces) {
    const bytes = decoder.push(piece);
    if (bytes.length > 0) yield bytes;
  }
  const last = decoder.end();
  if (last.length > 0) yield last;
}
