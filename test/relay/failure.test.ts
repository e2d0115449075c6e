/** Back ends that are stopped, away, slow or lost: what clients hear, and how it becomes good again by itself. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { actOnServices, servicesNamed } from '../../src/management/services.ts';
import type { LineClient } from '../dialogues/imap/not-authenticated/server.ts';
import { type ManyServers, startServers } from '../support/many-servers.ts';
import { imapLogin, secureClient } from './client.ts';
import { Gate, happens, throughGate } from './gate.ts';

const FRONT = { name: 'FE1', roles: { frontEnd: true, backEnd: false } };
const QUICK = { connectMs: 300, factsMs: 300, openMs: 2_000, pulseMs: 50, lostMs: 200 };

/** A front end and a back end, with a gate between their IMAP ports. */
async function withGate(act: (servers: ManyServers, gate: Gate) => Promise<void>): Promise<void> {
  const gate = await Gate.open();
  try {
    const servers = await startServers({
      engine: 'memory',
      servers: ['MBX1', FRONT],
      users: { ann: 'MBX1', ben: 'MBX1' },
      relayTimes: QUICK,
      prepare: async ({ directory, servers: [back] }) => {
        if (back !== undefined) gate.leadTo((await directory.imapSettings(back.id)).proxyTargetPort);
      },
      directoryOf: (server, directory) => (server.name === 'FE1' ? throughGate(directory, gate) : directory),
    });
    try {
      await act(servers, gate);
    } finally {
      await servers.stop();
    }
  } finally {
    await gate.close();
  }
}

async function greeted(servers: ManyServers, front = 'FE1'): Promise<LineClient> {
  const { ports, ca } = servers.server(front);
  const client = await secureClient(ports.imap.tls, ca);
  assert.match((await client.line()) ?? '', /^\* OK/);
  return client;
}

async function login(servers: ManyServers, name: string): Promise<string> {
  const client = await greeted(servers);
  const answer = await client.imap(`a ${imapLogin(servers.user(name))}`);
  client.send('z LOGOUT');
  await client.closed();
  return answer;
}

async function loggedOn(servers: ManyServers, name: string): Promise<LineClient> {
  const client = await greeted(servers);
  assert.match(await client.imap(`a ${imapLogin(servers.user(name))}`), /^a OK/);
  return client;
}

describe('a back end that is away', () => {
  test('is UNAVAILABLE and named, never a wrong password; when it is back, so are its users', () =>
    withGate(async (servers, gate) => {
      await gate.close();
      assert.match(
        await login(servers, 'ann'),
        /^a NO \[UNAVAILABLE\] The server of this mailbox \(MBX1\) cannot be reached/,
      );
      for (let i = 0; i < 3; i += 1) assert.match(await login(servers, 'ann'), /^a NO \[UNAVAILABLE\]/);
      const front = servers.server('FE1').running;
      await gate.listen();
      await happens('the circuit breaker closes', async () => (await login(servers, 'ann')).startsWith('a OK'));
      assert.ok(front.listeners().length > 0);
    }));

  test('is not waited for twice when it says nothing', () =>
    withGate(async (servers, gate) => {
      gate.hold();
      assert.match(await login(servers, 'ann'), /^a NO \[UNAVAILABLE\] .*MBX1\) does not answer/);
      const before = gate.connections;
      assert.match(await login(servers, 'ben'), /^a NO \[UNAVAILABLE\] .*MBX1\) cannot be reached/);
      const probes = servers
        .server('FE1')
        .log.filter(({ text }) => text.startsWith('a back end does not answer')).length;
      assert.equal(probes, 1, 'the admin is told once');
      assert.ok(gate.connections - before <= 1, 'no user was sent there, a probe perhaps');
      gate.release();
      await happens('a probe finds it', async () => (await login(servers, 'ben')).startsWith('a OK'));
    }));

  test('whose ready connections were all lost serves the next user all the same', () =>
    withGate(async (servers, gate) => {
      assert.match(await login(servers, 'ann'), /^a OK/);
      await happens('connections stand ready', () => gate.connections >= 4);
      gate.cut();
      assert.match(await login(servers, 'ann'), /^a OK/);
      assert.match(await login(servers, 'ben'), /^a OK/);
    }));

  test('shows in the health of the front end', () =>
    withGate(async (servers, gate) => {
      gate.hold();
      await login(servers, 'ann');
      const probe = await servers.server('FE1').running.probe('ImapBackEndsProbe');
      assert.equal(probe?.state, 'Unhealthy');
      assert.match(probe?.error ?? '', /MBX1/);
    }));
});

