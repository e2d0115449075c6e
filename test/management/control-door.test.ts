/** Cmdlets over the control socket of a running server: stream, back-pressure, going away, questions, completion. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { controlSocketPath } from '../../src/config/data-directory.ts';
import type { CmdletObject, ReadingCmdlet } from '../../src/management/cmdlet.ts';
import type { ControlServices } from '../../src/management/control/api.ts';
import { openControlDoor } from '../../src/management/control/server.ts';
import { ConfirmationNeeded, createDoor } from '../../src/management/door.ts';
import { type Door, type DoorOptions, doorOverSocket } from '../../src/management/door-client.ts';
import { Failure } from '../../src/observe/failure.ts';
import { silentLog } from '../../src/observe/log.ts';
import { ADMIN_REQUEST_BYTES } from '../../src/wire/limits.ts';
import { startOrganization, type TestOrganization } from '../support/organization.ts';

describe('cmdlets over the control socket', () => {
  let organization: TestOrganization;
  let door: Door;
  let socket: string;
  before(async () => {
    organization = await startOrganization({ engine: 'memory' });
    socket = controlSocketPath(organization.layout, 'run/control.sock');
    door = doorOverSocket(socket, { user: 'tester', via: 'shell' });
  });
  after(() => organization.stop());

  const quiet: DoorOptions = {
    whatIf: false,
    confirm: null,
    input: null,
    signal: new AbortController().signal,
    onWarning: () => {},
    onProgress: () => {},
  };
  const all = async (stream: AsyncIterable<CmdletObject>): Promise<CmdletObject[]> => {
    const objects: CmdletObject[] = [];
    for await (const one of stream) objects.push(one);
    return objects;
  };

  test('tells what cmdlets there are', async () => {
    const cmdlets = await door.cmdlets();
    const one = cmdlets.find((cmdlet) => cmdlet.name === 'Set-PopSettings');
    assert.equal(one?.changes, true);
    assert.ok(one.parameters.some((parameter) => parameter.name === 'LoginType' && parameter.choices?.length === 3));
  });

  test('runs them in the name of the system user, with warnings', async () => {
    const warnings: string[] = [];
    const args = { ExternalConnectionSetting: ['Dublin01.Contoso.com:9995:SSL'] };
    const objects = await all(
      door.run('Set-POPSettings', args, { ...quiet, onWarning: (text) => warnings.push(text) }),
    );
    assert.deepEqual(objects, []);
    assert.match(warnings.join('\n'), /9995/);
    const [entry] = await organization.directory.auditLog({ limit: 1 });
    assert.deepEqual(entry?.actor, { user: 'local:tester', via: 'shell', command: 'Set-PopSettings' });
    assert.match(entry.after?.['ExternalConnectionSettings'] ?? '', /9995/);
    const [settings] = await all(door.run('get-popsettings', {}, quiet));
    assert.deepEqual(settings?.['ExternalConnectionSettings'], ['Dublin01.Contoso.com:9995:SSL']);
  });

  test('a name that is none gives way to the server’s own user', async () => {
    const odd = doorOverSocket(socket, { user: 'a b\n', via: 'command' });
    await all(odd.run('Set-PopSettings', { MaxConnections: 99 }, quiet));
    const [entry] = await organization.directory.auditLog({ limit: 1 });
    assert.equal(entry?.actor.user, `local:${userInfo().username}`);
  });

  test('asks before a dangerous change, -WhatIf tells, refusals come as they are', async () => {
    await all(door.run('New-AcceptedDomain', { Name: 'gone.test' }, quiet));
    const remove = (options: Partial<DoorOptions>): Promise<CmdletObject[]> =>
      all(door.run('Remove-AcceptedDomain', { '1': 'gone.test' }, { ...quiet, ...options }));
    const [told] = await remove({ whatIf: true });
    assert.match(JSON.stringify(told), /"WhatIf":".*gone\.test/);
    await assert.rejects(remove({}), (error) => error instanceof ConfirmationNeeded && /gone\.test/.test(error.what));
    await remove({ confirm: false });
    await assert.rejects(remove({ confirm: false }), { code: 'NONEXISTENT' });
    await assert.rejects(all(door.run('Get-PopSetings', {}, quiet)), /did you mean Get-PopSettings/);
  });

  test('the object of a pipeline goes along', async () => {
    const [mailbox] = await all(door.run('Get-CASMailbox', { '1': 'alice' }, quiet));
    assert.ok(mailbox !== undefined);
    await all(door.run('Set-CASMailbox', { PopEnabled: false }, { ...quiet, input: mailbox }));
    assert.equal((await organization.directory.clientAccess(organization.user(0).account.id)).popEnabled, false);
  });

  test('completes values', async () => {
    assert.deepEqual(await door.complete('Set-CASMailbox', 'Identity', 'al'), ['alice']);
  });

  test('a request beyond ADMIN_REQUEST_BYTES is refused, and what is no call, too', async () => {
    const long = 'x'.repeat(ADMIN_REQUEST_BYTES);
    await assert.rejects(all(door.run('Get-PopSettings', { Server: long }, quiet)), { code: 'TOOBIG' });
    const outgoing = request({ socketPath: socket, method: 'POST', path: '/cmdlet/Get-PopSettings', agent: false });
    outgoing.end('{"via":"web","args":{}}');
    const [response] = await once(outgoing, 'response');
    assert.equal(response.statusCode, 500);
    response.resume();
  });

  test('a target that is no URL is refused; as an unhandled rejection it would end the server', async () => {
    for (const target of ['//', '/cmdlet/%ff']) {
      const outgoing = request({ socketPath: socket, method: 'POST', path: target, agent: false });
      outgoing.end('{"via":"shell","args":{}}');
      const [response] = await once(outgoing, 'response');
      assert.ok(response.statusCode >= 400, target);
      response.resume();
    }
  });

  test('nobody but the owner may open the socket', async () => {
    assert.equal((await stat(socket)).mode & 0o777, 0o600);
  });
});

describe('a long stream over the control socket', () => {
  let folder: string;
  let socket: string;
  let close: () => Promise<void>;
  const seen = { made: 0, aborted: Promise.withResolvers<void>() };
  const padding = 'x'.repeat(10_000);
  const endless: ReadingCmdlet = {
    name: 'Get-Endless',
    changes: false,
    synopsis: 'Never ends.',
    parameters: [],
    examples: [],
    roles: ['Organization Management'],
    columns: [],
    async *run(call) {
      call.signal.addEventListener('abort', () => seen.aborted.resolve());
      for (;;) {
        seen.made += 1;
        yield { padding };
        // As real cmdlets, which read from a store: others get their turn.
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'penfold-control-'));
    socket = path.join(folder, 'c.sock');
    const organization = await startOrganization({ engine: 'memory' });
    const { directory, server } = organization;
    const unavailable = (): never => {
      throw new Failure('UNAVAILABLE', 'not here');
    };
    const mail = { databaseOf: unavailable, purgeMailbox: unavailable };
    const services: ControlServices = {
      ...mail,
      accountWithMailbox: unavailable,
      status: unavailable,
      sessions: unavailable,
      health: unavailable,
      lockOuts: unavailable,
      liftLockOuts: unavailable,
      endSession: unavailable,
    };
    const cmdlets = createDoor([endless], { directory, server, mail, running: null, log: silentLog });
    const control = await openControlDoor(socket, services, cmdlets, silentLog);
    close = async () => {
      await control.close();
      await organization.stop();
    };
  });
  after(async () => {
    await close();
    await rm(folder, { recursive: true });
  });

  test('waits for who reads slowly, and ends when he has gone', async () => {
    const gone = new AbortController();
    const { signal } = gone;
    const options = { whatIf: false, confirm: null, input: null, signal, onWarning() {}, onProgress() {} };
    const objects = doorOverSocket(socket, { user: 'tester', via: 'command' }).run('Get-Endless', {}, options);
    const stream = objects[Symbol.asyncIterator]();
    await stream.next();
    // The buffers on the way fill up; then the count has to stand still.
    let before = -1;
    for (let still = 0; still < 200; still = seen.made === before ? still + 1 : 0) {
      before = seen.made;
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(seen.made * padding.length < 20_000_000, `${seen.made} objects were made ahead`);
    gone.abort();
    await assert.rejects(async () => {
      for (;;) if ((await stream.next()).done === true) throw new Error('ended');
    });
    await seen.aborted.promise;
  });
});
