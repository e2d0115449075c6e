import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { certificateOf, fakeRunningServer } from '../../../test/management/fake-running-server.ts';
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

const client = 'Client Frontend MAIL1';
const get = async (identity: string) => only(await org.run('Get-ReceiveConnector', { 1: identity }));
const make = async (args: RawArguments) => only(await org.run('New-ReceiveConnector', args));

test('all connectors, one by any of its names, and none for an unknown one', async () => {
  const all = await org.run('Get-ReceiveConnector');
  assert.deepEqual(
    all.map((one) => one['Identity']),
    ['Default Frontend', 'Client Frontend', 'Outbound Proxy Frontend', 'Default', 'Client Proxy'].map(
      (name) => `MAIL1\\${name} MAIL1`,
    ),
  );
  const { Guid } = await get(client);
  for (const name of ['client frontend mail1', `MAIL1\\${client}`, `mail1.example.test\\${client}`, shownText(Guid)])
    assert.equal((await get(name))['Name'], client, name);
  await assert.rejects(get('Client Frontend MAIL2'), failure('NONEXISTENT', /did you mean "Client Frontend MAIL1"\?/));
  assert.equal((await org.run('Get-ReceiveConnector', { Server: 'mail1' })).length, 5);
});

test('the line of the documentation: name by position, -FQDN in capitals, and the banner follows the name', async () => {
  await org.run('Set-ReceiveConnector', { 1: client, AdvertiseClientSettings: 'True', FQDN: 'Dublin01.Contoso.com' });
  const object = await get(client);
  assert.deepEqual([object['AdvertiseClientSettings'], object['Fqdn']], [true, 'Dublin01.Contoso.com']);
  assert.equal(object['Banner'], '220 Dublin01.Contoso.com Penfold ESMTP service is ready');
  await org.run('Set-ReceiveConnector', { 1: client, Banner: '220 mine', Fqdn: 'a.test' });
  await org.run('Set-ReceiveConnector', { 1: client, Fqdn: 'b.test' });
  assert.equal((await get(client))['Banner'], '220 mine', 'a banner of the admin stays');
});

test('-Usage: what each kind sets, must have and may not have (§3.3)', async () => {
  const ranges = '192.0.2.0/24';
  const bindings = '127.0.0.1:20025';
  const rows: ReadonlyArray<readonly [string, RawArguments, string, string, string]> = [
    [
      'Client',
      { RemoteIPRanges: ranges },
      'ExchangeUsers',
      'Tls, BasicAuth, BasicAuthRequireTLS, Integrated',
      '0.0.0.0:587',
    ],
    [
      'Internal',
      { RemoteIPRanges: ranges },
      'ExchangeLegacyServers, ExchangeServers',
      'Tls, ExchangeServer',
      '0.0.0.0:25',
    ],
    ['Internet', { Bindings: bindings }, 'AnonymousUsers', 'Tls', bindings],
    ['Partner', { Bindings: '127.0.0.1:20026', RemoteIPRanges: ranges }, 'Partners', 'Tls', '127.0.0.1:20026'],
    ['Custom', { Bindings: '127.0.0.1:20027', RemoteIPRanges: ranges }, 'None', 'Tls', '127.0.0.1:20027'],
  ];
  for (const [usage, given, groups, mechanisms, bound] of rows) {
    const object = await make({ Name: `X ${usage}`, Usage: usage, ...given });
    assert.deepEqual(
      ['PermissionGroups', 'AuthMechanism', 'Bindings'].map((name) => shownText(object[name])),
      [groups, mechanisms, bound],
      usage,
    );
    assert.equal(object['Fqdn'], 'mail1.example.test');
  }
  assert.match(org.warnings.join(), /nobody may submit/);
  const refusals: ReadonlyArray<readonly [RawArguments, RegExp]> = [
    [{ Client: true }, /Client connector needs RemoteIPRanges/],
    [{ Client: true, RemoteIPRanges: ranges, Bindings: bindings }, /sets its own Bindings/],
    [{ Usage: 'Internet', Bindings: bindings, RemoteIPRanges: ranges }, /sets its own RemoteIPRanges/],
    [{ Usage: 'Partner', Bindings: bindings }, /needs RemoteIPRanges/],
    [{ Bindings: bindings }, /Custom connector needs RemoteIPRanges/],
    [{ Client: true, Internal: true, RemoteIPRanges: ranges }, /one only, not Client and Internal/],
    [{ Usage: 'Everything' }, /-Usage must be one of Client/],
  ];
  for (const [args, text] of refusals) await assert.rejects(make({ Name: 'Y', ...args }), failure('CANNOT', text));
});

