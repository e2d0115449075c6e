import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import * as tls from 'node:tls';
import { Failure } from '../observe/failure.ts';
import { type Log, silentLog } from '../observe/log.ts';
import { Connection } from '../wire/connection.ts';
import { type Authority, createAuthority } from './authority.ts';
import { type AlpnProtocol, type CertificateStore, loadCertificates } from './certificates.ts';

let folder: string;
let authority: Authority;
let stranger: Authority;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'penfold-certificates-'));
  const make = (name: string) =>
    createAuthority({ directory: path.join(folder, name), organization: name, domains: ['example.org'] });
  authority = await make('ours');
  stranger = await make('theirs');
});
after(() => rm(folder, { recursive: true }));

async function issue(file: string, names: readonly string[], by = authority) {
  const issued = await by.issue({ names, days: 30 });
  const source = { certificateFile: path.join(folder, `${file}.pem`), keyFile: path.join(folder, `${file}.key`) };
  await writeFile(source.keyFile, issued.keyPem);
  await writeFile(source.certificateFile, issued.chainPem);
  return source;
}

/** A listener that wraps each connection as a front end does. */
async function listen(
  store: CertificateStore,
  alpn?: AlpnProtocol,
): Promise<{ readonly port: number; readonly close: () => void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    const connection = new Connection(socket);
    connection.startTls(store.socketOptions(alpn === undefined ? {} : { alpn })).then(
      () => {
        connection.out.ascii('* OK\r\n');
        connection.flush();
      },
      () => connection.destroy(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address: AddressInfo | string | null = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: address.port, close };
}

/** Resolves with the socket once the greeting came. */
async function connect(port: number, options: tls.ConnectionOptions = {}): Promise<tls.TLSSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<tls.TLSSocket>();
  const socket = tls.connect({ port, host: '127.0.0.1', ca: authority.certificatePem, ...options });
  socket.once('data', () => resolve(socket));
  socket.once('error', reject);
  socket.once('close', () => reject(new Error('closed during the handshake')));
  return promise;
}

const commonName = (socket: tls.TLSSocket): string => String(socket.getPeerCertificate().subject.CN);

async function withListener(
  store: CertificateStore,
  work: (port: number) => Promise<void>,
  alpn?: AlpnProtocol,
): Promise<void> {
  const { port, close } = await listen(store, alpn);
  try {
    await work(port);
  } finally {
    close();
    store.close();
  }
}

test('the right authority is trusted, a wrong one and a wrong name are not', async () => {
  const store = await loadCertificates({
    sources: [await issue('a', ['mail.example.org', '127.0.0.1'])],
    log: silentLog,
  });
  await withListener(store, async (port) => {
    const socket = await connect(port, { servername: 'mail.example.org' });
    assert.equal(socket.authorized, true);
    assert.equal(socket.getProtocol(), 'TLSv1.3');
    socket.destroy();
    (await connect(port)).destroy();
    await assert.rejects(connect(port, { ca: stranger.certificatePem }), /certificate|signature/);
    await assert.rejects(connect(port, { servername: 'other.example.org' }), /Hostname|altnames/i);
  });
});

test('an authority limited to one domain serves it and is no use for another', async () => {
  const narrow = await createAuthority({
    directory: path.join(folder, 'narrow'),
    organization: 'narrow',
    domains: ['other.test'],
  });
  await assert.rejects(narrow.issue({ names: ['mail.example.org'], days: 1 }), Failure);
  const issued = await narrow.issue({ names: ['mail.other.test', '127.0.0.1'], days: 1 });
  const source = { certificateFile: path.join(folder, 'n.pem'), keyFile: path.join(folder, 'n.key') };
  await writeFile(source.keyFile, issued.keyPem);
  await writeFile(source.certificateFile, issued.chainPem);
  const store = await loadCertificates({ sources: [source], log: silentLog });
  await withListener(store, async (port) => {
    (await connect(port, { ca: narrow.certificatePem, servername: 'mail.other.test' })).destroy();
    await assert.rejects(connect(port, { ca: authority.certificatePem, servername: 'mail.other.test' }));
  });
});

