/**
 * The web console's way to the door (`urn:penfold:params:jmap:admin`): who has it, what comes back, what is asked, what
 * the audit log says. Roles by cmdlet are held by roles.test.ts, through the same door.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Account, RoleGroup } from '../../src/directory/model.ts';
import { adminCapability, MAX_RESULT_BYTES, MAX_RESULTS } from '../../src/management/api/admin-capability.ts';
import { CallPlaces } from '../../src/management/api/call-places.ts';
import type { Cmdlet, ReadingCmdlet } from '../../src/management/cmdlet.ts';
import { CMDLETS } from '../../src/management/cmdlets/table.ts';
import { silentLog } from '../../src/observe/log.ts';
import type { Capability } from '../../src/web/jmap/capability.ts';
import type { JsonObject } from '../../src/web/jmap/json.ts';
import { ADMIN_CALLS_OF_ONE } from '../../src/wire/limits.ts';
import { inMemoryOrganization, type InMemoryOrganization } from './in-memory-organization.ts';
import { callMethod } from './web-capability.ts';

/** Ends when it is told to; counts how often it was asked for the next object. */
class Slow {
  asked = 0;
  readonly #held = Promise.withResolvers<void>();
  readonly cmdlet: ReadingCmdlet;

  constructor() {
    const run = this.run.bind(this);
    this.cmdlet = { ...READING, name: 'Test-Slow', run };
  }

  release(): void {
    this.#held.resolve();
  }

  async *run() {
    this.asked += 1;
    await this.#held.promise;
    yield { Name: 'late' };
  }
}

const READING = {
  synopsis: 'For tests.',
  parameters: [],
  examples: [],
  roles: ['Organization Management'],
  columns: [],
  changes: false,
} as const;

const many = (name: string, count: number, cell: string, seen: { count: number }): ReadingCmdlet => ({
  ...READING,
  name,
  async *run() {
    for (let i = 0; i < count; i += 1) {
      seen.count += 1;
      yield { Name: cell };
    }
  },
});

