import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openSqliteDirectory } from '../../src/directory/engine/sqlite/directory.ts';
import { directoryConformance } from './directory.ts';

directoryConformance('SQLite in memory', async () => {
  const directory = await openSqliteDirectory({ file: ':memory:' });
  return { directory, another: async () => null, close: () => directory.close() };
});

directoryConformance('SQLite file', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'penfold-directory-'));
  const file = path.join(folder, 'directory.db');
  const directory = await openSqliteDirectory({ file });
  return {
    directory,
    another: () => openSqliteDirectory({ file }),
    close: async () => {
      await directory.close();
      await rm(folder, { recursive: true });
    },
  };
});
