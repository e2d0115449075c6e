/** The door of commands on a data directory: here while no server runs, through the server while one does. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type DataLayout, dataLayout } from '../../src/config/data-directory.ts';
import { createData } from '../../src/main/create-data.ts';
import { type OpenDoor, openDoor } from '../../src/main/door.ts';
import { freePorts } from '../../src/main/free-ports.ts';
import { lockInstance } from '../../src/main/instance-lock.ts';
import { applyPorts } from '../../src/main/organization.ts';
import { runServer } from '../../src/main/run.ts';
import type { RawArguments } from '../../src/management/binding.ts';
import type { CmdletObject } from '../../src/management/cmdlet.ts';
import { cheapCredentials } from '../support/organization.ts';

describe('the door of commands', () => {
  let root: string;
  let layout: DataLayout;
  let door: OpenDoor;
  before(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'penfold-door-'));
    layout = dataLayout(path.join(root, 'data'));
    const plan = {
      organization: 'Test',
      site: 'Site',
      server: 'TEST',
      fqdn: 'localhost',
      domain: 'example.test',
      database: 'Database',
      administrator: await cheapCredentials('secret of the admin'),
    };
    const ports = await freePorts('127.0.0.1');
    await createData(layout, plan, (directory, { server }) => applyPorts(directory, server, ports));
    door = await openDoor(layout, 'shell');
  });
  after(async () => {
    await door.close();
    await rm(root, { recursive: true });
  });

  const run = async (name: string, args: RawArguments = {}): Promise<CmdletObject[]> => {
    const objects: CmdletObject[] = [];
    const { signal } = new AbortController();
    const options = { whatIf: false, confirm: false, input: null, signal, onWarning() {}, onProgress() {} };
    for await (const one of door.run(name, args, options)) objects.push(one);
    return objects;
  };
  const maxConnections = async (): Promise<unknown> => (await run('Get-PopSettings'))[0]?.['MaxConnections'];

  test('nothing set up: says what to do', async () => {
    await assert.rejects(openDoor(dataLayout(path.join(root, 'none')), 'command'), /penfold setup/);
  });

  test('without a server it works on the directory itself', async () => {
    assert.equal(await door.isServed(), false);
    await run('Set-PopSettings', { MaxConnections: 11 });
    assert.equal(await maxConnections(), 11);
    assert.ok((await door.cmdlets()).length > 20);
    assert.deepEqual(await door.complete('Set-PopSettings', 'LoginType', 'sec'), ['SecureLogin']);
    const [entry] = await run('Get-AdminAuditLog', { ResultSize: 1 });
    assert.match(JSON.stringify(entry), /"Caller":"local:/);
  });

  test('it holds the mailboxes only while a cmdlet runs, and does without when another process has them', async () => {
    const lock = lockInstance(layout);
    try {
      assert.equal(await maxConnections(), 11);
    } finally {
      lock.release();
    }
    lockInstance(layout).release();
  });

  test('a server that starts and stops is noticed', async () => {
    const server = await runServer(layout, { version: 'test', webBindings: [{ address: '127.0.0.1', port: 0 }] });
    try {
      assert.equal(await door.isServed(), true);
      await run('Set-PopSettings', { MaxConnections: 12 });
      assert.equal((await server.directory.popSettings(server.server.id)).maxConnections, 12);
      const status = await server.running.status();
      assert.ok(status.listeners.some((one) => one.service === 'web' && one.port > 0));
      assert.deepEqual(status.problems, []);
    } finally {
      await server.drain(0);
    }
    assert.equal(await door.isServed(), false);
    // What another process has written is seen within a second (directory/api.ts).
    const begun = performance.now();
    while ((await maxConnections()) !== 12) assert.ok(performance.now() - begun < 1500);
  });
});
