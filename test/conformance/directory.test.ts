import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openSqliteDirectory } from '../../src/directory/engine/sqlite/directory.ts';
import { directoryAuditConformance } from './directory-audit.ts';
import { directoryMailboxesConformance } from './directory-mailboxes.ts';
import { directoryPoliciesConformance } from './directory-policies.ts';
import { directoryTopologyConformance } from './directory-topology.ts';
import { directoryConformance } from './directory.ts';
import type { OpenDirectory } from './directory-fixture.ts';

const inMemory: OpenDirectory = async (options) => {
  const directory = await openSqliteDirectory({ file: ':memory:', ...options });
  return { directory, another: async () => null, close: () => directory.close() };
};

const inFile: OpenDirectory = async (options) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'penfold-directory-'));
  const file = path.join(folder, 'directory.db');
  const directory = await openSqliteDirectory({ file, ...options });
  return {
    directory,
    another: () => openSqliteDirectory({ file, ...options }),
    close: async () => {
      await directory.close();
      await rm(folder, { recursive: true });
    },
  };
};

for (const [engine, open] of [
  ['SQLite in memory', inMemory],
  ['SQLite file', inFile],
] as const) {
  directoryConformance(engine, open);
  directoryTopologyConformance(engine, open);
  directoryMailboxesConformance(engine, open);
  directoryPoliciesConformance(engine, open);
  directoryAuditConformance(engine, open);
}
