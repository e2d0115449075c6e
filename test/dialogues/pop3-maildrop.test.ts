/**
 * A maildrop of 100,000 messages, and messages that are too large to be held: what a script cannot say about size.
 * On the memory engine, filled by copies.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { after, before, describe, it } from 'node:test';
import { openMemoryDatabase } from '../../src/store/engine/memory/index.ts';
import { Pop3Client } from './pop3/client.ts';
import { HEADER_BYTES } from '../../src/wire/limits.ts';
import { append, openPop3Stage, type Pop3Stage } from './pop3/stage.ts';

const MESSAGES = 100_000;
const SEED = 1_000;
/** Milliseconds each step may take on a busy machine of two cores; measured: a tenth of it. */
const PATIENCE_MS = 5_000;
const MIB = 1024 * 1024;

async function within<T>(what: string, act: () => Promise<T>): Promise<T> {
  const begin = performance.now();
  const result = await act();
  const took = performance.now() - begin;
  assert.ok(took < PATIENCE_MS, `${what} took ${Math.round(took)} ms`);
  return result;
}

const lines = (listing: Buffer): string[] => listing.toString('latin1').trimEnd().split('\r\n');

describe('a maildrop of 100,000 messages', () => {
  let stage: Pop3Stage;
  before(async () => {
    stage = await openPop3Stage(openMemoryDatabase());
    const { database, mailbox } = stage;
    for (let number = 0; number < SEED; number += 1) {
      await append(database, mailbox, 'INBOX', Buffer.from(`Subject: ${number}\r\n\r\n${'text\r\n'.repeat(40)}`));
    }
    const inbox = mailbox.folderByName('INBOX');
    assert.ok(inbox !== null);
    const view = await mailbox.view(inbox.id);
    while (view.columns.length < MESSAGES) {
      const more = Math.min(view.columns.length, MESSAGES - view.columns.length);
      await mailbox.copy(inbox.id, view.columns.uid.slice(0, more), inbox.id);
    }
    view.close();
  });
  after(() => stage.close());

  it('answers STAT, LIST and UIDL at once, in bounded memory', async () => {
    const heap = process.memoryUsage().heapUsed;
    const client = new Pop3Client(await stage.connect());
    const stat = await within('STAT', () => client.command('STAT'));
    const [, count, bytes] = stat.split(' ').map(Number);
    assert.equal(count, MESSAGES);
    const list = lines(await within('LIST', () => client.multiLine('LIST')));
    assert.equal(list.length, MESSAGES);
    assert.equal(list.at(-1)?.split(' ')[0], String(MESSAGES));
    assert.equal(
      list.reduce((sum, line) => sum + Number(line.split(' ')[1]), 0),
      bytes,
    );
    const uidls = lines(await within('UIDL', () => client.multiLine('UIDL')));
    assert.equal(new Set(uidls.map((line) => line.split(' ')[1])).size, MESSAGES);
    assert.equal(await client.command(`UIDL ${MESSAGES}`), `+OK ${uidls.at(-1)}`);
    assert.ok(process.memoryUsage().heapUsed - heap < 100 * MIB, 'the listings were held');
    client.hangUp();
  });

  it('retrieves from anywhere, and thousands in a row', async () => {
    const client = new Pop3Client(await stage.connect());
    await within('RETR', async () => {
      for (const number of [MESSAGES, 1, MESSAGES / 2, 77_777, 2]) {
        const size = Number((await client.command(`LIST ${number}`)).split(' ')[2]);
        assert.equal((await client.multiLine(`RETR ${number}`)).length, size);
      }
    });
    await within('5,000 RETR', async () => {
      client.send(Array.from({ length: 5_000 }, (_, number) => `RETR ${number + 1}\r\n`).join(''));
      for (let number = 0; number < 5_000; number += 1) assert.ok((await client.multiLineReply()).length > 0);
    });
    client.hangUp();
  });

  it('opens quickly, descending as well, and holds up nobody', async () => {
    stage.settings.messageRetrievalSortOrder = 'Descending';
    const client = new Pop3Client(await stage.connect());
    const other = new Pop3Client(await stage.connect());
    client.send('LIST\r\nUIDL\r\n');
    await within('NOOP beside the listings', () => other.command('NOOP'));
    const list = lines(await client.multiLineReply());
    const uidls = lines(await client.multiLineReply());
    assert.deepEqual([list.length, uidls.length], [MESSAGES, MESSAGES]);
    stage.settings.messageRetrievalSortOrder = 'Ascending';
    const ascending = new Pop3Client(await stage.connect());
    const upward = await ascending.command('UIDL 1');
    assert.equal(upward.split(' ')[2], uidls.at(-1)?.split(' ')[1], 'UIDLs do not change with the order');
    for (const each of [client, other, ascending]) each.hangUp();
  });

  it('deletes them all', async () => {
    const client = new Pop3Client(await stage.connect());
    await within('100,000 DELE', async () => {
      client.send(Array.from({ length: MESSAGES }, (_, number) => `DELE ${number + 1}\r\n`).join(''));
      for (let number = 0; number < MESSAGES; number += 1) await client.line();
    });
    assert.equal(await client.command('STAT'), '+OK 0 0');
    assert.equal(await within('QUIT', () => client.command('QUIT')), `+OK bye, ${MESSAGES} messages deleted`);
    assert.equal(stage.mailbox.folderByName('INBOX')?.exists, 0);
  });
});

