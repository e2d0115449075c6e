/**
 * The memory engine: the reference for the store interface, for tests and for trying things out. Mailboxes live as
 * long as the database object; closing a mailbox keeps them.
 */
import type { Buffer } from 'node:buffer';
import { Failure } from '../../../observe/failure.ts';
import type { MailboxDatabase } from '../../api.ts';
import { MailboxStore, type StoreOptions } from '../../mailbox/database.ts';
import type { Engine } from '../../mailbox/engine.ts';
import type { Spool } from '../../mailbox/staging.ts';
import type { OpenedMailbox } from '../../mailbox/storage.ts';
import type { MailboxId } from '../../model.ts';
import type { Standing } from '../../moving.ts';
import { MemoryStorage } from './memory-storage.ts';

export function openMemoryDatabase(options: StoreOptions = {}): MailboxDatabase {
  return new MailboxStore(new MemoryEngine(), options);
}

class MemoryEngine implements Engine {
  readonly keepsOpen = true;
  readonly #mailboxes = new Set<MailboxId>();
  readonly #standings = new Map<MailboxId, Standing>();

  open(mailbox: MailboxId, create: boolean): Promise<OpenedMailbox | null> {
    if (!create && !this.#mailboxes.has(mailbox)) return Promise.resolve(null);
    this.#mailboxes.add(mailbox);
    return Promise.resolve({
      storage: new MemoryStorage(),
      stored: { counters: null, folders: [], subscriptions: [], formerFolders: new Map() },
      replay: () => [],
      raise: null,
    });
  }

  mailboxes(): Promise<MailboxId[]> {
    return Promise.resolve([...this.#mailboxes]);
  }

  // oxlint-disable-next-line typescript/require-await -- failures come as rejections
  async remove(mailbox: MailboxId): Promise<void> {
    if (!this.#mailboxes.delete(mailbox)) throw new Failure('NONEXISTENT', 'There is no such mailbox.');
    this.#standings.delete(mailbox);
  }

  standing(mailbox: MailboxId): Promise<Standing | null> {
    return Promise.resolve(this.#standings.get(mailbox) ?? null);
  }

  setStanding(mailbox: MailboxId, standing: Standing | null): Promise<void> {
    this.#mailboxes.add(mailbox);
    if (standing === null) this.#standings.delete(mailbox);
    else this.#standings.set(mailbox, standing);
    return Promise.resolve();
  }

  createSpool(): Promise<Spool> {
    return Promise.resolve(new MemorySpool());
  }

  /** One process, one owner. */
  attach(): void {}

  close(): Promise<void> {
    return Promise.resolve();
  }
}

class MemorySpool implements Spool {
  #pieces: Buffer[] = [];

  write(chunk: Buffer): Promise<void> {
    this.#pieces.push(chunk);
    return Promise.resolve();
  }

  // oxlint-disable-next-line typescript/require-await -- the shape of a spool
  async *pieces(): AsyncIterable<Buffer> {
    yield* this.#pieces;
  }

  remove(): Promise<void> {
    this.#pieces = [];
    return Promise.resolve();
  }
}
