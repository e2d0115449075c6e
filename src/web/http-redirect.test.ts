import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Directory } from '../directory/api.ts';
import { openSqliteDirectory } from '../directory/engine/sqlite/directory.ts';
import type { Server } from '../directory/model.ts';
import { silentLog } from '../observe/log.ts';
import { REDIRECT_CONNECTIONS, REDIRECT_CONNECTIONS_PER_ADDRESS, REDIRECT_HEADER_BYTES } from '../wire/limits.ts';
import { HttpRedirect, type HttpRedirectOptions } from './http-redirect.ts';

describe('http is sent to https', () => {
  let directory: Directory;
  let server: Server;
  const open: HttpRedirect[] = [];
  before(async () => {
    directory = await openSqliteDirectory({ file: ':memory:' });
    const site = await directory.addSite('Site');
    const facts = { name: 'S', fqdn: 'mail.example.test', frontEnd: true, backEnd: true };
    server = await directory.addServer({ ...facts, site: site.id });
  });
  afterEach(async () => {
    for (const redirect of open.splice(0)) await redirect.drain(0);
  });
  after(() => directory.close());

  async function redirect(more: Partial<HttpRedirectOptions> = {}): Promise<{ made: HttpRedirect; port: number }> {
    const made = new HttpRedirect({
      directory,
      server: server.id,
      fqdn: server.fqdn,
      bindings: [{ address: '127.0.0.1', port: 0 }],
      httpsPort: () => 10_443,
      log: silentLog,
      ...more,
    });
    await made.start();
    open.push(made);
    return { made, port: made.listening[0]?.port ?? 0 };
  }

  const dial = async (port: number): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    return socket;
  };
  /** Everything that comes until the server ends the connection. */
  async function say(port: number, text: string): Promise<string> {
    const socket = await dial(port);
    let answer = '';
    socket.setEncoding('latin1').on('data', (part: string) => (answer += part));
    socket.write(text, 'latin1');
    await once(socket, 'close');
    return answer;
  }
  const locationOf = (answer: string): string | undefined => /^location: (.*)\r$/im.exec(answer)?.[1];

  test('308 to the same place, whatever the method, and nothing else', async () => {
    const { port } = await redirect();
    for (const method of ['GET', 'POST', 'DELETE']) {
      const answer = await say(port, `${method} /mail?folder=1 HTTP/1.1\r\nHost: mail.example.test:80\r\n\r\n`);
      assert.match(answer, /^HTTP\/1\.1 308 /);
      assert.equal(locationOf(answer), 'https://mail.example.test:10443/mail?folder=1');
      assert.match(answer, /\r\ncontent-length: 0\r\n/i);
      assert.match(answer, /\r\nconnection: close\r\n/i);
      assert.doesNotMatch(answer, /set-cookie|strict-transport/i);
    }
  });

  test('the usual port is not named; a host that is none is replaced by this server’s name', async () => {
    const { port } = await redirect({ httpsPort: () => 443 });
    const to = async (host: string, target = '/'): Promise<string | undefined> =>
      locationOf(await say(port, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`));
    assert.equal(await to('Mail.example.test'), 'https://Mail.example.test/');
    assert.equal(await to('192.0.2.1:10080'), 'https://192.0.2.1/');
    assert.equal(await to('[2001:db8::1]:10080'), 'https://[2001:db8::1]/');
    for (const host of ['', 'a@evil.example', 'evil.example/x', 'a b', '-x'])
      assert.equal(await to(host), 'https://mail.example.test/', host);
    assert.equal(await to('h', 'http://evil.example/x'), 'https://h/');
    assert.equal(await to('h', '//evil.example/x'), 'https://h//evil.example/x', 'a path of this host');
    const old = await say(port, 'GET /x HTTP/1.0\r\n\r\n');
    assert.equal(locationOf(old), 'https://mail.example.test/x');
  });

  test('a body is not waited for', async () => {
    const { port } = await redirect();
    const answer = await say(port, 'POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000\r\n\r\nabc');
    assert.match(answer, /^HTTP\/1\.1 308 /);
  });

  test('long heads, slow clients and many connections meet limits', async () => {
    assert.ok(REDIRECT_CONNECTIONS >= REDIRECT_CONNECTIONS_PER_ADDRESS);
    const { port } = await redirect({ limits: { wholeMs: 300, perAddress: 2 } });
    assert.match(
      await say(port, `GET /${'x'.repeat(REDIRECT_HEADER_BYTES)} HTTP/1.1\r\nHost: h\r\n\r\n`),
      /^HTTP\/1\.1 431 /,
    );
    const slow = [await dial(port), await dial(port)];
    // Both are cut in the same moment: each is listened to before the first is waited for.
    const cut = slow.map((socket) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      socket.on('error', () => {});
      socket.once('close', () => resolve());
      socket.resume();
      return promise;
    });
    assert.equal(await say(port, ''), '', 'the third of one address is cut');
    slow[0]?.write('GET / HTTP/1.1\r\nX: ');
    await Promise.all(cut);
    assert.match(await say(port, 'GET / HTTP/1.1\r\nHost: h\r\n\r\n'), /308/);
  });

  test('it runs when the web service does, and says so while HTTPS is away', async () => {
    let https: number | null = null;
    const { made, port } = await redirect({ httpsPort: () => https });
    assert.match(await say(port, 'GET / HTTP/1.1\r\nHost: h\r\n\r\n'), /^HTTP\/1\.1 503 /);
    https = 443;
    assert.match(await say(port, 'GET / HTTP/1.1\r\nHost: h\r\n\r\n'), /^HTTP\/1\.1 308 /);
    await directory.setService(server.id, 'web', { running: false });
    await made.settled();
    assert.deepEqual(made.listening, []);
    await directory.setService(server.id, 'web', { running: true });
    await made.settled();
    assert.equal(made.listening.length, 1);
  });

  test('a port that is taken is a problem that is named, and no failure', async () => {
    const other = createServer();
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    assert.ok(address !== null && typeof address === 'object');
    const { made } = await redirect({ bindings: [{ address: '127.0.0.1', port: address.port }] });
    assert.match(made.problems[0]?.message ?? '', new RegExp(`port ${address.port} .*taken`));
    other.close();
  });
});