test('other values may be given with the usage', async () => {
  const object = await make({
    1: 'Printers',
    Custom: true,
    Bindings: '127.0.0.1:20025',
    RemoteIPRanges: '127.0.0.0/8',
    PermissionGroups: 'AnonymousUsers',
    MaxMessageSize: '10MB',
    Fqdn: 'print.example.test',
  });
  assert.deepEqual(
    ['Identity', 'PermissionGroups', 'MaxMessageSize', 'Banner'].map((name) => shownText(object[name])),
    [
      'MAIL1\\Printers',
      'AnonymousUsers',
      '10 MB (10,485,760 bytes)',
      '220 print.example.test Penfold ESMTP service is ready',
    ],
  );
});

test('rules between connectors and between values (§3.4)', async () => {
  const set = (args: RawArguments): Promise<unknown> => org.run('Set-ReceiveConnector', { 1: client, ...args });
  const refusals: ReadonlyArray<readonly [RawArguments, RegExp]> = [
    [{ Bindings: '0.0.0.0:25' }, /0\.0\.0\.0:25 is used by "Default Frontend MAIL1" for the same remote range/],
    [{ Bindings: '0.0.0.0:2525' }, /belongs to another service/],
    [{ Bindings: '0.0.0.0:993' }, /belongs to SSLBindings of ImapSettings/],
    [{ Bindings: '192.0.2.99:587' }, /this machine does not have the address/],
    [{ AuthMechanism: 'Tls,BasicAuthRequireTLS' }, /needs BasicAuth and Tls/],
    [{ AuthMechanism: 'ExternalAuthoritative,BasicAuth' }, /combines only with Tls/],
    [{ RequireTLS: true, AuthMechanism: 'None' }, /RequireTLS needs/],
    [{ ConnectionTimeout: '00:01:00' }, /longer than ConnectionInactivityTimeout/],
    [{ ChunkingEnabled: false }, /BinaryMimeEnabled needs ChunkingEnabled/],
  ];
  for (const [args, text] of refusals) await assert.rejects(set(args), failure('CANNOT', text));
  await assert.rejects(set({ Name: 'client proxy mail1' }), failure('ALREADYEXISTS', /has a receive connector/));
  await set({ Name: 'Submission' });
  assert.equal((await get('Submission'))['Name'], 'Submission');
});

test('Fqdn of "Default <server>" is asked about, that of another is not; removal always', async () => {
  const ask = { confirm: null };
  const rename = (name: string): Promise<unknown> =>
    org.run('Set-ReceiveConnector', { 1: name, Fqdn: 'other.example.test' }, ask);
  await assert.rejects(rename('Default MAIL1'), ConfirmationNeeded);
  assert.match(org.warnings.join(), /mail between servers/);
  await rename(client);
  await assert.rejects(org.run('Remove-ReceiveConnector', { 1: client }, ask), ConfirmationNeeded);
  const basic = { 1: client, AuthMechanism: 'Tls,BasicAuth' };
  await assert.rejects(org.run('Set-ReceiveConnector', basic, ask), ConfirmationNeeded);
  assert.match(org.warnings.join(), /passwords may cross the network in the clear/);
  await org.run('Remove-ReceiveConnector', { 1: client });
  await assert.rejects(get(client), failure('NONEXISTENT', /there is no receive connector/));
});

test('a message size above that of the organization is said to be without effect', async () => {
  const size = (MaxMessageSize: string): Promise<unknown> =>
    org.run('Set-ReceiveConnector', { 1: client, MaxMessageSize });
  await size('25MB');
  assert.match(org.warnings.join(), /above 10 MB .* are refused all the same: Set-TransportConfig -MaxReceiveSize/);
  await org.run('Set-TransportConfig', { MaxReceiveSize: '30MB' });
  await size('26MB');
  assert.deepEqual(org.warnings, []);
});

test('a name that no certificate covers is a warning', async () => {
  const certificate = await certificateOf(['mail1.example.test']);
  await org.close();
  org = await inMemoryOrganization({ running: fakeRunningServer(() => org, { certificates: [certificate] }) });
  await org.run('Set-ReceiveConnector', { 1: client, Fqdn: 'smtp.example.test' });
  assert.match(org.warnings.join(), /no certificate of MAIL1 covers smtp\.example\.test/);
  const named = (name: string) => org.run('Set-ReceiveConnector', { 1: client, TlsCertificateName: name });
  await assert.rejects(
    named('<I>CN=Elsewhere<S>CN=smtp'),
    failure('CANNOT', /has no certificate.*It has <I>.*CN=Test mail CA.*<S>CN=mail1\.example\.test/),
  );
  await named('<I>O=Test,cn=Test Mail CA<S>CN=mail1.example.test');
});

test('-WhatIf of New names what differs from the defaults', async () => {
  const options = { whatIf: true };
  const args = { 1: 'N', Internet: true, Bindings: '127.0.0.1:20025', MaxHopCount: 9 };
  const text = shownText(only(await org.run('New-ReceiveConnector', args, options))['WhatIf']);
  assert.match(text, /New ReceiveConnector "MAIL1\\N" for usage Internet.*MaxHopCount 30 → 9/);
  assert.equal((await org.run('Get-ReceiveConnector')).length, 5);
});
