/**
 * Who owns a mailbox: its row names a lease and carries the epoch (fence.ts). A claim is refused while another lease
 * that has not run out holds the mailbox. Taking the row FOR UPDATE waits for commits under way, so that the new owner
 * reads all of them and nothing comes behind.
 */
import { Failure } from '../../../observe/failure.ts';
import type { Connections, Session } from './connections.ts';
import type { Claim } from './fence.ts';
import { CHANNEL } from './lease.ts';
import { booleanIn, numberIn, type Row, textIn } from './rows.ts';
import { MAILBOX_TABLES } from './schema.ts';

/** Contents of a removed mailbox deleted with one statement: each stays below its time-out. */
const REMOVED_AT_ONCE = 500;

export type Claimed =
  | { readonly kind: 'mine'; readonly claim: Claim; readonly row: Row }
  | { readonly kind: 'elsewhere'; readonly server: string; readonly lease: number }
  | { readonly kind: 'missing' }
  /** Somebody began to remove it and did not finish. */
  | { readonly kind: 'removed'; readonly key: number };

const FIND = `SELECT m.*, l.server, coalesce(l.expires_at > clock_timestamp(), false) AS alive
  FROM penfold_mail.mailbox m LEFT JOIN penfold_mail.lease l ON l.id = m.lease WHERE m.id = $1 FOR UPDATE OF m`;

export function claimMailbox(connections: Connections, id: string, lease: number, create: boolean): Promise<Claimed> {
  return connections.transaction(async (session): Promise<Claimed> => {
    let [found] = await session.query(FIND, [id]);
    if (found === undefined) {
      if (!create) return { kind: 'missing' };
      await session.query('INSERT INTO penfold_mail.mailbox (id) VALUES ($1) ON CONFLICT DO NOTHING', [id]);
      [found] = await session.query(FIND, [id]);
      if (found === undefined) throw new Failure('UNAVAILABLE', 'The mailbox is being removed; try again in a moment.');
    }
    const key = numberIn(found, 'key');
    if (booleanIn(found, 'removed')) return { kind: 'removed', key };
    const holder = found['lease'] === null ? null : numberIn(found, 'lease');
    if (holder !== null && holder !== lease && booleanIn(found, 'alive')) {
      return { kind: 'elsewhere', server: textIn(found, 'server'), lease: holder };
    }
    const epoch = numberIn(found, 'epoch') + 1;
    await session.query('UPDATE penfold_mail.mailbox SET lease = $2, epoch = $3 WHERE key = $1', [key, lease, epoch]);
    if (holder !== null && holder !== lease) {
      await session.query('SELECT pg_notify($1, $2)', [CHANNEL, `claimed ${id} ${holder}`]);
    }
    return { kind: 'mine', claim: { key, epoch }, row: found };
  });
}

export async function releaseMailbox(connections: Connections, { key, epoch }: Claim): Promise<void> {
  await connections.query('UPDATE penfold_mail.mailbox SET lease = NULL WHERE key = $1 AND epoch = $2', [key, epoch]);
}

/** Mailboxes that a lease still holds, with their epochs. */
export async function heldBy(session: Session, lease: number): Promise<ReadonlyMap<string, number>> {
  const rows = await session.query('SELECT id, epoch FROM penfold_mail.mailbox WHERE lease = $1', [lease]);
  return new Map(rows.map((row) => [textIn(row, 'id'), numberIn(row, 'epoch')]));
}

/** Out of sight at once; then step by step, going on where a crash has stopped it. */
export async function removeMailbox(connections: Connections, key: number): Promise<void> {
  await connections.query('UPDATE penfold_mail.mailbox SET removed = true, lease = NULL WHERE key = $1', [key]);
  for (let left = true; left; ) {
    const [row] = await connections.query(
      `WITH gone AS (DELETE FROM penfold_mail.content WHERE (mailbox, number, part) IN (
         SELECT mailbox, number, part FROM penfold_mail.content WHERE mailbox = $1 LIMIT ${REMOVED_AT_ONCE})
         RETURNING 1)
       SELECT count(*) AS count FROM gone`,
      [key],
    );
    left = row !== undefined && numberIn(row, 'count') > 0;
  }
  for (const table of MAILBOX_TABLES) {
    await connections.query(`DELETE FROM penfold_mail.${table} WHERE mailbox = $1`, [key]);
  }
  await connections.query('DELETE FROM penfold_mail.mailbox WHERE key = $1', [key]);
}
