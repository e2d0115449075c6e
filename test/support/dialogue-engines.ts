/** The engines on which dialogues and the checker run: an empty mailbox database each time, removed at its end. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { MailboxDatabase } from '../../src/store/api.ts';
import { openMemoryDatabase } from '../../src/store/engine/memory/index.ts';
import { openSqliteDatabase } from '../../src/store/engine/sqlite/index.ts';
import { silentLog } from '../../src/observe/log.ts';

export interface TestEngine {
  readonly name: string;
  open(): Promise<MailboxDatabase>;
}

const memory: TestEngine = { name: 'memory', open: () => Promise.resolve(openMemoryDatabase()) };

const sqlite: TestEngine = {
  name: 'SQLite',
  open: () => inDirectory((directory) => openSqliteDatabase({ directory, log: silentLog })),
};

export const engines: readonly TestEngine[] = [memory, sqlite];

/** A database whose directory is removed when it is closed. */
async function inDirectory(open: (directory: string) => Promise<MailboxDatabase>): Promise<MailboxDatabase> {
  const directory = await mkdtemp(path.join(tmpdir(), 'penfold-dialogue-'));
  const database = await open(directory);
  const close = database.close.bind(database);
  database.close = async () => {
    await close();
    await rm(directory, { recursive: true, force: true });
  };
  return database;
}
