/**
 * Deleting the mail of a disconnected mailbox for good. Its last sessions end when the directory lets go of the
 * account, which takes a moment: the store is asked again until they have.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { DisconnectedMailbox } from '../../directory/model.ts';
import { Failure } from '../../observe/failure.ts';
import type { ManagementServices } from '../cmdlet.ts';
import { formerAccount } from './recipient-facts.ts';

/** Sessions of an account that is gone end within a second. */
export const SESSIONS_END_MS = 5_000;
const ASK_AGAIN_MS = 50;

/** First the mail, then the entry: what fails in between is still known. @throws Failure INUSE, UNAVAILABLE */
export async function purgeDisconnected(
  { directory, mail }: Pick<ManagementServices, 'directory' | 'mail'>,
  left: DisconnectedMailbox,
): Promise<void> {
  const until = performance.now() + SESSIONS_END_MS;
  for (;;) {
    try {
      await mail.purgeMailbox(formerAccount(left));
      break;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (error.code !== 'INUSE' || performance.now() > until)
        throw new Failure(
          error.code,
          `the mail of ${left.alias} could not be deleted and stays as a disconnected mailbox: ${error.message} Try again: Remove-Mailbox -StoreMailboxIdentity ${left.id}`,
          { cause: error },
        );
    }
    await delay(ASK_AGAIN_MS);
  }
  await directory.forgetMailbox(left.id);
}
