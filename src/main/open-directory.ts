/** The directory of a data directory that was set up: its own SQLite file, or the PostgreSQL database all servers share. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { DataLayout } from '../config/data-directory.ts';
import { readConfiguration } from '../config/read.ts';
import type { Configuration } from '../config/schema.ts';
import type { Directory } from '../directory/api.ts';
import { openPostgresDirectory } from '../directory/engine/postgres/directory.ts';
import { openSqliteDirectory } from '../directory/engine/sqlite/directory.ts';
import type { Server } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';
import { type Log, silentLog } from '../observe/log.ts';

export function directoryFile(folder: string): string {
  return path.join(folder, 'directory.db');
}

/** Set-up writes the organization's key last; an instance of an earlier version has its directory here. */
export function isSetUp(layout: DataLayout): boolean {
  return existsSync(layout.organizationKey) || existsSync(directoryFile(layout.directory));
}

/**
 * Where `[directory]` says that the directory is. Null: in the data directory.
 * @throws Failure CANNOT, UNAVAILABLE when the file it names cannot be read
 */
export async function directoryUrl(layout: DataLayout, { directory }: Configuration): Promise<string | null> {
  if (directory.url !== '' && directory.url_file !== '')
    throw new Failure('CANNOT', 'penfold.toml: set `directory.url` or `directory.url_file`, not both');
  if (directory.url_file === '') return directory.url === '' ? null : directory.url;
  const file = path.resolve(layout.root, directory.url_file);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new Failure('UNAVAILABLE', `penfold.toml: the file of \`directory.url_file\`, ${file}, cannot be read`, {
      cause,
    });
  }
  const url = text.split(/\r?\n/, 1)[0]?.trim() ?? '';
  if (url === '')
    throw new Failure('CANNOT', `the first line of ${file} is empty: it has to be the URL of the directory`);
  return url;
}

/** `configuration`: the one of the data directory when missing. @throws Failure NONEXISTENT when nothing was set up there */
export async function openDirectory(
  layout: DataLayout,
  log: Log = silentLog,
  configuration?: Configuration,
): Promise<Directory> {
  if (!isSetUp(layout)) {
    throw new Failure(
      'NONEXISTENT',
      `nothing is set up in ${layout.root}. Name the data directory with --data DIR or PENFOLD_DATA; or make one: penfold setup (for real), penfold start (to try)`,
    );
  }
  const url = await directoryUrl(layout, configuration ?? (await readConfiguration(layout.configuration)));
  if (url !== null) return openPostgresDirectory({ urls: [url], log });
  const file = directoryFile(layout.directory);
  if (!existsSync(file))
    throw new Failure(
      'NONEXISTENT',
      `${file} is not there, and penfold.toml names no other directory ([directory] url)`,
    );
  return openSqliteDirectory({ file, log });
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
