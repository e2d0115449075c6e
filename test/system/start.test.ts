/** `penfold start`: first start, the printed commands, second start, a taken port, Ctrl-C. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ImapFlow } from 'imapflow';
import { type ChildServer, penfold, runToEnd, startChild } from '../support/child-server.ts';

interface Ready {
  readonly pid: number;
  readonly ca: string;
  readonly admin: { readonly user: string; readonly password: string };
  readonly imap: ReadonlyArray<{ readonly host: string; readonly port: number; readonly security: string }>;
  readonly pop3: Ready['imap'];
  readonly smtp: Ready['imap'];
  readonly web: { readonly host: string; readonly port: number; readonly security: string } | null;
  readonly mailboxes: ReadonlyArray<{ readonly address: string; readonly password: string }>;
}

describe('penfold start', () => {
  let root: string;
  let data: string;
  let readyFile: string;
  let server: ChildServer | null = null;
  let first: Ready;
  before(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'penfold-start-'));
    data = path.join(root, 'data');
    readyFile = path.join(root, 'ready.json');
  });
  after(async () => {
    await server?.stop();
    await rm(root, { recursive: true });
  });

  const start = (...words: string[]): Promise<ChildServer> =>
    startChild(['start', '--data', data, '--ready-file', readyFile, ...words], /Ctrl-C stops it/);
  const ready = async (): Promise<Ready> => {
    while (!existsSync(readyFile)) await new Promise((resolve) => setImmediate(resolve));
    const facts: unknown = JSON.parse(await readFile(readyFile, 'utf8'));
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the interface under test; its fields are compared below
    return facts as Ready;
  };

  test('the first start makes everything and says what a person needs', async () => {
    server = await start('--ports', 'auto');
    first = await ready();
    assert.deepEqual(Object.keys(first), ['pid', 'ca', 'admin', 'imap', 'pop3', 'smtp', 'web', 'mailboxes']);
    assert.equal(first.pid, server.pid);
    assert.match(await readFile(first.ca, 'utf8'), /^-----BEGIN CERTIFICATE-----/);
    assert.deepEqual(
      [first.imap, first.pop3, first.smtp].map((list) => list.map((one) => one.security)),
      [
        ['ssl', 'starttls'],
        ['ssl', 'starttls'],
        ['starttls', 'ssl', 'starttls'],
      ],
    );
    assert.equal(first.web?.security, 'ssl');
    assert.ok(first.web.port > 0);
    assert.equal(first.mailboxes.length, 2);
    assert.equal((await stat(readyFile)).mode & 0o077, 0);
    assert.equal((await stat(path.join(data, 'demo.json'))).mode & 0o077, 0);
    for (const { address, password } of first.mailboxes) {
      assert.match(server.stdout(), new RegExp(`^${address} +${password}$`, 'm'));
    }
  });

  test('the three printed commands work as they are', {
    skip: hasCurl() ? false : 'curl is not installed',
  }, async () => {
    const commands = (server?.stdout() ?? '').split('\n').filter((line) => /^ {2}(curl|printf) /.test(line));
    assert.equal(commands.length, 3);
    const outputs: string[] = [];
    for (const command of commands) {
      const result = await runToEnd('bash', ['-c', command.trim()]);
      assert.equal(result.code, 0, `${command}\n${result.stderr}`);
      outputs.push(result.stdout);
    }
    assert.match(outputs[0] ?? '', /^Subject: Welcome to Penfold\r$/m);
    assert.equal(outputs[1], outputs[0], 'POP3 and IMAP show the same bytes');
    const [, bob] = first.mailboxes;
    assert.deepEqual(await subjects(first, bob), ['Welcome to Penfold', 'Hello']);
  });

  test('Ctrl-C drains: a connected client is told, the ready file goes', async () => {
    const client = imap(first, first.mailboxes[0]);
    const gone = once(client, 'close');
    await client.connect();
    const end = await server?.stop('SIGINT');
    await gone;
    assert.equal(end?.code, 0, end?.stderr);
    assert.equal(existsSync(readyFile), false);
    server = null;
  });

  test('a second start finds everything as it was', async (t) => {
    const begun = performance.now();
    server = await start();
    const second = await ready();
    // How quick it is depends on what else this machine does: said, not judged.
    t.diagnostic(`the second start took ${Math.round(performance.now() - begun)} ms`);
    assert.deepEqual({ ...second, pid: 0 }, { ...first, pid: 0 });
    assert.deepEqual(await subjects(second, second.mailboxes[0]), ['Welcome to Penfold']);
    await server.stop();
    server = null;
  });

  test('a taken port is named, with the way out', async () => {
    const port = first.pop3[1]?.port ?? 0;
    const other = createServer().listen({ host: '127.0.0.1', port });
    await once(other, 'listening');
    try {
      const refused = await penfold(['start', '--data', data, '--ready-file', readyFile]);
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, new RegExp(`port ${port} on 127\\.0\\.0\\.1 is taken`));
      assert.match(refused.stderr, /--ports auto/);
      assert.equal(existsSync(readyFile), false);
      server = await start('--ports', 'auto');
    } finally {
      other.close();
    }
  });
});

function hasCurl(): boolean {
  return spawnSync('curl', ['--version']).status === 0;
}

function imap(ready: Ready, mailbox: Ready['mailboxes'][number] | undefined): ImapFlow {
  const listener = ready.imap.find((one) => one.security === 'ssl');
  return new ImapFlow({
    host: listener?.host ?? '',
    port: listener?.port ?? 0,
    secure: true,
    auth: { user: mailbox?.address ?? '', pass: mailbox?.password ?? '' },
    tls: { ca: ready.ca === '' ? [] : [spawnSync('cat', [ready.ca]).stdout] },
    logger: false,
  });
}

async function subjects(ready: Ready, mailbox: Ready['mailboxes'][number] | undefined): Promise<string[]> {
  const client = imap(ready, mailbox);
  await client.connect();
  try {
    await client.mailboxOpen('INBOX');
    const found: string[] = [];
    for await (const message of client.fetch('1:*', { envelope: true })) found.push(message.envelope?.subject ?? '');
    return found;
  } finally {
    await client.logout();
  }
}
