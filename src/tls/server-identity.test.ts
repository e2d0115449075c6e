import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as plainConnect, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { connect, type ConnectionOptions, createServer, TLSSocket } from 'node:tls';
import { serverId } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';
import { silentLog } from '../observe/log.ts';
import {
  identityOf,
  listen,
  type Listening,
  type OpenedIdentity,
  type ServerIdentities,
  serverIdentities,
} from '../../test/support/server-identities.ts';
import { acceptServer, type AcceptedServer, type NeededRole } from './server-accept.ts';
import {
  makeServerAuthority,
  openServerAuthority,
  SERVER_CLOCK_SKEW_MS,
  SERVER_LEAF_DAYS,
} from './server-authority.ts';
import { openServerIdentity, RENEW_AFTER_MS, RENEWAL_CHECK_MS } from './server-identity.ts';

const DAY_MS = 86_400_000;
let all: ServerIdentities;
before(async () => {
  all = await serverIdentities();
});
after(() => all.close());

const failure =
  (code: string, words = /./) =>
  (error: unknown) =>
    error instanceof Failure && error.code === code && words.test(error.message);

interface Meeting {
  /** What the back end says to a connection that `dial` makes. */
  accepted(dial: (port: number) => Socket): Promise<AcceptedServer>;
  readonly listening: Listening;
}

/** A port of the back end, as `acceptServer` guards it. */
async function backEndPort(
  role: NeededRole = 'front-end',
  identity: OpenedIdentity = all.backEnd,
  handshakeMs?: number,
): Promise<Meeting> {
  let next = Promise.withResolvers<AcceptedServer>();
  const listening = await listen((socket) => {
    acceptServer(socket, {
      identity,
      directory: all.directory,
      role,
      ...(handshakeMs === undefined ? {} : { handshakeMs }),
    }).then(next.resolve, next.reject);
  });
  return {
    listening,
    accepted: (dial) => {
      next = Promise.withResolvers<AcceptedServer>();
      dial(listening.port).on('error', () => {});
      return next.promise;
    },
  };
}

const plainSocket = (port: number): Socket => plainConnect({ host: '127.0.0.1', port });

const dialling = (identity: OpenedIdentity, port: number, more: ConnectionOptions = {}): TLSSocket =>
  connect({ ...identity.dialOptions(all.backEnd.server), host: '127.0.0.1', port, ...more });

test('two servers of one organization know each other by id, whatever the host name', async () => {
  const port = await backEndPort();
  const dialled: TLSSocket[] = [];
  const { socket, server } = await port.accepted((at) => {
    dialled.push(all.frontEnd.dial(all.backEnd.server, { host: 'localhost', port: at }));
    return dialled[0] ?? assert.fail();
  });
  assert.equal(server.id, all.frontEnd.server);
  assert.equal(server.name, 'FRONT1');
  assert.equal(socket.getProtocol(), 'TLSv1.3');
  const [peer] = dialled;
  assert.ok(peer !== undefined);
  if (!peer.authorized) await once(peer, 'secureConnect');
  assert.equal(all.frontEnd.peer(peer), all.backEnd.server);
  socket.write('hello');
  const [heard] = await once(peer, 'data');
  assert.equal(String(heard), 'hello');
  await port.listening.close();
});

test('a server with a certificate of another authority is refused, and nothing it sent is read', async () => {
  const port = await backEndPort();
  let read = 0;
  const refused = port.accepted((at) => {
    const socket = dialling(all.rogue, at, { rejectUnauthorized: false, checkServerIdentity: () => undefined });
    socket.write('a LOGIN victim\r\n');
    socket.on('data', (chunk) => {
      read += chunk.length;
    });
    return socket;
  });
  await assert.rejects(refused, failure('AUTHENTICATIONFAILED', /another authority/));
  assert.equal(read, 0);
  await port.listening.close();
});

test('a session of a rogue cannot be resumed into one that counts', async () => {
  const unchecked = { rejectUnauthorized: false, checkServerIdentity: () => undefined };
  // A listener that forgets to ask who it is: its sessions are under the same keys.
  const careless = await listen((plain) => {
    const socket = new TLSSocket(plain, { ...all.backEnd.listenerOptions(), isServer: true });
    socket.on('error', () => {}).resume();
  });
  const talking = dialling(all.rogue, careless.port, unchecked).on('error', () => {});
  const [ticket] = await once(talking, 'session');
  talking.destroy();
  const port = await backEndPort();
  await assert.rejects(
    port.accepted((at) => dialling(all.rogue, at, { ...unchecked, session: ticket })),
    failure('AUTHENTICATIONFAILED', /another authority/),
  );
  await Promise.all([port.listening.close(), careless.close()]);
});