describe('messages too large to be held', () => {
  const body = `Gr\u00fc\u00dfe\r\n.dot\r\n${'0123456789abcdef'.repeat(4_096)}\r\n`.repeat(4);
  const plain = Buffer.from(`Subject: plain\r\n\r\n${body}`, 'utf8');
  const part = Buffer.from(
    `Content-Type: multipart/mixed; boundary=b\r\nSubject: \u00dc\r\n\r\n--b\r\n\r\n${body}--b\r\nContent-Disposition: attachment; filename="\u00dc.txt"\r\n\r\nx\r\n--b--`,
    'utf8',
  );
  const surrogate = Buffer.from(
    `Content-Type: multipart/mixed; boundary=b\r\nSubject: =?UTF-8?B?w5w=?=\r\n\r\n--b\r\n\r\n${body}--b\r\nContent-Disposition: attachment;\r\n filename*=UTF-8''%C3%9C.txt\r\n\r\nx\r\n--b--\r\n`,
    'utf8',
  );

  for (const unicode of [false, true]) {
    it(`are streamed exactly, ${unicode ? 'with' : 'without'} UTF8`, async () => {
      const stage = await openPop3Stage(openMemoryDatabase());
      stage.agreed.utf8 = unicode;
      await append(stage.database, stage.mailbox, 'INBOX', plain);
      await append(stage.database, stage.mailbox, 'INBOX', part);
      const client = new Pop3Client(await stage.connect());
      assert.equal(await client.command('LIST 2'), `+OK 2 ${part.length + 2}`);
      assert.deepEqual(await client.multiLine('RETR 1'), plain);
      client.send('RETR 2\r\n');
      const expected = unicode ? Buffer.concat([part, Buffer.from('\r\n')]) : surrogate;
      assert.equal(await client.line(), `+OK ${expected.length} octets`);
      assert.deepEqual(await client.body(), expected);
      const top = await client.multiLine('TOP 2 1000');
      assert.deepEqual(top, expected);
      const head = await client.multiLine('TOP 2 3');
      assert.deepEqual(head, expected.subarray(0, expected.indexOf('.dot\r\n')));
      assert.equal(stage.downloads.length, 2);
      assert.match(stage.downloads[1]?.start ?? '', /^Content-Type: multipart/);
      client.hangUp();
      await stage.close();
    });
  }

  it('[UTF8]: a header too large for a surrogate is only for clients in UTF-8 mode (HEADER_BYTES)', async () => {
    const filler = `X-Filler: ${'x'.repeat(900)}\r\n`.repeat(Math.ceil(HEADER_BYTES / 900));
    for (const [subject, refused] of [
      ['plain', false],
      ['Gr\u00fc\u00dfe', true],
    ] as const) {
      const stage = await openPop3Stage(openMemoryDatabase());
      const message = Buffer.from(`${filler}Subject: ${subject}\r\n\r\ntext\r\n`, 'utf8');
      await append(stage.database, stage.mailbox, 'INBOX', message);
      const client = new Pop3Client(await stage.connect());
      for (const command of ['RETR 1', 'TOP 1 9999']) {
        if (refused)
          assert.equal(await client.command(command), '-ERR [UTF8] this message can be sent in UTF-8 mode only');
        else assert.deepEqual(await client.multiLine(command), message);
      }
      client.hangUp();
      stage.agreed.utf8 = true;
      const able = new Pop3Client(await stage.connect());
      assert.deepEqual(await able.multiLine('RETR 1'), message);
      able.hangUp();
      await stage.close();
    }
  });

  it('an empty message is an empty reply', async () => {
    const stage = await openPop3Stage(openMemoryDatabase());
    await append(stage.database, stage.mailbox, 'INBOX', Buffer.alloc(0));
    const client = new Pop3Client(await stage.connect());
    assert.equal(await client.command('LIST 1'), '+OK 1 0');
    assert.equal((await client.multiLine('RETR 1')).length, 0);
    assert.equal((await client.multiLine('TOP 1 5')).length, 0);
    client.hangUp();
    await stage.close();
  });
});
