import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import { defaultConnectors } from '../directory/connectors.ts';
import { openSqliteDirectory } from '../directory/engine/sqlite/directory.ts';
import { connectorId, type ReceiveConnector, type Server, serverId, siteId } from '../directory/model.ts';
import { silentLog } from '../observe/log.ts';
import { createAuthority } from '../tls/authority.ts';
import { loadCertificates } from '../tls/certificates.ts';
import { connectorFor, createSmtpFrontEnd } from './smtp-accept.ts';

const ANY_PORT = [{ address: '127.0.0.1', port: 0 }];
const server: Server = {
  id: serverId('s'),
  name: 'mail1',
  fqdn: 'mail1.example.test',
  site: siteId('x'),
  frontEnd: true,
  backEnd: true,
};

function connector(name: string, patch: Partial<ReceiveConnector>): ReceiveConnector {
  const [first] = defaultConnectors(server);
  assert.ok(first !== undefined);
  return {
    ...first,
    id: connectorId(name),
    name,
    bindings: [{ address: '0.0.0.0', port: 25 }],
    implicitTlsBindings: [],
    ...patch,
  };
}

describe('the most specific RemoteIPRange takes the client', () => {
  const connectors = [
    connector('all', { remoteIpRanges: ['0.0.0.0-255.255.255.255', '::/0'] }),
    connector('net', { remoteIpRanges: ['192.0.2.0/24'] }),
    connector('printer', { remoteIpRanges: ['198.51.100.7', '192.0.2.10-192.0.2.20'] }),
    connector('submission', { remoteIpRanges: ['0.0.0.0/0'], bindings: [{ address: '0.0.0.0', port: 587 }] }),
    connector('implicit', {
      remoteIpRanges: ['0.0.0.0/0'],
      bindings: [],
      implicitTlsBindings: [{ address: '0.0.0.0', port: 465 }],
    }),
  ];
  const cases: Array<[client: string, port: number, implicitTls: boolean, expected: string | null]> = [
    ['203.0.113.1', 25, false, 'all'],
    ['192.0.2.1', 25, false, 'net'],
    ['192.0.2.15', 25, false, 'printer'],
    ['198.51.100.7', 25, false, 'printer'],
    ['2001:db8::1', 25, false, 'all'],
    ['192.0.2.15', 587, false, 'submission'],
    ['2001:db8::1', 587, false, null],
    ['192.0.2.15', 465, true, 'implicit'],
    ['192.0.2.15', 465, false, null],
  ];
  for (const [client, port, implicitTls, expected] of cases) {
    test(`${client} on ${port}`, () => {
      const found = connectorFor(connectors, { address: '0.0.0.0', port, implicitTls }, client);
      assert.equal(found?.name ?? null, expected);
    });
  }
});

test('serves connectors of running services, refuses in words, follows changes, drains', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'penfold-smtp-accept-'));
  const directory = await openSqliteDirectory({ file: ':memory:' });
  const site = await directory.addSite('Main');
  const { id } = await directory.addServer({
    name: 'mail1',
    fqdn: server.fqdn,
    site: site.id,
    frontEnd: true,
    backEnd: true,
  });
  for (const each of defaultConnectors({ ...server, id })) {
    const isClient = each.name.startsWith('Client Frontend');
    if (!isClient) continue;
    await directory.addConnector({
      ...each,
      bindings: ANY_PORT,
      implicitTlsBindings: ANY_PORT,
      maxInboundConnectionPerSource: 2,
    });
  }
  await directory.setService(id, 'frontend-transport', { running: true });
  const authority = await createAuthority({ directory: folder, organization: 'Test', domains: ['example.test'] });
  const issued = await authority.issue({ names: ['localhost'], days: 2 });
  const file = path.join(folder, 'server.pem');
  await writeFile(file, issued.chainPem + issued.keyPem);
  const certificates = await loadCertificates({
    sources: [{ certificateFile: file, keyFile: file }],
    log: silentLog,
    watch: false,
  });
  const front = createSmtpFrontEnd({
    directory,
    server: id,
    certificates,
    log: silentLog,
    session: async (connection, taken, tlsNow, stop) => {
      connection.out.ascii(`220 ${taken.name.split(' ')[0]} ${tlsNow}\r\n`);
      stop.addEventListener('abort', () => {
        connection.out.ascii('421 bye\r\n');
        connection.end();
      });
      while ((await connection.readLine(100)) !== null);
    },
  });
  try {
    await front.start();
    const portOf = (implicitTls: boolean): number =>
      front.listening.find((each) => each.implicitTls === implicitTls)?.port ?? 0;
    const plain = connect(portOf(false), '127.0.0.1');
    assert.equal(String((await once(plain, 'data'))[0]), '220 Client false\r\n');
    const secure = tlsConnect({
      port: portOf(true),
      host: '127.0.0.1',
      servername: 'localhost',
      ca: authority.certificatePem,
    });
    assert.equal(String((await once(secure, 'data'))[0]), '220 Client true\r\n');
    const third = connect(portOf(false), '127.0.0.1');
    assert.match(String((await once(third, 'data'))[0]), /^421 4\.3\.2 .*MaxInboundConnectionPerSource/);

    const [only] = await directory.connectors(id);
    assert.ok(only !== undefined);
    await directory.changeConnector(only.id, { implicitTlsBindings: [] });
    const farewell = once(plain, 'data');
    await front.drain(1000);
    assert.equal(String((await farewell)[0]), '421 bye\r\n');
    for (const socket of [plain, secure, third]) socket.destroy();
    assert.deepEqual(front.listening, []);
  } finally {
    await front.drain(0);
    certificates.close();
    await directory.close();
    await rm(folder, { recursive: true, force: true });
  }
});
