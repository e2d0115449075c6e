/** JMAP when the mailbox is on another server than the one the client asks (ADR 9, ADR 12 §3). */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import type { Account } from '../../src/directory/model.ts';
import type { ServerIdentity } from '../../src/tls/server-identity.ts';
import { CALLER_FIELD, writeCallerFacts } from '../../src/web/jmap/relay/caller-facts.ts';
import { type ManyServers, startServers } from '../support/many-servers.ts';
import { at, CORE, JmapClient, MAIL, record } from './client.ts';
import { deliverTo } from './delivery.ts';

describe('JMAP across servers', () => {
  let servers: ManyServers;
  let ann: JmapClient;
  let account: string;

  before(async () => {
    servers = await startServers({
      engine: 'memory',
      servers: [
        'MBX1',
        { name: 'MBX2', roles: { frontEnd: false, backEnd: true } },
        { name: 'FE1', roles: { frontEnd: true, backEnd: false } },
      ],
      users: { ann: 'MBX1', ben: 'MBX2' },
    });
    ann = clientAt('FE1', 'ann');
    account = accountOf('ann').id;
  });
  after(async () => {
    ann.close();
    await servers.stop();
  });

  const accountOf = (name: string): Account => servers.user(name).account;
  function clientAt(server: string, user: string): JmapClient {
    const { ports, ca } = servers.server(server);
    return new JmapClient({ port: ports.web, ca }, servers.user(user));
  }
  const deliver = (user: string, on: string, subject: string): Promise<void> =>
    deliverTo(
      servers.server(on).running.databaseOf(accountOf(user)),
      accountOf(user),
      `From: x@example.test\r\nSubject: ${subject}\r\n\r\nText\r\n`,
    );

  test('requests, blobs and their ranges go through', async () => {
    await deliver('ann', 'MBX1', 'far away');
    const answers = await ann.calls(
      ['Email/query', { accountId: account }],
      [
        'Email/get',
        {
          accountId: account,
          '#ids': { resultOf: '0', name: 'Email/query', path: '/ids' },
          properties: ['subject', 'blobId'],
        },
      ],
    );
    assert.equal(at(answers[1]?.args, 'list', '0', 'subject'), 'far away');
    const { state } = await ann.session();
    const { json } = await ann.post({
      using: [CORE, MAIL],
      methodCalls: [['Mailbox/get', { accountId: account }, 'a']],
    });
    assert.equal(at(json, 'sessionState'), state);

    const bytes = randomBytes(1_000_000);
    const uploaded = await ann.ask(`/jmap/upload/${account}/`, { method: 'POST', body: bytes });
    assert.equal(uploaded.status, 201, uploaded.text);
    const path = `/jmap/download/${account}/${String(at(uploaded.json, 'blobId'))}/x?type=image/png`;
    const whole = await ann.ask(path);
    assert.deepEqual(whole.bytes, bytes);
    const part = await ann.ask(path, { headers: { range: 'bytes=500000-500099' } });
    assert.deepEqual([part.status, part.bytes], [206, bytes.subarray(500_000, 500_100)]);
    assert.equal((await ann.ask(path, { headers: { range: 'bytes=2000000-' } })).status, 416);
    assert.equal((await ann.ask(path, { method: 'HEAD' })).headers['content-length'], '1000000');
    assert.equal((await ann.ask(`/jmap/download/${account}/B99/x`)).status, 404);
    const message = await ann.ask(`/jmap/download/${account}/${String(at(answers[1]?.args, 'list', '0', 'blobId'))}/m`);
    assert.match(message.text, /^From: x@example\.test\r\nSubject: far away/);
  });

  test('push of mailboxes on two servers comes in one stream, and over the WebSocket', async () => {
    await servers.directory.setPermission({
      mailbox: accountOf('ben').id,
      user: accountOf('ann').id,
      rights: ['FullAccess'],
    });
    const stream = await ann.events('types=Email&closeafter=no&ping=0');
    const { ports, ca } = servers.server('FE1');
    const socket = new WebSocket(`wss://localhost:${ports.web}/jmap/ws`, ['jmap'], {
      ca,
      headers: { authorization: ann.authorization ?? '' },
    });
    await once(socket, 'open');
    socket.send(JSON.stringify({ '@type': 'WebSocketPushEnable', dataTypes: ['Email'], pushState: 'none' }));
    const messageOf = async (): Promise<unknown> => JSON.parse(String((await once(socket, 'message'))[0]));
    assert.deepEqual(
      Object.keys(record(at(await messageOf(), 'changed'))).sort(),
      [account, accountOf('ben').id].sort(),
    );
    for (const [user, on] of [
      ['ann', 'MBX1'],
      ['ben', 'MBX2'],
    ] as const) {
      const pushed = messageOf();
      await deliver(user, on, 'pushed');
      assert.deepEqual(Object.keys(record(at((await stream.next())?.data, 'changed'))), [accountOf(user).id]);
      assert.deepEqual(Object.keys(record(at(await pushed, 'changed'))), [accountOf(user).id]);
    }
    const answered = messageOf();
    socket.send(
      JSON.stringify({
        '@type': 'Request',
        id: 'r',
        using: [CORE, MAIL],
        methodCalls: [['Mailbox/get', { accountId: account }, 'a']],
      }),
    );
    assert.equal(at(await answered, 'methodResponses', '0', '0'), 'Mailbox/get');
    // The session stands on the server of the mailbox, with the front end's name, and an admin there can end it.
    const { running } = servers.server('MBX1');
    const session = running.backEnd.sessions.list().find((one) => one.protocol === 'web');
    assert.deepEqual([session?.frontEnd, session?.user], ['FE1', accountOf('ann').userPrincipalName]);
    for (const one of running.backEnd.sessions.list()) running.endSession(one.id);
    assert.equal(await stream.next(), null);
    socket.terminate();
    await servers.directory.setPermission({ mailbox: accountOf('ben').id, user: accountOf('ann').id, rights: [] });
  });

  test('a request about mailboxes of two servers is answered for those of one', async () => {
    const right = { mailbox: accountOf('ben').id, user: accountOf('ann').id };
    await servers.directory.setPermission({ ...right, rights: ['FullAccess'] });
    const answers = await ann.calls(
      ['Mailbox/get', { accountId: account }],
      ['Mailbox/get', { accountId: right.mailbox }],
    );
    assert.equal(answers[0]?.name, 'Mailbox/get');
    assert.equal(answers[1]?.args['type'], 'accountNotFound');
    assert.equal((await ann.call('Mailbox/get', { accountId: right.mailbox }))['accountId'], right.mailbox);
    await servers.directory.setPermission({ ...right, rights: [] });
  });

  test('who asks is never taken from a client', async () => {
    const ben = accountOf('ben');
    const claim = writeCallerFacts({
      user: ben,
      webSession: null,
      appPassword: null,
      remoteAddress: '192.0.2.1',
      tls: null,
      frontEnd: null,
    });
    const body = { using: [CORE, MAIL], methodCalls: [['Mailbox/get', { accountId: ben.id }, 'a']] };
    const { json } = await ann.post(body, { [CALLER_FIELD]: claim });
    assert.equal(at(json, 'methodResponses', '0', '1', 'type'), 'accountNotFound');
    const nobody = new JmapClient({ port: servers.server('FE1').ports.web, ca: servers.server('FE1').ca }, null);
    assert.equal((await nobody.post(body, { [CALLER_FIELD]: claim })).status, 401);
    assert.equal((await nobody.ask('/jmap/1/api', { method: 'POST', headers: { [CALLER_FIELD]: claim } })).status, 404);
    nobody.close();
  });

  test('the back-end port takes JMAP from front ends only, and moves from back ends only', async () => {
    const { backEndHttpsPort: port } = await servers.directory.clientAccessServer(servers.server('MBX1').server.id);
    const ask = async (who: ServerIdentity, path: string): Promise<number | undefined> => {
      const socket = who.dial(servers.server('MBX1').server.id, { host: '127.0.0.1', port });
      await once(socket, 'secureConnect');
      const outgoing = request({ createConnection: () => socket, path, method: 'POST' });
      outgoing.end();
      const [response] = await once(outgoing, 'response');
      socket.destroy();
      return response.statusCode;
    };
    const frontEnd = await servers.identity(servers.server('FE1').server);
    const backEnd = await servers.identity(servers.server('MBX2').server);
    assert.equal(await ask(backEnd, '/jmap/1/api?owner=x'), 403);
    assert.equal(await ask(frontEnd, '/moves/1/begin?move=x&fence=1&database=x&mailbox=x'), 403);
    // A front end that does not say who asks is not served.
    assert.equal(await ask(frontEnd, `/jmap/1/api?owner=${account}`), 400);
  });

  test('a server that is away is 503 with Retry-After, never 401; afterwards all goes on', async () => {
    const stream = await ann.events('types=Email&closeafter=no&ping=0');
    await servers.server('MBX1').stop();
    assert.equal(await stream.next(), null, 'the stream ends, and the client comes back');
    const body = { using: [CORE, MAIL], methodCalls: [['Mailbox/get', { accountId: account }, 'a']] };
    const { status, headers } = await ann.post(body);
    assert.equal(status, 503);
    assert.match(headers['retry-after'] ?? '', /^[0-9]+$/);
    assert.equal((await ann.ask('/jmap/eventsource')).status, 503);
    const upload = await ann.ask(`/jmap/upload/${account}/`, { method: 'POST', body: Buffer.alloc(10) });
    assert.equal(upload.status, 503);
    assert.equal((await ann.ask('/jmap/session')).status, 200);
    await servers.server('MBX1').start();
    assert.equal((await ann.post(body)).status, 200);
  });
});
