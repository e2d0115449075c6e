/** The engines on which dialogues and the checker run: an empty mailbox database each time, removed at its end. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { MailboxDatabase } from '../../src/store/api.ts';
import { openMemoryDatabase } from '../../src/store/engine/memory/index.ts';

export interface TestEngine {
  readonly name: string;
  open(): Promise<MailboxDatabase>;
}

const memory: TestEngine = { name: 'memory', open: () => Promise.resolve(openMemoryDatabase()) };

export const engines: readonly TestEngine[] = [memory];

/** A database whose directory is removed when it is closed. */
export async function inDirectory(open: (directory: string) => Promise<MailboxDatabase>): Promise<MailboxDatabase> {
  const directory = await mkdtemp(path.join(tmpdir(), 'penfold-dialogue-'));
  const database = await open(directory);
  const close = database.close.bind(database);
  database.close = async () => {
    await close();
    await rm(directory, { recursive: true, force: true });
  };
  return database;
}
