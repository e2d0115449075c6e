import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { fakeRunningServer, type MadeUp, session } from '../../../test/management/fake-running-server.ts';
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

async function running(made: MadeUp = {}): Promise<void> {
  org = await inMemoryOrganization({ running: fakeRunningServer(() => org, made) });
}

/** `pop3 Manual Stopped` for each. */
async function states(...names: string[]): Promise<readonly string[]> {
  const objects = await org.run('Get-Service', names.length === 0 ? {} : { Name: names });
  return objects.map((one) => ['Name', 'StartType', 'Status'].map((name) => shownText(one[name])).join(' '));
}

test('all services; by our names, Exchange’s short and display names, with wildcards', async () => {
  await running();
  assert.deepEqual(await states(), [
    'pop3 Manual Stopped',
    'pop3-backend Manual Stopped',
    'imap4 Manual Stopped',
    'imap4-backend Manual Stopped',
    'frontend-transport Automatic Running',
    'transport Automatic Running',
    'web Automatic Running',
  ]);
  const rows: ReadonlyArray<readonly [string, number]> = [
    ['POP3', 1],
    ['msexchangePop3', 1],
    ['Microsoft Exchange IMAP4 Backend', 1],
    ['Penfold IMAP4', 1],
    ['MSExchangePOP3*', 2],
    ['*imap4*', 2],
    ['*', 7],
    ['M*4BE', 1],
  ];
  for (const [name, count] of rows) assert.equal((await states(name)).length, count, name);
  await assert.rejects(states('pop4'), failure('NONEXISTENT', /no service pop4; did you mean pop3/));
  await assert.rejects(states('*pop4*'), failure('NONEXISTENT', /is like \*pop4\*/));
});

test('a front end takes its back end along and says so; -Only leaves it', async () => {
  await running();
  await org.run('Start-Service', { 1: 'MSExchangePOP3' });
  assert.deepEqual(await states('pop3*'), ['pop3 Manual Running', 'pop3-backend Manual Running']);
  assert.match(org.warnings.join(), /^$/, 'the last call was Get');
  await org.run('Stop-Service', { 1: 'MSExchangePOP3', Only: true });
  assert.deepEqual(await states('pop3*'), ['pop3 Manual Stopped', 'pop3-backend Manual Running']);
  await org.run('Stop-Service', { 1: ['MSExchangePOP3', 'MSExchangePOP3BE'] });
  assert.deepEqual(await states('pop3*'), ['pop3 Manual Stopped', 'pop3-backend Manual Stopped']);
  await org.run('Start-Service', { 1: 'imap4' });
  assert.deepEqual(org.warnings, [
    'imap4-backend goes along: one side without the other serves nobody (-Only leaves it as it is)',
  ]);
  await org.run('Start-Service', { 1: 'pop3', Only: true });
  assert.deepEqual(org.warnings, ['pop3-backend is stopped: pop3 alone serves nobody']);
});

test('Set-Service: start type, and starting at once', async () => {
  await running();
  const set = (args: RawArguments): Promise<unknown> => org.run('Set-Service', args);
  await set({ Name: 'MSExchangeIMAP4', StartupType: 'Automatic' });
  assert.deepEqual(await states('imap4*'), ['imap4 Automatic Stopped', 'imap4-backend Automatic Stopped']);
  await set({ Name: 'imap4', StartMode: 'Manual', Status: 'Running' });
  assert.deepEqual(await states('imap4*'), ['imap4 Manual Running', 'imap4-backend Manual Running']);
  await set({ Name: 'pop3', StartupType: 'Disabled' });
  await assert.rejects(
    org.run('Start-Service', { 1: 'pop3' }),
    failure('CANNOT', /pop3 is disabled\. First: Set-Service pop3 -StartupType Manual/),
  );
  await set({ Name: 'pop3', StartupType: 'Manual', Status: 'Running' });
  await assert.rejects(
    set({ Name: 'pop3', StartupType: 'Sometimes' }),
    failure('CANNOT', /Automatic \(0\), Manual \(1\)/),
  );
});

test('stopping asks while sessions are open, and -WhatIf counts them', async () => {
  await running({ sessions: [session('1', 'pop3', 'a@b'), session('2', 'pop3', 'a@b'), session('3', 'imap', 'a@b')] });
  await org.run('Start-Service', { 1: ['pop3', 'imap4'] });
  const text = shownText(only(await org.run('Stop-Service', { 1: 'pop3' }, { whatIf: true }))['WhatIf']);
  assert.match(text, /pop3: Status Running → Stopped; pop3-backend: Status Running → Stopped\. 2 open sessions end$/);
  await assert.rejects(org.run('Stop-Service', { 1: 'pop3-backend' }, { confirm: null }), ConfirmationNeeded);
  await org.run('Stop-Service', { 1: 'frontend-transport' }, { confirm: null });
});

test('Restart-Service stops and starts both sides', async () => {
  await running({ sessions: [session('1', 'imap', 'a@b')] });
  await org.run('Start-Service', { 1: 'imap4' });
  const seen: string[] = [];
  const stop = org.directory.watch((change) => {
    if (change.kind === 'service') seen.push(change.kind);
  });
  await assert.rejects(org.run('Restart-Service', { 1: 'MSExchangeIMAP4' }, { confirm: null }), ConfirmationNeeded);
  assert.equal(seen.length, 0);
  await org.run('Restart-Service', { 1: 'MSExchangeIMAP4' });
  stop();
  assert.equal(seen.length, 4);
  assert.deepEqual(await states('imap4*'), ['imap4 Manual Running', 'imap4-backend Manual Running']);
});

test('a service that cannot run says why', async () => {
  const problems = new Map([['pop3', 'port 110 is taken']]);
  await running({ problems });
  await org.directory.setService(org.server.id, 'pop3', { running: true });
  const object = only(await org.run('Get-Service', { 1: 'pop3' }));
  assert.deepEqual(
    [object['Status'], object['Wanted'], object['Problem']],
    ['Stopped', 'Running', 'port 110 is taken'],
  );
});

test('without a running server the wish is kept, and said to be one', async () => {
  org = await inMemoryOrganization();
  await org.run('Start-Service', { 1: 'pop3' });
  assert.match(org.warnings.join('\n'), /no server runs: it counts when one is started/);
  const object = only(await org.run('Get-Service', { 1: 'pop3' }));
  assert.deepEqual([object['Status'], object['Wanted']], ['Stopped', 'Running']);
});

test('a server without the role has no such service', async () => {
  await running();
  await org.directory.addServer({ ...org.server, name: 'EDGE', fqdn: 'edge.example.test', backEnd: false });
  await assert.rejects(
    org.run('Start-Service', { 1: 'pop3-backend', ComputerName: 'EDGE' }),
    failure('NONEXISTENT', /EDGE has no service pop3-backend/),
  );
  await org.run('Start-Service', { 1: 'pop3', Server: 'EDGE' });
  assert.equal(
    only(await org.run('Get-Service', { 1: 'pop3', Server: 'EDGE' }))['Problem'],
    'seen from another server',
  );
});
