import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { type ImapStage, openImapStage } from '../../../test/support/dialogue-imap.ts';
import { openMemoryDatabase } from '../../store/engine/memory/index.ts';

/** Sends lines, collects bytes. */
class Client {
  readonly socket: Socket;
  #bytes: Buffer = Buffer.alloc(0);
  #wake: (() => void) | null = null;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('close', () => this.#wake?.());
    socket.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#wake?.();
    });
  }

  /** Bytes up to and with `end`. */
  async until(end: string): Promise<Buffer> {
    for (;;) {
      const at = this.#bytes.indexOf(end);
      if (at >= 0) {
        const taken = this.#bytes.subarray(0, at + end.length);
        this.#bytes = this.#bytes.subarray(at + end.length);
        return taken;
      }
      if (this.socket.destroyed) throw new Error(`closed before «${end}»: ${this.#bytes.toString()}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async command(line: string, tag = 'x'): Promise<string> {
    this.socket.write(`${tag} ${line}\r\n`);
    const head = await this.until(`${tag} `);
    return head.toString('latin1') + (await this.until('\r\n')).toString('latin1');
  }
}

async function withStage(
  run: (stage: ImapStage) => Promise<void>,
  settings: Parameters<typeof openImapStage>[1] = {},
): Promise<void> {
  const stage = await openImapStage(openMemoryDatabase(), settings);
  try {
    await run(stage);
  } finally {
    await stage.close();
  }
}

const message = (bytes: Buffer): Parameters<ImapStage['setUp']>[0] => [
  { kind: 'message', folder: 'INBOX', options: new Map(), bytes },
];

/** A message whose every octet tells its place. */
function large(size: number): Buffer {
  const head = 'Subject: large\r\n\r\n';
  const line = (at: number): string => `${String(at).padStart(12, '0')} ${'x'.repeat(61)}\r\n`;
  let text = head;
  while (text.length < size) text += line(text.length);
  return Buffer.from(text.slice(0, size - 2) + '\r\n', 'latin1');
}

test('a large message streams whole and in pieces that join without a gap', async () => {
  await withStage(async (stage) => {
    const bytes = large(3_000_000);
    await stage.setUp(message(bytes));
    const client = new Client(await stage.connect());
    await client.command('SELECT INBOX');
    client.socket.write('b FETCH 1 (UID BODY.PEEK[])\r\n');
    await client.until(`BODY[] {${bytes.length}}\r\n`);
    const answer = await client.until(')\r\nb OK');
    assert.equal(sha(answer.subarray(0, bytes.length)), sha(bytes));
    const step = 700_001;
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length + step; at += step) {
      client.socket.write(`p FETCH 1 BODY.PEEK[]<${at}.${step}>\r\n`);
      const size = /\{(\d+)\}\r\n$/.exec((await client.until('}\r\n')).toString('latin1'))?.[1];
      const piece = await client.until(')\r\np OK FETCH completed.\r\n');
      pieces.push(piece.subarray(0, Number(size)));
    }
    assert.equal(sha(Buffer.concat(pieces)), sha(bytes));
  });
});

test('partial fetch agrees with slices at every boundary of a small message', async () => {
  await withStage(async (stage) => {
    const bytes = Buffer.from('Subject: s\r\nTo: x\r\n\r\nab\r\nc\r\n', 'latin1');
    await stage.setUp(message(bytes));
    const client = new Client(await stage.connect());
    await client.command('SELECT INBOX');
    const header = bytes.indexOf('\r\n\r\n') + 4;
    const sections: ReadonlyArray<readonly [string, Buffer]> = [
      ['', bytes],
      ['HEADER', bytes.subarray(0, header)],
      ['TEXT', bytes.subarray(header)],
      ['1', bytes.subarray(header)],
      ['HEADER.FIELDS (To)', Buffer.from('To: x\r\n\r\n')],
    ];
    for (const [section, expected] of sections) {
      for (let offset = 0; offset <= expected.length + 1; offset += 1) {
        for (const length of [1, 2, expected.length, expected.length + 5]) {
          client.socket.write(`p FETCH 1 BODY.PEEK[${section}]<${offset}.${length}>\r\n`);
          const wanted = expected.subarray(offset, offset + length);
          const answer = (await client.until(')\r\np OK FETCH completed.\r\n')).toString('latin1');
          const value = `{${wanted.length}}\r\n${wanted.toString('latin1')}`;
          assert.equal(answer, `* 1 FETCH (BODY[${section}]<${offset}> ${value})\r\np OK FETCH completed.\r\n`);
        }
      }
    }
  });
});

test('a client that does not read holds no more than the backlog, and gets everything when it does', async () => {
  await withStage(async (stage) => {
    const bytes = large(90_000);
    for (let i = 0; i < 150; i += 1) await stage.setUp(message(bytes));
    const client = new Client(await stage.connect());
    await client.command('SELECT INBOX');
    client.socket.pause();
    client.socket.write('b FETCH 1:* (UID BODY.PEEK[])\r\n');
    const other = new Client(await stage.connect());
    await other.command('NOOP');
    client.socket.resume();
    const answer = await client.until('b OK FETCH completed.');
    assert.ok(answer.length > 150 * bytes.length);
  });
});

test('silence ends in BYE, also in IDLE', async () => {
  await withStage(
    async (stage) => {
      const silent = new Client(await stage.connect());
      const idling = new Client(await stage.connect());
      idling.socket.write('i IDLE\r\n');
      for (const client of [silent, idling]) {
        await client.until('* BYE Idle for too long.\r\n');
        if (!client.socket.closed) await once(client.socket, 'close');
      }
    },
    { authenticatedConnectionTimeout: 0.05 },
  );
});

test('a server that stops says BYE to those who wait and to those who idle', async () => {
  const stage = await openImapStage(openMemoryDatabase());
  const waiting = new Client(await stage.connect());
  const idling = new Client(await stage.connect());
  await waiting.command('NOOP');
  idling.socket.write('i IDLE\r\n');
  await idling.until('+ idling\r\n');
  const closed = Promise.all([waiting.until('* BYE The server'), idling.until('* BYE The server')]);
  await stage.close();
  await closed;
});

test('what was answered already does not wait for a command that takes longer', async () => {
  await withStage(async (stage) => {
    const client = new Client(await stage.connect());
    await client.command('SELECT INBOX');
    const prototype = stage.mailbox.constructor.prototype;
    const original: unknown = Reflect.get(prototype, 'search');
    const found = Promise.withResolvers<Uint32Array>();
    Reflect.set(prototype, 'search', () => found.promise);
    client.socket.write('a NOOP\r\nb STATUS INBOX (MESSAGES)\r\nc SEARCH ALL\r\nd NOOP\r\n');
    const early = (await client.until('b OK STATUS completed.\r\n')).toString('latin1');
    assert.match(early, /^a OK .*\r\n\* STATUS INBOX \(MESSAGES 0\)\r\n/);
    found.resolve(new Uint32Array(0));
    Reflect.set(prototype, 'search', original);
    const late = (await client.until('d OK NOOP completed.\r\n')).toString('latin1');
    assert.match(late, /^\* SEARCH\r\nc OK /);
  });
});

test('a session that was told to end before it serves says BYE at once', async () => {
  const stage = await openImapStage(openMemoryDatabase(), {}, { endedBefore: true });
  const client = new Client(await stage.connect());
  await client.until('* BYE The server');
  if (!client.socket.closed) await once(client.socket, 'close');
  await stage.close();
});

test('a folder selected again is told of as it is now', async () => {
  await withStage(async (stage) => {
    const inbox = stage.mailbox.folderByName('INBOX');
    assert.ok(inbox !== null);
    for (let i = 0; i < 3; i += 1) await stage.setUp(message(Buffer.from('a: b\r\n\r\n')));
    const client = new Client(await stage.connect());
    const selected = async (command: string): Promise<string> => {
      client.socket.write(`x ${command} INBOX\r\n`);
      return (await client.until(`x OK`)).toString('latin1');
    };
    assert.match(await selected('SELECT'), /PERMANENTFLAGS \(\\Seen[^]*UNSEEN 1\]/);
    assert.match(await selected('EXAMINE'), /PERMANENTFLAGS \(\)[^]*UNSEEN 1\]/);
    await stage.mailbox.setFlags(inbox.id, Uint32Array.of(1, 2), { op: 'add', flags: 1, keywords: ['$Label'] });
    const now = await selected('SELECT');
    assert.match(now, /FLAGS \([^)]*\$Label\)[^]*UNSEEN 3\]/);
    await stage.mailbox.setFlags(inbox.id, Uint32Array.of(3), { op: 'add', flags: 1, keywords: [] });
    assert.doesNotMatch(await selected('SELECT'), /UNSEEN/);
  });
});

test('an engine fault is answered with SERVERBUG and the session id, and the session goes on', async () => {
  await withStage(async (stage) => {
    const client = new Client(await stage.connect());
    await client.command('SELECT INBOX');
    const search = stage.mailbox.constructor.prototype;
    const original: unknown = Reflect.get(search, 'search');
    Reflect.set(search, 'search', () => Promise.reject(new Error('secret inner text')));
    const answer = await client.command('SEARCH ALL', 's');
    Reflect.set(search, 'search', original);
    assert.match(answer, /^s NO \[SERVERBUG\] .*0000000000000001/);
    assert.doesNotMatch(answer, /secret/);
    assert.equal(stage.errors.length, 1);
    assert.match(await client.command('NOOP'), /^x OK/);
  });
});

test('thousands of pipelined commands leave others their turn', async () => {
  await withStage(async (stage) => {
    const busy = new Client(await stage.connect());
    const other = new Client(await stage.connect());
    await other.command('NOOP');
    busy.socket.write('n NOOP\r\n'.repeat(10_000) + 'end NOOP\r\n');
    const finished = busy.until('end OK').then(() => 'busy');
    const first = await Promise.race([finished, other.command('NOOP').then(() => 'other')]);
    assert.equal(first, 'other');
    await finished;
  });
});

test('a change of every flag of a large folder reaches others complete', async () => {
  await withStage(async (stage) => {
    const inbox = stage.mailbox.folderByName('INBOX');
    assert.ok(inbox !== null);
    for (let i = 0; i < 5000; i += 1) await stage.setUp(message(Buffer.from('a: b\r\n\r\n')));
    const client = new Client(await stage.connect());
    await client.command('SELECT INBOX');
    const idling = new Client(await stage.connect());
    await idling.command('SELECT INBOX');
    idling.socket.write('i IDLE\r\n');
    await idling.until('+ idling\r\n');
    const uids = Uint32Array.from({ length: 5000 }, (_, i) => i + 1);
    await stage.mailbox.setFlags(inbox.id, uids, { op: 'add', flags: 1, keywords: [] });
    for (const answer of [await client.command('NOOP'), (await idling.until('* 5000 FETCH')).toString('latin1')]) {
      assert.equal(answer.match(/ FETCH/g)?.length, 5000);
    }
  });
});

const sha = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
