/** JMAP over a WebSocket (RFC 8887) on one server: requests, errors, push, what ends it, and who is not let in. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { after, afterEach, before, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import { JMAP_LIMITS } from '../../src/web/jmap/request.ts';
import { startOrganization, type TestOrganization } from '../support/organization.ts';
import { at, CORE, JmapClient, MAIL, record } from './client.ts';
import { deliver } from './delivery.ts';

describe('JMAP over WebSocket', () => {
  let organization: TestOrganization;
  let alice: JmapClient;
  let account: string;
  const open: Socket[] = [];

  before(async () => {
    organization = await startOrganization({ engine: 'memory', users: ['alice', 'bob'] });
    alice = new JmapClient({ port: organization.web, ca: organization.ca }, organization.user(0));
    account = organization.user(0).account.id;
  });
  afterEach(() => {
    for (const socket of open.splice(0)) socket.terminate();
  });
  after(async () => {
    alice.close();
    await organization.stop();
  });

  class Socket {
    readonly #webSocket: WebSocket;
    readonly #messages: unknown[] = [];
    #waiting: PromiseWithResolvers<unknown> | null = null;

    constructor(headers: Record<string, string>, protocols: readonly string[] = ['jmap']) {
      this.#webSocket = new WebSocket(`wss://localhost:${organization.web}/jmap/ws`, [...protocols], {
        ca: organization.ca,
        headers,
      });
      this.#webSocket.on('message', (data: Buffer) => {
        const message: unknown = JSON.parse(data.toString('utf8'));
        if (this.#waiting === null) this.#messages.push(message);
        else this.#waiting.resolve(message);
        this.#waiting = null;
      });
      open.push(this);
    }

    async opened(): Promise<this> {
      await once(this.#webSocket, 'open');
      assert.equal(this.#webSocket.protocol, 'jmap');
      return this;
    }

    /** The status that the handshake was refused with. */
    async refused(): Promise<number | undefined> {
      const [, response] = await once(this.#webSocket, 'unexpected-response');
      return response.statusCode;
    }

    send(message: unknown): void {
      this.#webSocket.send(typeof message === 'string' ? message : JSON.stringify(message));
    }

    sendBinary(): void {
      this.#webSocket.send(Buffer.from([1, 2, 3]));
    }

    next(): Promise<unknown> {
      if (this.#messages.length > 0) return Promise.resolve(this.#messages.shift());
      this.#waiting = Promise.withResolvers();
      return this.#waiting.promise;
    }

    async closed(): Promise<number> {
      const [code] = await once(this.#webSocket, 'close');
      return Number(code);
    }

    terminate(): void {
      this.#webSocket.on('error', () => {});
      this.#webSocket.terminate();
    }
  }
  const authorization = (): Record<string, string> => ({ authorization: alice.authorization ?? '' });
  const socketOf = (): Promise<Socket> => new Socket(authorization()).opened();
  const echo = (id: string): object => ({ '@type': 'Request', id, using: [CORE, MAIL], methodCalls: [] });

  test('the session says where it is', async () => {
    const { capabilities } = await alice.session();
    assert.deepEqual(at(capabilities, 'urn:ietf:params:jmap:websocket'), {
      url: `wss://127.0.0.1:${organization.web}/jmap/ws`,
      supportsPush: true,
    });
  });

  test('requests are answered under their ids, errors as well', async () => {
    const socket = await socketOf();
    socket.send({
      '@type': 'Request',
      id: 'first',
      using: [CORE, MAIL],
      methodCalls: [
        ['Mailbox/get', { accountId: account }, 'a'],
        ['Mailbox/get', { accountId: account, ids: [] }, 'b'],
      ],
    });
    const response = await socket.next();
    assert.deepEqual([at(response, '@type'), at(response, 'requestId')], ['Response', 'first']);
    assert.equal(at(response, 'methodResponses', '0', '0'), 'Mailbox/get');
    assert.equal(at(response, 'methodResponses', '1', '2'), 'b');
    assert.equal(at(response, 'sessionState'), (await alice.session())['state']);
    const cases: ReadonlyArray<readonly [unknown, string]> = [
      ['{', 'notJSON'],
      ['[]', 'notRequest'],
      [{ '@type': 'Question', id: 'x' }, 'notRequest'],
      [{ ...echo('x'), using: ['urn:x'] }, 'unknownCapability'],
      [{ '@type': 'WebSocketPushEnable', dataTypes: 'Email' }, 'notRequest'],
    ];
    for (const [message, type] of cases) {
      socket.send(message);
      const error = await socket.next();
      assert.deepEqual(
        [at(error, '@type'), at(error, 'type'), at(error, 'status')],
        ['RequestError', `urn:ietf:params:jmap:error:${type}`, 400],
      );
    }
  });

  test('more requests at a time than maxConcurrentRequests are refused, and the others answered', async () => {
    const socket = await socketOf();
    const sent = JMAP_LIMITS.maxConcurrentRequests * 3;
    for (let i = 0; i < sent; i += 1)
      socket.send({ ...echo(String(i)), methodCalls: [['Mailbox/get', { accountId: account }, 'a']] });
    const types = new Set<unknown>();
    const ids = new Set<unknown>();
    for (let i = 0; i < sent; i += 1) {
      const message = await socket.next();
      ids.add(at(message, 'requestId'));
      types.add(at(message, '@type'));
      if (at(message, '@type') === 'RequestError') assert.equal(at(message, 'limit'), 'maxConcurrentRequests');
    }
    assert.equal(ids.size, sent);
    assert.ok(types.has('Response'));
  });

  test('push: turned on for types, off again, and on from a state on', async () => {
    const socket = await socketOf();
    // From an unknown state on: what there is comes at once, and says that it is on.
    socket.send({ '@type': 'WebSocketPushEnable', dataTypes: ['Email'], pushState: 'unknown' });
    assert.deepEqual(Object.keys(record(at(await socket.next(), 'changed', account))), ['Email']);
    await deliver(organization, 0, 'one');
    const change = await socket.next();
    assert.equal(at(change, '@type'), 'StateChange');
    assert.deepEqual(Object.keys(record(at(change, 'changed', account))), ['Email']);
    const pushState = at(change, 'pushState');
    socket.send({ '@type': 'WebSocketPushDisable' });
    await sync(socket);
    await deliver(organization, 0, 'two');
    await sync(socket);
    socket.send({ '@type': 'WebSocketPushEnable', dataTypes: ['Email'], pushState });
    const missed = await socket.next();
    assert.equal(at(missed, '@type'), 'StateChange');
    assert.notEqual(at(missed, 'pushState'), pushState);
  });

  /** The next message is the answer to a request that is sent now: nothing else was under way. */
  async function sync(socket: Socket): Promise<void> {
    socket.send({ ...echo('sync'), methodCalls: [['Mailbox/get', { accountId: account }, 'a']] });
    const answer = await socket.next();
    assert.equal(at(answer, 'requestId'), 'sync', JSON.stringify(answer));
  }

  test('who is not signed in, comes from a foreign page or speaks another protocol is not let in', async () => {
    assert.equal(await new Socket({}).refused(), 401);
    assert.equal(await new Socket({ authorization: 'Basic YWxpY2VAZXhhbXBsZS50ZXN0Ondyb25n' }).refused(), 401);
    assert.equal(await new Socket({ ...authorization(), origin: 'https://evil.test' }).refused(), 403);
    assert.equal(await new Socket(authorization(), ['xmpp']).refused(), 400);
    assert.equal(await new Socket(authorization(), []).refused(), 400);
    const { status } = await alice.ask('/jmap/ws');
    assert.equal(status, 426);
  });

  test('binary messages and messages that are too long end it', async () => {
    const binary = await socketOf();
    binary.sendBinary();
    assert.equal(await binary.closed(), 1003);
    const long = await socketOf();
    long.send('x'.repeat(JMAP_LIMITS.maxSizeRequest + 1));
    assert.equal(await long.closed(), 1009);
  });

  test('it ends when the account is disabled', async () => {
    const bob = new JmapClient({ port: organization.web, ca: organization.ca }, organization.user(1));
    const socket = await new Socket({ authorization: bob.authorization ?? '' }).opened();
    await organization.directory.changeAccount(organization.user(1).account.id, { enabled: false });
    assert.equal(await socket.closed(), 1008);
    await organization.directory.changeAccount(organization.user(1).account.id, { enabled: true });
    bob.close();
  });

  test('it is told to come back when the web service stops', async () => {
    const socket = await socketOf();
    const closed = socket.closed();
    await organization.directory.setService(organization.server.id, 'web', { running: false });
    assert.equal(await closed, 1001);
    await organization.directory.setService(organization.server.id, 'web', { running: true });
    await organization.running.settled();
  });
});
