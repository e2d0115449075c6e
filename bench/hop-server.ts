/**
 * One server of the organization that bench/hop.ts has made, in a process of its own:
 * `node bench/hop-server.ts FOLDER NAME`. Says `ready` when it listens, ends with SIGTERM.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import * as v from 'valibot';
import { dataLayout } from '../src/config/data-directory.ts';
import { defaultConfiguration } from '../src/config/read.ts';
import { openSqliteDirectory } from '../src/directory/engine/sqlite/directory.ts';
import { openCertificates } from '../src/main/certificates.ts';
import { startServer } from '../src/main/compose.ts';
import { locationOf } from '../src/main/databases.ts';
import { silentLog } from '../src/observe/log.ts';
import { openSqliteDatabase } from '../src/store/engine/sqlite/index.ts';
import { openServerAuthority } from '../src/tls/server-authority.ts';
import { openServerIdentity } from '../src/tls/server-identity.ts';

const DRAIN_MS = 2_000;
const [folder = '', name = ''] = process.argv.slice(2);
const log = silentLog;
const layout = dataLayout(path.join(folder, name));
const directory = await openSqliteDirectory({ file: path.join(folder, 'directory.db'), log });
const server = (await directory.servers()).find((one) => one.name === name);
if (server === undefined) throw new Error(`no server ${name}`);
const pems = v.parse(
  v.object({ certificatePem: v.string(), keyPem: v.string() }),
  JSON.parse(await readFile(path.join(folder, 'authority.json'), 'utf8')),
);
const authority = await openServerAuthority(pems);
const identity = await openServerIdentity({
  server: server.id,
  issue: async () => ({ ...(await authority.issue(server.id)), trusted: [pems.certificatePem] }),
  log,
});
const configuration = defaultConfiguration();
const certificates = await openCertificates(layout, directory, server, log, { configuration, names: ['localhost'] });
const running = await startServer({
  layout,
  configuration,
  directory,
  server,
  identity,
  openDatabase: async (record, quotaOf) =>
    openSqliteDatabase({ directory: locationOf(layout.root, record), log, quotaOf }),
  certificates: certificates.store,
  authorityFile: certificates.authorityFile,
  webBindings: [{ address: '127.0.0.1', port: 0 }],
  saltKey: Buffer.alloc(32, 1),
  version: 'bench',
  log,
});
process.once('SIGTERM', () => {
  void running.drain(DRAIN_MS).then(() => process.exit(0));
});
console.log('ready');