describe('the web console', () => {
  let organization: InMemoryOrganization;
  let capability: Capability;
  let admin: Account;
  const slow = new Slow();
  const seen = { count: 0 };
  const extra: readonly Cmdlet[] = [
    slow.cmdlet,
    many('Get-Many', MAX_RESULTS * 5, 'x', seen),
    many('Get-Large', 10, 'x'.repeat(MAX_RESULT_BYTES / 4), seen),
  ];
  before(async () => {
    organization = await inMemoryOrganization({ cmdlets: [...CMDLETS, ...extra] });
    const { directory, door } = organization;
    capability = adminCapability({ directory, door, places: new CallPlaces(), log: silentLog });
    admin = await directory.addAccount({
      kind: 'administrator',
      displayName: 'Administrator',
      alias: 'administrator',
      userPrincipalName: 'administrator@example.test',
      mailbox: null,
      credentials: null,
    });
  });
  after(() => organization.close());

  const run = (name: string, args: object = {}, user: Account = admin): Promise<readonly [string, JsonObject]> =>
    callMethod(capability, { user }, 'Cmdlet/run', { name, ...args });
  const get = async (user: Account, args: object = {}): Promise<readonly string[]> => {
    const [name, { list }] = await callMethod(capability, { user }, 'Cmdlet/get', args);
    assert.equal(name, 'Cmdlet/get');
    assert.ok(Array.isArray(list));
    return list.map((one) => String(Reflect.get(Object(one), 'name')));
  };

  test('an administrator has it without a mailbox, on his own account and no other', async () => {
    assert.deepEqual(await capability.describe(admin), {
      roleGroups: ['Organization Management'],
      maxResults: MAX_RESULTS,
    });
    const { mailbox } = organization;
    const describe = (owner: Account, user: Account) => capability.describeAccount({ owner, isReadOnly: false }, user);
    assert.deepEqual(await describe(admin, admin), {});
    assert.deepEqual([await describe(mailbox, admin), await describe(mailbox, mailbox)], [null, null]);
  });

  test('who is in no role group has no such capability, and a forged `using` gives him nothing', async () => {
    const user = organization.mailbox;
    assert.equal(await capability.describe(user), null);
    for (const name of ['Cmdlet/get', 'Cmdlet/run']) {
      const [answer, args] = await callMethod(capability, { user }, name, { name: 'Get-Mailbox' });
      assert.deepEqual([answer, args['type']], ['error', 'forbidden'], name);
    }
  });

  test('an app password of an administrator opens no door', async () => {
    const [answer, args] = await callMethod(capability, { user: admin, appPassword: 'phone' }, 'Cmdlet/run', {
      name: 'Get-Mailbox',
    });
    assert.deepEqual([answer, args['type']], ['error', 'forbidden']);
  });

  test('a disabled administrator is refused at once', async () => {
    const [answer, args] = await run('Get-Mailbox', {}, { ...admin, enabled: false });
    assert.deepEqual([answer, args['type']], ['error', 'forbidden']);
  });

  test('everybody sees the cmdlets of his role groups, and runs no others', async () => {
    const { directory, mailbox: user } = organization;
    assert.equal((await get(admin)).length, CMDLETS.length + extra.length);
    await directory.setRoleGroups(user.id, ['Recipient Management']);
    const names = await get(user);
    assert.ok(names.includes('Set-CASMailbox'));
    assert.ok(!names.includes('Set-PopSettings'));
    assert.deepEqual(await get(user, { ids: ['get-mailbox', 'Set-PopSettings'] }), ['Get-Mailbox']);
    const [answer, args] = await run('Set-PopSettings', { parameters: { MaxConnections: 7 } }, user);
    assert.deepEqual([answer, args['type']], ['error', 'forbidden']);
    const groups: readonly RoleGroup[] = [];
    await directory.setRoleGroups(user.id, groups);
  });

  test('objects, warnings and the line that does the same in the shell', async () => {
    const [name, { objects, commandLine, hasMore }] = await run('get-mailbox', { parameters: { 1: 'ann' } });
    assert.equal(name, 'Cmdlet/run');
    assert.ok(Array.isArray(objects));
    assert.equal(Reflect.get(Object(objects[0]), 'Alias'), 'ann');
    assert.deepEqual([commandLine, hasMore], ['Get-Mailbox ann', false]);
  });

  test('a change is planned, then made; the audit log knows who, and that it was the web', async () => {
    const change = { parameters: { MaxConnections: 77 } };
    const [, planned] = await run('Set-PopSettings', { ...change, whatIf: true });
    assert.match(JSON.stringify(planned['objects']), /MaxConnections .*77/);
    assert.equal(planned['commandLine'], 'Set-PopSettings -MaxConnections 77 -WhatIf');
    assert.notEqual((await organization.directory.popSettings(organization.server.id)).maxConnections, 77);
    const [, done] = await run('Set-PopSettings', change);
    assert.equal(done['commandLine'], 'Set-PopSettings -MaxConnections 77');
    assert.equal((await organization.directory.popSettings(organization.server.id)).maxConnections, 77);
    const [entry] = await organization.directory.auditLog({ limit: 1 });
    assert.deepEqual(entry?.actor, { user: admin.userPrincipalName, via: 'web', command: 'Set-PopSettings' });
  });

  test('pages of the console hear of every change, those of others never', async () => {
    const [type] = capability.directoryTypes ?? [];
    const { directory, mailbox, server } = organization;
    assert.ok(type?.type === 'AuditEntry');
    const own = { owner: admin, isReadOnly: false };
    const before = await type.state(own, admin);
    await directory.setPopSettings(server.id, { banner: 'something else' });
    assert.notEqual(await type.state(own, admin), before);
    assert.ok(type.concerns({ kind: 'pop-settings', id: server.id }, own, admin));
    assert.ok(!type.concerns({ kind: 'pop-settings', id: server.id }, { ...own, owner: mailbox }, admin));
    assert.equal(await type.state({ owner: mailbox, isReadOnly: false }, mailbox), '');
  });

  test('a dangerous change is asked about first', async () => {
    const change = { parameters: { Identity: 'ann' } };
    const [answer, question] = await run('Disable-Mailbox', change);
    assert.deepEqual([answer, question['type']], ['error', 'confirmationNeeded']);
    assert.match(JSON.stringify(question['what']), /ann/i);
    assert.notEqual((await organization.directory.accountByAlias('ann'))?.mailbox, null);
    const [done] = await run('Disable-Mailbox', { ...change, confirm: false });
    assert.equal(done, 'Cmdlet/run');
    assert.equal((await organization.directory.accountByAlias('ann'))?.mailbox, null);
  });

  test('what a cmdlet refuses comes with its words and its code', async () => {
    const [answer, args] = await run('Set-PopSettings', { parameters: { MaxConnections: 0 } });
    assert.deepEqual([answer, args['type'], args['code']], ['error', 'cmdletFailed', 'CANNOT']);
    assert.match(JSON.stringify(args['description']), /MaxConnections must be/);
    const [, unknown] = await run('Get-Mailboxx');
    assert.deepEqual([unknown['type'], unknown['code']], ['cmdletFailed', 'NONEXISTENT']);
  });

  test('passwords stand neither in the line nor in the audit log', async () => {
    const parameters = { Name: 'eve', PrimarySmtpAddress: 'eve@example.test', Password: 'a long enough Passw0rd' };
    const [name, answer] = await run('New-Mailbox', { parameters });
    assert.equal(name, 'Cmdlet/run', JSON.stringify(answer));
    assert.match(JSON.stringify(answer['commandLine']), / -Password"$/);
    const log = JSON.stringify(await organization.directory.auditLog({ limit: 10 }));
    assert.ok(!log.includes(parameters.Password) && !JSON.stringify(answer).includes(parameters.Password));
  });

  test('answers end at their limits, and what only reads is not read further', async () => {
    for (const [args, expected] of [
      [{ maxResults: 3 }, 3],
      [{ maxResults: MAX_RESULTS * 2 }, MAX_RESULTS],
    ] as const) {
      seen.count = 0;
      const [, { objects, hasMore }] = await run('Get-Many', args);
      assert.ok(Array.isArray(objects));
      assert.deepEqual([objects.length, hasMore, seen.count], [expected, true, expected + 1]);
    }
    const [, large] = await run('Get-Large');
    assert.ok(Array.isArray(large['objects']));
    assert.deepEqual([large['objects'].length, large['hasMore']], [3, true]);
  });

  test('one person has so many calls at a time', async () => {
    const calls = Array.from({ length: ADMIN_CALLS_OF_ONE }, () => run('Test-Slow'));
    const [answer, args] = await run('Get-Mailbox');
    assert.deepEqual([answer, args['type'], args['code']], ['error', 'cmdletFailed', 'LIMIT']);
    slow.release();
    for (const [name] of await Promise.all(calls)) assert.equal(name, 'Cmdlet/run');
    assert.equal((await run('Get-Mailbox'))[0], 'Cmdlet/run');
  });
});
