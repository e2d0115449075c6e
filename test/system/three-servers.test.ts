/**
 * The commands of docs/admin/three-servers.md, word by word, as processes on one machine, with a real PostgreSQL: from
 * nothing to an organization of two sites where every front end serves every mailbox.
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect } from 'node:tls';
import { createTransport } from 'nodemailer';
import { type ChildServer, penfold, startChild } from '../support/child-server.ts';
import { freshDatabase, type FreshDatabase, postgresMissing, stopSharedPostgres } from '../support/postgres.ts';
import { RawImap } from '../support/raw-imap.ts';

const DOCUMENT = path.join(import.meta.dirname, '..', '..', 'docs', 'admin', 'three-servers.md');
const MOST_COMMANDS = 14;
const HOSTS = ['mail1', 'mail2', 'mail3'] as const;
const OFFSET = 10_000;
/** PostgreSQL of the tests asks for none: it is only looked for where it must not be. */
const DIRECTORY_PASSWORD = 'unsaid-7b0c';
const PASSWORD = 'correct horse battery';

const skip = postgresMissing() ?? (process.platform === 'linux' ? false : 'needs many loopback addresses');

interface Line {
  readonly host: string;
  readonly words: readonly string[];
}

/** `mail1$ penfold …`, in the order of the page. */
async function linesOfDocument(): Promise<readonly Line[]> {
  const text = await readFile(DOCUMENT, 'utf8');
  return [...text.matchAll(/^(mail\d)\$ penfold (.+)$/gm)].map(([, host = '', words = '']) => ({
    host,
    words: [...words.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? ''),
  }));
}

