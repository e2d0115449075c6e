/**
 * The connection between two servers is cut at every stage of a message: the client hears 451 and sends it again,
 * through another front end; then everybody has it, and has it once.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { ServerIdentity } from '../../src/tls/server-identity.ts';
import type { ManyServers } from '../support/many-servers.ts';
import { inbound, inbox, startMail } from './stage.ts';

type Stage = 'the envelope' | 'the middle of the message' | 'the answers' | 'one of two answers' | 'XSETTLE';

/** What the next connection of A is to suffer; null: nothing. */
let stage: Stage | null = null;
let cuts = 0;

/** Watches what A sends to others and hears of them, and cuts where it is told to. */
function cutting(socket: Socket): Socket {
  const write = socket.write.bind(socket);
  const emit = socket.emit.bind(socket);
  let lastSent = false;
  const cut = (): boolean => {
    stage = null;
    cuts += 1;
    socket.destroy();
    return false;
  };
  Object.assign(socket, {
    write: (chunk: Buffer, ...rest: []): boolean => {
      const text = chunk.toString('latin1');
      if (text.includes('MAIL FROM')) lastSent = false;
      if (stage === 'the envelope' && text.includes('MAIL FROM')) return cut();
      if (stage === 'the middle of the message' && /^BDAT \d+\r\n/.test(text)) {
        write(chunk.subarray(0, Math.floor(chunk.length / 2)));
        return cut();
      }
      if (stage === 'XSETTLE' && text.startsWith('XSETTLE')) return cut();
      if (/^BDAT \d+ LAST\r\n/m.test(text)) lastSent = true;
      return write(chunk, ...rest);
    },
    emit: (event: string, ...rest: unknown[]): boolean => {
      if (event !== 'data' || !lastSent) return emit(event, ...rest);
      if (stage === 'the answers') return cut();
      const text = String(rest[0]);
      const at = text.indexOf(' 2.6.0 ');
      if (stage !== 'one of two answers' || at < 0) return emit(event, ...rest);
      // The first one arrives, the connection breaks behind it.
      emit('data', Buffer.from(text.slice(0, text.indexOf('\n', at) + 1)));
      return cut();
    },
  });
  return socket;
}

let servers: ManyServers;
before(async () => {
  servers = await startMail({
    users: { ann: 'A', bob: 'B', ben: 'B', carol: 'C' },
    identityOf: (server, own): ServerIdentity =>
      server.name === 'A' ? { ...own, dial: (peer, where) => watched(own.dial(peer, where)) } : own,
  });
});
after(() => servers.stop());

function watched<T extends Socket>(socket: T): T {
  cutting(socket);
  return socket;
}

const HOMES = { ann: 'A', bob: 'B', ben: 'B', carol: 'C' } as const;
const PEOPLE = ['ann', 'bob', 'ben', 'carol'] as const;

async function holding(subject: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of PEOPLE) {
    const found = await inbox(servers, HOMES[name], name);
    counts[name] = found.filter((message) => message.includes(`Subject: ${subject}\r\n`)).length;
  }
  return counts;
}

async function send(front: string, to: readonly string[], subject: string): Promise<string> {
  const client = await inbound(servers, front);
  // Large enough to go in several pieces.
  const body = `${'z'.repeat(70)}\r\n`.repeat(5_000);
  const content = `Subject: ${subject}\r\nMessage-ID: <${subject}@elsewhere.example>\r\n\r\n${body}`;
  const answer = await client.transfer(
    'out@elsewhere.example',
    to.map((name) => `${name}@example.test`),
    content,
  );
  client.hangUp();
  return answer;
}

async function untilTaken(front: string, to: readonly string[], subject: string): Promise<string> {
  let answer = '';
  for (const deadline = Date.now() + 15_000; Date.now() < deadline && !answer.startsWith('250'); ) {
    answer = await send(front, to, subject);
  }
  return answer;
}

describe('the connection to another server is cut in', () => {
  for (const [name, to] of [
    ['several', ['ann', 'bob', 'ben']],
    ['one', ['bob']],
  ] as const) {
    for (const at of ['the middle of the message', 'the answers', 'one of two answers'] as const) {
      test(`${at}, ${name}`, async () => {
        const subject = `${at}-${name}`.replaceAll(' ', '-');
        const before = cuts;
        stage = at;
        const answer = await send('A', to, subject);
        assert.equal(cuts, before + 1, 'it was cut');
        if (at === 'one of two answers' && name === 'one') assert.match(answer, /^250 /);
        else {
          assert.match(answer, /^451 4\.4\.1 /);
          assert.match(await untilTaken('F', to, subject), /^250 /);
        }
        const expected = Object.fromEntries(PEOPLE.map((each) => [each, to.some((one) => one === each) ? 1 : 0]));
        assert.deepEqual(await holding(subject), expected);
      });
    }
  }

  test('the envelope: nothing was sent, a fresh connection takes it at once or the retry does', async () => {
    stage = 'the envelope';
    const before = cuts;
    const first = await send('A', ['ann', 'bob'], 'envelope');
    assert.equal(cuts, before + 1);
    if (!first.startsWith('250')) assert.match(await untilTaken('F', ['ann', 'bob'], 'envelope'), /^250 /);
    assert.deepEqual(await holding('envelope'), { ann: 1, bob: 1, ben: 0, carol: 0 });
  });

  test('XSETTLE: the message is there, another one with the same words is taken as well', async () => {
    stage = 'XSETTLE';
    const before = cuts;
    assert.match(await untilTaken('A', ['ann', 'bob'], 'settled'), /^250 /);
    assert.match(await untilTaken('A', ['ann', 'bob'], 'other'), /^250 /);
    assert.equal(cuts, before + 1);
    assert.deepEqual(await holding('settled'), { ann: 1, bob: 1, ben: 0, carol: 0 });
    assert.deepEqual(await holding('other'), { ann: 1, bob: 1, ben: 0, carol: 0 });
  });
});
