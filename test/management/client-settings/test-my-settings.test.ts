/** `Test my settings` really logs on, and fails with the sentence that is true (issue 5, Must show 2). */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { TESTS_AT_ONCE, TESTS_IN_TEN_MINUTES } from '../../../src/management/api/client-settings/capability.ts';
import { createAuthority } from '../../../src/tls/authority.ts';
import { freePort } from '../../settings/stage.ts';
import { callMethod } from '../web-capability.ts';
import { at, AWAY, ClientSettingsStage, HOST, PASSED } from './stage.ts';

describe('Test my settings', () => {
  let stage: ClientSettingsStage;
  before(async () => {
    stage = await ClientSettingsStage.open();
  });
  beforeEach(() => stage.reset());
  after(() => stage.organization.stop());

  test('passes by each protocol and encryption, and says whose authority is trusted', async () => {
    const { imap, pop3, smtp } = stage.organization;
    await stage.publish('Imap', `${HOST}:${imap.tls}:SSL`, `${HOST}:${imap.plain}:TLS`);
    await stage.publish('Pop', `${HOST}:${pop3.tls}:SSL`, `${HOST}:${pop3.plain}:TLS`);
    await stage.run('Set-ReceiveConnector', { 1: 'Client Frontend TEST', AdvertiseClientSettings: true, Fqdn: HOST });
    const startTls = ['resolve', 'connect', 'greeting', 'tls', 'logon', 'open'];
    assert.deepEqual(await stage.tested(), PASSED);
    assert.deepEqual(await stage.tested({ port: imap.plain, encryption: 'TLS' }), startTls);
    assert.deepEqual(await stage.tested({ protocol: 'pop', port: pop3.tls }), PASSED);
    assert.deepEqual(await stage.tested({ protocol: 'pop', port: pop3.plain, encryption: 'TLS' }), startTls);
    assert.deepEqual(await stage.tested({ protocol: 'smtp', port: smtp.submissions }), PASSED.slice(0, -1));
    assert.deepEqual(
      await stage.tested({ protocol: 'smtp', port: smtp.submission, encryption: 'TLS' }),
      startTls.slice(0, -1),
    );
    const [, answer] = await stage.call();
    assert.equal(at(answer, 'steps', 2, 'authority'), 'organization');
  });

  test('IMAP4 Backend is stopped', async () => {
    await stage.publishImap();
    await stage.run('Stop-Service', { 1: 'imap4-backend', Only: true });
    assert.deepEqual(await stage.tested(), ['resolve', 'connect', 'tls', 'greeting', 'logon:backEndStopped']);
    await stage.run('Start-Service', { 1: 'imap4-backend', Only: true });
    assert.deepEqual(await stage.tested(), PASSED);
  });

  test('IMAP is turned off for this person, and for nobody else', async () => {
    await stage.publishImap();
    await stage.run('Set-CASMailbox', { 1: 'alice', ImapEnabled: false });
    assert.deepEqual(await stage.tested(), ['resolve', 'connect', 'tls', 'greeting', 'logon:protocolDisabled']);
    assert.deepEqual(await stage.tested({}, stage.bob), PASSED);
    await stage.run('Set-CASMailbox', { 1: 'alice', ImapEnabled: true });
    assert.deepEqual(await stage.tested(), PASSED);
  });

  test('the certificate does not cover the name; the answer names those it has', async () => {
    await stage.publishImap('imap.contoso.com');
    assert.deepEqual(await stage.tested({ host: 'imap.contoso.com' }), ['resolve', 'connect', 'tls:certificateName']);
    const [, answer] = await stage.call({ host: 'imap.contoso.com' });
    assert.deepEqual(at(answer, 'steps', 2, 'certificateNames'), [HOST]);
  });

  test('the certificate is of an authority that nobody knows', async () => {
    const other = await createAuthority({
      directory: `${stage.organization.layout.root}/other`,
      organization: 'Other',
      domains: ['example.test'],
    });
    stage.trust(other.certificatePem);
    await stage.publishImap();
    assert.deepEqual(await stage.tested(), ['resolve', 'connect', 'tls:certificateAuthority']);
  });

  test('nobody knows the name, or nobody listens there', async () => {
    await stage.publishImap('nowhere.test');
    assert.deepEqual(await stage.tested({ host: 'nowhere.test' }), ['resolve:nameUnknown']);
    const port = await freePort();
    await stage.publish('Imap', `${HOST}:${port}:SSL`);
    assert.deepEqual(await stage.tested({ port }), ['resolve', 'connect:connectionRefused']);
    await stage.publishImap();
    await stage.run('Stop-Service', { 1: 'imap4', Only: true });
    assert.deepEqual(await stage.tested(), ['resolve', 'connect:frontEndStopped']);
    await stage.run('Start-Service', { 1: 'imap4', Only: true });
  });

  test('the front end is out of service', async () => {
    await stage.publishImap();
    const state = { 1: 'TEST', Component: 'ImapProxy', Requester: 'Maintenance' };
    await stage.run('Set-ServerComponentState', { ...state, State: 'Inactive' });
    assert.deepEqual(await stage.tested(), ['resolve', 'connect', 'tls:outOfService']);
    await stage.run('Set-ServerComponentState', { ...state, State: 'Active' });
  });

  test('a password never crosses in the clear', async () => {
    const listener = createServer((socket) => {
      socket.write('* OK IMAP4rev1 here\r\n');
      socket.on('data', (data) => received.push(data.toString()));
    }).listen(0, '127.0.0.1');
    const received: string[] = [];
    await once(listener, 'listening');
    const address = listener.address();
    assert.ok(typeof address === 'object' && address !== null);
    await stage.publish('Imap', `${HOST}:${address.port}`);
    assert.deepEqual(await stage.tested({ port: address.port, encryption: 'none' }), [
      'resolve',
      'connect',
      'greeting',
      'logon:notEncrypted',
    ]);
    listener.close();
    assert.deepEqual(received, []);
  });

  test('a wrong password counts against where the person sits, and never reaches the front door', async () => {
    await stage.publishImap();
    const before = stage.organization.log.length;
    const wrong = ['resolve', 'connect', 'tls', 'greeting', 'logon:wrongPassword'];
    for (let i = 0; i < 3; i += 1) assert.deepEqual(await stage.tested({ password: 'wrong' }), wrong);
    assert.deepEqual(await stage.tested(), [...wrong.slice(0, -1), 'logon:lockedOut']);
    assert.deepEqual(
      stage.throttle.list().map(({ address, user }) => [address, user]),
      [[AWAY, stage.alice.address]],
    );
    assert.ok(!stage.organization.log.slice(before).some(({ text }) => text === 'logon refused'));
  });

  test('nothing but what is shown can be tested', async () => {
    await stage.publishImap();
    for (const change of [
      { host: 'localhost' },
      { port: stage.organization.pop3.tls },
      { encryption: 'none' },
      { protocol: 'pop' },
      { userName: stage.bob.address },
      { userName: `${stage.alice.address}/bob` },
    ] as const) {
      const [answer, args] = await stage.call(change);
      assert.deepEqual([answer, args['type']], ['error', 'forbidden'], JSON.stringify(change));
    }
    for (const change of [{ password: '' }, { password: 'x'.repeat(1025) }]) {
      const [answer, args] = await stage.call(change);
      assert.deepEqual([answer, args['type']], ['error', 'invalidArguments']);
    }
    const [answer, args] = await callMethod(stage.capability, { user: stage.bob.account }, 'ClientSettings/test', {
      accountId: stage.alice.account.id,
    });
    assert.deepEqual([answer, args['type']], ['error', 'accountNotFound']);
  });

  test('so many in ten minutes, and so many at a time', async () => {
    await stage.publishImap('nowhere.test');
    const tests = await Promise.all(
      Array.from({ length: TESTS_AT_ONCE + 1 }, () => stage.call({ host: 'nowhere.test' })),
    );
    assert.equal(tests.filter(([answer]) => answer === 'error').length, 1);
    for (let i = TESTS_AT_ONCE; i < TESTS_IN_TEN_MINUTES; i += 1) await stage.tested({ host: 'nowhere.test' });
    const [answer, args] = await stage.call({ host: 'nowhere.test' });
    assert.deepEqual([answer, args['type']], ['error', 'rateLimit']);
    assert.ok(Number(args['retryAfter']) > 0);
    assert.deepEqual(await stage.tested({ host: 'nowhere.test', userName: stage.bob.address }, stage.bob), [
      'resolve:nameUnknown',
    ]);
  });

  test('no log line holds the password', async () => {
    await stage.publishImap();
    await stage.tested();
    await stage.tested({ password: 'wrong-Passw0rd' });
    const text = JSON.stringify([stage.logged, stage.organization.log]);
    assert.ok(text.includes('settings tested'));
    assert.ok(!text.includes(stage.alice.password) && !text.includes('wrong-Passw0rd'));
  });
});
