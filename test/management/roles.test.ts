/**
 * Who may run what: every cmdlet of the real table × every role group and none, through the real door. What is right
 * stands here by noun, apart from the cmdlets' own lists, so that a slip in one of them is seen; a new noun needs a row.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Directory } from '../../src/directory/api.ts';
import { openSqliteDirectory } from '../../src/directory/engine/sqlite/directory.ts';
import type { RoleGroup } from '../../src/directory/model.ts';
import { CMDLETS } from '../../src/management/cmdlets/table.ts';
import type { Caller, Cmdlet } from '../../src/management/cmdlet.ts';
import { createDoor, type ManagementDoor } from '../../src/management/door.ts';
import { ROLE_GROUPS } from '../../src/management/roles.ts';
import { Failure } from '../../src/observe/failure.ts';
import { silentLog } from '../../src/observe/log.ts';

/** S: Server Management, R: Recipient Management. Organization Management may everything, View-Only all that only reads. */
const NOUNS: Readonly<
  Record<string, { readonly read: string; readonly change: string; readonly looksIntoMail?: true }>
> = {
  ADSite: { read: 'SR', change: '' },
  AcceptedDomain: { read: 'SR', change: '' },
  AdminAuditLog: { read: '', change: '' },
  AppPassword: { read: 'SR', change: 'R' },
  CASMailbox: { read: 'SR', change: 'R' },
  ClientAccessServer: { read: 'S', change: 'S' },
  ClientDnsRecord: { read: 'SR', change: '' },
  DisconnectedMailbox: { read: 'SR', change: 'R' },
  ExchangeCertificate: { read: 'S', change: 'S' },
  ExchangeServer: { read: 'SR', change: '' },
  HealthReport: { read: 'S', change: '' },
  ImapConnectivity: { read: 'S', change: '' },
  ImapSettings: { read: 'S', change: 'S' },
  Mailbox: { read: 'SR', change: 'R' },
  // Whole mailboxes leave and enter by these two.
  'Export-Mailbox': { read: '', change: '' },
  'Import-Mailbox': { read: '', change: '' },
  MailboxDatabase: { read: 'SR', change: 'S' },
  MailboxFolderStatistics: { read: 'SR', change: 'R' },
  MailboxPermission: { read: 'SR', change: 'R' },
  MailboxStatistics: { read: 'SR', change: 'R' },
  MessageTrackingLog: { read: 'SR', change: '' },
  MonitoringProbe: { read: 'S', change: '' },
  MoveRequest: { read: 'SR', change: 'R' },
  MoveRequestStatistics: { read: 'SR', change: 'R' },
  PopConnectivity: { read: 'S', change: '' },
  PopSettings: { read: 'S', change: 'S' },
  ReceiveConnector: { read: 'S', change: 'S' },
  RecipientPermission: { read: 'SR', change: 'R' },
  RecoverableItems: { read: '', change: '', looksIntoMail: true },
  RoleGroup: { read: '', change: '' },
  RoleGroupMember: { read: '', change: '' },
  ServerComponentState: { read: 'S', change: 'S' },
  ServerHealth: { read: 'S', change: '' },
  Service: { read: 'S', change: 'S' },
  Session: { read: 'SR', change: 'S' },
  SmtpConnectivity: { read: 'S', change: '' },
  ThrottlingPolicy: { read: 'S', change: 'S' },
  ThrottlingPolicyAssociation: { read: 'SR', change: 'SR' },
  TransportConfig: { read: 'SR', change: '' },
  WebSession: { read: 'SR', change: 'R' },
};

function expected(cmdlet: Cmdlet): readonly RoleGroup[] {
  const noun = cmdlet.name.slice(cmdlet.name.indexOf('-') + 1);
  const row = NOUNS[cmdlet.name] ?? NOUNS[noun];
  assert.ok(row !== undefined, `the noun ${noun} has no row in this test: say who may run ${cmdlet.name}`);
  const letters = cmdlet.changes ? row.change : row.read;
  return [
    'Organization Management',
    ...(letters.includes('S') ? (['Server Management'] as const) : []),
    ...(letters.includes('R') ? (['Recipient Management'] as const) : []),
    ...(cmdlet.changes || row.looksIntoMail === true ? [] : (['View-Only Organization Management'] as const)),
  ];
}

