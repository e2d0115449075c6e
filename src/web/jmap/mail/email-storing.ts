/**
 * Bytes of a message into Mailboxes of an account: once to be taken in, appended to the first one and copied to the
 * others, so that it is one Email. All or nothing.
 */
import type { Buffer } from 'node:buffer';
import type { Mailbox } from '../../../store/api.ts';
import type { Folder } from '../../../store/model.ts';
import type { JsonObject } from '../json.ts';
import { SetError } from '../method-error.ts';
import type { OpenAccount } from './context.ts';
import { blobIdOf, emailIdOf, folderOf, threadIdOf } from './ids.ts';
import { flagsOfKeywords } from './keywords.ts';

export interface Target {
  readonly folders: readonly Folder[];
  readonly keywords: readonly string[];
  /** Seconds since 1970; null: now. */
  readonly receivedAt: number | null;
}

/** Mail folders by their ids, creation ids replaced. @throws SetError invalidProperties */
export function foldersOf(
  mailbox: Mailbox,
  ids: readonly string[],
  idOf: (id: string) => string,
): readonly [Folder, ...Folder[]] {
  const [first, ...others] = ids.map((id) => {
    const number = folderOf(idOf(id));
    const folder = number === null ? null : mailbox.folder(number);
    if (folder === null || folder.kind !== 'mail')
      throw new SetError('invalidProperties', `there is no Mailbox ${id.slice(0, 100)}`, {
        properties: ['mailboxIds'],
      });
    return folder;
  });
  if (first === undefined)
    throw new SetError('invalidProperties', 'an Email is in one Mailbox at least', { properties: ['mailboxIds'] });
  return [first, ...others];
}

/**
 * `id`, `blobId`, `threadId`, `size` of the new Email (RFC 8621 §4.6).
 * @throws SetError tooLarge; Failure OVERQUOTA and what `bytes` throws
 */
export async function storeEmail(
  { mailbox, stage }: Pick<OpenAccount, 'mailbox' | 'stage'>,
  bytes: AsyncIterable<Buffer>,
  { folders, keywords, receivedAt }: Target,
  maxBytes: number,
): Promise<JsonObject> {
  const [first, ...others] = folders;
  if (first === undefined) throw new SetError('invalidProperties', 'an Email is in one Mailbox at least');
  const sink = stage({ maxBytes });
  try {
    for await (const chunk of bytes) await sink.write(chunk);
  } catch (error) {
    await sink.abort();
    throw error;
  }
  const staged = await sink.finish();
  const view = await mailbox.view(first.id);
  try {
    const { uid } = await mailbox.append(first.id, staged, {
      ...flagsOfKeywords(keywords),
      ...(receivedAt === null ? {} : { internalDate: receivedAt }),
    });
    const uids = Uint32Array.of(uid);
    try {
      for (const { id } of others) await mailbox.copy(first.id, uids, id);
    } catch (error) {
      await mailbox.expunge(first.id, uids, { purge: true });
      throw error;
    }
    const row = view.rowOf(uid);
    if (row < 0) throw new SetError('notFound', 'the Email was removed at once by somebody else');
    const { content, thread } = view.columns;
    return {
      id: emailIdOf(content[row]!),
      blobId: blobIdOf(content[row]!),
      threadId: threadIdOf(thread[row]!),
      size: staged.size,
    };
  } finally {
    view.close();
    await staged.release();
  }
}
