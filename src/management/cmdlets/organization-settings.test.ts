/** Cmdlets of the organization and of the server as a whole: limits, domains, budgets, components, sessions, servers. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { certificateOf, fakeRunningServer, session } from '../../../test/management/fake-running-server.ts';
import {
  failure,
  type InMemoryOrganization,
  inMemoryOrganization,
  only,
  shownText,
} from '../../../test/management/in-memory-organization.ts';
import type { RawArguments } from '../binding.ts';
import { ConfirmationNeeded } from '../door.ts';

let org: InMemoryOrganization;
beforeEach(async () => {
  org = await inMemoryOrganization();
});
afterEach(() => org.close());

const texts = async (name: string, args: RawArguments, properties: readonly string[]): Promise<readonly string[]> => {
  const object = only(await org.run(name, args));
  return properties.map((property) => shownText(object[property]));
};

test('TransportConfig: defaults and bounds of §9.1', async () => {
  const names = ['MaxReceiveSize', 'MaxSendSize', 'MaxRecipientEnvelopeLimit', 'ExternalPostmasterAddress'];
  assert.deepEqual(await texts('Get-TransportConfig', {}, names), [
    '10 MB (10,485,760 bytes)',
    '10 MB (10,485,760 bytes)',
    '500',
    '',
  ]);
  await org.run('Set-TransportConfig', {
    MaxReceiveSize: 'unlimited',
    MaxSendSize: '25MB',
    MaxRecipientEnvelopeLimit: 1,
    ExternalPostmasterAddress: 'hostmaster@example.test',
  });
  assert.deepEqual(await texts('Get-TransportConfig', {}, names), [
    'Unlimited',
    '25 MB (26,214,400 bytes)',
    '1',
    'hostmaster@example.test',
  ]);
  await assert.rejects(
    org.run('Set-TransportConfig', { MaxRecipientEnvelopeLimit: 0 }),
    failure('CANNOT', /must be 1–2147483647 or unlimited/),
  );
  await assert.rejects(
    org.run('Set-TransportConfig', { MaxSendSize: 1 }, { roles: ['Server Management'] }),
    failure('NOPERM', /Organization Management/),
  );
});

test('AcceptedDomain: new, changed, default moved, removed; never without a default', async () => {
  const columns = ['Name', 'DomainType', 'Default'];
  assert.deepEqual(await texts('Get-AcceptedDomain', {}, columns), ['example.test', 'Authoritative', 'True']);
  await org.run('New-AcceptedDomain', { Name: 'Contoso', DomainName: 'contoso.test', DomainType: 'internalrelay' });
  assert.match(org.warnings.join(), /label "Contoso" is not kept/);
  assert.deepEqual(await texts('Get-AcceptedDomain', { 1: 'CONTOSO.test' }, columns), [
    'contoso.test',
    'InternalRelay',
    'False',
  ]);
  await assert.rejects(
    org.run('New-AcceptedDomain', { 1: 'contoso.test' }),
    failure('ALREADYEXISTS', /exists already/),
  );
  await assert.rejects(org.run('New-AcceptedDomain', { 1: 'two words' }), failure('CANNOT', /no domain name/));
  await assert.rejects(
    org.run('Get-AcceptedDomain', { 1: 'contso.test' }),
    failure('NONEXISTENT', /did you mean "contoso/),
  );
  await assert.rejects(org.run('Remove-AcceptedDomain', { 1: 'example.test' }), failure('CANNOT', /is the default/));
  await assert.rejects(
    org.run('Set-AcceptedDomain', { 1: 'example.test', MakeDefault: false }),
    failure('CANNOT', /Make another one the default/),
  );
  await org.run('Set-AcceptedDomain', { 1: 'contoso.test', MakeDefault: true, DomainType: 0 });
  assert.deepEqual(
    (await org.run('Get-AcceptedDomain'))
      .map((one) => `${shownText(one['Name'])} ${shownText(one['Default'])}`)
      .toSorted(),
    ['contoso.test True', 'example.test False'],
  );
  await assert.rejects(org.run('Remove-AcceptedDomain', { 1: 'example.test' }), failure('INUSE', /./));
  await org.run('New-AcceptedDomain', { 1: 'fabrikam.test', MakeDefault: true });
  await assert.rejects(org.run('Remove-AcceptedDomain', { 1: 'contoso.test' }, { confirm: null }), ConfirmationNeeded);
  await org.run('Remove-AcceptedDomain', { 1: 'contoso.test' });
  assert.equal((await org.run('Get-AcceptedDomain')).length, 2);
});

test('ThrottlingPolicy: the global one of §9.3 is built in; others inherit value by value', async () => {
  const rows: ReadonlyArray<readonly [string, string, string, string, string]> = [
    ['Pop', '20', '3600000', '600000', 'Unlimited'],
    ['Imap', 'Unlimited', '3600000', '600000', 'Unlimited'],
    ['Owa', '20', '480000', '1800000', 'Unlimited'],
  ];
  const object = only(await org.run('Get-ThrottlingPolicy', { 1: 'GlobalThrottlingPolicy' }));
  for (const [prefix, ...values] of rows)
    assert.deepEqual(
      ['MaxConcurrency', 'MaxBurst', 'RechargeRate', 'CutoffBalance'].map((name) => shownText(object[prefix + name])),
      values,
    );
  assert.equal(shownText(object['MessageRateLimit']), 'Unlimited');
  for (const verb of ['Set', 'Remove'])
    await assert.rejects(
      org.run(`${verb}-ThrottlingPolicy`, { 1: 'GlobalThrottlingPolicy' }),
      failure('CANNOT', /built in.*-ThrottlingPolicyScope Organization/),
    );
  await org.run('New-ThrottlingPolicy', { 1: 'Scanners', MessageRateLimit: 60, ImapMaxConcurrency: 5 });
  assert.deepEqual(
    await texts('Get-ThrottlingPolicy', { 1: 'scanners' }, [
      'ThrottlingPolicyScope',
      'MessageRateLimit',
      'PopMaxBurst',
    ]),
    ['Regular', '60', ''],
  );
  await org.run('New-ThrottlingPolicy', { 1: 'All', ThrottlingPolicyScope: 'Organization', PopMaxConcurrency: 7 });
  await assert.rejects(
    org.run('New-ThrottlingPolicy', { 1: 'Again', ThrottlingPolicyScope: 'Organization' }),
    failure('CANNOT', /already: "All"/),
  );
  await assert.rejects(
    org.run('New-ThrottlingPolicy', { 1: 'Odd', PopCutoffBalance: 1 }),
    failure('CANNOT', /PopCutoffBalance.*must not be below PopMaxBurst/),
  );

  const association = (...names: readonly string[]): Promise<readonly string[]> =>
    texts('Get-ThrottlingPolicyAssociation', { 1: 'ann' }, ['ThrottlingPolicyId', ...names]);
  await org.run('Set-ThrottlingPolicyAssociation', { 1: 'ann', ThrottlingPolicy: 'SCANNERS' });
  assert.deepEqual(await association('MessageRateLimit', 'PopMaxConcurrency', 'PopMaxBurst'), [
    'Scanners',
    '60',
    '7',
    '3600000',
  ]);
  await org.run('Set-ThrottlingPolicy', { 1: 'Scanners', MessageRateLimit: null });
  assert.deepEqual(await association('MessageRateLimit'), ['Scanners', 'Unlimited']);
  await assert.rejects(
    org.run('Set-ThrottlingPolicyAssociation', { 1: 'ann', ThrottlingPolicy: 'All' }),
    failure('CANNOT', /counts for everybody/),
  );
  await assert.rejects(
    org.run('Set-ThrottlingPolicyAssociation', { 1: 'ann', ThrottlingPolicy: 'Scaners' }),
    failure('NONEXISTENT', /did you mean "Scanners"/),
  );
  await org.run('Set-ThrottlingPolicyAssociation', { 1: 'ann', ThrottlingPolicy: null });
  assert.deepEqual(await association(), ['']);
});

test('ServerComponentState: active only when every requester says so (§4)', async () => {
  const state = async (component: string): Promise<string> =>
    shownText(only(await org.run('Get-ServerComponentState', { 1: 'mail1', Component: component }))['State']);
  const set = (component: string, requester: string, to: string, confirm: boolean | null = false): Promise<unknown> =>
    org.run('Set-ServerComponentState', { Component: component, Requester: requester, State: to }, { confirm });
  assert.equal((await org.run('Get-ServerComponentState')).length, 6);
  await assert.rejects(set('PopProxy', 'Maintenance', 'Inactive', null), ConfirmationNeeded);
  assert.equal(await state('popproxy'), 'Active');
  await set('PopProxy', 'Maintenance', 'Inactive');
  await set('PopProxy', 'HealthAPI', 'Inactive');
  await set('PopProxy', 'HealthAPI', 'Active', null);
  assert.match(org.warnings.join(), /PopProxy stays inactive: Maintenance since /);
  assert.equal(await state('PopProxy'), 'Inactive');
  await set('PopProxy', 'Maintenance', 'Active');
  assert.equal(await state('PopProxy'), 'Active');
  await set('ServerWideOffline', 'Maintenance', 'Inactive');
  assert.equal(await state('ImapProxy'), 'Inactive');
  await assert.rejects(set('PopProxi', 'HealthAPI', 'Active'), failure('CANNOT', /did you mean PopProxy/));
});

test('sessions are listed, filtered and ended; without a server the next step is named', async () => {
  await assert.rejects(org.run('Get-Session'), failure('UNAVAILABLE', /no server runs here\. Start it: penfold serve/));
  await org.close();
  const sessions = [session('a1', 'imap', 'ann@example.test'), session('b2', 'pop3', 'bob@example.test')];
  org = await inMemoryOrganization({ running: fakeRunningServer(() => org, { sessions }) });
  const columns = ['Identity', 'Protocol', 'User', 'ClientAddress', 'Since', 'Encryption'];
  assert.deepEqual(await texts('Get-Session', { User: 'ann' }, columns), [
    'a1',
    'IMAP',
    'ann@example.test',
    '192.0.2.7',
    '2026-01-02T00:00:00.000Z',
    'TLSv1.3',
  ]);
  assert.equal((await org.run('Get-Session', { Protocol: 'pop3' })).length, 1);
  await assert.rejects(org.run('Stop-Session'), failure('CANNOT', /needs -Identity .* or -User/));
  await assert.rejects(org.run('Stop-Session', { 1: 'zz' }), failure('NONEXISTENT', /no open session zz/));
  await assert.rejects(org.run('Stop-Session', { 1: 'a1' }, { confirm: null }), ConfirmationNeeded);
  await org.run('Stop-Session', {}, { input: only(await org.run('Get-Session', { User: 'bob' })) });
  assert.deepEqual(
    sessions.map((one) => one.id),
    ['a1'],
  );
  const [entry] = await org.directory.auditLog({ command: 'Stop-Session', limit: 5 });
  assert.deepEqual([entry?.object, entry?.before?.['User']], ['b2', 'bob@example.test']);
});

test('sites come, are renamed and go; a server moves and is taken out', async () => {
  await org.run('New-ADSite', { 1: 'Rome' });
  await assert.rejects(org.run('New-ADSite', { 1: 'rome' }), failure('ALREADYEXISTS', /Rome|rome/));
  const other = await org.directory.addServer({
    name: 'MAIL2',
    fqdn: 'mail2.example.test',
    site: org.server.site,
    frontEnd: true,
    backEnd: true,
  });
  await org.run('Set-ExchangeServer', { 1: 'mail2', Site: 'Rome', InternalAddress: '10.0.0.2' });
  assert.deepEqual(await texts('Get-ExchangeServer', { 1: 'MAIL2' }, ['Site', 'InternalAddress']), [
    'Rome',
    '10.0.0.2',
  ]);
  await org.run('Set-ExchangeServer', { 1: 'mail2', InternalAddress: '', Fqdn: 'Mail9.example.test' });
  assert.match(org.warnings.join(), /next start/);
  assert.deepEqual(await texts('Get-ExchangeServer', { 1: 'MAIL2' }, ['Fqdn', 'InternalAddress']), [
    'mail9.example.test',
    'mail9.example.test',
  ]);
  await assert.rejects(
    org.run('Set-ExchangeServer', { 1: 'mail2', InternalAddress: 'a b' }),
    failure('CANNOT', /address/),
  );
  await assert.rejects(
    org.run('Set-ExchangeServer', { 1: 'mail2', Site: 'Rom' }),
    failure('NONEXISTENT', /mean "Rome"/),
  );
  await org.run('Set-ADSite', { 1: 'Rome', Name: 'Roma' });
  assert.deepEqual(await texts('Get-ADSite', { 1: 'roma' }, ['Name', 'Servers']), ['Roma', 'MAIL2']);
  await assert.rejects(org.run('Remove-ADSite', { 1: 'Roma' }), failure('INUSE', /MAIL2/));
  await assert.rejects(org.run('Remove-ExchangeServer', { 1: 'MAIL1' }), failure('CANNOT', /this runs on/));
  await assert.rejects(org.run('Remove-ExchangeServer', { 1: 'MAIL2' }, { confirm: null }), ConfirmationNeeded);
  const database = await org.directory.addDatabase({
    name: 'DB2',
    server: other.id,
    engine: 'sqlite',
    location: 'db2',
  });
  await assert.rejects(org.run('Remove-ExchangeServer', { 1: 'MAIL2' }), failure('INUSE', /DB2/));
  await org.directory.removeDatabase(database.id);
  await org.run('Remove-ExchangeServer', { 1: 'MAIL2' });
  await org.run('Remove-ADSite', { 1: 'Roma' });
  assert.deepEqual(await texts('Get-Server', {}, ['Name']), ['MAIL1']);
  assert.deepEqual(await texts('Get-ADSite', {}, ['Name']), ['Dublin']);
  for (const name of ['Set-ExchangeServer', 'Remove-ExchangeServer', 'New-ADSite', 'Remove-ADSite'])
    await assert.rejects(org.run(name, { 1: 'X' }, { roles: ['Server Management'] }), failure('NOPERM', /./));
});

test('servers and their roles; certificates with what they are for', async () => {
  const columns = ['Identity', 'Site', 'ServerRole', 'AdminDisplayVersion'];
  assert.deepEqual(await texts('Get-Server', {}, columns), ['MAIL1', 'Dublin', 'Mailbox, ClientAccess', '']);
  await org.close();
  const certificates = [await certificateOf(['mail1.example.test']), await certificateOf(['mail.contoso.test'])];
  org = await inMemoryOrganization({ running: fakeRunningServer(() => org, { certificates }) });
  assert.deepEqual(await texts('Get-ExchangeServer', { 1: 'mail1' }, ['AdminDisplayVersion']), ['Penfold 0.3.0-test']);
  const all = await org.run('Get-ExchangeCertificate');
  assert.deepEqual(
    all.map((one) => [shownText(one['CertificateDomains']), shownText(one['Services']), one['Status']]),
    [
      ['mail1.example.test', 'IMAP, POP, SMTP', 'Valid'],
      ['mail.contoso.test', '', 'Valid'],
    ],
  );
  assert.equal(all[0]?.['DaysLeft'], 29);
  assert.deepEqual(
    await texts('Get-ExchangeCertificate', { DomainName: 'mail.contoso.test' }, ['CertificateDomains']),
    ['mail.contoso.test'],
  );
  await assert.rejects(
    org.run('Get-ExchangeCertificate', { DomainName: 'x.test' }),
    failure('NONEXISTENT', /covers x\.test/),
  );
});

test('Enable-ExchangeCertificate sets the names by which a certificate is shown, and nothing that is so already', async () => {
  await org.close();
  const certificates = [
    await certificateOf(['mail1.example.test']),
    await certificateOf(['*.contoso.test', 'mail.contoso.test']),
    await certificateOf(['*.wild.test']),
  ];
  org = await inMemoryOrganization({ running: fakeRunningServer(() => org, { certificates }) });
  const { directory, server } = org;
  const printed = (await org.run('Get-ExchangeCertificate')).map((one) => shownText(one['Thumbprint']));
  const names = async (): Promise<readonly string[]> => [
    (await directory.popSettings(server.id)).x509CertificateName,
    (await directory.imapSettings(server.id)).x509CertificateName,
  ];
  const before = await names();
  await org.run('Enable-ExchangeCertificate', { Services: ['POP', 'IMAP'] });
  assert.deepEqual(await names(), before, 'the default certificate has that name already');
  await org.run('Enable-ExchangeCertificate', { Thumbprint: printed[1] ?? '', Services: 'imap' });
  assert.deepEqual(await names(), [before[0], 'mail.contoso.test']);
  await org.run('Enable-ExchangeCertificate', { Thumbprint: printed[1] ?? '', Services: ['SMTP'] });
  for (const { transportRole, tlsCertificateName } of await directory.connectors(server.id)) {
    assert.equal(tlsCertificateName !== '', transportRole === 'FrontendTransport');
  }
  await assert.rejects(
    org.run('Enable-ExchangeCertificate', { Thumbprint: printed[2] ?? '', Services: ['POP'] }),
    failure('CANNOT', /wildcard names only/),
  );
  await assert.rejects(
    org.run('Enable-ExchangeCertificate', { Thumbprint: 'ABCDEF', Services: ['POP'] }),
    failure('NONEXISTENT', /no such certificate/),
  );
});

test('every cmdlet here: help of each parameter, an example, roles that exist; viewers change nothing', () => {
  const mine =
    /-(Pop|Imap)Settings|ReceiveConnector|CASMailbox|ClientAccessServer|Service$|ComponentState|TransportConfig|AcceptedDomain|Throttling|Session$|Exchange|ADSite/;
  const cmdlets = org.door.cmdlets.filter((cmdlet) => mine.test(cmdlet.name));
  assert.equal(cmdlets.length, 44);
  for (const cmdlet of cmdlets) {
    assert.match(cmdlet.synopsis, /\.$/, cmdlet.name);
    assert.ok(cmdlet.examples.length > 0, cmdlet.name);
    for (const { says } of cmdlet.examples) assert.match(says, /^[A-Z].*\.$/, cmdlet.name);
    for (const parameter of cmdlet.parameters) assert.match(parameter.help, /^[A-Z*].*[.;]$/, parameter.name);
    assert.ok(cmdlet.roles.includes('Organization Management'), cmdlet.name);
    assert.equal(cmdlet.roles.includes('View-Only Organization Management'), !cmdlet.changes, cmdlet.name);
  }
});