test('SNI picks by name, then wildcard for one label, then the default', async () => {
  const sources = [
    await issue('default', ['default.example.org', '127.0.0.1']),
    await issue('wild', ['*.example.org']),
    await issue('exact', ['imap.example.org']),
  ];
  const store = await loadCertificates({ sources, log: silentLog });
  const expected: ReadonlyArray<readonly [string | undefined, string]> = [
    ['imap.example.org', 'imap.example.org'],
    ['IMAP.Example.ORG', 'imap.example.org'],
    ['pop.example.org', '*.example.org'],
    ['a.b.example.org', 'default.example.org'],
    ['elsewhere.test', 'default.example.org'],
    [undefined, 'default.example.org'],
  ];
  await withListener(store, async (port) => {
    for (const [servername, name] of expected) {
      const socket = await connect(port, {
        ...(servername === undefined ? {} : { servername }),
        rejectUnauthorized: false,
      });
      assert.equal(commonName(socket), name, servername);
      socket.destroy();
    }
  });
  assert.equal(store.certificateFor('imap.example.org.').subject, 'CN=imap.example.org');
  assert.ok(store.socketOptions({ certificateName: 'imap.example.org' }).secureContext !== undefined);
});

test('a changed file is taken by the next handshake; a broken one is refused and the old stays', async () => {
  const complaints: string[] = [];
  const log: Log = { ...silentLog, error: (_fields, text) => complaints.push(text) };
  const source = await issue('hot', ['old.example.org']);
  const store = await loadCertificates({ sources: [source], log, watch: false });
  let heard = 0;
  store.onReload(() => {
    heard += 1;
  });
  await withListener(store, async (port) => {
    const nameNow = async (): Promise<string> => {
      const socket = await connect(port, { rejectUnauthorized: false });
      const name = commonName(socket);
      socket.destroy();
      return name;
    };
    assert.equal(await nameNow(), 'old.example.org');
    assert.equal(await store.reload(), false);
    await issue('hot', ['new.example.org']);
    assert.equal(await store.reload(), true);
    assert.equal(await nameNow(), 'new.example.org');
    await writeFile(source.certificateFile, 'garbage');
    assert.equal(await store.reload(), false);
    assert.equal(await store.reload(), false);
    assert.equal(complaints.length, 1, 'one complaint for one state of the file');
    assert.equal(await nameNow(), 'new.example.org');
    assert.equal(heard, 1);
  });
});

test('a key that is not the certificate’s is refused at start', async () => {
  const [a, b] = [await issue('k1', ['a.example.org']), await issue('k2', ['b.example.org'])];
  const mixed = { certificateFile: a.certificateFile, keyFile: b.keyFile };
  await assert.rejects(loadCertificates({ sources: [mixed], log: silentLog }), (error) => {
    assert.ok(error instanceof Failure);
    assert.equal(error.code, 'UNAVAILABLE');
    return true;
  });
  await assert.rejects(loadCertificates({ sources: [], log: silentLog }), Failure);
});

test('TLS 1.2 with forward secrecy is the least; older and CBC suites fail', async () => {
  const store = await loadCertificates({ sources: [await issue('v', ['127.0.0.1'])], log: silentLog });
  await withListener(store, async (port) => {
    const socket = await connect(port, { maxVersion: 'TLSv1.2' });
    assert.equal(socket.getProtocol(), 'TLSv1.2');
    assert.match(socket.getCipher().name, /^ECDHE-ECDSA-.*(GCM|CHACHA20)/);
    // RFC 9325 §3.5: the server does not renegotiate.
    const { promise, resolve } = Promise.withResolvers<Error | null>();
    socket.renegotiate({}, resolve);
    socket.once('error', resolve);
    assert.ok((await promise) instanceof Error);
    socket.destroy();
    const old: tls.ConnectionOptions = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
    await assert.rejects(connect(port, old));
    await assert.rejects(connect(port, { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256' }));
  });
});

test('ALPN: ours or none at all; anything else ends the handshake', async () => {
  const store = await loadCertificates({ sources: [await issue('alpn', ['127.0.0.1'])], log: silentLog });
  await withListener(
    store,
    async (port) => {
      const socket = await connect(port, { ALPNProtocols: ['imap'] });
      assert.equal(socket.alpnProtocol, 'imap');
      socket.destroy();
      (await connect(port)).destroy();
      await assert.rejects(connect(port, { ALPNProtocols: ['http/1.1'] }));
    },
    'imap',
  );
});

test('a session resumes by ticket, also on another listener', async () => {
  const store = await loadCertificates({ sources: [await issue('t', ['127.0.0.1'])], log: silentLog });
  const second = await listen(store);
  try {
    await withListener(store, async (port) => {
      const socket = tls.connect({ port, host: '127.0.0.1', ca: authority.certificatePem });
      const sessions = once(socket, 'session');
      socket.resume();
      const [session] = await sessions;
      assert.ok(Buffer.isBuffer(session));
      socket.destroy();
      const resumed = await connect(second.port, { session });
      assert.equal(resumed.isSessionReused(), true);
      resumed.destroy();
    });
  } finally {
    second.close();
  }
});
