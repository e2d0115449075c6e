/**
 * `Settings for POP or IMAP access` and `Test my settings` (issue 5, §1 and Must show 2) on a running server: what one
 * person is shown, how it changes, and that a test really logs on and fails with the sentence that is true.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type LookupFunction } from 'node:net';
import { after, before, beforeEach, describe, test } from 'node:test';
import { createAuthenticator } from '../../src/auth/authenticator.ts';
import { THROTTLE_LIMITS, Throttle } from '../../src/auth/throttle.ts';
import { controlSocketPath } from '../../src/config/data-directory.ts';
import { defaultConfiguration } from '../../src/config/read.ts';
import type { DirectoryChange } from '../../src/directory/api.ts';
import {
  clientSettingsCapability,
  TESTS_AT_ONCE,
  TESTS_IN_TEN_MINUTES,
} from '../../src/management/api/client-settings/capability.ts';
import type { RawArguments } from '../../src/management/binding.ts';
import { type Door, doorOverSocket } from '../../src/management/door-client.ts';
import { createAuthority } from '../../src/tls/authority.ts';
import type { Capability } from '../../src/web/jmap/capability.ts';
import type { Json, JsonObject } from '../../src/web/jmap/json.ts';
import { freePort } from '../settings/stage.ts';
import {
  type LogLine,
  recordingLog,
  startOrganization,
  type TestOrganization,
  type TestUser,
} from '../support/organization.ts';
import { callMethod } from './web-capability.ts';

/** The second certificate covers it. */
const HOST = 'dublin01.example.test';
const AWAY = '192.0.2.7';
const PASSED = ['resolve', 'connect', 'tls', 'greeting', 'logon', 'open'];

const at = (value: Json | undefined, ...keys: ReadonlyArray<string | number>): unknown => {
  let found: unknown = value;
  for (const key of keys) found = typeof found === 'object' && found !== null ? Reflect.get(found, key) : undefined;
  return found;
};

