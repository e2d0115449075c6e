/** The production path: set-up leaves POP3 and IMAP4 closed, one command opens one of them in the running server. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { dataLayout } from '../../src/config/data-directory.ts';
import { freePorts } from '../../src/main/free-ports.ts';
import { openDirectory, ownServer } from '../../src/main/open-directory.ts';
import { applyPorts, type PortPlan } from '../../src/main/organization.ts';
import { actOnServices, servicesNamed } from '../../src/management/services.ts';
import { type ChildServer, greeting, penfold, startChild } from '../support/child-server.ts';

describe('penfold setup and serve', () => {
  let root: string;
  let data: string;
  let ports: PortPlan;
  let server: ChildServer | null = null;
  before(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'penfold-serve-'));
    data = path.join(root, 'data');
  });
  after(async () => {
    await server?.stop();
    await rm(root, { recursive: true });
  });

  test('setup makes an organization with both protocols installed, Manual and stopped', async () => {
    const words = ['setup', '--data', data, '--domain', 'example.test', '--fqdn', 'mail.example.test'];
    const first = await penfold(words);
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stdout, /administrator@example\.test {3}password: \S+/);
    assert.match(first.stdout, /penfold service enable imap4 --data /);
    assert.equal((await stat(data)).mode & 0o077, 0, 'nobody else may look into the data directory');
    assert.match(await readFile(path.join(data, 'penfold.toml'), 'utf8'), /^name = "MAIL"$/m);

    const second = await penfold(words);
    assert.equal(second.code, 1);
    assert.match(second.stderr, /is set up already/);

    const directory = await openDirectory(dataLayout(data));
    try {
      const own = await ownServer(directory, 'MAIL');
      const states = await directory.services(own.id);
      for (const service of ['pop3', 'pop3-backend', 'imap4', 'imap4-backend']) {
        const state = states.find((one) => one.service === service);
        assert.deepEqual([state?.startupType, state?.running], ['Manual', false], service);
      }
      assert.deepEqual((await directory.connectors(own.id)).map((connector) => connector.name).sort(), [
        'Client Frontend MAIL',
        'Client Proxy MAIL',
        'Default Frontend MAIL',
        'Default MAIL',
        'Outbound Proxy Frontend MAIL',
      ]);
      for (const [name, kind] of [
        ['administrator', 'administrator'],
        ['guest', 'guest'],
        ['anonymous', 'anonymous'],
      ]) {
        assert.equal((await directory.accountByLogonName(`${name}@example.test`))?.kind, kind);
      }
      // The standard ports belong to the machine that runs this test.
      ports = await freePorts('127.0.0.1');
      await applyPorts(directory, own, ports);
      const file = path.join(data, 'penfold.toml');
      const web = `bindings = "127.0.0.1:${ports.web}"\nredirect_bindings = ""`;
      await writeFile(file, (await readFile(file, 'utf8')).replace(/^# bindings = .*$/m, web));
    } finally {
      await directory.close();
    }
  });

  test('serve listens for SMTP only; service enable imap4 opens IMAP4 within a second, POP3 stays closed', async () => {
    server = await startChild(['serve', '--data', data], /not running: pop3, .*imap4/);
    assert.match((await greeting(ports.connectors.smtp)) ?? '', /^220 /);
    for (const { plain, tls } of [ports.imap, ports.pop3]) {
      assert.equal(await greeting(plain), null);
      assert.equal(await greeting(tls), null);
    }
    const enabled = await penfold(['service', 'enable', 'imap4', '--data', data]);
    assert.equal(enabled.code, 0, enabled.stderr);
    assert.match(enabled.stdout, new RegExp(`listening on 127\\.0\\.0\\.1:${ports.imap.plain} \\(starttls\\)`));
    assert.match((await greeting(ports.imap.plain)) ?? '', /^\* OK /);
    assert.equal(await greeting(ports.pop3.plain), null);
  });

  test('a change made by any process is followed within a second', async () => {
    const directory = await openDirectory(dataLayout(data));
    try {
      const own = await ownServer(directory, '');
      const begun = performance.now();
      await actOnServices(directory, own, servicesNamed(own, 'pop3'), 'enable');
      while ((await greeting(ports.pop3.plain)) === null) {
        assert.ok(performance.now() - begun < 1000, 'POP3 did not open within a second');
        await delay(10);
      }
      const stopped = performance.now();
      await actOnServices(directory, own, servicesNamed(own, 'pop3'), 'disable');
      // A connection that the kernel took in the moment of closing is reset: neither open nor refused yet.
      const reset = (reason: unknown): string => {
        if (reason instanceof Error && 'code' in reason && reason.code === 'ECONNRESET') return 'reset';
        throw reason;
      };
      while ((await greeting(ports.pop3.plain).catch(reset)) !== null) {
        assert.ok(performance.now() - stopped < 1000, 'POP3 did not close within a second');
        await delay(10);
      }
    } finally {
      await directory.close();
    }
  });

  test('service enable says which port it cannot have, and opens the others', async () => {
    const other = createServer().listen({ host: '127.0.0.1', port: ports.pop3.plain });
    await once(other, 'listening');
    try {
      const begun = performance.now();
      const enabled = await penfold(['service', 'enable', 'pop3', '--data', data]);
      assert.ok(performance.now() - begun < 3_000, 'it waited');
      assert.equal(enabled.code, 1);
      assert.match(enabled.stdout, new RegExp(`listening on 127\\.0\\.0\\.1:${ports.pop3.tls} \\(ssl\\)`));
      const taken = `penfold: port ${ports.pop3.plain} on 127\\.0\\.0\\.1 is taken by another program`;
      assert.match(enabled.stderr, new RegExp(taken));
      const status = await penfold(['status', '--data', data]);
      assert.match(status.stderr, new RegExp(`pop3: port ${ports.pop3.plain} `));
    } finally {
      other.close();
      await penfold(['service', 'disable', 'pop3', '--data', data]);
    }
    const after = await penfold(['status', '--data', data]);
    assert.equal(after.stderr, '');
  });

  test('mailboxes are made and listed while the server runs; mistakes name the next step', async () => {
    const secret = path.join(root, 'secret');
    await writeFile(secret, 'correct horse\n');
    const made = await penfold([
      'mailbox',
      'create',
      'user%d@example.test',
      '--count',
      '3',
      '--password-file',
      secret,
      '--data',
      data,
    ]);
    assert.equal(made.stdout, 'created 3 mailboxes, user1@example.test to user3@example.test\n', made.stderr);
    const list = await penfold(['mailbox', 'list', '--data', data]);
    assert.match(list.stdout, /^user2@example\.test +user2 +user +yes$/m);
    const mistakes = [
      [['mailbox', 'create', 'a@elsewhere.test', '--password-file', secret], 3, /penfold domain add elsewhere\.test/],
      [['mailbox', 'create', 'user1@example.test', '--password-file', secret], 1, /exists already|taken|in use/],
      [['mailbox', 'create', 'x@example.test', '--password-file', '/nowhere'], 1, /cannot be read/],
      [['mailbox', 'create', 'x@example.test'], 2, /--password-file/],
      [['mailbox', 'show', 'nobody@example.test'], 3, /penfold mailbox list/],
      [['service', 'enable', 'imap'], 3, /did you mean imap4/],
      [['servce'], 2, /Did you mean one of serve, service/],
      [['import', '/nowhere', '--mailbox', 'user1@example.test'], 3, /does not exist/],
    ] as const;
    await Promise.all(
      mistakes.map(async ([words, code, message]) => {
        const result = await penfold([...words, ...(words[0] === 'servce' ? [] : ['--data', data])]);
        assert.equal(result.code, code, `${words.join(' ')}: ${result.stderr}`);
        assert.match(result.stderr, message);
      }),
    );
    const status = await penfold(['status', '--data', data]);
    assert.match(status.stdout, /^ {2}imap4 +Automatic +running$/m);
    const none = await penfold(['status', '--data', path.join(root, 'none')]);
    assert.equal(none.code, 3);
  });

  test('a second server on the same data is refused; SIGTERM ends the first one cleanly', async () => {
    const second = await penfold(['serve', '--data', data]);
    assert.equal(second.code, 1);
    assert.match(second.stderr, new RegExp(`in use by another Penfold process \\(process ${server?.pid}\\)`));
    const end = await server?.stop('SIGTERM');
    server = null;
    assert.equal(end?.code, 0, end?.stderr);
    assert.match(end?.stdout ?? '', /Stopping \(SIGTERM\)/);
    assert.equal(await greeting(ports.imap.plain), null);
  });

  test('the next start runs what is Automatic', async () => {
    server = await startChild(['serve', '--data', data], /not running: /);
    assert.match((await greeting(ports.imap.plain)) ?? '', /^\* OK /);
    assert.equal(await greeting(ports.pop3.plain), null);
  });

  test('a configuration file with a mistake is refused before anything is opened', async () => {
    const file = path.join(root, 'wrong.toml');
    await writeFile(file, '[shutdown]\ndrian_seconds = 3\n');
    const refused = await penfold(['serve', '--data', data, '--config', file]);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /no key `shutdown\.drian_seconds`, did you mean `drain_seconds`/);
  });
});
