/** Mail for tests of cmdlets: one mailbox database in memory that every account's mailbox lies in. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import type { Account } from '../../src/directory/model.ts';
import type { MailStore } from '../../src/management/services-of-instance.ts';
import { Failure } from '../../src/observe/failure.ts';
import type { Mailbox, MailboxDatabase } from '../../src/store/api.ts';
import { openMemoryDatabase } from '../../src/store/engine/memory/index.ts';

export interface MemoryMail extends MailStore {
  readonly database: MailboxDatabase;
  /** One message a subject, into INBOX unless a folder is named; from `sender`. Their UIDs. */
  deliver(
    account: Account,
    subjects: readonly string[],
    options?: { folder?: string; sender?: string },
  ): Promise<readonly number[]>;
  /** As a client does it: marked and expunged, so that they go to recoverable items. */
  delete(account: Account, uids: readonly number[], folder?: string): Promise<void>;
  using<T>(account: Account, work: (mailbox: Mailbox) => Promise<T> | T): Promise<T>;
}

export function memoryMail(): MemoryMail {
  const database = openMemoryDatabase();
  const idOf = (account: Account) => account.mailbox?.id ?? assert.fail(`${account.alias} has no mailbox`);
  const using: MemoryMail['using'] = async (account, work) => {
    const mailbox = await database.open(idOf(account));
    try {
      return await work(mailbox);
    } finally {
      mailbox.close();
    }
  };
  return {
    database,
    databaseOf: () => database,
    purgeMailbox: async (account) => {
      try {
        await database.remove(idOf(account));
      } catch (error) {
        if (!(error instanceof Failure && error.code === 'NONEXISTENT')) throw error;
      }
    },
    using,
    deliver: (account, subjects, { folder = 'INBOX', sender = 'Charles <charles@example.test>' } = {}) =>
      using(account, async (mailbox) => {
        const target = mailbox.folderByName(folder) ?? (await mailbox.createFolder(folder));
        const uids: number[] = [];
        for (const subject of subjects) {
          const sink = database.stage();
          await sink.write(Buffer.from(`From: ${sender}\r\nSubject: ${subject}\r\n\r\nHello ${subject}\r\n`));
          const staged = await sink.finish();
          uids.push((await mailbox.append(target.id, staged, {})).uid);
          await staged.release();
        }
        return uids;
      }),
    delete: (account, uids, folder = 'INBOX') =>
      using(account, async (mailbox) => {
        const { id } = mailbox.folderByName(folder) ?? assert.fail(`there is no ${folder}`);
        const list = Uint32Array.from(uids);
        await mailbox.setFlags(id, list, { op: 'add', flags: 8, keywords: [] });
        await mailbox.expunge(id, list);
      }),
  };
}
