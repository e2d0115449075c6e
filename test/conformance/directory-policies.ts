/**
 * What every directory engine must do with domains, quotas, retention, throttling, rights, roles and components
 * (exchange-behaviour.md §4, §6.2, §9.1–9.3, §11).
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Directory, DirectoryChange } from '../../src/directory/api.ts';
import { inactiveBecauseOf } from '../../src/directory/components.ts';
import { type Account, accountId, databaseId, serverId } from '../../src/directory/model.ts';
import { GLOBAL_THROTTLING_POLICY } from '../../src/directory/settings/throttling.ts';
import {
  credentials,
  type DirectoryUnderTest,
  type OpenDirectory,
  person,
  refused,
  type SmallOrganization,
  smallOrganization,
} from './directory-fixture.ts';

const MB = 1024 ** 2;
const GB = 1024 ** 3;
const DAY = 86_400;

export function directoryPoliciesConformance(engine: string, open: OpenDirectory): void {
  describe(`directory policies on ${engine}`, () => {
    let under: DirectoryUnderTest;
    let directory: Directory;
    let here: SmallOrganization;
    let ann: Account;
    let sales: Account;
    let administrator: Account;
    let bare: Account;

    before(async () => {
      under = await open();
      directory = under.directory;
      here = await smallOrganization(directory);
      ann = await directory.addAccount(person(here.database, 'ann', { credentials: credentials(1) }));
      sales = await directory.addAccount(person(here.database, 'sales', { kind: 'shared' }));
      administrator = await directory.addAccount(person(here.database, 'administrator', { kind: 'administrator' }));
      bare = await directory.addAccount(person(here.database, 'bare', { mailbox: null }));
    });
    after(() => under.close());

    test('accepted domains change, move the default and go when nobody uses them', async () => {
      await directory.addDomain({ name: 'example.net', type: 'InternalRelay', isDefault: false });
      assert.deepEqual(await directory.changeDomain('EXAMPLE.net', { type: 'ExternalRelay' }), {
        name: 'example.net',
        type: 'ExternalRelay',
        isDefault: false,
      });
      await refused(directory.changeDomain('example.org', { isDefault: false }), 'CANNOT', /make another one/);
      await refused(directory.removeDomain('example.org'), 'CANNOT', /default/);
      await directory.changeDomain('example.net', { isDefault: true });
      assert.deepEqual(
        (await directory.domains()).filter((one) => one.isDefault).map((one) => one.name),
        ['example.net'],
      );
      // A bare name is looked for in the new default domain at once.
      const neta = await directory.addAccount(
        person(here.database, 'neta.x', { mailbox: { database: here.database, addresses: ['neta@example.net'] } }),
      );
      assert.equal((await directory.accountByLogonName('neta'))?.id, neta.id);
      await refused(directory.removeDomain('example.org'), 'INUSE', /addresses are in example\.org/);
      await directory.changeDomain('example.org', { isDefault: true });
      await refused(directory.removeDomain('example.net'), 'INUSE', /^1 address is/);
      await directory.removeAccount(neta.id);
      await directory.removeDomain('Example.NET');
      await refused(directory.removeDomain('example.net'), 'NONEXISTENT');
      await refused(directory.changeDomain('example.net', {}), 'NONEXISTENT');
      assert.deepEqual(
        (await directory.domains()).map((one) => [one.name, one.isDefault]),
        [['example.org', true]],
      );
    });

    test('transport config: defaults, ranges, unlimited', async () => {
      const set = await directory.setOrganization({
        maxRecipientEnvelopeLimit: Infinity,
        maxReceiveSize: 36 * MB,
        externalPostmasterAddress: 'Postmaster@EXAMPLE.org',
      });
      assert.deepEqual(
        [set.maxRecipientEnvelopeLimit, set.maxReceiveSize, set.externalPostmasterAddress, set.maxSendSize],
        [Infinity, 36 * MB, 'Postmaster@example.org', 10 * MB],
      );
      assert.deepEqual(await directory.organization(), set);
      await refused(
        directory.setOrganization({ maxRecipientEnvelopeLimit: 0 }),
        'CANNOT',
        /MaxRecipientEnvelopeLimit must be 1–2147483647 or unlimited/,
      );
      await refused(directory.setOrganization({ externalPostmasterAddress: 'no' }), 'CANNOT', /a mail address such as/);
      assert.deepEqual(await directory.organization(), set);
    });

    test('a database has the quotas and times of the reference; their order is kept', async () => {
      const initial = await directory.databaseSettings(here.database);
      assert.deepEqual(initial, {
        issueWarningQuota: 2_039_480_320,
        prohibitSendQuota: 2_147_483_648,
        prohibitSendReceiveQuota: 2_469_396_480,
        recoverableItemsQuota: 30 * GB,
        recoverableItemsWarningQuota: 20 * GB,
        mountAtStartup: true,
        deletedItemRetention: 14 * DAY,
        mailboxRetention: 30 * DAY,
      });
      const wrong = [
        [{ issueWarningQuota: 2 * GB }, /IssueWarningQuota \(2 GB .*must be less than ProhibitSendQuota \(2 GB/],
        [{ prohibitSendQuota: 3 * GB }, /ProhibitSendQuota .*must be at most ProhibitSendReceiveQuota/],
        [{ prohibitSendQuota: Infinity }, /ProhibitSendQuota \(Unlimited\)/],
        [{ recoverableItemsQuota: 20 * GB }, /RecoverableItemsWarningQuota .*less than RecoverableItemsQuota/],
        [{ prohibitSendReceiveQuota: 2048 * GB }, /must be 0–2197949513728 bytes \(2047 GB\) or unlimited/],
        [{ deletedItemRetention: -1 }, /DeletedItemRetention must be 00:00:00–24855\.03:14:07/],
      ] as const;
      for (const [patch, text] of wrong)
        await refused(directory.setDatabaseSettings(here.database, patch), 'CANNOT', text);
      await refused(directory.databaseSettings(databaseId('no')), 'NONEXISTENT');
      await refused(directory.setDatabaseSettings(databaseId('no'), {}), 'NONEXISTENT');
      const set = await directory.setDatabaseSettings(here.database, {
        issueWarningQuota: Infinity,
        prohibitSendQuota: GB,
        prohibitSendReceiveQuota: GB,
        mountAtStartup: false,
        deletedItemRetention: 0,
      });
      assert.deepEqual(await directory.databaseSettings(here.database), set);
      assert.deepEqual(
        [set.issueWarningQuota, set.prohibitSendQuota, set.mailboxRetention, set.mountAtStartup],
        [Infinity, GB, 30 * DAY, false],
      );
      await directory.setDatabaseSettings(here.database, initial);
    });

    test("the database's quotas count until the mailbox says otherwise", async () => {
      const initial = await directory.mailboxSettings(ann.id);
      assert.deepEqual(
        [initial.useDatabaseQuotaDefaults, initial.prohibitSendQuota, initial.retainDeletedItemsFor, initial.language],
        [true, Infinity, 14 * DAY, 'en-US'],
      );
      assert.equal((await directory.effectiveQuotas(ann.id)).issueWarningQuota, 2_039_480_320);
      await directory.setMailboxSettings(ann.id, {
        issueWarningQuota: 90 * MB,
        prohibitSendQuota: 100 * MB,
        prohibitSendReceiveQuota: 100 * MB,
      });
      assert.equal((await directory.effectiveQuotas(ann.id)).prohibitSendQuota, 2 * GB, 'ignored so far');
      await directory.setMailboxSettings(ann.id, { useDatabaseQuotaDefaults: false });
      assert.deepEqual(await directory.effectiveQuotas(ann.id), {
        issueWarningQuota: 90 * MB,
        prohibitSendQuota: 100 * MB,
        prohibitSendReceiveQuota: 100 * MB,
        recoverableItemsQuota: 30 * GB,
        recoverableItemsWarningQuota: 20 * GB,
      });
      await refused(
        directory.setMailboxSettings(ann.id, { prohibitSendQuota: 90 * MB }),
        'CANNOT',
        /IssueWarningQuota/,
      );
      await refused(directory.setMailboxSettings(ann.id, { language: 'klingon!' }), 'CANNOT', /language tag/);
      assert.equal((await directory.setMailboxSettings(ann.id, { language: 'DE-ch' })).language, 'de-CH');
      await refused(directory.setMailboxSettings(bare.id, { language: 'de' }), 'CANNOT', /no mailbox/);
      await refused(directory.effectiveQuotas(bare.id), 'NONEXISTENT', /no mailbox/);
      await refused(directory.mailboxSettings(accountId('none')), 'NONEXISTENT');
      // A change of the database reaches the mailboxes that follow it.
      await directory.setDatabaseSettings(here.database, { prohibitSendReceiveQuota: 3 * GB });
      assert.equal((await directory.effectiveQuotas(sales.id)).prohibitSendReceiveQuota, 3 * GB);
    });

    test('throttling: own policy, the organization, the global one, value by value', async () => {
      assert.deepEqual(await directory.throttlingPolicies(), [GLOBAL_THROTTLING_POLICY]);
      assert.deepEqual(await directory.effectiveThrottling(ann.id), GLOBAL_THROTTLING_POLICY.limits);
      assert.deepEqual(
        [GLOBAL_THROTTLING_POLICY.limits.popMaxConcurrency, GLOBAL_THROTTLING_POLICY.limits.imapMaxConcurrency],
        [20, Infinity],
      );
      await directory.setThrottlingPolicy({
        name: 'Everybody',
        scope: 'Organization',
        limits: { popMaxConcurrency: 5, messageRateLimit: 30 },
      });
      const own = { imapMaxConcurrency: 2, popMaxConcurrency: Infinity };
      await directory.setThrottlingPolicy({ name: 'Scanner', scope: 'Regular', limits: own });
      await directory.setMailboxSettings(ann.id, { throttlingPolicy: 'scanner' });
      const limits = await directory.effectiveThrottling(ann.id);
      assert.deepEqual(
        [limits.popMaxConcurrency, limits.imapMaxConcurrency, limits.messageRateLimit, limits.popMaxBurst],
        [Infinity, 2, 30, 3_600_000],
      );
      assert.equal((await directory.effectiveThrottling(sales.id)).popMaxConcurrency, 5);
      assert.deepEqual(
        (await directory.throttlingPolicies()).map((one) => [one.name, one.scope]),
        [
          ['GlobalThrottlingPolicy', 'Global'],
          ['Everybody', 'Organization'],
          ['Scanner', 'Regular'],
        ],
      );
      // Set again: replaced, found without case, named as it was.
      const next = await directory.setThrottlingPolicy({ name: 'SCANNER', scope: 'Regular', limits: {} });
      assert.deepEqual(next, { name: 'Scanner', scope: 'Regular', limits: {} });
      assert.equal((await directory.effectiveThrottling(ann.id)).popMaxConcurrency, 5);
    });

    test('throttling: what is refused', async () => {
      const policy = (name: string, scope: 'Regular' | 'Organization' | 'Global', limits = {}) =>
        directory.setThrottlingPolicy({ name, scope, limits });
      await refused(policy('globalthrottlingpolicy', 'Regular'), 'CANNOT', /built in/);
      await refused(policy('Mine', 'Global'), 'CANNOT', /built in/);
      await refused(policy('Second', 'Organization'), 'CANNOT', /Everybody is the organization's policy already/);
      await refused(policy('a/b', 'Regular'), 'CANNOT', /ThrottlingPolicy name/);
      await refused(policy('Low', 'Regular', { popMaxConcurrency: -1 }), 'CANNOT', /PopMaxConcurrency must be 0–/);
      await refused(
        policy('Low', 'Regular', { imapCutoffBalance: 3_599_999 }),
        'CANNOT',
        /ImapCutoffBalance \(3599999 ms\) must not be below ImapMaxBurst \(3600000 ms\)/,
      );
      await policy('Low', 'Regular', { imapCutoffBalance: 1000, imapMaxBurst: 1000 });
      await refused(directory.removeThrottlingPolicy('GlobalThrottlingPolicy'), 'CANNOT', /built in/);
      await refused(directory.removeThrottlingPolicy('scanner'), 'INUSE', /1 mailbox has the policy Scanner/);
      await refused(policy('Scanner', 'Organization'), 'CANNOT', /Everybody/);
      await refused(
        directory.setMailboxSettings(ann.id, { throttlingPolicy: 'Scaner' }),
        'NONEXISTENT',
        /Known: Low, Scanner/,
      );
      await refused(directory.setMailboxSettings(ann.id, { throttlingPolicy: 'Everybody' }), 'CANNOT', /Regular/);
      await directory.setMailboxSettings(ann.id, { throttlingPolicy: '' });
      await directory.removeThrottlingPolicy('scanner');
      await refused(directory.removeThrottlingPolicy('Scanner'), 'NONEXISTENT');
      await directory.removeThrottlingPolicy('Everybody');
      assert.equal((await directory.effectiveThrottling(sales.id)).popMaxConcurrency, 20);
    });

    test('rights on mailboxes are given, replaced, found from both sides and taken', async () => {
      const bob = await directory.addAccount(person(here.database, 'bob'));
      await directory.setPermission({ mailbox: sales.id, user: ann.id, rights: ['SendAs', 'FullAccess', 'SendAs'] });
      await directory.setPermission({ mailbox: sales.id, user: bob.id, rights: ['ReadPermission'] });
      assert.deepEqual(await directory.permissions({ mailbox: sales.id, user: ann.id }), [
        { mailbox: sales.id, user: ann.id, rights: ['FullAccess', 'SendAs'] },
      ]);
      assert.equal((await directory.permissions({ mailbox: sales.id })).length, 2);
      assert.deepEqual(
        (await directory.permissions({ user: bob.id })).map((one) => one.rights),
        [['ReadPermission']],
      );
      assert.equal((await directory.permissions({})).length, 2);
      await directory.setPermission({ mailbox: sales.id, user: ann.id, rights: ['SendAs'] });
      assert.deepEqual((await directory.permissions({ user: ann.id }))[0]?.rights, ['SendAs']);
      await directory.setPermission({ mailbox: sales.id, user: ann.id, rights: [] });
      assert.deepEqual(await directory.permissions({ user: ann.id }), []);
      const give = (mailbox: Account, user: Account) =>
        directory.setPermission({ mailbox: mailbox.id, user: user.id, rights: ['FullAccess'] });
      await refused(give(bare, ann), 'CANNOT', /no mailbox/);
      await refused(give(ann, ann), 'CANNOT', /own mailbox already/);
      await refused(give(ann, sales), 'CANNOT', /never logs on \(shared\)/);
      await refused(
        directory.setPermission({ mailbox: ann.id, user: accountId('none'), rights: ['SendAs'] }),
        'NONEXISTENT',
      );
      await directory.removeAccount(bob.id);
      assert.deepEqual(await directory.permissions({ mailbox: sales.id }), []);
    });

    test('role groups: the built-in Administrator stays, others come and go', async () => {
      assert.deepEqual(await directory.roleGroups(administrator.id), ['Organization Management']);
      assert.deepEqual(await directory.roleGroups(ann.id), []);
      await directory.setRoleGroups(ann.id, ['Recipient Management', 'Organization Management']);
      assert.deepEqual(await directory.roleGroups(ann.id), ['Organization Management', 'Recipient Management']);
      assert.deepEqual(await directory.roleMembers('Organization Management'), [administrator.id, ann.id]);
      await directory.setRoleGroups(administrator.id, ['Server Management', 'Organization Management']);
      await refused(directory.setRoleGroups(administrator.id, ['Server Management']), 'CANNOT', /for good/);
      await refused(directory.setRoleGroups(sales.id, ['Server Management']), 'CANNOT', /never logs on/);
      await refused(directory.roleGroups(accountId('none')), 'NONEXISTENT');
      await directory.setRoleGroups(ann.id, ['View-Only Organization Management']);
      assert.deepEqual(await directory.roleMembers('Organization Management'), [administrator.id]);
      const gone = await directory.addAccount(person(here.database, 'gone'));
      await directory.setRoleGroups(gone.id, ['Server Management']);
      assert.equal((await directory.roleMembers('Server Management')).length, 2);
      await directory.removeAccount(gone.id);
      assert.deepEqual(await directory.roleMembers('Server Management'), [administrator.id]);
    });

    test('components: a request of each requester, active without any', async () => {
      const set = (requester: 'HealthAPI' | 'Maintenance', state: 'Active' | 'Inactive') =>
        directory.setComponentRequest(here.server.id, { component: 'ImapProxy', requester, state });
      const reasons = async (component: 'ImapProxy' | 'PopProxy') =>
        inactiveBecauseOf(await directory.componentRequests(here.server.id), component).map((one) => one.requester);
      assert.deepEqual(await directory.componentRequests(here.server.id), []);
      const begun = Date.now();
      const request = await set('HealthAPI', 'Inactive');
      assert.ok(request.at >= begun && request.at <= Date.now());
      await set('Maintenance', 'Inactive');
      assert.deepEqual(await reasons('ImapProxy'), ['HealthAPI', 'Maintenance']);
      assert.deepEqual(await reasons('PopProxy'), []);
      await set('HealthAPI', 'Active');
      assert.deepEqual(await reasons('ImapProxy'), ['Maintenance']);
      await set('Maintenance', 'Active');
      assert.deepEqual(await reasons('ImapProxy'), []);
      assert.equal((await directory.componentRequests(here.server.id)).length, 2);
      await directory.setComponentRequest(here.server.id, {
        component: 'ServerWideOffline',
        requester: 'Functional',
        state: 'Inactive',
      });
      assert.deepEqual(await reasons('PopProxy'), ['Functional']);
      const edge = await directory.addServer({
        name: 'FE1',
        fqdn: 'fe1.example.org',
        site: here.site.id,
        frontEnd: true,
        backEnd: false,
      });
      const hub = { component: 'HubTransport', requester: 'Maintenance', state: 'Inactive' } as const;
      await refused(directory.setComponentRequest(edge.id, hub), 'NONEXISTENT', /FE1 has no HubTransport/);
      await refused(directory.setComponentRequest(serverId('no'), hub), 'NONEXISTENT');
    });

    test('every kind of change is announced, here and in another process within a second', async (t) => {
      const other = await under.another();
      const work: ReadonlyArray<readonly [DirectoryChange, () => Promise<unknown>]> = [
        [
          { kind: 'database', id: here.database },
          () => directory.setDatabaseSettings(here.database, { mailboxRetention: DAY }),
        ],
        [{ kind: 'account', id: ann.id }, () => directory.setMailboxSettings(ann.id, { maxSendSize: MB })],
        [
          { kind: 'throttling-policy', id: 'Low' },
          () => directory.setThrottlingPolicy({ name: 'low', scope: 'Organization', limits: { popMaxBurst: 1 } }),
        ],
        [
          { kind: 'permission', id: sales.id },
          () => directory.setPermission({ mailbox: sales.id, user: ann.id, rights: ['FullAccess'] }),
        ],
        [{ kind: 'role', id: ann.id }, () => directory.setRoleGroups(ann.id, ['Server Management'])],
        [
          { kind: 'component', id: here.server.id },
          () =>
            directory.setComponentRequest(here.server.id, {
              component: 'PopProxy',
              requester: 'Maintenance',
              state: 'Inactive',
            }),
        ],
        [{ kind: 'domain', id: 'example.org' }, () => directory.changeDomain('example.org', { type: 'InternalRelay' })],
        [{ kind: 'organization', id: null }, () => directory.setOrganization({ maxSendSize: MB })],
      ];
      const state = async (from: Directory): Promise<unknown> => [
        await from.organization(),
        await from.domains(),
        await from.databaseSettings(here.database),
        await from.effectiveQuotas(ann.id),
        await from.mailboxSettings(ann.id),
        await from.effectiveThrottling(ann.id),
        await from.permissions({ user: ann.id }),
        await from.roleGroups(ann.id),
        await from.componentRequests(here.server.id),
      ];
      if (other !== null) await state(other);
      const heard: DirectoryChange[] = [];
      const elsewhere: DirectoryChange[] = [];
      const { promise, resolve } = Promise.withResolvers<undefined>();
      const stop = directory.watch((change) => heard.push(change));
      other?.watch((change) => {
        elsewhere.push(change);
        if (elsewhere.length === work.length) resolve(undefined);
      });
      const begun = performance.now();
      for (const [, change] of work) await change();
      stop();
      const expected = work.map(([change]) => change);
      assert.deepEqual(heard, expected);
      if (other === null) return t.diagnostic('this engine is private to its process');
      const guard = setTimeout(() => assert.fail('not heard of'), 5000);
      await promise;
      clearTimeout(guard);
      assert.ok(performance.now() - begun < 1000);
      assert.deepEqual(elsewhere, expected);
      assert.deepEqual(await state(other), await state(directory));
      await other.close();
    });
  });
}
