/** Creating an Email (RFC 8621 §4.6): its blobs found, the message composed and stored in one stream. */
import type { Buffer } from 'node:buffer';
import { Failure } from '../../../observe/failure.ts';
import type { Json, JsonObject } from '../json.ts';
import { SetError } from '../method-error.ts';
import type { IdOf } from '../set-call.ts';
import { type Blob, openBlob } from './blob-reading.ts';
import type { OpenAccount } from './context.ts';
import type { DraftPart } from './draft-body.ts';
import { readDraft } from './email-draft.ts';
import { foldersOf, storeEmail } from './email-storing.ts';
import { composed } from './message-composing.ts';

/** `maxSizeAttachmentsPerEmail` (RFC 8621 §1.3.1): octets of all blobs of one Email, before they are encoded. */
export const ATTACHMENT_BYTES = 100 * 1024 * 1024;
/** Base64 makes 78 octets of 57; header and texts have room besides. */
const EMAIL_BYTES = Math.ceil((ATTACHMENT_BYTES * 78) / 57) + 16 * 1024 * 1024;

/** @throws SetError, Failure */
export async function createEmail(account: OpenAccount, record: Json, idOf: IdOf, now: number): Promise<JsonObject> {
  const address = account.owner.mailbox?.primaryAddress ?? account.owner.userPrincipalName;
  const domain = address.slice(address.lastIndexOf('@') + 1);
  const draft = readDraft(record, { now, domain });
  const folders = foldersOf(account.mailbox, draft.mailboxIds, idOf);
  const blobs = await blobsOf(account, draft.body);
  const message = composed(draft.fields, draft.body, (blobId) => bytesOf(blobs, blobId));
  try {
    return await storeEmail(account, message, { ...draft, folders }, EMAIL_BYTES);
  } catch (error) {
    // It was there a moment ago: removed or expired while its turn came.
    if (error instanceof Failure && (error.code === 'EXPUNGEISSUED' || error.code === 'NONEXISTENT'))
      throw new SetError('blobNotFound', 'a blob went away meanwhile', { notFound: [...blobs.keys()] });
    throw error;
  }
}

function bytesOf(blobs: ReadonlyMap<string, Blob>, blobId: string): AsyncIterable<Buffer> {
  const blob = blobs.get(blobId);
  if (blob === undefined) throw new SetError('blobNotFound', 'there is no such blob', { notFound: [blobId] });
  return blob.read();
}

/** @throws SetError blobNotFound (names all), tooLarge */
async function blobsOf(account: OpenAccount, body: DraftPart): Promise<ReadonlyMap<string, Blob>> {
  const blobs = new Map<string, Blob>();
  const missing: string[] = [];
  let octets = 0;
  for (const blobId of blobIdsOf(body)) {
    const blob = blobs.get(blobId) ?? (await openBlob(account, blobId));
    if (blob === null) {
      missing.push(blobId);
      continue;
    }
    blobs.set(blobId, blob);
    // Of a part that is still encoded it is not known; the bound of the whole message holds it.
    octets += blob.size ?? 0;
  }
  if (missing.length > 0) throw new SetError('blobNotFound', 'not all blobs are there', { notFound: missing });
  if (octets > ATTACHMENT_BYTES)
    throw new SetError('tooLarge', `the attachments of an Email have at most ${ATTACHMENT_BYTES} octets`, {
      maxSize: ATTACHMENT_BYTES,
    });
  return blobs;
}

/** As often as they are used. */
function blobIdsOf(part: DraftPart): readonly string[] {
  switch (part.kind) {
    case 'multipart':
      return part.children.flatMap(blobIdsOf);
    case 'blob':
      return [part.blobId];
    case 'text':
      return [];
  }
}