describe('three servers in two sites', { skip }, () => {
  let root: string;
  let database: FreshDatabase;
  const running = new Map<string, ChildServer>();
  const said: string[] = [];
  // Any address of 127/8 is this machine; another run at the same time has other ones.
  const net = `127.${randomInt(1, 255)}.${randomInt(1, 255)}`;
  const addressOf = (host: string): string => `${net}.${host.slice(-1)}`;
  const dataOf = (host: string): string => path.join(root, host);

  before(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'penfold-three-'));
    database = await freshDatabase();
    const url = new URL(database.url);
    url.password = DIRECTORY_PASSWORD;
    await writeFile(path.join(root, 'url.txt'), `${url.href}\n`, { mode: 0o600 });
    await writeFile(path.join(root, 'password.txt'), `${PASSWORD}\n`, { mode: 0o600 });
  });
  after(async () => {
    for (const server of running.values()) await server.stop();
    await database.drop();
    await stopSharedPostgres();
    await rm(root, { recursive: true });
  });

  async function imap(host: string): Promise<RawImap> {
    const ca = await readFile(path.join(dataOf('mail1'), 'tls', 'ca.pem'), 'utf8');
    const socket = connect({ host: addressOf(host), port: 993 + OFFSET, servername: `${host}.example.org`, ca });
    await once(socket, 'secureConnect');
    return RawImap.greeted(socket);
  }

  test('the commands of the page, fewer than 15', async () => {
    const lines = await linesOfDocument();
    assert.ok(lines.length >= 10 && lines.length <= MOST_COMMANDS, `${lines.length} commands`);
    for (const { host, words } of lines) {
      const typed = words.map((word) => (word.endsWith('.txt') ? path.join(root, word) : word));
      const all = [...typed, '--data', dataOf(host)];
      const address = addressOf(host);
      // As the end of the page says for one machine.
      if (words[0] === 'setup')
        all.push('--bind', address, '--port-offset', String(OFFSET), '--internal-address', address);
      if (words[0] === 'serve') {
        running.set(host, await startChild(all, new RegExp(`imap4 +${address.replaceAll('.', '\\.')}:10993`)));
        continue;
      }
      const { code, stdout, stderr } = await penfold(all);
      assert.equal(code, 0, `${host}$ penfold ${words.join(' ')}: ${stderr}`);
      said.push(stdout, stderr);
    }
    assert.deepEqual([...running.keys()], [...HOSTS]);
  });

  for (const user of ['ada', 'bruno'])
    test(`${user} logs on by IMAP through every front end, with the organization's certificate`, async () => {
      for (const host of HOSTS) {
        const client = await imap(host);
        const { status } = await client.command(`LOGIN ${user}@example.org "${PASSWORD}"`);
        assert.match(status, /^OK/, `${user} on ${host}`);
        assert.match((await client.command('SELECT INBOX')).status, /^OK/);
        client.socket.destroy();
      }
    });

  test('mail sent through the front end in Paris is in a mailbox in Rome when it has been taken', async () => {
    const ca = await readFile(path.join(dataOf('mail1'), 'tls', 'ca.pem'), 'utf8');
    const transport = createTransport({
      host: addressOf('mail2'),
      port: 587 + OFFSET,
      requireTLS: true,
      tls: { ca, servername: 'mail2.example.org' },
      auth: { user: 'ada@example.org', pass: PASSWORD },
    });
    await transport.sendMail({ from: 'ada@example.org', to: 'bruno@example.org', subject: 'across', text: 'the Alps' });
    transport.close();
    const client = await imap('mail1');
    await client.command(`LOGIN bruno@example.org "${PASSWORD}"`);
    const { untagged } = await client.command('SELECT INBOX');
    assert.ok(
      untagged.some((line) => String(line) === '* 1 EXISTS'),
      untagged.join('\n'),
    );
    client.socket.destroy();
  });

  test('a wrong password is refused by every front end', async () => {
    for (const host of HOSTS) {
      const client = await imap(host);
      assert.match((await client.command('LOGIN ada@example.org "wrong"')).status, /^NO \[AUTHENTICATIONFAILED\]/);
      client.socket.destroy();
    }
  });

  test('without a certificate of the organization nobody reaches a back-end port', async () => {
    for (const host of ['mail1', 'mail3']) {
      const socket = connect({ host: addressOf(host), port: 1993 + OFFSET, rejectUnauthorized: false });
      let heard = 0;
      socket.on('data', (chunk) => {
        heard += chunk.length;
      });
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.on('error', () => {}).once('secureConnect', () => socket.write('a LOGIN ada x\r\n'));
      await closed;
      assert.equal(heard, 0, host);
    }
  });

  test('a token lets nobody in twice', async () => {
    const words = ['setup', '--join', path.join(root, 'token3.txt'), '--fqdn', 'mail4.example.org', '--site', 'Rome'];
    const { code, stderr } = await penfold([...words, '--data', dataOf('mail4')]);
    assert.notEqual(code, 0);
    assert.match(stderr, /join token was used/);
  });

  test('no secret is in a log, in the audit log or in what commands said', async () => {
    const { stdout: audit } = await penfold(['Search-AdminAuditLog', '--data', dataOf('mail1')]);
    const texts = [...said, audit, ...[...running.values()].map((server) => server.stdout())];
    for (const host of HOSTS) {
      const logs = path.join(dataOf(host), 'logs');
      const files = await readdir(logs, { recursive: true, withFileTypes: true });
      for (const file of files)
        if (file.isFile()) texts.push(await readFile(path.join(file.parentPath, file.name), 'utf8'));
    }
    const key = (await readFile(path.join(dataOf('mail1'), 'organization.key'), 'utf8')).trim();
    const token = (await readFile(path.join(root, 'token3.txt'), 'utf8')).trim();
    assert.ok(key.length > 40 && token.length > 100 && texts.join('').length > 1000);
    for (const secret of [key, token, DIRECTORY_PASSWORD, PASSWORD, 'PRIVATE KEY'])
      for (const text of texts)
        assert.equal(text.includes(secret), false, `${secret.slice(0, 12)}… in ${text.slice(0, 200)}`);
  });
});
