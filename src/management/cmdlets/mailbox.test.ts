import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import {
  failure,
  type InMemoryOrganization,
  inMemoryOrganization,
  only,
  shownText,
} from '../../../test/management/in-memory-organization.ts';
import { type MemoryMail, memoryMail } from '../../../test/management/memory-mail.ts';
import { whyCannotLogOn } from '../../auth/why.ts';
import type { CmdletObject, RawArgument } from '../cmdlet.ts';
import { ConfirmationNeeded } from '../door.ts';

type Args = Readonly<Record<string, RawArgument>>;

let org: InMemoryOrganization;
let mail: MemoryMail;
beforeEach(async () => {
  mail = memoryMail();
  org = await inMemoryOrganization({ mail });
});
afterEach(async () => {
  await mail.database.close();
  await org.close();
});

const cells = (object: CmdletObject, ...names: readonly string[]): readonly string[] =>
  names.map((name) => shownText(object[name]));
const get = async (identity: string): Promise<CmdletObject> => only(await org.run('Get-Mailbox', { 1: identity }));
/** Everything the directory knows, to see that nothing changed. */
const everything = async (): Promise<string> =>
  JSON.stringify([
    await org.directory.accounts({ limit: 100 }),
    await org.directory.disconnectedMailboxes(),
    (await org.directory.accountByAlias('ann')) === null ? null : await org.directory.mailboxSettings(org.mailbox.id),
    await org.directory.auditLog({ limit: 1000 }),
  ]);

/** -WhatIf tells, asks nothing and changes nothing. */
async function whatIf(name: string, args: Args): Promise<string> {
  const before = await everything();
  const text = shownText(only(await org.run(name, args, { whatIf: true }))['WhatIf']);
  assert.equal(await everything(), before, `${name} -WhatIf changed something`);
  return text;
}

