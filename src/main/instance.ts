/**
 * How a command gets at mailboxes: through the control door when a server runs on the data directory, by opening it
 * itself, under the instance lock, when none does. Either way the same work, done by the one process that owns the
 * mailboxes.
 */
import { readConfiguration } from '../config/read.ts';
import type { Configuration } from '../config/schema.ts';
import { controlSocketPath, type DataLayout } from '../config/data-directory.ts';
import type { Directory } from '../directory/api.ts';
import type { Account, Actor, Server } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';
import { silentLog } from '../observe/log.ts';
import { type VerifyFacts, verifyMailbox, withMailbox } from '../management/control/api.ts';
import { ControlClient } from '../management/control/client.ts';
import { accountWithMailbox, everyAccount } from '../management/mailboxes.ts';
import type { ImportTarget } from '../management/transfer/import.ts';
import { exportMailbox, mailboxImport } from '../management/transfer/mailbox-transfer.ts';
import type { ExportItem } from '../management/transfer/record.ts';
import { Databases } from './databases.ts';
import { engineOf } from './engines.ts';
import { lockInstance } from './instance-lock.ts';
import { openDirectory, ownServer } from './open-directory.ts';

/** What commands do with mailboxes. `close` it. */
export interface Instance {
  accountWithMailbox(address: string): Promise<Account>;
  /** The given ones, or all accounts whose mailbox lies in a database of this server. */
  mailboxes(addresses: readonly string[]): AsyncIterable<Account>;
  importTarget(account: Account): Promise<ImportTarget & { close(): Promise<void> }>;
  exportItems(account: Account, folder: string | null): AsyncIterable<ExportItem>;
  verify(account: Account): Promise<VerifyFacts>;
  removeMailbox(account: Account, purge: boolean): Promise<void>;
  /** For the audit log, before the work begins. */
  recordTransfer(
    account: Account,
    action: 'imported' | 'exported',
    facts: Readonly<Record<string, string>>,
  ): Promise<void>;
  close(): Promise<void>;
}

/** Null: no server runs on this data directory. */
export async function runningInstance(layout: DataLayout, configuration: Configuration): Promise<ControlClient | null> {
  const client = new ControlClient(controlSocketPath(layout, configuration.control.socket));
  try {
    await client.status();
    return client;
  } catch (error) {
    const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
    if (code === 'ENOENT' || code === 'ECONNREFUSED') return null;
    if (code === 'EACCES') {
      throw new Failure(
        'NOPERM',
        'a server runs here, but its control socket belongs to another user; run this as that user',
        {
          cause: error,
        },
      );
    }
    throw error;
  }
}

/** `actor`: who the audit log names for what changes. @throws Failure NONEXISTENT (nothing set up), INUSE */
export async function openInstance(layout: DataLayout, actor: Actor): Promise<Instance> {
  const directory = (await openDirectory(layout)).as(actor);
  try {
    const configuration = await readConfiguration(layout.configuration);
    const control = await runningInstance(layout, configuration);
    const server = await ownServer(directory, configuration.server.name);
    if (control !== null) return throughTheDoor(directory, server, control);
    return await byItself(layout, directory, server);
  } catch (error) {
    await directory.close();
    throw error;
  }
}

function shared(
  directory: Directory,
  server: Server,
): Pick<Instance, 'accountWithMailbox' | 'mailboxes' | 'recordTransfer'> {
  const one = (address: string): Promise<Account> => accountWithMailbox(directory, address);
  return {
    accountWithMailbox: one,
    recordTransfer: (account, action, after) =>
      directory.recordAudit({ action, objectKind: 'MailboxContent', object: account.alias, before: null, after }),
    async *mailboxes(addresses) {
      if (addresses.length > 0) {
        for (const address of addresses) yield await one(address);
        return;
      }
      const databases = (await directory.databases()).filter((one) => one.server === server.id);
      for await (const account of everyAccount(directory))
        if (databases.some(({ id }) => id === account.mailbox?.database)) yield account;
    },
  };
}

function addressOf(account: Account): string {
  if (account.mailbox === null) throw new Failure('NONEXISTENT', `${account.userPrincipalName} has no mailbox`);
  return account.mailbox.primaryAddress;
}

function throughTheDoor(directory: Directory, server: Server, control: ControlClient): Instance {
  return {
    ...shared(directory, server),
    importTarget: (account) => control.importInto(addressOf(account)),
    exportItems: (account, folder) => control.exportItems(addressOf(account), folder),
    verify: (account) => control.verify(addressOf(account)),
    removeMailbox: async (account, purge) => {
      if (purge) await control.removeMailbox(addressOf(account));
      await removeAccount(directory, account, purge);
    },
    close: () => directory.close(),
  };
}

async function byItself(layout: DataLayout, directory: Directory, server: Server): Promise<Instance> {
  const lock = lockInstance(layout);
  let databases: Databases;
  try {
    databases = await Databases.open(directory, server, engineOf(layout, silentLog), silentLog);
  } catch (error) {
    lock.release();
    throw error;
  }
  const services = {
    accountWithMailbox: (address: string) => accountWithMailbox(directory, address),
    databaseOf: (account: Account) => databases.of(account),
  };
  return {
    ...shared(directory, server),
    importTarget: async (account) => {
      const database = databases.of(account);
      if (account.mailbox === null) throw new Failure('NONEXISTENT', 'no mailbox');
      const mailbox = await database.open(account.mailbox.id);
      return Object.assign(mailboxImport(database, mailbox), {
        close: (): Promise<void> => {
          mailbox.close();
          return Promise.resolve();
        },
      });
    },
    exportItems: (account, folder) => exportAndClose(services, addressOf(account), folder),
    verify: (account) => verifyMailbox(databases.of(account), account),
    removeMailbox: async (account, purge) => {
      if (purge) await purgeMailbox(databases, account);
      await removeAccount(directory, account, purge);
    },
    close: async () => {
      await databases.close();
      lock.release();
      await directory.close();
    },
  };
}

/** A mailbox whose mail is gone is not kept to be connected again. */
async function removeAccount(directory: Directory, account: Account, purged: boolean): Promise<void> {
  await directory.removeAccount(account.id);
  if (purged && account.mailbox !== null) await directory.forgetMailbox(account.mailbox.id);
}

function missing(account: Account): never {
  throw new Failure('NONEXISTENT', `${account.userPrincipalName} has no mailbox`);
}

/** A mailbox that nobody has ever opened has nothing to delete. */
export async function purgeMailbox(databases: Pick<Databases, 'of'>, account: Account): Promise<void> {
  const database = databases.of(account);
  const id = account.mailbox?.id ?? missing(account);
  try {
    await database.remove(id);
  } catch (error) {
    if (!(error instanceof Failure && error.code === 'NONEXISTENT')) throw error;
  }
}

async function* exportAndClose(
  services: Parameters<typeof withMailbox>[0],
  address: string,
  folder: string | null,
): AsyncIterable<ExportItem> {
  const opened = Promise.withResolvers<AsyncIterable<ExportItem>>();
  const done = Promise.withResolvers<void>();
  const life = withMailbox(services, address, async (mailbox) => {
    opened.resolve(exportMailbox(mailbox, { folder }));
    await done.promise;
  });
  life.catch((error: unknown) => opened.reject(error));
  try {
    yield* await opened.promise;
  } finally {
    done.resolve();
    await life;
  }
}
