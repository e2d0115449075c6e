import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import {
  certificateOf,
  fakeRunningServer,
  type MadeUp,
  session,
} from '../../../test/management/fake-running-server.ts';
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
afterEach(() => org.close());

const stopped = async (): Promise<void> => {
  org = await inMemoryOrganization();
};
async function running(made: MadeUp = {}): Promise<void> {
  org = await inMemoryOrganization({ running: fakeRunningServer(() => org, made) });
}
const set = (args: RawArguments, options = {}): Promise<unknown> => org.run('Set-PopSettings', args, options);
const whatIf = async (args: RawArguments): Promise<string> =>
  shownText(only(await org.run('Set-PopSettings', args, { whatIf: true }))['WhatIf']);

test('the object begins with the server, and numbers are numbers', async () => {
  await stopped();
  const object = only(await org.run('get-popsettings'));
  assert.equal(Object.keys(object)[0], 'Server');
  assert.equal(object['Server'], 'MAIL1');
  assert.equal(object['MaxConnectionsPerUser'], 16);
  assert.deepEqual(object['MaxCommandSize'], { text: '512 B (512 bytes)', value: 512 });
  assert.deepEqual(object['AuthenticatedConnectionTimeout'], { text: '00:30:00', value: 1800 });
  assert.deepEqual(object['SSLBindings'], ['[::]:995', '0.0.0.0:995']);
  assert.deepEqual(object['ExternalConnectionSettings'], []);
});

test('names from the documentation, prefixes and any case are taken (§12)', async () => {
  await stopped();
  await org.run('SET-POPSETTINGS', { externalconnectionsetting: '{Dublin01.Contoso.com:995:SSL}' });
  await org.run('Set-Imap4Settings', {
    MaxConnectionsFromSingleIP: 20,
    ProtocolLoggingEnabled: true,
    Identity: 'MAIL1',
  });
  assert.equal(
    shownText(only(await org.run('Get-PopSettings'))['ExternalConnectionSettings']),
    'Dublin01.Contoso.com:995:SSL',
  );
  const imap = only(await org.run('Get-Imap4Settings', { 1: 'mail1.example.test' }));
  assert.deepEqual([imap['MaxConnectionFromSingleIP'], imap['ProtocolLogEnabled']], [20, true]);
});

test('lists: replaced, edited, emptied', async () => {
  await stopped();
  const external = async (value: RawArguments[string]): Promise<string> => {
    await set({ ExternalConnectionSettings: value });
    return shownText(only(await org.run('Get-PopSettings'))['ExternalConnectionSettings']);
  };
  assert.equal(await external(['a.test:995:SSL', 'a.test:110:TLS']), 'a.test:995:SSL, a.test:110:TLS');
  assert.equal(
    await external({ add: ['b.test:995:SSL'], remove: ['A.test:110:tls'] }),
    'a.test:995:SSL, b.test:995:SSL',
  );
  await assert.rejects(external({ add: [], remove: ['c.test:1'] }), failure('CANNOT', /c\.test:1 cannot be removed/));
  assert.equal(await external(null), '');
});

test('an unknown server is an error, and one without the role has read-only values (§1.3, §2)', async () => {
  await stopped();
  await assert.rejects(org.run('Get-PopSettings', { Server: 'MAIL2' }), failure('NONEXISTENT', /did you mean "MAIL1"/));
  await assert.rejects(org.run('Get-PopSettings', { Server: null }), failure('CANNOT', /-Server must be/));
  await org.directory.addServer({ ...org.server, name: 'EDGE', fqdn: 'edge.example.test', backEnd: false });
  await org.run('Set-PopSettings', { Server: 'EDGE', MaxConnections: 7 });
  await assert.rejects(
    org.run('Set-PopSettings', { Server: 'EDGE', MessageRetrievalSortOrder: 1 }),
    failure('CANNOT', /MessageRetrievalSortOrder is read-only on EDGE: it has no back end/),
  );
});

test('-WhatIf tells every value before and after, when it counts, and writes nothing', async () => {
  await stopped();
  const text = await whatIf({ MaxConnections: 100, Banner: 'Hi.', ExternalConnectionSettings: 'a.test:995:SSL' });
  assert.match(text, /^Set PopSettings of server MAIL1: /);
  for (const part of [
    'Banner Penfold POP3 service is ready. → Hi.',
    'ExternalConnectionSettings (empty) → a.test:995:SSL',
    'MaxConnections 2147483647 → 100',
    'Banner: Counts for sessions that begin after the change',
  ])
    assert.ok(text.includes(part), `${part} in ${text}`);
  assert.equal(only(await org.run('Get-PopSettings'))['Banner'], 'Penfold POP3 service is ready.');
  assert.match(await whatIf({ MaxConnectionsPerUser: 16 }), /nothing to change/);
});

test('Custom needs a URL (§1.3)', async () => {
  await stopped();
  await assert.rejects(set({ CalendarItemRetrievalOption: 3 }), failure('CANNOT', /Custom needs OwaServerUrl/));
  await set({ CalendarItemRetrievalOption: 3, OwaServerUrl: 'https://mail.example.test' });
});

test('a certificate name is checked against the certificates there are (§5.9)', async () => {
  await stopped();
  await set({ X509CertificateName: 'pop.example.test' });
  assert.match(org.warnings.join('\n'), /could not be checked/);
  await org.close();
  await running({ certificates: [await certificateOf(['mail1.example.test', 'localhost'])] });
  await assert.rejects(
    set({ X509CertificateName: 'pop.example.test' }),
    failure('CANNOT', /no certificate of MAIL1 covers pop\.example\.test.*mail1\.example\.test, localhost/),
  );
  assert.equal(only(await org.run('Get-PopSettings'))['X509CertificateName'], 'mail1.example.test');
  await set({ X509CertificateName: 'localhost' });
});

