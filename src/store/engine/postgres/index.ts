/**
 * The PostgreSQL engine: mailboxes that any back end can serve, each of them owned by one process at a time (claims.ts,
 * lease.ts, fence.ts). For organizations that outgrow one machine.
 */
import { Failure } from '../../../observe/failure.ts';
import { type Log, silentLog } from '../../../observe/log.ts';
import { type MailboxDatabase, OwnedElsewhere } from '../../api.ts';
import { MailboxStore, type StoreOptions } from '../../mailbox/database.ts';
import type { Engine, EngineHost } from '../../mailbox/engine.ts';
import type { Spool } from '../../mailbox/staging.ts';
import { type OpenedMailbox, StorageLost } from '../../mailbox/storage.ts';
import { type MailboxId, mailboxId } from '../../model.ts';
import type { Standing } from '../../moving.ts';
import { clearSpool, createSpoolFile } from '../spool.ts';
import { type Claimed, claimMailbox, heldBy, releaseMailbox, removeMailbox } from './claims.ts';
import { Connections } from './connections.ts';
import { type Claim, checkClaim } from './fence.ts';
import { Lease, type LeaseOwner } from './lease.ts';
import { openClaimed } from './open-mailbox.ts';
import { textIn } from './rows.ts';
import { migrate } from './schema.ts';

export interface PostgresOptions extends StoreOptions {
  /** postgres://user:password@host:port/database */
  readonly url: string;
  /** Id of this server: what others hear when they ask for a mailbox that is ours. */
  readonly server: string;
  /** Of this process alone: large messages on their way in. Emptied. */
  readonly spool: string;
  /** Connections at most; those of the lease come on top. */
  readonly connections?: number;
}

/** @throws Failure UNAVAILABLE: it cannot be reached, or a newer release has changed it */
export async function openPostgresDatabase(options: PostgresOptions): Promise<MailboxDatabase> {
  const log = options.log ?? silentLog;
  await clearSpool(options.spool);
  const connections = new Connections(options.url, log, options.connections);
  try {
    await connections.transaction(migrate);
    const engine = new PostgresEngine(options, connections, log);
    await engine.takeLease();
    return new MailboxStore(engine, options);
  } catch (reason) {
    await connections.close();
    throw reason;
  }
}

const STANDINGS: readonly Standing['kind'][] = ['receiving', 'received', 'leaving', 'moved'];

/** A mailbox being removed by another process is asked for again so often. */
const REMOVED_TRIES = 3;

class PostgresEngine implements Engine, LeaseOwner {
  readonly keepsOpen = false;
  readonly #options: PostgresOptions;
  readonly #connections: Connections;
  readonly #log: Log;
  #lease: Lease | null = null;
  #host: EngineHost | null = null;
  /** What this process has claimed and not released. */
  readonly #held = new Map<MailboxId, Claim>();

  constructor(options: PostgresOptions, connections: Connections, log: Log) {
    this.#options = options;
    this.#connections = connections;
    this.#log = log;
  }

  async takeLease(): Promise<void> {
    const { url, server } = this.#options;
    this.#lease = await Lease.take({ connections: this.#connections, url, server, owner: this, log: this.#log });
  }

  attach(host: EngineHost): void {
    this.#host = host;
  }

