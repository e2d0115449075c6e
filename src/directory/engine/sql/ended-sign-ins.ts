/** What ends with a password, an account or a switch: web sessions, and app passwords where there is no password left. */
import type { AccountId } from '../../model.ts';
import type { Transaction } from './seam.ts';

/** `keep`: id of the session that made the change. How many ended. */
export async function endWebSessionsOf(
  transaction: Transaction,
  account: AccountId,
  keep: string | null,
): Promise<number> {
  const ended = await transaction.run('DELETE FROM web_session WHERE account = ? AND id <> ?', account, keep ?? '');
  if (ended > 0) transaction.note('web-session', account);
  return ended;
}

export async function removeAppPasswordsOf(transaction: Transaction, account: AccountId): Promise<void> {
  const removed = await transaction.run('DELETE FROM app_password WHERE account = ?', account);
  if (removed > 0) transaction.note('app-password', account);
}
