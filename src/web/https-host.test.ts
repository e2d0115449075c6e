import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { type RequestOptions, request } from 'node:https';
import { connect as connectPlain, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import type { Directory } from '../directory/api.ts';
import { openSqliteDirectory } from '../directory/engine/sqlite/directory.ts';
import type { Server } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';
import { silentLog } from '../observe/log.ts';
import { type Authority, createAuthority } from '../tls/authority.ts';
import { type CertificateSource, type CertificateStore, loadCertificates } from '../tls/certificates.ts';
import { WEB_CONNECTIONS, WEB_CONNECTIONS_PER_ADDRESS, WEB_HEADER_BYTES } from '../wire/limits.ts';
import { HttpsHost, type HttpsHostOptions, readBody, type WebHandler } from './https-host.ts';

describe('the HTTPS host', () => {
  let folder: string;
  let authority: Authority;
  let directory: Directory;
  let server: Server;
  let source: CertificateSource;
  let certificates: CertificateStore;

  const issue = async (names: readonly string[]): Promise<void> => {
    const issued = await authority.issue({ names, days: 30 });
    await writeFile(source.keyFile, issued.keyPem);
    await writeFile(source.certificateFile, issued.chainPem);
  };
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'penfold-web-'));
    authority = await createAuthority({ directory: folder, organization: 'Test', domains: ['example.test'] });
    source = { certificateFile: path.join(folder, 'web.pem'), keyFile: path.join(folder, 'web.key') };
    await issue(['localhost', 'mail.example.test']);
    certificates = await loadCertificates({ sources: [source], log: silentLog, watch: false });
    directory = await openSqliteDirectory({ file: ':memory:' });
    const site = await directory.addSite('Site');
    const facts = { name: 'S', fqdn: 'localhost', frontEnd: true, backEnd: true };
    server = await directory.addServer({ ...facts, site: site.id });
  });
  after(async () => {
    certificates.close();
    await directory.close();
    await rm(folder, { recursive: true });
  });

  const echo: WebHandler = {
    prefix: '/echo/',
    handle: async ({ request: incoming, response, url, remoteAddress }) => {
      const body = await readBody(incoming, 1000);
      response.end(JSON.stringify({ path: url.pathname, remoteAddress, body: body.toString() }));
    },
  };
  const broken: WebHandler = {
    prefix: '/echo/broken/',
    handle: () => Promise.reject(new Error('secret detail')),
  };

  async function host(more: Partial<HttpsHostOptions> = {}): Promise<{ host: HttpsHost; port: () => number }> {
    const made = new HttpsHost({
      directory,
      server: server.id,
      bindings: [{ address: '127.0.0.1', port: 0 }],
      certificates,
      handlers: [echo, broken],
      log: silentLog,
      ...more,
    });
    await made.start();
    return { host: made, port: () => made.listening[0]?.port ?? 0 };
  }

  interface Reply {
    readonly status: number | undefined;
    readonly headers: IncomingHttpHeaders;
    readonly text: string;
  }
  const ask = (port: number, target: string, options: RequestOptions & { body?: string } = {}): Promise<Reply> => {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const outgoing = request(
      {
        host: '127.0.0.1',
        port,
        servername: 'localhost',
        ca: authority.certificatePem,
        path: target,
        agent: false,
        ...options,
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }));
        response.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(options.body);
    return promise;
  };
  const secure = (port: number): TLSSocket =>
    connect({ host: '127.0.0.1', port, servername: 'localhost', ca: authority.certificatePem });
  const ended = async (socket: TLSSocket): Promise<string> => {
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('error', () => {});
    await once(socket, 'close');
    return text;
  };

  test('hands a request to the longest prefix, with headers that protect browsers', async () => {
    const { host: web, port } = await host();
    const reply = await ask(port(), '/echo/a?b=c', { method: 'POST', body: 'hello' });
    assert.deepEqual(JSON.parse(reply.text), { path: '/echo/a', remoteAddress: '127.0.0.1', body: 'hello' });
    assert.match(reply.headers['strict-transport-security'] ?? '', /max-age=31536000/);
    assert.equal(reply.headers['x-content-type-options'], 'nosniff');
    assert.equal(reply.headers['x-frame-options'], 'DENY');
    assert.equal(reply.headers['access-control-allow-origin'], undefined);
    assert.equal(reply.headers['set-cookie'], undefined);
    await web.drain(0);
  });

  test('nothing there, and a bug, are problem documents without inner words', async () => {
    const { host: web, port } = await host();
    const missing = await ask(port(), '/nowhere');
    assert.deepEqual([missing.status, missing.headers['content-type']], [404, 'application/problem+json']);
    const bug = await ask(port(), '/echo/broken/x');
    assert.equal(bug.status, 500);
    assert.doesNotMatch(bug.text, /secret detail/);
    await web.drain(0);
  });

  test('speaks no plain HTTP', async () => {
    const { host: web, port } = await host();
    const socket = connectPlain(port(), '127.0.0.1');
    socket.write('GET /echo/ HTTP/1.1\r\nHost: localhost\r\n\r\n');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    await once(socket, 'close');
    assert.doesNotMatch(text, /HTTP\/1\.1 200/);
    await web.drain(0);
  });

  test('a head beyond WEB_HEADER_BYTES is refused', async () => {
    const { host: web, port } = await host();
    const reply = await ask(port(), '/echo/', { headers: { 'x-long': 'x'.repeat(WEB_HEADER_BYTES) } });
    assert.equal(reply.status, 431);
    await web.drain(0);
  });

  test('a body beyond the handler’s limit is refused, announced or not, and the client hears it', async () => {
    const { host: web, port } = await host();
    const body = 'x'.repeat(1001);
    for (const headers of [{ 'content-length': '1001' }, { 'transfer-encoding': 'chunked' }]) {
      const reply = await ask(port(), '/echo/', { method: 'POST', headers, body });
      assert.deepEqual([reply.status, JSON.parse(reply.text).code], [413, 'TOOBIG']);
    }
    await web.drain(0);
  });

  test('a head and a body that do not come in time end the connection', async () => {
    const { host: web, port } = await host({ limits: { headersMs: 100, requestMs: 200 } });
    const slow = secure(port());
    slow.write('GET /echo/ HTTP/1.1\r\n');
    assert.match(await ended(slow), /^HTTP\/1\.1 408 /);
    const body = secure(port());
    body.write('POST /echo/ HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc');
    assert.match(await ended(body), /408|^$/);
    await web.drain(0);
  });

  for (const limits of [{ connections: 1 }, { perAddress: 1 }])
    test(`connections beyond the limit are closed, and places come free: ${JSON.stringify(limits)}`, async () => {
      assert.ok(WEB_CONNECTIONS_PER_ADDRESS * 2 < WEB_CONNECTIONS, 'one address cannot take them all');
      const { host: web, port } = await host({ limits });
      const first = secure(port());
      await once(first, 'secureConnect');
      await assert.rejects(ask(port(), '/echo/'));
      first.destroy();
      await once(first, 'close');
      // The server learns of the close a moment later.
      for (;;) {
        const reply = await ask(port(), '/echo/').catch(() => null);
        if (reply?.status === 200) break;
      }
      await web.drain(0);
    });

  test('a new certificate counts for the next handshake, named or not', async () => {
    const { host: web, port } = await host();
    const serial = async (servername: string | undefined): Promise<string> => {
      const socket = connect({
        host: '127.0.0.1',
        port: port(),
        ...(servername === undefined ? {} : { servername }),
        ca: authority.certificatePem,
        checkServerIdentity: () => undefined,
      });
      await once(socket, 'secureConnect');
      const { serialNumber } = socket.getPeerCertificate();
      socket.destroy();
      return serialNumber;
    };
    const old = await serial('localhost');
    assert.equal(await serial(undefined), old);
    await issue(['localhost', 'mail.example.test']);
    assert.equal(await certificates.reload(), true);
    const fresh = await serial('localhost');
    assert.notEqual(fresh, old);
    assert.equal(await serial(undefined), fresh);
    await web.drain(0);
  });

  test('follows the state of the service; running requests may end', async () => {
    const finish = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    const slow: WebHandler = {
      prefix: '/slow/',
      handle: async ({ response }) => {
        arrived.resolve();
        await finish.promise;
        response.end('done');
      },
    };
    const { host: web, port } = await host({ handlers: [slow] });
    const running = ask(port(), '/slow/');
    await arrived.promise;
    const before = port();
    await directory.setService(server.id, 'web', { running: false });
    await web.settled();
    assert.deepEqual(web.listening, []);
    await assert.rejects(ask(before, '/slow/'), { code: 'ECONNREFUSED' });
    finish.resolve();
    assert.equal((await running).text, 'done');
    await directory.setService(server.id, 'web', { running: true });
    await web.settled();
    assert.equal((await ask(port(), '/slow/')).text, 'done');
    await web.drain(0);
  });

  test('draining ends requests that do not end by themselves', async () => {
    const arrived = Promise.withResolvers<void>();
    const endless: WebHandler = {
      prefix: '/',
      handle: ({ signal }) => {
        arrived.resolve();
        const { promise, reject } = Promise.withResolvers<void>();
        signal.addEventListener('abort', () => reject(new Failure('UNAVAILABLE', 'stopping')));
        return promise;
      },
    };
    const { host: web, port } = await host({ handlers: [endless] });
    const reply = ask(port(), '/');
    await arrived.promise;
    await web.drain(0);
    const outcome = await reply.then(
      ({ status }) => status,
      () => 'cut',
    );
    assert.ok(outcome === 503 || outcome === 'cut', String(outcome));
  });

  test('a port that is taken is a problem in words, and stops nothing', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    assert.ok(typeof address === 'object' && address !== null);
    const { host: web } = await host({ bindings: [{ address: '127.0.0.1', port: address.port }] });
    assert.match(web.problems[0]?.message ?? '', new RegExp(`port ${address.port} on 127\\.0\\.0\\.1 is taken`));
    assert.deepEqual(web.listening, []);
    await web.drain(0);
    other.close();
  });
});
