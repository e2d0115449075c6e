/** The engines on which dialogues and the checker run: an empty mailbox database each time, removed at its end. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import type { MailboxDatabase } from '../../src/store/api.ts';
import { openMemoryDatabase } from '../../src/store/engine/memory/index.ts';
import { openPostgresDatabase } from '../../src/store/engine/postgres/index.ts';
import { openSqliteDatabase } from '../../src/store/engine/sqlite/index.ts';
import { silentLog } from '../../src/observe/log.ts';
import { freshDatabase, postgresMissing, stopSharedPostgres } from './postgres.ts';

export interface TestEngine {
  readonly name: string;
  open(): Promise<MailboxDatabase>;
}

const memory: TestEngine = { name: 'memory', open: () => Promise.resolve(openMemoryDatabase()) };

const sqlite: TestEngine = {
  name: 'SQLite',
  open: () => inDirectory((directory) => openSqliteDatabase({ directory, log: silentLog })),
};

const postgres: TestEngine = {
  name: 'PostgreSQL',
  open: async () => {
    const fresh = await freshDatabase();
    const open = (spool: string): Promise<MailboxDatabase> =>
      openPostgresDatabase({ url: fresh.url, server: 'one', spool, connections: 4 });
    return inDirectory(open, () => fresh.drop());
  },
};

const missing = postgresMissing();
if (missing === null) after(() => stopSharedPostgres());
else test('on PostgreSQL', { skip: missing }, () => {});

export const engines: readonly TestEngine[] = missing === null ? [memory, sqlite, postgres] : [memory, sqlite];

/** A database whose directory, and what else there is, is removed when it is closed. */
async function inDirectory(
  open: (directory: string) => Promise<MailboxDatabase>,
  closed: () => Promise<void> = () => Promise.resolve(),
): Promise<MailboxDatabase> {
  const directory = await mkdtemp(path.join(tmpdir(), 'penfold-dialogue-'));
  const database = await open(directory);
  const close = database.close.bind(database);
  database.close = async () => {
    await close();
    await rm(directory, { recursive: true, force: true });
    await closed();
  };
  return database;
}