  async open(mailbox: MailboxId, create: boolean): Promise<OpenedMailbox | null> {
    for (let tries = 0; ; tries += 1) {
      const found = await this.#claim(mailbox, create);
      if (found.kind === 'missing') return null;
      if (found.kind === 'removed') {
        if (!create) return null;
        if (tries >= REMOVED_TRIES) throw new Failure('INUSE', 'The mailbox is being removed.');
        await removeMailbox(this.#connections, found.key);
        continue;
      }
      return this.#openClaimed(mailbox, found);
    }
  }

  async mailboxes(): Promise<MailboxId[]> {
    const rows = await this.#connections.query('SELECT id FROM penfold_mail.mailbox WHERE NOT removed ORDER BY id');
    return rows.map((row) => mailboxId(textIn(row, 'id')));
  }

  async remove(mailbox: MailboxId): Promise<void> {
    const found = await this.#claim(mailbox, false);
    if (found.kind === 'missing') throw new Failure('NONEXISTENT', 'There is no such mailbox.');
    const key = found.kind === 'mine' ? found.claim.key : found.key;
    try {
      await removeMailbox(this.#connections, key);
    } finally {
      this.#held.delete(mailbox);
    }
    if (found.kind === 'removed') throw new Failure('NONEXISTENT', 'There is no such mailbox.');
  }

  async standing(mailbox: MailboxId): Promise<Standing | null> {
    const [row] = await this.#connections.query(
      'SELECT standing FROM penfold_mail.mailbox WHERE id = $1 AND NOT removed',
      [mailbox],
    );
    return row === undefined ? null : standingOf(row['standing']);
  }

  /** One that we own is written under our claim; before that, only who moves it writes here. */
  async setStanding(mailbox: MailboxId, standing: Standing | null): Promise<void> {
    const claim = this.#held.get(mailbox);
    const text = standing === null ? null : JSON.stringify(standing);
    if (claim !== undefined) {
      await this.#connections.transaction(async (session) => {
        await checkClaim(session, claim);
        await session.query('UPDATE penfold_mail.mailbox SET standing = $2 WHERE key = $1', [claim.key, text]);
      });
      return;
    }
    await this.#connections.query(
      `INSERT INTO penfold_mail.mailbox (id, standing) VALUES ($1, $2)
       ON CONFLICT (id) DO UPDATE SET standing = excluded.standing WHERE NOT mailbox.removed`,
      [mailbox, text],
    );
  }

  createSpool(): Promise<Spool> {
    return createSpoolFile(this.#options.spool);
  }

  async close(): Promise<void> {
    await this.#lease?.close();
    await this.#connections.close();
  }

  async letGo(mailbox: string): Promise<boolean> {
    const id = mailboxId(mailbox);
    return (await this.#host?.letGo(id)) ?? !this.#held.has(id);
  }

  claimed(mailbox: string): void {
    this.#lose(mailboxId(mailbox), new StorageLost('The mailbox is served by another server now.'));
  }

  async ranOut(): Promise<void> {
    if (this.#lease === null || this.#held.size === 0) return;
    const before = [...this.#held];
    const held = await heldBy(this.#connections, this.#lease.id);
    const lost = before.filter(([mailbox, claim]) => {
      return this.#held.get(mailbox) === claim && held.get(mailbox) !== claim.epoch;
    });
    this.#log.warn({ held: before.length, lost: lost.length }, 'the lease on mailboxes had run out');
    for (const [mailbox] of lost) this.claimed(mailbox);
  }

  /** @throws OwnedElsewhere when the owner does not let go of it */
  async #claim(mailbox: MailboxId, create: boolean): Promise<Exclude<Claimed, { kind: 'elsewhere' }>> {
    const lease = this.#lease;
    if (lease === null) throw new Error('a mailbox was asked for before the lease was taken');
    let found = await claimMailbox(this.#connections, mailbox, lease.id, create);
    if (found.kind === 'elsewhere') {
      const answer = await lease.ask(mailbox, found.lease);
      if (answer === 'released') found = await claimMailbox(this.#connections, mailbox, lease.id, create);
    }
    if (found.kind === 'elsewhere') throw new OwnedElsewhere(found.server);
    if (found.kind === 'mine') this.#held.set(mailbox, found.claim);
    return found;
  }

  async #openClaimed(mailbox: MailboxId, found: Extract<Claimed, { kind: 'mine' }>): Promise<OpenedMailbox> {
    const { claim, row } = found;
    const release = async (): Promise<void> => {
      if (this.#held.get(mailbox) === claim) this.#held.delete(mailbox);
      await releaseMailbox(this.#connections, claim);
    };
    const lost = (reason: StorageLost): void => this.#lose(mailbox, reason);
    try {
      return await openClaimed({ connections: this.#connections, claim, row, log: this.#log, release, lost });
    } catch (reason) {
      // Nobody shall wait for a mailbox that we could not open.
      await release().catch(() => {});
      throw reason;
    }
  }

  #lose(mailbox: MailboxId, reason: StorageLost): void {
    this.#held.delete(mailbox);
    this.#host?.lose(mailbox, reason);
  }
}

function standingOf(stored: unknown): Standing | null {
  if (stored === null) return null;
  const { kind, move, at }: Record<string, unknown> = Object(stored);
  const known = STANDINGS.find((one) => one === kind);
  if (known === undefined || typeof move !== 'string' || typeof at !== 'number') {
    throw new Failure('CORRUPTION', 'What a move has left of the mailbox cannot be read.');
  }
  return { kind: known, move, at };
}
