/**
 * The fencing token of a mailbox: its `epoch` rises with every claim, and whatever changes a mailbox checks it in the
 * same transaction. FOR KEY SHARE holds the row against a claim (which takes it FOR UPDATE) and against nobody else,
 * so a process that was stopped for a while can never write behind the back of the next owner.
 */
import { StorageLost } from '../../mailbox/storage.ts';
import type { Session } from './connections.ts';

/** Which mailbox, and the token of the claim on it. */
export interface Claim {
  readonly key: number;
  readonly epoch: number;
}

/** Parameters $1 and $2 are key and epoch; no row: somebody else has claimed the mailbox. */
export const HELD = `held AS MATERIALIZED (
  SELECT key FROM penfold_mail.mailbox WHERE key = $1 AND epoch = $2 AND NOT removed FOR KEY SHARE)`;

/** Within a transaction, before it changes anything. @throws StorageLost */
export async function checkClaim(session: Session, { key, epoch }: Claim): Promise<void> {
  const held = await session.query(`WITH ${HELD} SELECT key FROM held`, [key, epoch]);
  if (held.length === 0) claimLost();
}

export function claimLost(): never {
  throw new StorageLost('The mailbox is served by another server now.');
}
