/**
 * The SQLite engine: a directory of mailboxes on this server's disk.
 *
 *   DIR/lock                    who owns it
 *   DIR/spool/                  large messages on their way in
 *   DIR/mailboxes/ab/ab…/       one mailbox: mailbox.db, seg-N, frag-N, text-*, open, standing
 */
import fs from 'node:fs';
import path from 'node:path';
import { Failure } from '../../../observe/failure.ts';
import { silentLog } from '../../../observe/log.ts';
import type { MailboxDatabase } from '../../api.ts';
import { MailboxStore, type StoreOptions } from '../../mailbox/database.ts';
import type { Engine } from '../../mailbox/engine.ts';
import type { Spool } from '../../mailbox/staging.ts';
import type { OpenedMailbox } from '../../mailbox/storage.ts';
import { type MailboxId, mailboxId } from '../../model.ts';
import type { Standing } from '../../moving.ts';
import { bootId, lockDatabase } from './database-lock.ts';
import { type Files, flushDirectory, realFiles } from './files.ts';
import { openMailbox } from './open-mailbox.ts';
import { clearSpool, createSpoolFile } from '../spool.ts';
import { readStanding, writeStanding } from './standing-file.ts';

export interface SqliteOptions extends StoreOptions {
  readonly directory: string;
  /** For tests: a disk that is full or slow, and small segments. */
  readonly files?: Files;
  readonly segmentBytes?: number;
}

/** A mailbox id is a directory name: nothing that could lead elsewhere. */
const MAILBOX_ID = /^[A-Za-z0-9][A-Za-z0-9-]{1,63}$/;

/** @throws Failure UNAVAILABLE when another process owns the directory */
export async function openSqliteDatabase(options: SqliteOptions): Promise<MailboxDatabase> {
  const { directory } = options;
  fs.mkdirSync(path.join(directory, 'mailboxes'), { recursive: true });
  const unlock = lockDatabase(directory);
  try {
    await clearSpool(path.join(directory, 'spool'));
  } catch (reason) {
    unlock();
    throw reason;
  }
  return new MailboxStore(new SqliteEngine(options, unlock), options);
}

class SqliteEngine implements Engine {
  readonly keepsOpen = false;
  readonly #options: SqliteOptions;
  readonly #unlock: () => void;
  readonly #bootId = bootId();

  constructor(options: SqliteOptions, unlock: () => void) {
    this.#options = options;
    this.#unlock = unlock;
  }

  async open(mailbox: MailboxId, create: boolean): Promise<OpenedMailbox | null> {
    const directory = this.#directoryOf(mailbox);
    if (!fs.existsSync(directory)) {
      if (!create) return null;
      await makeDurably(directory);
    }
    return openMailbox({
      directory,
      bootId: this.#bootId,
      files: this.#options.files ?? realFiles,
      log: this.#options.log ?? silentLog,
      segmentBytes: this.#options.segmentBytes,
    });
  }

  async mailboxes(): Promise<MailboxId[]> {
    const root = path.join(this.#options.directory, 'mailboxes');
    const found: MailboxId[] = [];
    for (const shard of await fs.promises.readdir(root)) {
      for (const name of await fs.promises.readdir(path.join(root, shard))) {
        if (MAILBOX_ID.test(name)) found.push(mailboxId(name));
      }
    }
    return found.sort();
  }

  async remove(mailbox: MailboxId): Promise<void> {
    const directory = this.#directoryOf(mailbox);
    if (!fs.existsSync(directory)) throw new Failure('NONEXISTENT', 'There is no such mailbox.');
    // Out of sight at once and durably, whatever happens while the files go.
    const aside = path.join(this.#options.directory, 'spool', `removed-${mailbox}`);
    await fs.promises.rename(directory, aside);
    await flushDirectory(path.dirname(directory));
    await fs.promises.rm(aside, { recursive: true, force: true });
  }

  standing(mailbox: MailboxId): Promise<Standing | null> {
    return readStanding(this.#directoryOf(mailbox));
  }

  async setStanding(mailbox: MailboxId, standing: Standing | null): Promise<void> {
    const directory = this.#directoryOf(mailbox);
    if (!fs.existsSync(directory)) await makeDurably(directory);
    await writeStanding(directory, standing);
  }

  createSpool(): Promise<Spool> {
    return createSpoolFile(path.join(this.#options.directory, 'spool'));
  }

  /** The lock on the directory keeps every other process out. */
  attach(): void {}

  close(): Promise<void> {
    this.#unlock();
    return Promise.resolve();
  }

  #directoryOf(mailbox: MailboxId): string {
    if (!MAILBOX_ID.test(mailbox)) throw new Failure('NONEXISTENT', 'This is no mailbox id.');
    return path.join(this.#options.directory, 'mailboxes', mailbox.slice(0, 2), mailbox);
  }
}

async function makeDurably(directory: string): Promise<void> {
  const shard = path.dirname(directory);
  await fs.promises.mkdir(directory, { recursive: true });
  await flushDirectory(shard);
  await flushDirectory(path.dirname(shard));
}
