/**
 * PostgreSQL goes away in the middle of a stream of appends, as by a crash, and comes back: what was acknowledged is
 * there once, nothing is there twice, and the mailboxes recover by themselves. A server of its own, which flushes.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Failure } from '../../src/observe/failure.ts';
import type { Mailbox, MailboxDatabase } from '../../src/store/api.ts';
import { openPostgresDatabase } from '../../src/store/engine/postgres/index.ts';
import { mailboxId } from '../../src/store/model.ts';
import { append, assertClean, bodies, inboxOf, MAILBOX, message, uidsIn } from '../conformance/store-fixture.ts';
import { postgresMissing, type PostgresServer, startPostgres } from '../support/postgres.ts';

const WRITERS = 4;
const OUTAGES = 3;
/** Acknowledged between two outages. */
const BETWEEN = 40;
const LARGE_BYTES = 40 * 1024 * 1024;
/** Between two looks at what is held. */
const LOOK_BYTES = 4 * 1024 * 1024;

const missing = process.env.PENFOLD_TEST_POSTGRES === undefined ? postgresMissing() : null;

async function withServer(run: (server: PostgresServer, database: MailboxDatabase) => Promise<void>): Promise<void> {
  const server = await startPostgres({ durable: true });
  const spool = await mkdtemp(path.join(tmpdir(), 'penfold-outage-'));
  try {
    const database = await openPostgresDatabase({ url: server.url, server: 'one', spool });
    try {
      await run(server, database);
    } finally {
      await database.close();
    }
  } finally {
    await server.stop();
    await rm(spool, { recursive: true });
  }
}

/**
 * What nobody refers to any more is not held. The memory of dead buffers is given back by a thread behind a collection,
 * which the next collection waits for.
 */
setFlagsFromString('--expose-gc');
const gc: unknown = runInNewContext('gc');
const collectGarbage = (): void => {
  assert.ok(typeof gc === 'function');
  gc();
  gc();
};

/** Opens the mailbox again when it was lost, until it is there. */
async function reopened(database: MailboxDatabase, id: Mailbox['id']): Promise<Mailbox> {
  for (;;) {
    try {
      return await database.open(id);
    } catch (reason) {
      assert.ok(reason instanceof Failure && reason.code === 'UNAVAILABLE', String(reason));
      await nextTurn();
    }
  }
}

describe('PostgreSQL goes away', { skip: missing ?? false }, () => {
  test('every acknowledged message is there once, none twice', async () => {
    await withServer(async (server, database) => {
      const acknowledged: Set<string>[] = [];
      let outages = 0;
      let count = 0;
      let due = Promise.withResolvers<void>();
      const write = async (writer: number): Promise<void> => {
        const id = mailboxId(`writer-${writer}`);
        const mine = new Set<string>();
        acknowledged.push(mine);
        let mailbox = await reopened(database, id);
        for (let i = 0; ; i += 1) {
          if (outages === OUTAGES && mine.size > 0) break;
          const name = `w${writer}-${i}`;
          try {
            await append(database, mailbox, inboxOf(mailbox), message(name));
            mine.add(name);
            count += 1;
            if (count >= BETWEEN) due.resolve();
          } catch (reason) {
            assert.ok(reason instanceof Failure && reason.code === 'UNAVAILABLE', String(reason));
            mailbox.close();
            mailbox = await reopened(database, id);
          }
        }
        mailbox.close();
      };
      const writers = Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
      for (let i = 0; i < OUTAGES; i += 1) {
        await due.promise;
        await server.restart('SIGQUIT');
        due = Promise.withResolvers<void>();
        count = 0;
        outages += 1;
      }
      await writers;
      for (const [writer, names] of acknowledged.entries()) {
        const mailbox = await reopened(database, mailboxId(`writer-${writer}`));
        const inbox = inboxOf(mailbox);
        const found = (await bodies(mailbox, inbox, await uidsIn(mailbox, inbox))).map(
          (body) => /^Subject: (\S+)/m.exec(body?.toString('latin1') ?? '')?.[1],
        );
        assert.equal(new Set(found).size, found.length, 'none is there twice');
        for (const name of names) assert.ok(found.includes(name), `${name} was acknowledged`);
        await assertClean(database, mailbox);
        mailbox.close();
      }
    });
  });

  test('a large message passes in parts: the process never holds it', async () => {
    await withServer(async (_, database) => {
      const mailbox = await database.open(MAILBOX);
      const inbox = inboxOf(mailbox);
      const sink = database.stage();
      const line = Buffer.from(`${'x'.repeat(1022)}\r\n`);
      const block = Buffer.concat(Array.from({ length: 256 }, () => line));
      collectGarbage();
      const before = process.memoryUsage().arrayBuffers;
      let most = 0;
      const look = (): void => {
        collectGarbage();
        most = Math.max(most, process.memoryUsage().arrayBuffers - before);
      };
      await sink.write(Buffer.from('Subject: large\r\n\r\n'));
      for (let sent = 0; sent < LARGE_BYTES; sent += block.length) {
        await sink.write(block);
        if (sent % LOOK_BYTES === 0) look();
      }
      const staged = await sink.finish();
      const stored = mailbox.append(inbox, staged, {});
      const looking = setInterval(look, 250);
      await stored;
      clearInterval(looking);
      await staged.release();
      let read = 0;
      for await (const piece of mailbox.read(inbox, 1, 0, staged.size)) {
        read += piece.length;
        if (read % LOOK_BYTES < piece.length) look();
      }
      assert.equal(read, staged.size);
      assert.ok(most < LARGE_BYTES / 4, `${most} octets were held at once`);
      await assertClean(database, mailbox);
      mailbox.close();
    });
  });
});
