import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { fakeRunningServer, session } from '../../../test/management/fake-running-server.ts';
import {
  failure,
  type InMemoryOrganization,
  inMemoryOrganization,
  only,
  shownText,
} from '../../../test/management/in-memory-organization.ts';
import type { RawArgument } from '../cmdlet.ts';
import { ConfirmationNeeded } from '../door.ts';

let org: InMemoryOrganization;
beforeEach(async () => {
  org = await inMemoryOrganization();
});
afterEach(() => org.close());

test('the three lines of the documentation arrive on the settings look-up model (§7)', async () => {
  const values = async (): Promise<readonly string[]> => {
    const object = only(await org.run('Get-CASMailbox', { 1: 'ann', ProtocolSettings: true }));
    return ['ImapSettings', 'PopSettings', 'SmtpSettings'].flatMap((name) =>
      ['External', 'Internal'].map((side) => shownText(object[`${side}${name}`])),
    );
  };
  const [fqdn, dublin] = ['mail1.example.test', 'Dublin01.Contoso.com'];
  const internal = [`${fqdn}:993:SSL, ${fqdn}:143:TLS`, `${fqdn}:995:SSL, ${fqdn}:110:TLS`] as const;
  assert.deepEqual(await values(), ['', internal[0], '', internal[1], '', '']);
  await org.run('Set-POPSettings', { ExternalConnectionSetting: [`${dublin}:995:SSL`] });
  await org.run('Set-ImapSettings', { ExternalConnectionSetting: [`${dublin}:993:SSL`] });
  await org.run('Set-ReceiveConnector', { 1: 'Client Frontend MAIL1', AdvertiseClientSettings: true, FQDN: dublin });
  const smtp = `${dublin}:587:TLS, ${dublin}:465:SSL`;
  assert.deepEqual(await values(), [`${dublin}:993:SSL`, internal[0], `${dublin}:995:SSL`, internal[1], smtp, smtp]);
  await org.run('Set-ReceiveConnector', { 1: 'Client Frontend MAIL1', AdvertiseClientSettings: false });
  assert.equal((await values())[4], '');
});

test('a mailbox by any of its names; an unknown one and $null are errors, never all (§2)', async () => {
  const names = ['ann', 'ANN@example.test', 'a.other@EXAMPLE.test', 'EXAMPLE\\ann', 'Ann Other', org.mailbox.id];
  for (const name of names) assert.equal(only(await org.run('Get-CASMailbox', { Identity: name }))['Identity'], 'ann');
  await assert.rejects(org.run('Get-CASMailbox', { 1: 'anne' }), failure('NONEXISTENT', /did you mean "ann"/));
  await assert.rejects(org.run('Get-CASMailbox', { 1: null }), failure('CANNOT', /-Identity must be the name of one/));
});

test('-ResultSize, 1000 without it', async () => {
  const { mailbox } = org.mailbox;
  const make = (alias: string) => ({
    kind: 'user' as const,
    displayName: alias,
    alias,
    userPrincipalName: `${alias}@example.test`,
    mailbox: mailbox === null ? null : { database: mailbox.database, addresses: [`${alias}@example.test`] },
    credentials: null,
  });
  await org.directory.addAccounts(Array.from({ length: 1000 }, (_, at) => make(`user${at}`)));
  assert.equal((await org.run('Get-CASMailbox')).length, 1000);
  assert.match(org.warnings.join(), /more than 1000; -ResultSize Unlimited/);
  assert.equal((await org.run('Get-CASMailbox', { ResultSize: 'Unlimited' })).length, 1001);
  assert.equal((await org.run('Get-CASMailbox', { ResultSize: 3 })).length, 3);
  await assert.rejects(org.run('Set-CASMailbox', { PopEnabled: false }), failure('CANNOT', /needs -Identity/));
});

test('-Filter', async () => {
  const count = async (condition: string): Promise<number> =>
    (await org.run('Get-CASMailbox', { Filter: condition })).length;
  assert.equal(await count('PopEnabled -eq $false'), 0);
  await org.run('Set-CASMailbox', { 1: 'ann', PopEnabled: false });
  assert.equal(await count('PopEnabled -eq $false -and EmailAddresses -like a.other@*'), 1);
  await assert.rejects(count('PopEnable -eq 1'), failure('CANNOT', /did you mean PopEnabled/));
});

