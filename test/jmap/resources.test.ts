/** JMAP over HTTP on one server (RFC 8620 §2, §3, §6, §7.3): session, requests, limits, blobs, event stream. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { startOrganization, type TestOrganization } from '../support/organization.ts';
import { at, CORE, JmapClient, MAIL, record } from './client.ts';
import { deliverText } from './delivery.ts';

describe('JMAP over HTTP', () => {
  let organization: TestOrganization;
  let alice: JmapClient;
  let account: string;

  before(async () => {
    organization = await startOrganization({ engine: 'memory', users: ['alice', 'bob', 'carol'] });
    const server = { port: organization.web, ca: organization.ca };
    alice = new JmapClient(server, organization.user(0));
    account = organization.user(0).account.id;
  });
  after(async () => {
    alice.close();
    await organization.stop();
  });
  const clientOf = (index: number): JmapClient =>
    new JmapClient({ port: organization.web, ca: organization.ca }, organization.user(index));

  const deliver = (index: number, text: string): Promise<void> => deliverText(organization, index, text);

  test('the session: capabilities, accounts, addresses, and a place where it is looked for', async () => {
    const redirect = await alice.ask('/.well-known/jmap');
    assert.deepEqual([redirect.status, redirect.headers.location], [307, '/jmap/session']);
    const { headers, json } = await alice.ask('/jmap/session');
    assert.match(headers['cache-control'] ?? '', /no-store/);
    assert.equal(at(json, 'username'), 'alice@example.test');
    assert.equal(at(json, 'capabilities', CORE, 'maxConcurrentRequests'), 8);
    assert.deepEqual(at(json, 'accounts', account, 'isPersonal'), true);
    assert.equal(at(json, 'primaryAccounts', MAIL), account);
    assert.equal(at(json, 'apiUrl'), `https://127.0.0.1:${organization.web}/jmap/api`);
    assert.equal(typeof at(json, 'state'), 'string');
  });

  test('a wrong password, none, and a foreign account', async () => {
    const server = { port: organization.web, ca: organization.ca };
    const nobody = new JmapClient(server, null);
    const wrong = new JmapClient(server, { address: 'alice@example.test', password: 'wrong' });
    for (const client of [nobody, wrong])
      for (const path of ['/jmap/session', '/jmap/eventsource', `/jmap/download/${account}/B1/x`]) {
        const { status, headers } = await client.ask(path);
        assert.equal(status, 401, path);
        assert.match(headers['www-authenticate'] ?? '', /^Basic /);
      }
    // A browser would open a window of its own.
    const { headers } = await nobody.ask('/jmap/session', { headers: { 'x-penfold': '1' } });
    assert.equal(headers['www-authenticate'], undefined);
    const bob = organization.user(1).account.id;
    const [answer] = await alice.calls(['Mailbox/get', { accountId: bob }]);
    assert.deepEqual([answer?.name, answer?.args['type']], ['error', 'accountNotFound']);
    const upload = await alice.ask(`/jmap/upload/${bob}/`, { method: 'POST', body: 'x' });
    assert.equal(upload.status, 404);
    for (const client of [nobody, wrong]) client.close();
  });

  test('requests with references between calls, and what is no request', async () => {
    await deliver(0, 'From: bob@example.test\r\nSubject: referred to\r\n\r\nText\r\n');
    const answers = await alice.calls(
      ['Email/query', { accountId: account }],
      [
        'Email/get',
        {
          accountId: account,
          '#ids': { resultOf: '0', name: 'Email/query', path: '/ids' },
          properties: ['subject'],
        },
      ],
    );
    assert.equal(at(answers[1]?.args, 'list', '0', 'subject'), 'referred to');
    const cases: ReadonlyArray<readonly [unknown, Record<string, string>, string]> = [
      ['{', {}, 'notJSON'],
      [{ using: [CORE], methodCalls: [] }, { 'content-type': 'text/plain' }, 'notJSON'],
      [{ using: [CORE] }, {}, 'notRequest'],
      [{ using: ['urn:x'], methodCalls: [] }, {}, 'unknownCapability'],
    ];
    for (const [body, headers, type] of cases) {
      const { status, json, headers: answered } = await alice.post(body, headers);
      assert.deepEqual([status, at(json, 'type')], [400, `urn:ietf:params:jmap:error:${type}`]);
      assert.equal(answered['content-type'], 'application/problem+json');
    }
    const { status, headers } = await alice.ask('/jmap/api');
    assert.deepEqual([status, headers.allow], [405, 'POST']);
  });

  test('the session state is the same everywhere, and another one when a right is given', async () => {
    const state = (await alice.session())['state'];
    const { json } = await alice.post({ using: [CORE, MAIL], methodCalls: [] });
    assert.equal(at(json, 'sessionState'), state);
    const carol = organization.user(2).account.id;
    await organization.directory.setPermission({
      mailbox: carol,
      user: organization.user(0).account.id,
      rights: ['FullAccess'],
    });
    const session = await alice.session();
    assert.notEqual(session['state'], state);
    assert.equal(at(session, 'accounts', carol, 'isPersonal'), false);
    assert.equal(at(session, 'primaryAccounts', MAIL), account);
    assert.equal((await alice.call('Mailbox/get', { accountId: carol }))['accountId'], carol);
    await organization.directory.setPermission({ mailbox: carol, user: organization.user(0).account.id, rights: [] });
    const [answer] = await alice.calls(['Mailbox/get', { accountId: carol }]);
    assert.equal(answer?.args['type'], 'accountNotFound');
  });

  test('an upload comes back as it was, in parts too, to its uploader and nobody else', async () => {
    const bytes = randomBytes(300_000);
    const { status, json } = await alice.ask(`/jmap/upload/${account}/`, {
      method: 'POST',
      headers: { 'content-type': 'image/png' },
      body: bytes,
    });
    assert.equal(status, 201);
    assert.deepEqual([at(json, 'accountId'), at(json, 'type'), at(json, 'size')], [account, 'image/png', 300_000]);
    const blob = String(at(json, 'blobId'));
    const path = `/jmap/download/${account}/${blob}/picture%20%22one%22.png?type=image/png`;
    const whole = await alice.ask(path);
    assert.deepEqual(whole.bytes, bytes);
    assert.equal(whole.headers['content-type'], 'image/png');
    assert.match(String(whole.headers['content-disposition']), /^attachment; filename="picture _one_\.png"/);
    assert.match(String(whole.headers['content-security-policy']), /sandbox/);
    assert.match(whole.headers['cache-control'] ?? '', /immutable/);
    const part = await alice.ask(path, { headers: { range: 'bytes=1000-1999' } });
    assert.equal(part.status, 206);
    assert.deepEqual(part.bytes, bytes.subarray(1000, 2000));
    assert.equal(part.headers['content-range'], 'bytes 1000-1999/300000');
    const last = await alice.ask(path, { headers: { range: 'bytes=-10' } });
    assert.deepEqual(last.bytes, bytes.subarray(-10));
    assert.equal((await alice.ask(path, { headers: { range: 'bytes=300000-' } })).status, 416);
    const head = await alice.ask(path, { method: 'HEAD' });
    assert.deepEqual([head.status, head.headers['content-length'], head.bytes.length], [200, '300000', 0]);
    assert.equal((await alice.ask(path, { headers: { 'if-none-match': `"${blob}"` } })).status, 304);
    assert.match(String((await alice.ask(`${path}&disposition=inline`)).headers['content-disposition']), /^inline/);
    const html = await alice.ask(`/jmap/download/${account}/${blob}/x?type=text/html&disposition=inline`);
    assert.match(String(html.headers['content-disposition']), /^attachment/);

    // Bob may open the mailbox, and still sees nothing of what alice has uploaded (RFC 8620 §6.1).
    const bob = organization.user(1).account.id;
    await organization.directory.setPermission({
      mailbox: organization.user(0).account.id,
      user: bob,
      rights: ['FullAccess'],
    });
    const other = clientOf(1);
    assert.equal((await other.ask(path)).status, 404);
    await organization.directory.setPermission({ mailbox: organization.user(0).account.id, user: bob, rights: [] });
    other.close();
  });

  test('a message and its decoded parts are downloaded; a message that is not there is not', async () => {
    const attachment = randomBytes(200_000);
    await deliver(
      0,
      [
        'From: bob@example.test',
        'Subject: with a file',
        'MIME-Version: 1.0',
        'Content-Type: multipart/mixed; boundary=x',
        '',
        '--x',
        '',
        'See the file.',
        '--x',
        'Content-Type: application/octet-stream; name=data.bin',
        'Content-Transfer-Encoding: base64',
        'Content-Disposition: attachment; filename=data.bin',
        '',
        attachment.toString('base64').replaceAll(/.{76}/g, '$&\r\n'),
        '--x--',
        '',
      ].join('\r\n'),
    );
    const [, answer] = await alice.calls(
      ['Email/query', { accountId: account, filter: { subject: 'with a file' } }],
      [
        'Email/get',
        {
          accountId: account,
          '#ids': { resultOf: '0', name: 'Email/query', path: '/ids' },
          properties: ['blobId', 'size', 'attachments'],
        },
      ],
    );
    const email = at(answer?.args, 'list', '0');
    const whole = await alice.ask(`/jmap/download/${account}/${String(at(email, 'blobId'))}/m.eml?type=message/rfc822`);
    assert.equal(whole.bytes.length, at(email, 'size'));
    assert.match(whole.text, /^From: bob@example\.test\r\nSubject: with a file/);
    const blob = String(at(email, 'attachments', '0', 'blobId'));
    const file = await alice.ask(`/jmap/download/${account}/${blob}/data.bin?type=application/octet-stream`);
    assert.deepEqual(file.bytes, attachment);
    for (const missing of ['B999999', 'B1_77', 'Uxxxxxxxxxxxxxxxxxxxxxx', '..', 'x'])
      assert.equal(
        (await alice.ask(`/jmap/download/${account}/${encodeURIComponent(missing)}/x`)).status,
        404,
        missing,
      );
  });

  test('the event stream tells of mail, of one type only when asked, and ends behind a state when asked', async () => {
    const all = await alice.events('types=*&closeafter=no&ping=0');
    const some = await alice.events('types=EmailDelivery&closeafter=state&ping=0');
    await deliver(0, 'From: bob@example.test\r\nSubject: pushed\r\n\r\nText\r\n');
    const event = await all.next();
    assert.equal(event?.event, 'state');
    assert.equal(at(event?.data, '@type'), 'StateChange');
    const states = record(at(event?.data, 'changed', account));
    assert.deepEqual(Object.keys(states).sort(), ['Email', 'EmailDelivery', 'Mailbox', 'Quota', 'Thread']);
    assert.equal((await alice.call('Email/get', { accountId: account, ids: [] }))['state'], states['Email']);
    const one = await some.next();
    assert.deepEqual(Object.keys(record(at(one?.data, 'changed', account))), ['EmailDelivery']);
    assert.equal(await some.next(), null, 'it has ended');

    // A flag is no delivery.
    const { ids } = await alice.call('Email/query', { accountId: account });
    assert.ok(Array.isArray(ids));
    await alice.call('Email/set', { accountId: account, update: { [String(ids[0])]: { 'keywords/$seen': true } } });
    const flagged = await all.next();
    assert.ok(!Object.keys(record(at(flagged?.data, 'changed', account))).includes('EmailDelivery'));
    all.close();

    // Whoever comes back hears at once what he has missed, and nothing when that is nothing.
    await deliver(0, 'From: bob@example.test\r\nSubject: missed\r\n\r\nText\r\n');
    const back = await alice.events('types=*&closeafter=no&ping=0', { 'last-event-id': String(flagged?.id) });
    const missed = await back.next();
    assert.equal(at(missed?.data, '@type'), 'StateChange');
    back.close();
    const again = await alice.events('types=*&closeafter=state&ping=0', { 'last-event-id': String(missed?.id) });
    await deliver(0, 'From: bob@example.test\r\nSubject: new\r\n\r\nText\r\n');
    const fresh = await again.next();
    assert.notEqual(at(fresh?.data, 'changed', account, 'Email'), at(missed?.data, 'changed', account, 'Email'));
  });

  test('a shared mailbox is in the same stream, from the moment of the right to its end', async () => {
    const stream = await alice.events('types=Email&closeafter=no&ping=0');
    const carol = organization.user(2).account.id;
    const right = { mailbox: carol, user: organization.user(0).account.id };
    await organization.directory.setPermission({ ...right, rights: ['FullAccess'] });
    const granted = await stream.next();
    assert.deepEqual(Object.keys(record(at(granted?.data, 'changed'))), [carol]);
    await deliver(2, 'From: bob@example.test\r\nSubject: to carol\r\n\r\nText\r\n');
    const told = await stream.next();
    assert.deepEqual(Object.keys(record(at(told?.data, 'changed'))), [carol]);
    await organization.directory.setPermission({ ...right, rights: [] });
    await deliver(2, 'From: bob@example.test\r\nSubject: not for alice\r\n\r\nText\r\n');
    await deliver(0, 'From: bob@example.test\r\nSubject: for alice\r\n\r\nText\r\n');
    const last = await stream.next();
    assert.deepEqual(Object.keys(record(at(last?.data, 'changed'))), [account]);
    stream.close();
  });

  test('streams are sessions: listed, ended by an admin and when the account is disabled', async () => {
    const bob = clientOf(1);
    const own = organization.user(1).account;
    const listed = (): readonly string[] =>
      organization.running
        .sessions()
        .filter(({ protocol, user }) => protocol === 'web' && user === own.userPrincipalName)
        .map(({ id }) => id);
    const first = await bob.events('types=*&closeafter=no&ping=0');
    const [id = ''] = listed();
    assert.equal(organization.running.endSession(id), true);
    assert.equal(await first.next(), null);
    assert.deepEqual(listed(), []);
    const second = await bob.events('types=*&closeafter=no&ping=0');
    await organization.directory.changeAccount(own.id, { enabled: false });
    assert.equal(await second.next(), null);
    await organization.directory.changeAccount(own.id, { enabled: true });
    bob.close();
  });
});
