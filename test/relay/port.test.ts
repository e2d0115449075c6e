/** ProxyTargetPort is where a back end listens and where front ends dial: a change acts on both at once. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { findFreePorts } from '../../src/main/free-ports.ts';
import { LineClient } from '../dialogues/imap/not-authenticated/server.ts';
import { type ManyServers, startServers } from '../support/many-servers.ts';
import { imapLogin } from './client.ts';

let servers: ManyServers;
before(async () => {
  servers = await startServers({
    engine: 'memory',
    servers: ['MBX1', { name: 'FE1', roles: { frontEnd: true, backEnd: false } }],
    users: { ann: 'MBX1' },
    prepare: async ({ directory, servers: all }) => {
      for (const { id, frontEnd } of all) {
        if (!frontEnd) continue;
        await directory.setImapSettings(id, { loginType: 'PlainTextLogin' });
        await directory.setPopSettings(id, { loginType: 'PlainTextLogin' });
      }
    },
  });
});
after(() => servers.stop());

const answers = {
  PopSettings: async (): Promise<string> => {
    const { address, password } = servers.user('ann');
    const client = await clientOf('pop3');
    client.send(`USER ${address}`, `PASS ${password}`, 'QUIT');
    await client.line();
    const answer = (await client.line()) ?? '';
    await client.closed();
    return answer;
  },
  ImapSettings: async (): Promise<string> => {
    const client = await clientOf('imap');
    const answer = await client.imap(`a ${imapLogin(servers.user('ann'))}`);
    client.send('z LOGOUT');
    await client.closed();
    return answer;
  },
};

async function clientOf(protocol: 'imap' | 'pop3'): Promise<LineClient> {
  const socket = connect(servers.server('FE1').ports[protocol].plain, '127.0.0.1');
  await once(socket, 'connect');
  const client = new LineClient(socket);
  await client.line();
  return client;
}

async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

for (const noun of ['PopSettings', 'ImapSettings'] as const)
  test(`${noun} ProxyTargetPort`, async () => {
    const { directory } = servers;
    const { server, running, ports } = servers.server('MBX1');
    const before = noun === 'PopSettings' ? ports.pop3.backEnd : ports.imap.backEnd;
    assert.match(await answers[noun](), /OK/);
    const [port = 0] = await findFreePorts('127.0.0.1', 1);
    if (noun === 'PopSettings') await directory.setPopSettings(server.id, { proxyTargetPort: port });
    else await directory.setImapSettings(server.id, { proxyTargetPort: port });
    await running.settled();
    assert.equal(await isOpen(before), false);
    assert.equal(await isOpen(port), true);
    assert.match(await answers[noun](), /OK/);
  });