test('a namesake is asked for a better identity', async () => {
  await org.directory.addAccount({
    kind: 'user',
    displayName: 'ann other',
    alias: 'ann2',
    userPrincipalName: 'ann2@example.test',
    mailbox: null,
    credentials: null,
  });
  await assert.rejects(
    org.run('Get-CASMailbox', { 1: 'Ann Other' }),
    failure('CANNOT', /any of 2 accounts: ann@.*ann2@/),
  );
  await assert.rejects(org.run('Get-CASMailbox', { 1: 'ann2' }), failure('NONEXISTENT', /without a mailbox/));
});

test('own rendering values only without protocol defaults; both in one command', async () => {
  const own = { Identity: 'ann', ImapMessagesRetrievalMimeFormat: 0 };
  await assert.rejects(
    org.run('Set-CASMailbox', own),
    failure('CANNOT', /only while ImapUseProtocolDefaults is false/),
  );
  await org.run('Set-CASMailbox', { ...own, ImapUseProtocolDefaults: false });
  const object = only(await org.run('Get-CASMailbox', { 1: 'ann' }));
  assert.equal(object['ImapMessagesRetrievalMimeFormat'], 'TextOnly');
});

test('addresses: the primary one moved, the list edited; not both in one command (§2)', async () => {
  const set = async (args: Readonly<Record<string, RawArgument>>): Promise<string> => {
    await org.run('Set-CASMailbox', { Identity: 'ann', ...args });
    return shownText(only(await org.run('Get-CASMailbox', { 1: 'ann' }))['EmailAddresses']);
  };
  assert.equal(await set({ PrimarySmtpAddress: 'a.other@example.test' }), 'a.other@example.test, ann@example.test');
  const added = { add: ['x@example.test'], remove: ['ANN@example.test'] };
  assert.equal(await set({ EmailAddresses: added }), 'a.other@example.test, x@example.test');
  const marked = { add: ['SMTP:ann@example.test'], remove: [] };
  assert.equal(await set({ EmailAddresses: marked }), 'ann@example.test, a.other@example.test, x@example.test');
  assert.equal(
    await set({ EmailAddresses: ['x@example.test', 'SMTP:y@example.test'] }),
    'y@example.test, x@example.test',
  );
  const refusals: ReadonlyArray<readonly [Readonly<Record<string, RawArgument>>, RegExp]> = [
    [{ EmailAddresses: 'z@example.test', PrimarySmtpAddress: 'z@example.test' }, /cannot both be set in one command/],
    [{ EmailAddresses: null }, /at least one address/],
    [{ EmailAddresses: 'nobody' }, /must be .*a mail address such as/],
    [{ EmailAddresses: ['SMTP:a@example.test', 'SMTP:b@example.test'] }, /one address can be the primary one/],
  ];
  for (const [args, text] of refusals) await assert.rejects(set(args), failure('CANNOT', text));
  const options = { whatIf: true };
  const asked = await org.run('Set-CASMailbox', { 1: 'y@example.test', PrimarySmtpAddress: 'x@example.test' }, options);
  assert.match(shownText(only(asked)['WhatIf']), /EmailAddresses y@example\.test, x@.* → x@example\.test, y@/);
});

test('sessions that end are counted and asked about', async () => {
  await org.close();
  const sessions = [
    session('1', 'pop3', 'ann@example.test'),
    session('2', 'imap', 'ann@example.test'),
    session('3', 'pop3', 'bob@example.test'),
  ];
  org = await inMemoryOrganization({ running: fakeRunningServer(() => org, { sessions }) });
  const off = { Identity: 'ann', PopEnabled: false };
  const text = shownText(only(await org.run('Set-CASMailbox', off, { whatIf: true }))['WhatIf']);
  assert.match(text, /^Set CASMailbox ann: PopEnabled True → False\. .*1 open session ends\.$/);
  await assert.rejects(org.run('Set-CASMailbox', off, { confirm: null }), ConfirmationNeeded);
  await org.run('Set-CASMailbox', { Identity: 'ann', PopKeepMessagesOnServer: true }, { confirm: null });
  assert.match(org.warnings.join(), /2 open sessions keep the old PopKeepMessagesOnServer/);
});

test('recipient admins change it, server admins only read', async () => {
  const off = { Identity: 'ann', PopEnabled: false };
  await org.run('Set-CASMailbox', off, { roles: ['Recipient Management'] });
  await assert.rejects(
    org.run('Set-CASMailbox', off, { roles: ['Server Management'] }),
    failure('NOPERM', /Recipient/),
  );
  await org.run('Get-CASMailbox', {}, { roles: ['Server Management'] });
});