describe('a session whose back end goes', () => {
  test('by an admin’s stop hears BYE from it', () =>
    withGate(async (servers) => {
      const client = await loggedOn(servers, 'ann');
      const { server } = servers.server('MBX1');
      await actOnServices(servers.directory, server, ['imap4-backend'], 'stop');
      assert.match((await client.line()) ?? '', /^\* BYE/);
      await client.closed();
      assert.match(
        await login(servers, 'ann'),
        /^a NO \[UNAVAILABLE\] The service Penfold IMAP4 Backend is not running/,
      );
      await actOnServices(servers.directory, server, ['imap4-backend'], 'start');
      await happens('it serves again', async () => (await login(servers, 'ann')).startsWith('a OK'));
    }));

  test('by a reset is closed', () =>
    withGate(async (servers, gate) => {
      const client = await loggedOn(servers, 'ann');
      await client.imap('b SELECT INBOX');
      client.send('c IDLE');
      assert.equal(await client.line(), '+ idling');
      gate.cut();
      assert.equal(await client.line(), null);
      await happens('the list forgets it', () => servers.server('FE1').running.sessions().length === 0);
    }));

  test('without a word is closed when nothing has been heard of it for long', () =>
    withGate(async (servers, gate) => {
      const client = await loggedOn(servers, 'ann');
      gate.hold();
      assert.equal(await client.line(), null);
    }));

  test('goes on when the back end is silent because there is nothing to say', () =>
    withGate(async (servers, gate) => {
      const client = await loggedOn(servers, 'ann');
      const before = gate.pieces;
      // The session says nothing; each piece is a question whether the back end is there.
      await happens(
        'it is asked for longer than a lost one',
        () => gate.pieces - before > (2 * QUICK.lostMs) / QUICK.pulseMs,
      );
      assert.match(await client.imap('b NOOP'), /^b OK/);
      client.send('z LOGOUT');
      await client.closed();
    }));
});

describe('a front end that stops', () => {
  test('has its sessions end as in one process: BYE between two answers', () =>
    withGate(async (servers) => {
      const clients = await Promise.all(['ann', 'ben'].map((name) => loggedOn(servers, name)));
      const { server } = servers.server('FE1');
      await actOnServices(servers.directory, server, servicesNamed(server, 'imap4'), 'stop');
      for (const client of clients) {
        assert.match((await client.line()) ?? '', /^\* BYE The server is going down/);
        await client.closed();
      }
      assert.equal(servers.server('MBX1').running.backEnd.sessions.list().length, 0);
    }));

  test('can end one session of many', () =>
    withGate(async (servers) => {
      const [ann, ben] = await Promise.all(['ann', 'ben'].map((name) => loggedOn(servers, name)));
      assert.ok(ann !== undefined && ben !== undefined);
      const front = servers.server('FE1').running;
      const session = front.sessions().find(({ user }) => user.startsWith('ann@'));
      assert.ok(session !== undefined);
      assert.equal(front.endSession(session.id), true);
      assert.match((await ann.line()) ?? '', /^\* BYE/);
      assert.match(await ben.imap('b NOOP'), /^b OK/);
      ben.send('z LOGOUT');
      await ben.closed();
    }));
});
