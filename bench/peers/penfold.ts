/** Penfold as its own peer: started as a user would start it, found by its ready file. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { dataLayout } from '../../src/config/data-directory.ts';
import { openDirectory } from '../../src/main/open-directory.ts';
import type { Peer, PeerUser } from './peer.ts';

interface Listener {
  readonly host: string;
  readonly port: number;
  readonly security: string;
}

const root = path.dirname(path.dirname(import.meta.dirname));

/** As the peers are: logons in the clear for the plain rows, no quota. The running server follows the directory. */
async function asThePeersAre(data: string): Promise<void> {
  const directory = await openDirectory(dataLayout(data));
  for (const server of await directory.servers()) {
    await directory.setImapSettings(server.id, { loginType: 'PlainTextLogin', maxConnectionsPerUser: 1000 });
    await directory.setPopSettings(server.id, { loginType: 'PlainTextLogin' });
  }
  for (const database of await directory.databases()) {
    await directory.setDatabaseSettings(database.id, {
      issueWarningQuota: Infinity,
      prohibitSendQuota: Infinity,
      prohibitSendReceiveQuota: Infinity,
      recoverableItemsQuota: Infinity,
      recoverableItemsWarningQuota: Infinity,
    });
  }
  await directory.close();
  await delay(1_000);
}

export async function startPenfold(directory: string, password: string, users: number): Promise<Peer> {
  mkdirSync(directory, { recursive: true });
  const data = path.join(directory, 'data');
  const ready = path.join(directory, 'ready.json');
  let child: ChildProcess;
  const start = async (): Promise<Record<'imap' | 'pop3' | 'smtp', Listener[]>> => {
    rmSync(ready, { force: true });
    child = spawn(
      process.execPath,
      [path.join(root, 'src/main.ts'), 'start', '--data', data, '--ports', 'auto', '--ready-file', ready],
      {
        cwd: root,
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    );
    for (const until = performance.now() + 30_000; !existsSync(ready); await delay(20)) {
      if (performance.now() > until || child.exitCode !== null) throw new Error('Penfold did not become ready');
    }
    const facts: unknown = JSON.parse(readFileSync(ready, 'utf8'));
    return Object.assign({ imap: [], pop3: [], smtp: [] }, facts);
  };
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await gone;
  };
  // A kept directory has its mailboxes already.
  const fresh = !existsSync(data);
  let listeners = await start();
  const passwordFile = path.join(directory, 'password');
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  if (fresh) {
    const create = ['mailbox', 'create', 'bench%d@example.test', '--count', String(users)];
    const made = new Promise<number | null>((resolve) => {
      const words = [path.join(root, 'src/main.ts'), ...create, '--password-file', passwordFile, '--data', data];
      spawn(process.execPath, words, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] }).once('exit', resolve);
    });
    if ((await made) !== 0) {
      await stop();
      throw new Error('penfold mailbox create failed');
    }
    await asThePeersAre(data);
  }
  const target = (list: 'imap' | 'pop3' | 'smtp', security: string) => {
    const found = listeners[list].find((listener) => listener.security === security);
    if (found === undefined) throw new Error(`Penfold has no ${list} listener with ${security}`);
    return { host: found.host, port: found.port, secure: security === 'ssl' };
  };
  return {
    name: 'Penfold',
    get imap() {
      return target('imap', 'starttls');
    },
    get imaps() {
      return target('imap', 'ssl');
    },
    get pop3() {
      return target('pop3', 'starttls');
    },
    get pop3s() {
      return target('pop3', 'ssl');
    },
    get smtp() {
      // The last listener takes mail from other servers, without logon.
      const inbound = listeners.smtp.findLast((listener) => listener.security === 'starttls');
      return inbound === undefined ? null : { host: inbound.host, port: inbound.port, secure: false };
    },
    lmtpSocket: null,
    rootPid: () => child.pid ?? 0,
    users: Array.from({ length: users }, (_, i): PeerUser => ({ name: `bench${i + 1}@example.test`, password })),
    forget: async () => {
      await stop();
      listeners = await start();
    },
    stop,
  };
}