test('an expired certificate, none at all, plain text and silence are refused', async () => {
  const port = await backEndPort('front-end', all.backEnd, 1);
  const patient = await backEndPort();
  await assert.rejects(
    patient.accepted((at) => dialling(all.expired, at)),
    failure('AUTHENTICATIONFAILED', /it expired on/),
  );
  const { key: _key, cert: _cert, secureContext: _context, ...nobody } = all.frontEnd.dialOptions(all.backEnd.server);
  await assert.rejects(
    patient.accepted((at) => connect({ ...nobody, host: '127.0.0.1', port: at })),
    failure('AUTHENTICATIONFAILED', /no certificate/),
  );
  await assert.rejects(
    patient.accepted((at) => plainSocket(at).end('* OK hello\r\n'.repeat(10))),
    failure('UNAVAILABLE'),
  );
  await assert.rejects(
    port.accepted((at) => plainSocket(at)),
    failure('UNAVAILABLE'),
  );
  await Promise.all([port.listening.close(), patient.listening.close()]);
});

test('TLS 1.2 is refused', async () => {
  const port = await backEndPort();
  const { secureContext: _context, ...options } = all.frontEnd.dialOptions(all.backEnd.server);
  await assert.rejects(
    port.accepted((at) =>
      connect({ ...options, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2', host: '127.0.0.1', port: at }),
    ),
    failure('UNAVAILABLE'),
  );
  await port.listening.close();
});

test('a server that was removed from the directory, or has not the role, is refused', async () => {
  const front = await backEndPort('front-end');
  await assert.rejects(
    front.accepted((at) => dialling(all.removed, at)),
    failure('AUTHORIZATIONFAILED', /removed-1/),
  );
  await assert.rejects(
    front.accepted((at) => dialling(all.backEnd, at)),
    failure('AUTHORIZATIONFAILED', /BACK1 is no front-end/),
  );
  const any = await backEndPort('any');
  assert.equal((await any.accepted((at) => dialling(all.backEnd, at))).server.name, 'BACK1');
  await Promise.all([front.listening.close(), any.listening.close()]);
});

test('dialling refuses a server that is not the one meant, and one of another organization', async () => {
  const refusal = async (reached: OpenedIdentity): Promise<Error> => {
    const listening = await listen((plain) => {
      const socket = new TLSSocket(plain, { ...reached.listenerOptions(), isServer: true });
      socket.on('error', () => {});
    });
    const dialled = all.frontEnd.dial(all.backEnd.server, { host: '127.0.0.1', port: listening.port });
    const [error] = await once(dialled, 'error');
    await listening.close();
    return error;
  };
  assert.match((await refusal(all.removed)).message, /it is server removed-1, not back-1/);
  assert.equal(Reflect.get(await refusal(all.rogue), 'code'), 'SELF_SIGNED_CERT_IN_CHAIN');
});

test('the second call resumes the session of the first, to that server only', async () => {
  const port = await backEndPort();
  const reused: boolean[] = [];
  const call = async (event: 'session' | 'secureConnect'): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<TLSSocket>();
    const { server } = await port.accepted((at) => {
      const dialled = all.frontEnd.dial(all.backEnd.server, { host: '127.0.0.1', port: at });
      // Tickets come behind the handshake, to a client that reads.
      return dialled.once(event, () => resolve(dialled)).resume();
    });
    assert.equal(server.id, all.frontEnd.server);
    const dialled = await promise;
    reused.push(dialled.isSessionReused());
    assert.equal(all.frontEnd.peer(dialled), all.backEnd.server);
    dialled.destroy();
  };
  await call('session');
  await call('secureConnect');
  assert.deepEqual(reused, [false, true]);
  // To another server's id at the same place the session is not shown: it would be taken for that one.
  const [error] = await once(
    all.frontEnd.dial(serverId('other'), { host: '127.0.0.1', port: port.listening.port }),
    'error',
  );
  assert.match(error.message, /it is server back-1, not other/);
  await port.listening.close();
});

test('a renewed certificate counts for the next handshake, and listeners that keep options hear of it', async () => {
  const authority = await makeServerAuthority('Example');
  let clock = Date.now();
  const now = (): Date => new Date(clock);
  const one = await identityOf(authority, all.frontEnd.server, { issuedAt: now, now });
  const renewed = Promise.withResolvers<void>();
  one.onRenewed(renewed.resolve);
  const before = one.listenerOptions().cert;
  clock += RENEW_AFTER_MS - 1;
  assert.equal(one.listenerOptions().cert, before);
  clock += 1;
  one.dialOptions(all.backEnd.server);
  await renewed.promise;
  assert.notEqual(one.listenerOptions().cert, before);
  one.close();
});

test('while renewing fails the last certificate serves, and it is tried again', async () => {
  const authority = await makeServerAuthority('Example');
  let clock = Date.now();
  const now = (): Date => new Date(clock);
  const opened = await openServerAuthority(authority, now);
  let away = false;
  let asked = 0;
  const one = await openServerIdentity({
    server: all.frontEnd.server,
    now,
    issue: async () => {
      asked += 1;
      if (away) throw new Failure('UNAVAILABLE', 'the directory is away');
      return { ...(await opened.issue(all.frontEnd.server)), trusted: [authority.certificatePem] };
    },
    log: silentLog,
  });
  const before = one.listenerOptions().cert;
  away = true;
  clock += RENEW_AFTER_MS;
  await assert.rejects(one.renew(), failure('UNAVAILABLE'));
  assert.equal(one.listenerOptions().cert, before);
  assert.equal(asked, 2);
  one.listenerOptions();
  assert.equal(asked, 2, 'not at every connection');
  away = false;
  clock += RENEWAL_CHECK_MS;
  const renewed = Promise.withResolvers<void>();
  one.onRenewed(renewed.resolve);
  one.listenerOptions();
  await renewed.promise;
  assert.notEqual(one.listenerOptions().cert, before);
  one.close();
});

test('a renewal that is asked for during another comes after it, with what counts then', async () => {
  const authorities = await Promise.all([makeServerAuthority('Example'), makeServerAuthority('Example')]);
  let [authority] = authorities;
  const asked: Array<PromiseWithResolvers<void>> = [];
  const one = await openServerIdentity({
    server: all.frontEnd.server,
    issue: async () => {
      const counts = authority;
      const answer = Promise.withResolvers<void>();
      asked.push(answer);
      if (asked.length === 1) answer.resolve();
      await answer.promise;
      const opened = await openServerAuthority(counts);
      return { ...(await opened.issue(all.frontEnd.server)), trusted: [counts.certificatePem] };
    },
    log: silentLog,
  });
  const early = one.renew();
  while (asked.length < 2) await setImmediate();
  authority = authorities[1];
  const late = one.renew();
  asked[1]?.resolve();
  await early;
  while (asked.length < 3) await setImmediate();
  asked[2]?.resolve();
  await late;
  assert.deepEqual(one.listenerOptions().ca, [authorities[1].certificatePem]);
  one.close();
});

test('clocks may differ by a day', async () => {
  const authority = await makeServerAuthority('Example', new Date(Date.now() - DAY_MS));
  const meet = async (offset: number): Promise<AcceptedServer> => {
    const clock = { issuedAt: () => new Date(Date.now() + offset) };
    const one = await identityOf(authority, all.frontEnd.server, clock);
    const other = await identityOf(authority, all.backEnd.server);
    const port = await backEndPort('front-end', other);
    try {
      return await port.accepted((at) => dialling(one, at));
    } finally {
      await port.listening.close();
      one.close();
      other.close();
    }
  };
  const ahead = await meet(SERVER_CLOCK_SKEW_MS - 60_000);
  assert.equal(ahead.server.id, all.frontEnd.server);
  await assert.rejects(meet(SERVER_CLOCK_SKEW_MS + 60_000), failure('AUTHENTICATIONFAILED', /compare the clocks/));
  const behind = await meet(60_000 - SERVER_LEAF_DAYS * DAY_MS);
  assert.equal(behind.server.id, all.frontEnd.server);
});

test('a TLS server of Node takes the same options', async () => {
  const server = createServer(all.backEnd.listenerOptions());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = Number(Reflect.get(Object(server.address()), 'port'));
  const refused = once(server, 'tlsClientError');
  dialling(all.rogue, port, { rejectUnauthorized: false, checkServerIdentity: () => undefined }).on('error', () => {});
  await refused;
  const accepted = once(server, 'secureConnection');
  const dialled = dialling(all.frontEnd, port);
  const [socket] = await accepted;
  assert.equal(all.backEnd.peer(socket), all.frontEnd.server);
  dialled.destroy();
  server.close();
});

test('an authority whose key is not its own is refused', async () => {
  const [one, other] = await Promise.all([makeServerAuthority('A'), makeServerAuthority('A')]);
  await assert.rejects(
    openServerAuthority({ certificatePem: one.certificatePem, keyPem: other.keyPem }),
    failure('CORRUPTION'),
  );
});
