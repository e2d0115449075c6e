/** Files that are in another mailbox than the one the message is sent from: fetched and given to it. */
import type { JmapClient } from '../jmap/client.ts';
import { ConnectionLost, RequestRefused } from '../jmap/errors.ts';
import { OWN_REQUEST } from '../jmap/session.ts';
import type { Attachment } from './message.ts';

/** Blob ids in the other account, by attachment. @throws ConnectionLost, RequestRefused */
export async function movedAttachments(
  client: JmapClient,
  accountId: string,
  attachments: readonly Attachment[],
): Promise<ReadonlyMap<string, string>> {
  const moved = new Map<string, string>();
  for (const { key, name, type, state } of attachments) {
    if (state.kind !== 'there' || state.accountId === accountId) continue;
    const blob = await downloaded(
      client.downloadUrl(state.accountId, state.blobId, name, type === '' ? undefined : type),
    );
    moved.set(key, (await client.upload(accountId, blob)).blobId);
  }
  return moved;
}

async function downloaded(address: string): Promise<Blob> {
  let answer: Response;
  try {
    answer = await fetch(address, { headers: OWN_REQUEST });
  } catch (reason) {
    throw new ConnectionLost(reason);
  }
  if (!answer.ok) throw new RequestRefused(answer.status, answer.statusText);
  return answer.blob();
}