describe('New-Mailbox', () => {
  test('names that are not given follow from those that are', async () => {
    const NAMES = ['DisplayName', 'Alias', 'UserPrincipalName', 'PrimarySmtpAddress', 'RecipientTypeDetails'] as const;
    await org.directory.addDomain({ name: 'second.test', type: 'Authoritative', isDefault: false });
    const rows: ReadonlyArray<readonly [Args, readonly string[]]> = [
      [
        { 1: 'Ada Lovelace' },
        ['Ada Lovelace', 'adalovelace', 'adalovelace@example.test', 'adalovelace@example.test', 'UserMailbox'],
      ],
      [
        { Name: 'Bob', Alias: 'robert', DisplayName: 'Bob B.' },
        ['Bob B.', 'robert', 'robert@example.test', 'robert@example.test', 'UserMailbox'],
      ],
      // What why-cannot-log-on tells to type (auth/why.ts).
      [
        { Name: 'cara', UserPrincipalName: 'cara@example.test' },
        ['cara', 'cara', 'cara@example.test', 'cara@example.test', 'UserMailbox'],
      ],
      [
        { Name: 'Dan', PrimarySmtpAddress: 'Dan@second.test' },
        ['Dan', 'dan.second.test', 'dan@second.test', 'Dan@second.test', 'UserMailbox'],
      ],
      [
        { Name: 'Eve', UserPrincipalName: 'eve@second.test', PrimarySmtpAddress: 'eve.e@example.test', Alias: 'eve' },
        ['Eve', 'eve', 'eve@second.test', 'eve.e@example.test', 'UserMailbox'],
      ],
      [{ 1: 'Sales', Shared: true }, ['Sales', 'sales', 'sales@example.test', 'sales@example.test', 'SharedMailbox']],
      [{ 1: 'R5', Room: true }, ['R5', 'r5', 'r5@example.test', 'r5@example.test', 'RoomMailbox']],
      [
        { 1: 'Beamer', Equipment: true },
        ['Beamer', 'beamer', 'beamer@example.test', 'beamer@example.test', 'EquipmentMailbox'],
      ],
    ];
    for (const [args, expected] of rows) {
      const made = only(await org.run('New-Mailbox', args));
      assert.deepEqual(cells(made, ...NAMES), expected);
      assert.deepEqual(cells(await get(expected[1] ?? ''), ...NAMES), expected);
    }
  });

  test('a password that is typed, made, weak, or missing', async () => {
    const credentials = async (alias: string): Promise<boolean> => {
      const account = await org.directory.accountByAlias(alias);
      return account !== null && (await org.directory.credentials(account.id)) !== null;
    };
    const ada = only(await org.run('New-Mailbox', { 1: 'ada', Password: 'correct horse battery' }));
    assert.ok(await credentials('ada'));
    assert.ok(!('Password' in ada));
    assert.deepEqual(org.warnings, []);
    await org.run('New-Mailbox', { 1: 'weak', Password: 'weak' });
    assert.match(org.warnings.join(), /at least 8 characters\. It is set all the same/);
    await org.run('New-Mailbox', { 1: 'bare' });
    assert.match(org.warnings.join(), /cannot log on\. Set one: Set-Mailbox bare -Password/);
    assert.ok(!(await credentials('bare')));
    assert.match(
      shownText(only(await org.run('New-Mailbox', { 1: 'gen', GeneratePassword: true }))['Password']),
      /^\S{19}$/,
    );
    assert.ok(await credentials('gen'));
    const log = JSON.stringify(await org.directory.auditLog({ limit: 100 }));
    assert.ok(log.includes('*****') && !log.includes('correct horse'));
  });

  const refusals: ReadonlyArray<readonly [Args, string, RegExp]> = [
    [{}, 'CANNOT', /needs -Name/],
    [{ 1: 'Ann' }, 'ALREADYEXISTS', /the alias ann is taken by ann@example\.test \(Ann Other\)/],
    [{ 1: 'x', PrimarySmtpAddress: 'A.Other@example.test' }, 'ALREADYEXISTS', /a\.other@example\.test is taken/i],
    [
      { 1: 'x', PrimarySmtpAddress: 'x@nowhere.test' },
      'NONEXISTENT',
      /no accepted domain.*New-AcceptedDomain nowhere\.test/,
    ],
    [{ 1: 'x', UserPrincipalName: 'x' }, 'CANNOT', /UserPrincipalName must look like/],
    [{ 1: '!!!' }, 'CANNOT', /no alias follows from the name/],
    [{ 1: 'x', Database: 'DB2' }, 'NONEXISTENT', /no mailbox database called "DB2"; did you mean "DB1"/],
    [{ 1: 'x', Shared: true, Room: true }, 'CANNOT', /one of -Shared and -Room/],
    [{ 1: 'x', Shared: true, Password: 'p' }, 'CANNOT', /SharedMailbox has no password/],
    [{ 1: 'x', Password: 'p', GeneratePassword: true }, 'CANNOT', /cannot both be given/],
    [{ 1: 'x', Password: 'p'.repeat(2000) }, 'CANNOT', /^-Password must be [^"]*$/],
    [{ 1: 'x', SamAccountName: 'x'.repeat(21) }, 'CANNOT', /SamAccountName must be/],
  ];
  for (const [args, code, text] of refusals)
    test(`refused: ${JSON.stringify(args).slice(0, 80)}`, async () => {
      const before = await everything();
      await assert.rejects(org.run('New-Mailbox', args), (error: unknown) => {
        assert.ok(error instanceof Error && Reflect.get(error, 'code') === code, String(error));
        assert.match(error.message, text);
        return true;
      });
      assert.equal(await everything(), before);
    });

  test('-WhatIf names what would be made', async () => {
    assert.equal(
      await whatIf('New-Mailbox', { 1: 'Ada', GeneratePassword: true }),
      'New UserMailbox "Ada": Alias ada, PrimarySmtpAddress ada@example.test, UserPrincipalName ada@example.test, in DB1, with a password',
    );
  });
});

describe('Get-Mailbox', () => {
  test('one by any name, all in the order of aliases, by kind, database, server and condition; unknown is an error', async () => {
    await org.run('New-Mailbox', { 1: 'Sales', Shared: true });
    const names = async (args: Args): Promise<string> =>
      (await org.run('Get-Mailbox', args)).map((one) => shownText(one['Alias'])).join();
    assert.equal(await names({}), 'ann,sales');
    assert.equal(await names({ 1: 'EXAMPLE\\ann' }), 'ann');
    assert.equal(await names({ RecipientTypeDetails: 'SharedMailbox' }), 'sales');
    assert.equal(await names({ Database: 'DB1', Server: 'MAIL1', ResultSize: 1 }), 'ann');
    assert.match(org.warnings.join(), /more than 1; -ResultSize Unlimited/);
    assert.equal(await names({ Filter: "Name -like 'Sal*'" }), 'sales');
    const hidden = { 1: 'HealthMailbox MAIL1', Alias: 'healthmailbox-mail1' };
    // Whoever could give it would hide an account from this list.
    await assert.rejects(org.run('New-Mailbox', hidden), failure('CANNOT', /probes/));
    await assert.rejects(org.run('Set-Mailbox', { 1: 'ann', Alias: 'HealthMailbox-x' }), failure('CANNOT', /probes/));
    const [database] = await org.directory.databases();
    assert.ok(database !== undefined);
    await org.directory.addAccount({
      kind: 'user',
      displayName: 'HealthMailbox MAIL1',
      alias: 'healthmailbox-mail1',
      userPrincipalName: 'healthmailbox-mail1@example.test',
      mailbox: {
        database: database.id,
        addresses: [`healthmailbox-mail1@${(await org.directory.domains())[0]?.name}`],
      },
      credentials: null,
    });
    assert.equal(await names({}), 'ann,sales');
    assert.equal(await names({ Monitoring: true }), 'healthmailbox-mail1');
    await assert.rejects(names({ 1: 'bob' }), failure('NONEXISTENT', /no mailbox or account called "bob"/));
    await assert.rejects(names({ Database: 'x' }), failure('NONEXISTENT', /no mailbox database/));
    await assert.rejects(names({ 1: null }), failure('CANNOT', /must be the name of one/));
  });
});

describe('Set-Mailbox', () => {
  const set = (args: Args): Promise<CmdletObject[]> => org.run('Set-Mailbox', { Identity: 'ann', ...args });

  test('names, addresses, kind, settings', async () => {
    await set({ DisplayName: 'Ann B. Other', Alias: 'annb', UserPrincipalName: 'annb@example.test' });
    await org.run('Set-Mailbox', {
      1: 'annb',
      EmailAddresses: { add: ['SMTP:annb@example.test'], remove: ['a.other@example.test'] },
    });
    await org.run('Set-Mailbox', {
      1: 'annb',
      UseDatabaseQuotaDefaults: false,
      IssueWarningQuota: '1GB',
      ProhibitSendQuota: '2GB',
      ProhibitSendReceiveQuota: '3GB',
      MaxSendSize: '5MB',
      RecipientLimits: 10,
      Language: 'de-ch',
    });
    assert.deepEqual(
      cells(await get('annb'), 'DisplayName', 'EmailAddresses', 'ProhibitSendQuota', 'RecipientLimits', 'Language'),
      ['Ann B. Other', 'annb@example.test, ann@example.test', '2 GB (2,147,483,648 bytes)', '10', 'de-CH'],
    );
  });

  test('a value that does not count yet is warned of', async () => {
    await set({ RetainDeletedItemsFor: '30.00:00:00', IssueWarningQuota: '1GB' });
    assert.match(org.warnings.join('\n'), /quotas of the mailbox are ignored while/);
    assert.match(org.warnings.join('\n'), /RetainDeletedItemsFor is ignored while/);
  });

  test('AccountDisabled both ways; the cure that why-cannot-log-on names', async () => {
    await assert.rejects(
      org.run('Set-Mailbox', { 1: 'ann', AccountDisabled: true }, { confirm: null }),
      ConfirmationNeeded,
    );
    await set({ AccountDisabled: true });
    const fixes = (await whyCannotLogOn(org.directory, null, 'ann', 'imap')).map((one) => one.fix);
    assert.ok(fixes.includes('Set-Mailbox ann -AccountDisabled $false'), fixes.join());
    await org.run('Set-Mailbox', { 1: 'ann', AccountDisabled: false });
    assert.equal((await get('ann'))['AccountDisabled'], false);
  });

  test('-Type takes the password away; back again there is none', async () => {
    await set({ Password: 'correct horse battery' });
    assert.match(
      await whatIf('Set-Mailbox', { 1: 'ann', Type: 'Shared' }),
      /UserMailbox → SharedMailbox \(its password is removed\)/,
    );
    await set({ Type: 'Shared' });
    assert.equal(await org.directory.credentials(org.mailbox.id), null);
    await assert.rejects(set({ Password: 'x' }), failure('CANNOT', /SharedMailbox has no password/));
    await set({ Type: 'Regular' });
    assert.equal((await get('ann'))['RecipientTypeDetails'], 'UserMailbox');
  });

  test('retention: a bare number is days, as Exchange reads it; less is asked about', async () => {
    await set({ UseDatabaseRetentionDefaults: false, RetainDeletedItemsFor: 30 });
    assert.equal(shownText((await get('ann'))['RetainDeletedItemsFor']), '30.00:00:00');
    await assert.rejects(
      org.run('Set-Mailbox', { 1: 'ann', RetainDeletedItemsFor: '00:00:30' }, { confirm: null }),
      (error: unknown) =>
        error instanceof ConfirmationNeeded && /deleted more than 00:00:30 ago go for good/.test(error.what),
    );
    await assert.rejects(set({ RetainDeletedItemsFor: 24_856 }), failure('CANNOT', /or a number of days, not "24856"/));
  });

  test('a policy by name; nothing to change is said', async () => {
    await org.directory.setThrottlingPolicy({ name: 'Slow', scope: 'Regular', limits: {} });
    await set({ ThrottlingPolicy: 'Slow' });
    assert.equal((await get('ann'))['ThrottlingPolicy'], 'Slow');
    await set({ ThrottlingPolicy: 'Slow' });
    assert.match(org.warnings.join(), /no setting was changed/);
  });

  const refusals: ReadonlyArray<readonly [Args, RegExp]> = [
    [
      { IssueWarningQuota: '3GB', ProhibitSendQuota: '2GB' },
      /IssueWarningQuota .* must be less than ProhibitSendQuota/,
    ],
    [
      { ProhibitSendQuota: '3000GB' },
      /ProhibitSendQuota must be 0–2198\d+ bytes \(2047 GB\)|ProhibitSendQuota must be/,
    ],
    [{ EmailAddresses: 'x@example.test', PrimarySmtpAddress: 'y@example.test' }, /cannot both be set/],
    [{ PrimarySmtpAddress: 'x@nowhere.test' }, /no accepted domain here/],
    [{ EmailAddresses: { add: ['bob@example.test'], remove: [] } }, /bob@example\.test is taken by/],
    [{ Alias: 'bob' }, /the alias bob is taken/],
    [{ UserPrincipalName: 'bob@example.test' }, /is taken by bob@/],
    [{ ThrottlingPolicy: 'Fast' }, /no throttling policy called "Fast"/],
    [{ ThrottlingPolicy: 'GlobalThrottlingPolicy' }, /scope Regular/],
    [{ Type: 'Linked' }, /Type must be one of Regular/],
    [{ Language: 'not a language' }, /Language must be/],
  ];
  for (const [args, text] of refusals)
    test(`refused: ${JSON.stringify(args)}`, async () => {
      await org.run('New-Mailbox', { 1: 'bob' });
      const before = await everything();
      await assert.rejects(set(args), text);
      assert.equal(await everything(), before);
    });

  test('-WhatIf', async () => {
    const text = await whatIf('Set-Mailbox', {
      1: 'ann',
      DisplayName: 'Ann',
      MaxSendSize: '1MB',
      Password: 'a b c d e f g',
    });
    assert.equal(
      text,
      'Set Mailbox ann: DisplayName Ann Other → Ann, a new password, MaxSendSize Unlimited → 1 MB (1,048,576 bytes)',
    );
  });

  test("Recipient Management does not set an administrator's password", async () => {
    await org.directory.setRoleGroups(org.mailbox.id, ['Organization Management']);
    await assert.rejects(
      org.run('Set-Mailbox', { 1: 'ann', Password: 'correct horse battery' }, { roles: ['Recipient Management'] }),
      failure('NOPERM', /is in Organization Management/),
    );
  });
});

describe('Disable-, Enable-, Connect- and Remove-Mailbox', () => {
  const left = async (): Promise<readonly CmdletObject[]> => org.run('Get-DisconnectedMailbox');

  test('disabled, connected again with the mail in it', async () => {
    await mail.deliver(org.mailbox, ['kept']);
    assert.match(
      await whatIf('Disable-Mailbox', { 1: 'ann' }),
      /mail stays in DB1 for 30\.00:00:00 \(Connect-Mailbox\)/,
    );
    await assert.rejects(org.run('Disable-Mailbox', { 1: 'ann' }, { confirm: null }), ConfirmationNeeded);
    await org.run('Disable-Mailbox', { 1: 'ann' });
    await assert.rejects(
      org.run('Get-Mailbox', { 1: 'ann' }),
      failure('NONEXISTENT', /Enable-Mailbox ann@example\.test/),
    );
    const [entry] = await left();
    assert.deepEqual(cells(entry ?? {}, 'DisplayName', 'Alias', 'Database'), ['Ann Other', 'ann', 'DB1']);
    const kept = Date.parse(shownText(entry?.['KeptUntil'])) - Date.parse(shownText(entry?.['DisconnectDate']));
    assert.equal(kept, 30 * 86_400_000);
    assert.match(await whatIf('Connect-Mailbox', { 1: 'ann' }), /to ann \(Ann Other\): ann@example\.test, a\.other@/);
    await org.run('Connect-Mailbox', { 1: 'ann' });
    assert.deepEqual(await left(), []);
    const statistics = only(await org.run('Get-MailboxStatistics', { 1: 'ann' }));
    assert.equal(statistics['ItemCount'], 1);
  });

  test('Enable-Mailbox gives an empty one, as why-cannot-log-on names it, and says that the old mail is there', async () => {
    await org.run('Disable-Mailbox', { 1: 'ann' });
    assert.match(await whatIf('Enable-Mailbox', { 1: 'ann@example.test' }), /a new mailbox ann@example\.test in DB1/);
    await org.run('Enable-Mailbox', { 1: 'ann' });
    assert.match(org.warnings.join(), /to get it back: Connect-Mailbox [0-9a-f-]{36}/);
    assert.deepEqual(cells(await get('ann'), 'PrimarySmtpAddress'), ['ann@example.test']);
    await assert.rejects(org.run('Enable-Mailbox', { 1: 'ann' }), failure('ALREADYEXISTS', /has a mailbox already/));
    await assert.rejects(
      org.run('Connect-Mailbox', { 1: 'ann' }),
      failure('ALREADYEXISTS', /name an account without one: -User/),
    );
    await assert.rejects(
      org.run('Enable-Mailbox', { 1: 'nobody' }),
      failure('NONEXISTENT', /no mailbox or account called/),
    );
  });

  test('removed, and connected to an account that is made again; taken addresses stay with their new owner', async () => {
    await org.run('Remove-Mailbox', { 1: 'ann' });
    assert.equal(await org.directory.accountByAlias('ann'), null);
    await org.run('New-Mailbox', { 1: 'Other', PrimarySmtpAddress: 'a.other@example.test' });
    await org.run('Connect-Mailbox', { 1: 'Ann Other' });
    assert.match(org.warnings.join('\n'), /a\.other@example\.test: somebody else's by now/);
    assert.match(org.warnings.join('\n'), /ann has no password yet: Set-Mailbox ann -Password/);
    assert.deepEqual(cells(await get('ann'), 'DisplayName', 'EmailAddresses'), ['Ann Other', 'ann@example.test']);
  });

  test('-User names who gets it; two of one name are told apart by GUID', async () => {
    await org.run('New-Mailbox', { 1: 'bob' });
    await org.run('Disable-Mailbox', { 1: 'bob' });
    for (let time = 0; time < 2; time += 1) {
      if (time === 1) await org.run('New-Mailbox', { 1: 'Ann Other', Alias: 'ann' });
      await org.run('Remove-Mailbox', { 1: 'ann' });
    }
    await assert.rejects(
      org.run('Connect-Mailbox', { 1: 'ann' }),
      failure('CANNOT', /may be any of 2 mailboxes; name one/),
    );
    const newest = shownText((await left())[0]?.['MailboxGuid']);
    await org.run('Connect-Mailbox', { 1: newest, User: 'bob' });
    assert.equal((await get('bob'))['ExchangeGuid'], newest);
    await assert.rejects(org.run('Connect-Mailbox', { 1: 'anm' }), failure('NONEXISTENT', /did you mean "ann"/));
  });

  test('-Permanent deletes the mail and leaves nothing to connect; so does -StoreMailboxIdentity', async () => {
    await mail.deliver(org.mailbox, ['gone']);
    assert.match(await whatIf('Remove-Mailbox', { 1: 'ann', Permanent: true }), /deleted for good/);
    await assert.rejects(
      org.run('Remove-Mailbox', { 1: 'ann', Permanent: true }, { confirm: null }),
      ConfirmationNeeded,
    );
    await org.run('Remove-Mailbox', { 1: 'ann', Permanent: true });
    assert.deepEqual([await left(), await mail.database.mailboxes()], [[], []]);
    const bob = only(await org.run('New-Mailbox', { 1: 'bob' }));
    await org.run('Remove-Mailbox', { 1: 'bob' });
    assert.equal((await left()).length, 1);
    assert.match(await whatIf('Remove-Mailbox', { StoreMailboxIdentity: 'bob' }), /deleted for good/);
    await org.run('Remove-Mailbox', { StoreMailboxIdentity: shownText(bob['ExchangeGuid']) });
    assert.deepEqual(await left(), []);
  });

  test('mail that is held open ends with the session; the purge waits for it', async () => {
    await mail.deliver(org.mailbox, ['held']);
    const held = await mail.database.open(org.mailbox.mailbox?.id ?? assert.fail());
    const removing = org.run('Remove-Mailbox', { 1: 'ann', Permanent: true });
    // What the back end does when the directory says that the account is gone.
    org.directory.watch(() => held.close());
    await removing;
    assert.deepEqual(await mail.database.mailboxes(), []);
  });

  test('built-in accounts stay; one of two identities', async () => {
    const database = org.mailbox.mailbox?.database ?? assert.fail();
    await org.directory.addAccount({
      kind: 'administrator',
      displayName: 'Administrator',
      alias: 'administrator',
      userPrincipalName: 'administrator@example.test',
      mailbox: { database, addresses: ['administrator@example.test'] },
      credentials: null,
    });
    await assert.rejects(org.run('Remove-Mailbox', { 1: 'administrator' }), failure('CANNOT', /built-in account/));
    await assert.rejects(
      org.run('Set-Mailbox', { 1: 'administrator', Type: 'Shared' }),
      failure('CANNOT', /its kind stays/),
    );
    await assert.rejects(org.run('Remove-Mailbox'), failure('CANNOT', /needs -Identity .* or -StoreMailboxIdentity/));
    await assert.rejects(
      org.run('Remove-Mailbox', { 1: 'ann', StoreMailboxIdentity: 'ann' }),
      failure('CANNOT', /one of the two/),
    );
  });
});