test('connection settings that match no binding, or no certificate, are a warning and no more (§1.3)', async () => {
  await running({ certificates: [await certificateOf(['mail1.example.test'])] });
  await set({ ExternalConnectionSettings: 'lb.example.test:4711:SSL' });
  const warned = org.warnings.join('\n');
  assert.match(warned, /lb\.example\.test:4711:SSL is advertised, but no entry of SSLBindings has port 4711/);
  assert.match(warned, /no certificate of MAIL1 covers lb\.example\.test/);
  await set({ MaxConnections: 3 });
  assert.deepEqual(org.warnings, [], 'what was so before is not repeated');
});

test('a binding that cannot be opened is refused with the reason', async () => {
  await stopped();
  const refusals: ReadonlyArray<readonly [string, RegExp]> = [
    ['0.0.0.0:993', /cannot listen on 0\.0\.0\.0:993: it belongs to SSLBindings of ImapSettings/],
    ['127.0.0.1:143', /belongs to UnencryptedOrTLSBindings of ImapSettings/],
    ['0.0.0.0:587', /belongs to receive connector "Client Frontend MAIL1"/],
    ['192.0.2.77:995', /this machine does not have the address\. It has .*127\.0\.0\.1/],
    ['0.0.0.0:110', /stands in SSLBindings and in UnencryptedOrTLSBindings/],
  ];
  for (const [typed, text] of refusals)
    await assert.rejects(set({ SSLBindings: typed }), failure('CANNOT', text), typed);
  await set({ SSLBindings: '127.0.0.1:20995' });
  assert.match(org.warnings.join('\n'), /no server runs, so whether another program has the port could not be checked/);
  await org.close();
  await running({ bindingProblem: ({ port }) => (port === 20_995 ? 'the port is taken by another program' : null) });
  await assert.rejects(set({ SSLBindings: '127.0.0.1:20995' }), failure('CANNOT', /taken by another program/));
  await set({ SSLBindings: { add: ['127.0.0.1:20996'], remove: [] } });
  assert.deepEqual(org.warnings, []);
});

test('a log folder that cannot be written is a warning', async () => {
  await running();
  await set({ LogFileLocation: `${import.meta.filename}/logs` });
  assert.match(org.warnings.join(), /LogFileLocation: the server cannot write in .*test\.ts\/logs \(ENOTDIR\)/);
  await set({ LogFileLocation: import.meta.filename });
  assert.match(org.warnings.join(), /mail-protocol-settings\.test\.ts is no folder/);
  await set({ LogFileLocation: `${import.meta.dirname}/not/there/yet` });
  assert.deepEqual(org.warnings, []);
});

test('passwords in the clear and the last binding of a running service are asked about', async () => {
  await stopped();
  const asked = (args: RawArguments): Promise<void> => assert.rejects(set(args, { confirm: null }), ConfirmationNeeded);
  const notAsked = (args: RawArguments): Promise<unknown> => set(args, { confirm: null });
  await asked({ LoginType: 'PlainTextLogin' });
  assert.equal(only(await org.run('Get-PopSettings'))['LoginType'], 'SecureLogin');
  await notAsked({ LoginType: 'PlainTextAuthentication' });
  await set({ LoginType: 1 });
  assert.match(org.warnings.join('\n'), /passwords cross the network in the clear/);
  await notAsked({ MaxConnections: 5 });
  await notAsked({ SSLBindings: null });
  await org.directory.setService(org.server.id, 'pop3', { running: true });
  await asked({ UnencryptedOrTLSBindings: null });
  await org.directory.setService(org.server.id, 'pop3', { running: false });
  await notAsked({ UnencryptedOrTLSBindings: null });
});

test('says which values open sessions keep, which nothing acts on, and that nothing was changed', async () => {
  await running({ sessions: [session('1', 'pop3', 'a@b'), session('2', 'imap', 'a@b')] });
  await set({ PreAuthenticatedConnectionTimeout: '00:02:00', MaxConnections: 9 });
  assert.deepEqual(org.warnings, [
    '1 open session keeps the old PreAuthenticatedConnectionTimeout until the client connects again',
  ]);
  await set({ EnableGSSAPIAndNTLMAuth: false });
  assert.match(org.warnings.join(), /EnableGSSAPIAndNTLMAuth: kept for parity/);
  await set({ MaxConnections: 9 });
  assert.match(org.warnings.join(), /no setting was changed/);
});

test('the change stands in the audit log with before and after', async () => {
  await stopped();
  await set({ MaxConnectionsPerUser: 3 });
  const [entry] = await org.directory.auditLog({ command: 'Set-PopSettings', limit: 10 });
  assert.equal(entry?.actor.user, 'administrator@example.test');
  assert.deepEqual([entry?.before, entry?.after], [{ MaxConnectionsPerUser: '16' }, { MaxConnectionsPerUser: '3' }]);
});

test('who may: viewers read, recipient admins do neither (§1.1)', async () => {
  await stopped();
  await org.run('Get-PopSettings', {}, { roles: ['View-Only Organization Management'] });
  await assert.rejects(
    org.run('Set-PopSettings', { Banner: 'x' }, { roles: ['View-Only Organization Management'] }),
    failure('NOPERM', /Set-PopSettings is for members of Organization Management or Server Management/),
  );
  await assert.rejects(
    org.run('Get-PopSettings', {}, { roles: ['Recipient Management'] }),
    failure('NOPERM', /Recipient Management/),
  );
});