describe('client settings', () => {
  let organization: TestOrganization;
  let door: Door;
  let capability: Capability;
  let throttle: Throttle;
  let logged: readonly LogLine[] = [];
  let alice: TestUser;
  let bob: TestUser;
  /** Nobody resolves the published name here; to `nowhere.test` there is no way at all. */
  const lookup: LookupFunction = (name, options, callback) => {
    if (name === 'nowhere.test') callback(Object.assign(new Error('not found'), { code: 'ENOTFOUND' }), '');
    else if (options.all === true) callback(null, [{ address: '127.0.0.1', family: 4 }]);
    else callback(null, '127.0.0.1', 4);
  };
  before(async () => {
    organization = await startOrganization({
      engine: 'memory',
      users: ['alice', 'bob', 'sales'],
      furtherCertificate: [HOST],
    });
    const socket = controlSocketPath(organization.layout, defaultConfiguration().control.socket);
    door = doorOverSocket(socket, { via: 'command', user: 'tester' });
    [alice, bob] = [organization.user(0), organization.user(1)];
    renew();
  });
  beforeEach(async () => {
    renew();
    for (const noun of ['Pop', 'Imap'])
      await run(`Set-${noun}Settings`, { ExternalConnectionSettings: null, InternalConnectionSettings: null });
    await run('Set-ReceiveConnector', { 1: 'Client Frontend TEST', AdvertiseClientSettings: false });
  });
  after(() => organization.stop());

  /** With counters of its own. */
  function renew(authorityPem = organization.ca): void {
    const { directory } = organization;
    throttle = new Throttle({ ...THROTTLE_LIMITS, delayMs: 0, lockAfter: 3 });
    const { log, lines } = recordingLog();
    logged = lines;
    capability = clientSettingsCapability({
      directory,
      authenticator: createAuthenticator({ directory, throttle, log }),
      authorityPem: () => Promise.resolve(authorityPem),
      lookup,
      log,
    });
  }

  async function run(name: string, args: RawArguments = {}): Promise<void> {
    const options = {
      whatIf: false,
      confirm: false,
      input: null,
      signal: new AbortController().signal,
      onWarning: () => {},
      onProgress: () => {},
    };
    for await (const _ of door.run(name, args, options));
    await organization.running.settled();
  }

  async function get(user = alice, more: object = {}): Promise<JsonObject> {
    const args = { accountId: user.account.id, ids: null, ...more };
    const [name, answer] = await callMethod(capability, { user: user.account }, 'ClientSettings/get', args);
    assert.equal(name, 'ClientSettings/get', JSON.stringify(answer));
    return answer;
  }
  const shown = async (user = alice, ...keys: string[]): Promise<unknown> => at(await get(user), 'list', 0, ...keys);

  interface Tested {
    readonly protocol: 'pop' | 'imap' | 'smtp';
    readonly host: string;
    readonly port: number;
    readonly encryption: 'SSL' | 'TLS' | 'none';
    readonly userName: string;
    readonly password: string;
  }
  const call = (change: Partial<Tested> = {}, user = alice) =>
    callMethod(capability, { user: user.account, remoteAddress: AWAY }, 'ClientSettings/test', {
      accountId: user.account.id,
      protocol: 'imap',
      host: HOST,
      port: organization.imap.tls,
      encryption: 'SSL',
      userName: user.address,
      password: user.password,
      ...change,
    });
  /** `step` and `step:fault`, in their order. */
  async function tested(change: Partial<Tested> = {}, user = alice): Promise<readonly string[]> {
    const [name, answer] = await call(change, user);
    assert.equal(name, 'ClientSettings/test', JSON.stringify(answer));
    assert.ok(Array.isArray(answer['steps']));
    const words = answer['steps'].map((one) => {
      const fault = at(one, 'fault');
      return fault === undefined ? String(at(one, 'step')) : `${String(at(one, 'step'))}:${String(fault)}`;
    });
    assert.equal(answer['isPassed'], !words.some((one) => one.includes(':')));
    return words;
  }
  const publish = (protocol: 'Pop' | 'Imap', ...settings: readonly string[]): Promise<void> =>
    run(`Set-${protocol}Settings`, { ExternalConnectionSettings: settings });
  const publishImap = (host = HOST): Promise<void> => publish('Imap', `${host}:${organization.imap.tls}:SSL`);

  describe('what is shown', () => {
    test('nothing is available before an admin publishes it', async () => {
      for (const protocol of ['pop', 'imap', 'smtp']) {
        assert.deepEqual(await shown(alice, protocol), {
          external: null,
          internal: null,
          refused: null,
          state: 'running',
        });
      }
      assert.deepEqual([await shown(alice, 'autoconfigUrl'), await shown(alice, 'appleProfileUrl')], [null, null]);
    });

    test('the three lines of the seed document, and the alternatives behind the preferred one', async () => {
      const before = (await get())['state'];
      await publish('Pop', 'Dublin01.Contoso.com:110:TLS', 'Dublin01.Contoso.com:995:SSL', 'Dublin01.Contoso.com:1110');
      await publish('Imap', 'Dublin01.Contoso.com:993:SSL');
      await run('Set-ReceiveConnector', {
        1: 'Client Frontend TEST',
        AdvertiseClientSettings: true,
        Fqdn: 'Dublin01.Contoso.com',
      });
      const host = 'Dublin01.Contoso.com';
      assert.deepEqual(await shown(alice, 'pop', 'external'), {
        preferred: { host, port: 995, encryption: 'SSL' },
        alternatives: [
          { host, port: 110, encryption: 'TLS' },
          { host, port: 1110, encryption: 'none' },
        ],
      });
      assert.deepEqual(await shown(alice, 'imap', 'external'), {
        preferred: { host, port: 993, encryption: 'SSL' },
        alternatives: [],
      });
      const { submission, submissions } = organization.smtp;
      assert.deepEqual(await shown(alice, 'smtp', 'external'), {
        preferred: { host, port: submission, encryption: 'TLS' },
        alternatives: [{ host, port: submissions, encryption: 'SSL' }],
      });
      assert.equal(await shown(alice, 'appleProfileUrl'), '/discovery/apple.mobileconfig?address=alice%40example.test');
      assert.notEqual((await get())['state'], before);
    });

    test('whether it is on for this person, and whether it runs', async () => {
      const states = async (): Promise<unknown> => [
        await shown(alice, 'imap', 'refused'),
        await shown(alice, 'imap', 'state'),
      ];
      const changes: ReadonlyArray<readonly [string, RawArguments, string, RawArguments, readonly unknown[]]> = [
        [
          'Set-CASMailbox',
          { 1: 'alice', ImapEnabled: false },
          'Set-CASMailbox',
          { 1: 'alice', ImapEnabled: true },
          ['protocol-disabled', 'running'],
        ],
        [
          'Stop-Service',
          { 1: 'imap4', Only: true },
          'Start-Service',
          { 1: 'imap4', Only: true },
          [null, 'front-end-stopped'],
        ],
        [
          'Stop-Service',
          { 1: 'imap4-backend', Only: true },
          'Start-Service',
          { 1: 'imap4-backend', Only: true },
          [null, 'back-end-stopped'],
        ],
        [
          'Set-ServerComponentState',
          { 1: 'TEST', Component: 'ImapProxy', Requester: 'Maintenance', State: 'Inactive' },
          'Set-ServerComponentState',
          { 1: 'TEST', Component: 'ImapProxy', Requester: 'Maintenance', State: 'Active' },
          [null, 'out-of-service'],
        ],
      ];
      for (const [cmdlet, args, back, backArgs, expected] of changes) {
        await run(cmdlet, args);
        assert.deepEqual(await states(), expected, cmdlet);
        await run(back, backArgs);
        assert.deepEqual(await states(), [null, 'running'], back);
      }
    });

    test('the user name to type, for shared mailboxes too, by the protocols that open them', async () => {
      await run('Add-MailboxPermission', { 1: 'sales', User: 'bob', AccessRights: 'FullAccess' });
      await run('Add-RecipientPermission', { 1: 'alice', Trustee: 'bob', AccessRights: 'SendAs' });
      const mailboxes = await shown(bob, 'mailboxes');
      assert.ok(Array.isArray(mailboxes));
      assert.deepEqual(
        mailboxes.map((one) => [at(one, 'address'), at(one, 'isOwn'), at(one, 'userNames')]),
        [
          ['bob@example.test', true, { pop: 'bob@example.test', imap: 'bob@example.test', smtp: 'bob@example.test' }],
          ['alice@example.test', false, { pop: null, imap: null, smtp: 'bob@example.test/alice' }],
          [
            'sales@example.test',
            false,
            { pop: 'bob@example.test/sales', imap: 'bob@example.test/sales', smtp: 'bob@example.test/sales' },
          ],
        ],
      );
      await publishImap();
      assert.deepEqual(await tested({ userName: 'bob@example.test/sales' }, bob), PASSED);
      await run('Remove-MailboxPermission', { 1: 'sales', User: 'bob', AccessRights: 'FullAccess' });
      const [, answer] = await call({ userName: 'bob@example.test/sales' }, bob);
      assert.equal(answer['type'], 'forbidden');
    });

    test('who has no mailbox, and the built-in Administrator, read why it is not for them', async () => {
      const { directory, administrator } = organization;
      const builtIn = await directory.accountByLogonName(administrator.address);
      assert.ok(builtIn !== null);
      assert.deepEqual(await capability.describeAccount({ owner: builtIn, isReadOnly: false }, builtIn), {});
      assert.equal(await shown({ ...alice, account: builtIn }, 'pop', 'refused'), 'administrator');
      const account = await directory.addAccount({
        kind: 'user',
        displayName: 'No Mailbox',
        alias: 'nomail',
        userPrincipalName: 'nomail@example.test',
        mailbox: null,
        credentials: null,
      });
      assert.equal(await shown({ ...alice, account }, 'imap', 'refused'), 'no-mailbox');
      assert.deepEqual(await shown({ ...alice, account }, 'mailboxes'), []);
      await directory.removeAccount(account.id);
    });

    test('nobody looks up the settings of somebody else, ids and properties are those of RFC 8620', async () => {
      const [answer, args] = await callMethod(capability, { user: alice.account }, 'ClientSettings/get', {
        accountId: bob.account.id,
      });
      assert.deepEqual([answer, args['type']], ['error', 'accountNotFound']);
      const some = await get(alice, { ids: ['singleton', 'x'], properties: ['pop'] });
      assert.deepEqual(Object.keys(Object(at(some, 'list', 0))), ['id', 'pop']);
      assert.deepEqual(some['notFound'], ['x']);
      assert.deepEqual((await get(alice, { ids: [] }))['list'], []);
      const [wrong] = await callMethod(capability, { user: alice.account }, 'ClientSettings/get', {
        accountId: alice.account.id,
        properties: ['password'],
      });
      assert.equal(wrong, 'error');
    });

    test('what an admin changes concerns whoever has the page open, other people’s accounts do not', async () => {
      const [type] = capability.directoryTypes ?? [];
      assert.ok(type !== undefined && type.type === 'ClientSettings');
      const heard: DirectoryChange[] = [];
      const unwatch = organization.directory.watch((change) => heard.push(change));
      const account = { owner: alice.account, isReadOnly: false };
      assert.equal(await type.state(account, alice.account), (await get())['state']);
      await publishImap();
      unwatch();
      assert.ok(heard.some((change) => type.concerns(change, account, alice.account)));
      assert.equal(await type.state(account, alice.account), (await get())['state']);
      assert.ok(!type.concerns({ kind: 'account', id: bob.account.id }, account, alice.account));
      assert.ok(type.concerns({ kind: 'account', id: alice.account.id }, account, alice.account));
      assert.ok(!type.concerns({ kind: 'pop-settings', id: null }, { ...account, owner: bob.account }, alice.account));
    });
  });

  describe('Test my settings', () => {
    test('passes by each protocol and encryption, and says whose authority is trusted', async () => {
      const { imap, pop3, smtp } = organization;
      await publish('Imap', `${HOST}:${imap.tls}:SSL`, `${HOST}:${imap.plain}:TLS`);
      await publish('Pop', `${HOST}:${pop3.tls}:SSL`, `${HOST}:${pop3.plain}:TLS`);
      await run('Set-ReceiveConnector', { 1: 'Client Frontend TEST', AdvertiseClientSettings: true, Fqdn: HOST });
      const startTls = ['resolve', 'connect', 'greeting', 'tls', 'logon', 'open'];
      assert.deepEqual(await tested(), PASSED);
      assert.deepEqual(await tested({ port: imap.plain, encryption: 'TLS' }), startTls);
      assert.deepEqual(await tested({ protocol: 'pop', port: pop3.tls }), PASSED);
      assert.deepEqual(await tested({ protocol: 'pop', port: pop3.plain, encryption: 'TLS' }), startTls);
      assert.deepEqual(await tested({ protocol: 'smtp', port: smtp.submissions }), PASSED.slice(0, -1));
      assert.deepEqual(
        await tested({ protocol: 'smtp', port: smtp.submission, encryption: 'TLS' }),
        startTls.slice(0, -1),
      );
      const [, answer] = await call();
      assert.equal(at(answer, 'steps', 2, 'authority'), 'organization');
    });

    test('IMAP4 Backend is stopped', async () => {
      await publishImap();
      await run('Stop-Service', { 1: 'imap4-backend', Only: true });
      assert.deepEqual(await tested(), ['resolve', 'connect', 'tls', 'greeting', 'logon:backEndStopped']);
      await run('Start-Service', { 1: 'imap4-backend', Only: true });
      assert.deepEqual(await tested(), PASSED);
    });

    test('IMAP is turned off for this person, and for nobody else', async () => {
      await publishImap();
      await run('Set-CASMailbox', { 1: 'alice', ImapEnabled: false });
      assert.deepEqual(await tested(), ['resolve', 'connect', 'tls', 'greeting', 'logon:protocolDisabled']);
      assert.deepEqual(await tested({}, bob), PASSED);
      await run('Set-CASMailbox', { 1: 'alice', ImapEnabled: true });
      assert.deepEqual(await tested(), PASSED);
    });

    test('the certificate does not cover the name; the answer names those it has', async () => {
      await publishImap('imap.contoso.com');
      assert.deepEqual(await tested({ host: 'imap.contoso.com' }), ['resolve', 'connect', 'tls:certificateName']);
      const [, answer] = await call({ host: 'imap.contoso.com' });
      assert.deepEqual(at(answer, 'steps', 2, 'certificateNames'), [HOST]);
    });

    test('the certificate is of an authority that nobody knows', async () => {
      const other = await createAuthority({
        directory: `${organization.layout.root}/other`,
        organization: 'Other',
        domains: ['example.test'],
      });
      renew(other.certificatePem);
      await publishImap();
      assert.deepEqual(await tested(), ['resolve', 'connect', 'tls:certificateAuthority']);
    });

    test('nobody knows the name, or nobody listens there', async () => {
      await publishImap('nowhere.test');
      assert.deepEqual(await tested({ host: 'nowhere.test' }), ['resolve:nameUnknown']);
      const port = await freePort();
      await publish('Imap', `${HOST}:${port}:SSL`);
      assert.deepEqual(await tested({ port }), ['resolve', 'connect:connectionRefused']);
      await publishImap();
      await run('Stop-Service', { 1: 'imap4', Only: true });
      assert.deepEqual(await tested(), ['resolve', 'connect:frontEndStopped']);
      await run('Start-Service', { 1: 'imap4', Only: true });
    });

    test('the front end is out of service', async () => {
      await publishImap();
      const state = { 1: 'TEST', Component: 'ImapProxy', Requester: 'Maintenance' };
      await run('Set-ServerComponentState', { ...state, State: 'Inactive' });
      assert.deepEqual(await tested(), ['resolve', 'connect', 'tls:outOfService']);
      await run('Set-ServerComponentState', { ...state, State: 'Active' });
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
      await publish('Imap', `${HOST}:${address.port}`);
      assert.deepEqual(await tested({ port: address.port, encryption: 'none' }), [
        'resolve',
        'connect',
        'greeting',
        'logon:notEncrypted',
      ]);
      listener.close();
      assert.deepEqual(received, []);
    });

    test('a wrong password counts against where the person sits, and never reaches the front door', async () => {
      await publishImap();
      const before = organization.log.length;
      const wrong = ['resolve', 'connect', 'tls', 'greeting', 'logon:wrongPassword'];
      for (let i = 0; i < 3; i += 1) assert.deepEqual(await tested({ password: 'wrong' }), wrong);
      assert.deepEqual(await tested(), [...wrong.slice(0, -1), 'logon:lockedOut']);
      assert.deepEqual(
        throttle.list().map(({ address, user }) => [address, user]),
        [[AWAY, alice.address]],
      );
      assert.ok(!organization.log.slice(before).some(({ text }) => text === 'logon refused'));
    });

    test('nothing but what is shown can be tested', async () => {
      await publishImap();
      for (const change of [
        { host: 'localhost' },
        { port: organization.pop3.tls },
        { encryption: 'none' },
        { protocol: 'pop' },
        { userName: bob.address },
        { userName: `${alice.address}/bob` },
      ] as const) {
        const [answer, args] = await call(change);
        assert.deepEqual([answer, args['type']], ['error', 'forbidden'], JSON.stringify(change));
      }
      for (const change of [{ password: '' }, { password: 'x'.repeat(1025) }]) {
        const [answer, args] = await call(change);
        assert.deepEqual([answer, args['type']], ['error', 'invalidArguments']);
      }
      const [answer, args] = await callMethod(capability, { user: bob.account }, 'ClientSettings/test', {
        accountId: alice.account.id,
      });
      assert.deepEqual([answer, args['type']], ['error', 'accountNotFound']);
    });

    test('so many in ten minutes, and so many at a time', async () => {
      await publishImap('nowhere.test');
      const tests = await Promise.all(Array.from({ length: TESTS_AT_ONCE + 1 }, () => call({ host: 'nowhere.test' })));
      assert.equal(tests.filter(([answer]) => answer === 'error').length, 1);
      for (let i = TESTS_AT_ONCE; i < TESTS_IN_TEN_MINUTES; i += 1) await tested({ host: 'nowhere.test' });
      const [answer, args] = await call({ host: 'nowhere.test' });
      assert.deepEqual([answer, args['type']], ['error', 'rateLimit']);
      assert.ok(Number(args['retryAfter']) > 0);
      assert.deepEqual(await tested({ host: 'nowhere.test', userName: bob.address }, bob), ['resolve:nameUnknown']);
    });

    test('no log line holds the password', async () => {
      await publishImap();
      await tested();
      await tested({ password: 'wrong-Passw0rd' });
      const text = JSON.stringify([logged, organization.log]);
      assert.ok(text.includes('settings tested'));
      assert.ok(!text.includes(alice.password) && !text.includes('wrong-Passw0rd'));
    });
  });
});
