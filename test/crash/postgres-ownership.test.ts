/**
 * Who owns a mailbox on PostgreSQL: two servers on one database. A lease that ran out is made so in the table, as the
 * database's clock would; nothing here waits for time to pass.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, beforeEach, describe, test } from 'node:test';
import pg from 'pg';
import type { Failure } from '../../src/observe/failure.ts';
import { type MailboxDatabase, OwnedElsewhere } from '../../src/store/api.ts';
import { openPostgresDatabase } from '../../src/store/engine/postgres/index.ts';
import { append, assertClean, failure, inboxOf, MAILBOX, message, uidsIn } from '../conformance/store-fixture.ts';
import { type FreshDatabase, freshDatabase, postgresMissing, stopSharedPostgres } from '../support/postgres.ts';

const missing = postgresMissing();

describe('ownership of mailboxes on PostgreSQL', { skip: missing ?? false }, () => {
  let fresh: FreshDatabase;
  let folder: string;
  let admin: pg.Client;
  const open: MailboxDatabase[] = [];
  const lost: string[] = [];

  beforeEach(async () => {
    fresh = await freshDatabase();
    folder = await mkdtemp(path.join(tmpdir(), 'penfold-ownership-'));
    admin = new pg.Client({ connectionString: fresh.url });
    await admin.connect();
    lost.length = 0;
  });
  afterEach(async () => {
    for (const database of open.splice(0)) await database.close();
    await admin.end();
    await fresh.drop();
    await rm(folder, { recursive: true });
  });
  after(() => stopSharedPostgres());

  const serve = async (server: string): Promise<MailboxDatabase> => {
    const spool = path.join(folder, server);
    const onLost = (_: unknown, reason: Failure): void => void lost.push(`${server}: ${reason.code}`);
    const database = await openPostgresDatabase({ url: fresh.url, server, spool, connections: 4, lost: onLost });
    open.push(database);
    return database;
  };
  const runOut = (server: string) =>
    admin.query("UPDATE penfold_mail.lease SET expires_at = '-infinity' WHERE server = $1", [server]);

  test('while somebody has it open, others hear who; when nobody has, it is handed over at once', async () => {
    const [one, two] = [await serve('one'), await serve('two')];
    const mailbox = await one.open(MAILBOX);
    await append(one, mailbox, inboxOf(mailbox), message('first'));
    await assert.rejects(two.open(MAILBOX), (reason) => reason instanceof OwnedElsewhere && reason.owner === 'one');
    mailbox.close();
    const taken = await two.open(MAILBOX);
    assert.deepEqual(await uidsIn(taken, inboxOf(taken)), [1]);
    await assert.rejects(one.open(MAILBOX), (reason) => reason instanceof OwnedElsewhere && reason.owner === 'two');
    assert.deepEqual(lost, []);
  });

  test('a server that closes lets go of everything', async () => {
    const [one, two] = [await serve('one'), await serve('two')];
    (await one.open(MAILBOX)).close();
    await one.close();
    open.splice(open.indexOf(one), 1);
    const leases = await admin.query('SELECT server FROM penfold_mail.lease');
    assert.deepEqual(leases.rows, [{ server: 'two' }]);
    (await two.open(MAILBOX)).close();
  });

  test('a lease that ran out is taken over, with everything acknowledged; the former owner can write nothing', async () => {
    const [one, two] = [await serve('one'), await serve('two')];
    const stale = await one.open(MAILBOX);
    const inbox = inboxOf(stale);
    for (const name of ['a', 'b', 'c']) await append(one, stale, inbox, message(name));
    await runOut('one');
    const taken = await two.open(MAILBOX);
    assert.deepEqual(await uidsIn(taken, inbox), [1, 2, 3]);
    await assert.rejects(append(one, stale, inbox, message('late')), failure('UNAVAILABLE'));
    await assert.rejects(stale.setFlags(inbox, Uint32Array.of(1), { op: 'add', flags: 1, keywords: [] }));
    await assert.rejects(stale.createFolder('late'), failure('UNAVAILABLE'));
    assert.equal((await append(two, taken, inbox, message('next'))).uid, 4);
    assert.deepEqual(await uidsIn(taken, inbox), [1, 2, 3, 4]);
    assert.deepEqual(lost, ['one: UNAVAILABLE']);
    await assertClean(two, taken);
    stale.close();
  });

  test('a commit that was on its way when the mailbox was claimed is seen by the next owner, or refused', async () => {
    const [one, two] = [await serve('one'), await serve('two')];
    const stale = await one.open(MAILBOX);
    const inbox = inboxOf(stale);
    await runOut('one');
    const names = Array.from({ length: 40 }, (_, i) => `m${i}`);
    const answers = Promise.allSettled(names.map((name) => append(one, stale, inbox, message(name))));
    const taken = await two.open(MAILBOX);
    const seen = await uidsIn(taken, inbox);
    const acknowledged = (await answers).flatMap((one) => (one.status === 'fulfilled' ? [Number(one.value.uid)] : []));
    // Claimed afterwards: nothing has come behind what was seen, and all that was acknowledged is there.
    assert.deepEqual(await uidsIn(taken, inbox), seen);
    for (const uid of acknowledged) assert.ok(seen.includes(uid), `UID ${uid} was acknowledged`);
    stale.close();
  });

  test('of many servers that claim one mailbox at once exactly one gets it', async () => {
    const servers = await Promise.all(['a', 'b', 'c', 'd', 'e'].map(serve));
    const claims = await Promise.allSettled(servers.map((server) => server.open(MAILBOX)));
    const won = claims.flatMap((claim, i) => (claim.status === 'fulfilled' ? ['abcde'[i]] : []));
    assert.equal(won.length, 1);
    for (const claim of claims) {
      if (claim.status === 'rejected')
        assert.ok(claim.reason instanceof OwnedElsewhere && claim.reason.owner === won[0]);
    }
  });

  test('a server that was started again has its mailboxes at once; the process before it is fenced off', async () => {
    const before = await serve('one');
    const stale = await before.open(MAILBOX);
    const again = await serve('one');
    const mailbox = await again.open(MAILBOX);
    await assert.rejects(append(before, stale, inboxOf(stale), message('late')), failure('UNAVAILABLE'));
    await append(again, mailbox, inboxOf(mailbox), message('first'));
    stale.close();
  });

  test('a newer schema is refused', async () => {
    await serve('one');
    await admin.query('UPDATE penfold_mail.version SET number = 999');
    await assert.rejects(serve('two'), failure('UNAVAILABLE'));
  });
});