describe('role groups', () => {
  let directory: Directory;
  let door: ManagementDoor;
  before(async () => {
    directory = await openSqliteDirectory({ file: ':memory:' });
    const site = await directory.addSite('Site');
    const facts = { name: 'S', fqdn: 's.test', frontEnd: true, backEnd: true };
    const server = await directory.addServer({ ...facts, site: site.id });
    const database = await directory.addDatabase({ name: 'DB', server: server.id, engine: 'sqlite', location: 'db' });
    await directory.addDomain({ name: 'example.test', type: 'Authoritative', isDefault: true });
    for (const alias of ['boss', 'clerk', 'person']) {
      const address = `${alias}@example.test`;
      const mailbox = { database: database.id, addresses: [address] };
      const names = { displayName: alias, alias, userPrincipalName: address };
      await directory.addAccount({ kind: 'user', ...names, mailbox, credentials: null });
    }
    const unavailable = (): never => {
      throw new Failure('UNAVAILABLE', 'no mail here');
    };
    const mail = { databaseOf: unavailable, purgeMailbox: unavailable };
    door = createDoor(CMDLETS, { directory, server, mail, running: null, log: silentLog });
  });
  after(() => directory.close());

  /** The role is checked first of all, the signal before anything is done: so no cmdlet really runs here. */
  const attempt = async (cmdlet: Cmdlet, roles: readonly RoleGroup[]): Promise<'refused' | 'let in'> => {
    const caller: Caller = { user: 'x', roles, via: 'api' };
    const required = cmdlet.parameters.filter((one) => one.required === true);
    const args = Object.fromEntries(required.map((one) => [one.name, 'x']));
    try {
      const signal = AbortSignal.abort(new Error('nothing is run'));
      await door.run(caller, cmdlet.name, args, { signal })[Symbol.asyncIterator]().next();
    } catch (error) {
      if (error instanceof Failure && error.code === 'NOPERM') return 'refused';
      return 'let in';
    }
    throw new Error(`${cmdlet.name} ran although nobody waits for it`);
  };

  test('there are cmdlets of every kind', () => {
    assert.ok(CMDLETS.filter((cmdlet) => cmdlet.changes).length >= 15);
    assert.ok(CMDLETS.filter((cmdlet) => !cmdlet.changes).length >= 15);
  });

  for (const cmdlet of CMDLETS) {
    test(`${cmdlet.name}: each role group and none`, async () => {
      const may = expected(cmdlet);
      for (const { name } of ROLE_GROUPS)
        assert.equal(await attempt(cmdlet, [name]), may.includes(name) ? 'let in' : 'refused', name);
      assert.equal(await attempt(cmdlet, []), 'refused', 'no role group');
    });
  }

  test('who is in several groups may what any of them may', async () => {
    const cmdlet = door.find('Set-PopSettings');
    assert.equal(await attempt(cmdlet, ['Recipient Management', 'Server Management']), 'let in');
    assert.equal(await attempt(cmdlet, ['Recipient Management', 'View-Only Organization Management']), 'refused');
  });

  const run = async (roles: readonly RoleGroup[], name: string, args: Record<string, string>): Promise<void> => {
    const caller: Caller = { user: 'boss@example.test', roles, via: 'shell' };
    for await (const _ of door.run(caller, name, args, { confirm: false }));
  };

  test('members come and go by cmdlet, and it counts in the directory', async () => {
    const all: readonly RoleGroup[] = ['Organization Management'];
    await run(all, 'Add-RoleGroupMember', { Identity: 'recipient management', Member: 'clerk' });
    const clerk = await directory.accountByLogonName('clerk');
    assert.ok(clerk !== null);
    assert.deepEqual(await directory.roleGroups(clerk.id), ['Recipient Management']);
    await run(all, 'Remove-RoleGroupMember', { Identity: 'Recipient Management', Member: 'clerk@example.test' });
    assert.deepEqual(await directory.roleGroups(clerk.id), []);
    const [removed] = await directory.auditLog({ limit: 1 });
    assert.equal(removed?.actor.command, 'Remove-RoleGroupMember');
    for (const group of ['Server Management', 'Recipient Management', 'View-Only Organization Management'] as const)
      await assert.rejects(run([group], 'Add-RoleGroupMember', { Identity: group, Member: 'clerk' }), {
        code: 'NOPERM',
      });
  });

  test('an account in a role group is changed only by who may as much', async () => {
    const boss = await directory.accountByLogonName('boss');
    const person = await directory.accountByLogonName('person');
    assert.ok(boss !== null && person !== null);
    await directory.setRoleGroups(boss.id, ['Server Management']);
    const { protectingAccounts } = await import('../../src/management/protected-accounts.ts');
    const as = (...roles: RoleGroup[]): Directory =>
      protectingAccounts(directory, { user: 'clerk', roles, via: 'api' }).as({
        user: 'clerk',
        via: 'api',
        command: 'Set-Mailbox',
      });
    const clerk = as('Recipient Management');
    await assert.rejects(clerk.changeAccount(boss.id, { enabled: false }), { code: 'NOPERM' });
    await assert.rejects(clerk.removeAccount(boss.id), { code: 'NOPERM', message: /boss@example\.test is in Server/ });
    // Who opens an administrator's mailbox reads his mail; who turns his web access off locks him out of the admin API.
    const spy = { mailbox: boss.id, user: person.id, rights: ['FullAccess'] } as const;
    await assert.rejects(clerk.setPermission(spy), { code: 'NOPERM' });
    await assert.rejects(clerk.setClientAccess(boss.id, { owaEnabled: false }), { code: 'NOPERM' });
    await assert.rejects(clerk.setMailboxSettings(boss.id, { maxReceiveSize: 0 }), { code: 'NOPERM' });
    await clerk.setClientAccess(person.id, { owaEnabled: false });
    await clerk.changeAccount(person.id, { displayName: 'Someone' });
    await as('Recipient Management', 'Server Management').changeAccount(boss.id, { displayName: 'The Boss' });
    await as('Organization Management').changeAccount(boss.id, { displayName: 'Boss' });
    assert.equal((await directory.account(boss.id))?.enabled, true);
  });
});
