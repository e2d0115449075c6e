/**
 * kill -9 of a server in the middle of a move: after the start it goes on by itself with what has come, and in the end
 * every message is at the new place, once. There and back again, killed each time.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { penfold, type ChildServer } from '../support/child-server.ts';
import { type DemoServer, imapLogon, startDemo } from '../support/demo-server.ts';

const MESSAGES = 120;
const OCTETS = 300_000;
const KILLS = 2;
/** Between looks at a process from outside. */
const LOOK_MS = 100;
const CLOSE_LOOK_MS = 2;

interface Shown {
  readonly Status: string;
  readonly Message: string;
}

/** Octets of the log of a mailbox below, while its standing is that. */
async function octetsBelow(folder: string, kind: string): Promise<number> {
  let octets = 0;
  for (const file of await readdir(folder, { recursive: true }).catch(() => [])) {
    if (path.basename(file) !== 'standing') continue;
    const place = path.dirname(path.join(folder, file));
    const standing = await readFile(path.join(place, 'standing'), 'utf8').catch(() => '');
    if (!standing.startsWith(kind)) continue;
    for (const name of await readdir(place))
      if (name.startsWith('seg-')) octets += (await stat(path.join(place, name))).size;
  }
  return octets;
}

test(`a move of ${MESSAGES} messages survives kill -9`, { timeout: 240_000 }, async (t) => {
  const root = await mkdtemp(path.join(tmpdir(), 'penfold-move-kill-'));
  const data = path.join(root, 'data');
  const servers: ChildServer[] = [];
  t.after(async () => {
    for (const each of servers) await each.stop('SIGKILL');
    await rm(root, { recursive: true });
  });
  const start = async (...words: string[]): Promise<DemoServer> => {
    const server = await startDemo(data, ...words);
    servers.push(server.child);
    return server;
  };
  const run = async (...words: string[]): Promise<string> => {
    const { code, stdout, stderr } = await penfold([...words, '--data', data]);
    assert.equal(code, 0, `${words.join(' ')}: ${stderr}`);
    return stdout;
  };
  const shown = async (): Promise<Shown> => {
    const all: Shown[] | Shown = JSON.parse(await run('Get-MoveRequestStatistics', '--json'));
    const one = Array.isArray(all) ? all[0] : all;
    assert.ok(one);
    return one;
  };

  let server = await start('--ports', 'auto');
  const client = await imapLogon(server, 0);
  const user = server.mailboxes[0]?.address ?? assert.fail('it has a mailbox');
  for (let i = 0; i < MESSAGES; i += 1) {
    const { status } = await client.command(
      'APPEND INBOX',
      Buffer.from(`Subject: m${i}\r\n\r\n${String.fromCharCode(65 + (i % 26)).repeat(OCTETS)}\r\n`),
    );
    assert.match(status, /^OK/);
  }
  client.hangUp();
  await run('New-MailboxDatabase', 'Second');
  const databases: ReadonlyArray<{ Name: string; EdbFilePath: string }> = JSON.parse(
    await run('Get-MailboxDatabase', '--json'),
  );
  const states: string[] = [];
  for (let kill = 0; kill < KILLS; kill += 1) {
    const to = databases.find(({ Name }) => (Name === 'Second') === (kill % 2 === 0)) ?? assert.fail('two databases');
    const asked = penfold(['New-MoveRequest', user, '-TargetDatabase', to.Name, '--data', data]);
    const wanted = MESSAGES * OCTETS * (0.1 + 0.7 * Math.random());
    const files = path.join(data, to.EdbFilePath, 'mailboxes');
    while ((await octetsBelow(files, 'receiving')) < wanted) await delay(CLOSE_LOOK_MS);
    await servers.at(-1)?.stop('SIGKILL');
    await asked;
    server = await start();
    for (;;) {
      const { Status, Message } = await shown();
      if (Status === 'Completed') break;
      assert.notEqual(Status, 'Failed', Message);
      await delay(LOOK_MS);
    }
    states.push(`${Math.round((wanted * 100) / (MESSAGES * OCTETS))} %`);
    await run('Remove-MoveRequest', user, '-Confirm:$false');
    assert.match(await run('Get-Mailbox', user, '--json'), new RegExp(`"${to.Name}"`));
  }
  const again = await imapLogon(server, 0);
  await again.command('SELECT INBOX');
  const { untagged } = await again.command('FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)])');
  const subjects = [
    ...Buffer.concat([...untagged])
      .toString('latin1')
      .matchAll(/Subject: (m\d+)/g),
  ].map(([, name]) => name);
  assert.deepEqual(
    subjects,
    Array.from({ length: MESSAGES }, (_, i) => `m${i}`),
  );
  again.hangUp();
  await servers.at(-1)?.stop();
  const verified = await penfold(['verify', '--data', data]);
  assert.match(verified.stdout, /: no problem$/m, verified.stdout + verified.stderr);
  t.diagnostic(`killed when so much had come: ${states.join(', ')}`);
});
