/** The directory of a data directory that was set up. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { DataLayout } from '../config/data-directory.ts';
import type { Directory } from '../directory/api.ts';
import { openSqliteDirectory } from '../directory/engine/sqlite/directory.ts';
import type { Server } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';
import { type Log, silentLog } from '../observe/log.ts';

export function directoryFile(folder: string): string {
  return path.join(folder, 'directory.db');
}

export function isSetUp(layout: DataLayout): boolean {
  return existsSync(directoryFile(layout.directory));
}

/** @throws Failure NONEXISTENT when nothing was set up there */
export async function openDirectory(layout: DataLayout, log: Log = silentLog): Promise<Directory> {
  if (!isSetUp(layout)) {
    throw new Failure(
      'NONEXISTENT',
      `nothing is set up in ${layout.root}. Name the data directory with --data DIR or PENFOLD_DATA; or make one: penfold setup (for real), penfold start (to try)`,
    );
  }
  return openSqliteDirectory({ file: directoryFile(layout.directory), log });
}

/** The server that this data directory is of. @throws Failure NONEXISTENT */
export async function ownServer(directory: Directory, configuredName: string): Promise<Server> {
  const servers = await directory.servers();
  const [only] = servers;
  if (configuredName === '' && only !== undefined && servers.length === 1) return only;
  const found = servers.find((server) => server.name.toLowerCase() === configuredName.toLowerCase());
  if (found !== undefined) return found;
  const known = servers.map((server) => server.name).join(', ');
  throw new Failure(
    'NONEXISTENT',
    configuredName === ''
      ? `the directory knows several servers (${known}): say which one this is, [server] name in penfold.toml`
      : `the directory knows no server ${configuredName}, only ${known}: see [server] name in penfold.toml`,
  );
}
