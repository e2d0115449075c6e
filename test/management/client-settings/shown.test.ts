/** What one person is shown as settings of POP, IMAP and SMTP, on a running server, and how it follows the admin. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { DirectoryChange } from '../../../src/directory/api.ts';
import type { RawArguments } from '../../../src/management/binding.ts';
import { callMethod } from '../web-capability.ts';
import { at, ClientSettingsStage, PASSED } from './stage.ts';

describe('what is shown', () => {
  let stage: ClientSettingsStage;
  before(async () => {
    stage = await ClientSettingsStage.open();
  });
  beforeEach(() => stage.reset());
  after(() => stage.organization.stop());

  test('nothing is available before an admin publishes it', async () => {
    for (const protocol of ['pop', 'imap', 'smtp']) {
      assert.deepEqual(await stage.shown(stage.alice, protocol), {
        external: null,
        internal: null,
        refused: null,
        state: 'running',
      });
    }
    assert.deepEqual(
      [await stage.shown(stage.alice, 'autoconfigUrl'), await stage.shown(stage.alice, 'appleProfileUrl')],
      [null, null],
    );
  });

  test('the three lines of the seed document, and the alternatives behind the preferred one', async () => {
    const before = (await stage.get())['state'];
    await stage.publish(
      'Pop',
      'Dublin01.Contoso.com:110:TLS',
      'Dublin01.Contoso.com:995:SSL',
      'Dublin01.Contoso.com:1110',
    );
    await stage.publish('Imap', 'Dublin01.Contoso.com:993:SSL');
    await stage.run('Set-ReceiveConnector', {
      1: 'Client Frontend TEST',
      AdvertiseClientSettings: true,
      Fqdn: 'Dublin01.Contoso.com',
    });
    const host = 'Dublin01.Contoso.com';
    assert.deepEqual(await stage.shown(stage.alice, 'pop', 'external'), {
      preferred: { host, port: 995, encryption: 'SSL' },
      alternatives: [
        { host, port: 110, encryption: 'TLS' },
        { host, port: 1110, encryption: 'none' },
      ],
    });
    assert.deepEqual(await stage.shown(stage.alice, 'imap', 'external'), {
      preferred: { host, port: 993, encryption: 'SSL' },
      alternatives: [],
    });
    const { submission, submissions } = stage.organization.smtp;
    assert.deepEqual(await stage.shown(stage.alice, 'smtp', 'external'), {
      preferred: { host, port: submission, encryption: 'TLS' },
      alternatives: [{ host, port: submissions, encryption: 'SSL' }],
    });
    assert.equal(
      await stage.shown(stage.alice, 'appleProfileUrl'),
      '/discovery/apple.mobileconfig?address=alice%40example.test',
    );
    assert.notEqual((await stage.get())['state'], before);
  });

  test('whether it is on for this person, and whether it runs', async () => {
    const states = async (): Promise<unknown> => [
      await stage.shown(stage.alice, 'imap', 'refused'),
      await stage.shown(stage.alice, 'imap', 'state'),
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
      await stage.run(cmdlet, args);
      assert.deepEqual(await states(), expected, cmdlet);
      await stage.run(back, backArgs);
      assert.deepEqual(await states(), [null, 'running'], back);
    }
  });

  test('the user name to type, for shared mailboxes too, by the protocols that open them', async () => {
    await stage.run('Add-MailboxPermission', { 1: 'sales', User: 'bob', AccessRights: 'FullAccess' });
    await stage.run('Add-RecipientPermission', { 1: 'alice', Trustee: 'bob', AccessRights: 'SendAs' });
    const mailboxes = await stage.shown(stage.bob, 'mailboxes');
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
    await stage.publishImap();
    assert.deepEqual(await stage.tested({ userName: 'bob@example.test/sales' }, stage.bob), PASSED);
    await stage.run('Remove-MailboxPermission', { 1: 'sales', User: 'bob', AccessRights: 'FullAccess' });
    const [, answer] = await stage.call({ userName: 'bob@example.test/sales' }, stage.bob);
    assert.equal(answer['type'], 'forbidden');
  });

  test('who has no mailbox, and the built-in Administrator, read why it is not for them', async () => {
    const { directory, administrator } = stage.organization;
    const builtIn = await directory.accountByLogonName(administrator.address);
    assert.ok(builtIn !== null);
    assert.deepEqual(await stage.capability.describeAccount({ owner: builtIn, isReadOnly: false }, builtIn), {});
    assert.equal(await stage.shown({ ...stage.alice, account: builtIn }, 'pop', 'refused'), 'administrator');
    const account = await directory.addAccount({
      kind: 'user',
      displayName: 'No Mailbox',
      alias: 'nomail',
      userPrincipalName: 'nomail@example.test',
      mailbox: null,
      credentials: null,
    });
    assert.equal(await stage.shown({ ...stage.alice, account }, 'imap', 'refused'), 'no-mailbox');
    assert.deepEqual(await stage.shown({ ...stage.alice, account }, 'mailboxes'), []);
    await directory.removeAccount(account.id);
  });

  test('nobody looks up the settings of somebody else, ids and properties are those of RFC 8620', async () => {
    const [answer, args] = await callMethod(stage.capability, { user: stage.alice.account }, 'ClientSettings/get', {
      accountId: stage.bob.account.id,
    });
    assert.deepEqual([answer, args['type']], ['error', 'accountNotFound']);
    const some = await stage.get(stage.alice, { ids: ['singleton', 'x'], properties: ['pop'] });
    assert.deepEqual(Object.keys(Object(at(some, 'list', 0))), ['id', 'pop']);
    assert.deepEqual(some['notFound'], ['x']);
    assert.deepEqual((await stage.get(stage.alice, { ids: [] }))['list'], []);
    const [wrong] = await callMethod(stage.capability, { user: stage.alice.account }, 'ClientSettings/get', {
      accountId: stage.alice.account.id,
      properties: ['password'],
    });
    assert.equal(wrong, 'error');
  });

  test('what an admin changes concerns whoever has the page open, other people’s accounts do not', async () => {
    const [type] = stage.capability.directoryTypes ?? [];
    assert.ok(type !== undefined && type.type === 'ClientSettings');
    const heard: DirectoryChange[] = [];
    const unwatch = stage.organization.directory.watch((change) => heard.push(change));
    const account = { owner: stage.alice.account, isReadOnly: false };
    assert.equal(await type.state(account, stage.alice.account), (await stage.get())['state']);
    await stage.publishImap();
    unwatch();
    assert.ok(heard.some((change) => type.concerns(change, account, stage.alice.account)));
    assert.equal(await type.state(account, stage.alice.account), (await stage.get())['state']);
    assert.ok(!type.concerns({ kind: 'account', id: stage.bob.account.id }, account, stage.alice.account));
    assert.ok(type.concerns({ kind: 'account', id: stage.alice.account.id }, account, stage.alice.account));
    assert.ok(
      !type.concerns({ kind: 'pop-settings', id: null }, { ...account, owner: stage.bob.account }, stage.alice.account),
    );
  });
});
