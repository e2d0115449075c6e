/** New-MoveRequest on a running server: a mailbox moves to another database while people work in it by IMAP and POP3. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { open, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import { ACTIVE_MOVES, type MoveRequest } from '../../src/directory/move-request.ts';
import type { DatabaseId } from '../../src/directory/model.ts';
import { mailboxFacts } from '../support/mailbox-facts.ts';
import { startOrganization, type TestOrganization } from '../support/organization.ts';
import { RawImap } from '../support/raw-imap.ts';

async function withSecondDatabase(
  t: TestContext,
  run: (organization: TestOrganization, target: DatabaseId) => Promise<void>,
): Promise<void> {
  let target: DatabaseId | null = null;
  const organization = await startOrganization({
    engine: 'sqlite',
    prepare: async (directory, server) => {
      const record = { name: 'Second', server: server.id, engine: 'sqlite', location: 'databases/second' } as const;
      target = (await directory.addDatabase(record)).id;
    },
  });
  t.after(() => organization.stop());
  assert.ok(target !== null);
  await run(organization, target);
}

async function imap(organization: TestOrganization): Promise<RawImap> {
  const socket = connect({
    host: organization.host,
    port: organization.imap.tls,
    servername: 'localhost',
    ca: organization.ca,
  });
  await once(socket, 'secureConnect');
  return RawImap.greeted(socket);
}

async function logOn(organization: TestOrganization): Promise<RawImap> {
  const client = await imap(organization);
  const { address, password } = organization.user(0);
  const { status } = await client.command(`LOGIN ${address} "${password}"`);
  assert.match(status, /^OK/);
  return client;
}

function ask(organization: TestOrganization, target: DatabaseId, ready = false): Promise<MoveRequest> {
  return organization.directory.addMoveRequest({
    account: organization.user(0).account.id,
    target,
    batchName: '',
    suspendWhenReadyToComplete: ready,
    isSuspended: false,
  });
}

/** When nobody works on the request any more. */
async function ended({ directory }: TestOrganization, id: string): Promise<MoveRequest> {
  const { promise, resolve, reject } = Promise.withResolvers<MoveRequest>();
  const look = (): void => {
    directory.moveRequests().then((all) => {
      const request = all.find((one) => one.id === id);
      if (request === undefined) reject(new Error('the request is gone'));
      else if (!ACTIVE_MOVES.includes(request.status)) resolve(request);
    }, reject);
  };
  const stop = directory.watch((change) => {
    if (change.kind === 'move-request') look();
  });
  look();
  try {
    return await promise;
  } finally {
    stop();
  }
}

const mail = (name: string): Buffer => Buffer.from(`Subject: ${name}\r\nMessage-ID: <${name}@x>\r\n\r\n${name}\r\n`);

test('a client works through a move: what it was told is there, its CHANGEDSINCE holds, nothing comes twice', async (t) => {
  await withSecondDatabase(t, async (organization, target) => {
    const { account } = organization.user(0);
    const first = await logOn(organization);
    for (let i = 0; i < 40; i += 1) await first.command('APPEND INBOX', mail(`before-${i}`));
    const selected = await first.command('SELECT INBOX (CONDSTORE)');
    const said = (client: { untagged: readonly Buffer[] }, what: RegExp): string | undefined =>
      what.exec(Buffer.concat([...client.untagged]).toString('latin1'))?.[1];
    const uidValidity = said(selected, /UIDVALIDITY (\d+)/);
    const highest = said(selected, /HIGHESTMODSEQ (\d+)/);
    const work = { on: true };
    const acknowledged: string[] = [];
    let goodbyes = 0;
    const worker = (async () => {
      let client = await logOn(organization);
      for (let i = 0; work.on; i += 1) {
        const name = `during-${i}`;
        try {
          const { status } = await client.command('APPEND INBOX', mail(name));
          if (status.startsWith('OK')) acknowledged.push(name);
          else assert.match(status, /^NO \[UNAVAILABLE\]/);
        } catch {
          goodbyes += 1;
          client = await logOn(organization);
        }
      }
      client.hangUp();
    })();
    const { id } = await ask(organization, target);
    const done = await ended(organization, id);
    assert.equal(done.status, 'Completed', done.progress.message);
    assert.match(await first.rest(), /\* BYE/, 'who was idle hears of it');
    const seen = acknowledged.length;
    while (acknowledged.length < seen + 5) await new Promise(setImmediate);
    work.on = false;
    await worker;
    assert.ok(goodbyes <= 1, 'the move ended the session once');
    const again = await logOn(organization);
    const reselected = await again.command('SELECT INBOX (CONDSTORE)');
    assert.equal(said(reselected, /UIDVALIDITY (\d+)/), uidValidity);
    const changed = await again.command(`UID FETCH 1:* (BODY.PEEK[HEADER.FIELDS (SUBJECT)]) (CHANGEDSINCE ${highest})`);
    const subjects = [
      ...Buffer.concat([...changed.untagged])
        .toString('latin1')
        .matchAll(/Subject: (\S+)/g),
    ].map((match) => match[1] ?? '');
    assert.deepEqual(
      subjects.filter((name) => !acknowledged.includes(name)).filter((name) => !name.startsWith('during-')),
      [],
    );
    for (const name of acknowledged) assert.equal(subjects.filter((one) => one === name).length, 1, name);
    again.hangUp();
    const moved = await organization.directory.account(account.id);
    assert.equal(moved?.mailbox?.database, target);
    assert.equal(organization.log.filter(({ level }) => level === 'error').length, 0);
  });
});

test('a move that waits to be completed is completed when it is resumed, and one that is removed leaves all as it was', async (t) => {
  await withSecondDatabase(t, async (organization, target) => {
    const { account } = organization.user(0);
    const source = organization.databaseOf(account);
    assert.ok(account.mailbox !== null);
    const client = await logOn(organization);
    for (let i = 0; i < 5; i += 1) await client.command('APPEND INBOX', mail(`m${i}`));
    const { id } = await ask(organization, target, true);
    assert.equal((await ended(organization, id)).status, 'AutoSuspended');
    const second = organization.running.databaseOf({ ...account, mailbox: { ...account.mailbox, database: target } });
    assert.equal((await second.standing(account.mailbox.id))?.kind, 'receiving');
    await organization.directory.removeMoveRequest(id);
    // What was copied is deleted by the server that copied it.
    while ((await second.mailboxes()).length > 0) await new Promise(setImmediate);
    await client.command('APPEND INBOX', mail('still here'));
    const mailbox = await source.open(account.mailbox.id);
    const before = await mailboxFacts(mailbox);
    mailbox.close();
    const again = await ask(organization, target, true);
    assert.equal((await ended(organization, again.id)).status, 'AutoSuspended');
    await organization.directory.changeMoveRequest(again.id, { status: 'Queued', suspendWhenReadyToComplete: false });
    const done = await ended(organization, again.id);
    assert.equal(done.status, 'Completed', done.progress.message);
    assert.match(await client.rest(), /\* BYE/);
    const now = await organization.directory.account(account.id);
    assert.ok(now?.mailbox);
    const moved = await organization.databaseOf(now).open(now.mailbox.id);
    assert.deepEqual(await mailboxFacts(moved), before);
    moved.close();
    await assert.rejects(source.open(account.mailbox.id), /moved/);
  });
});

test('a damaged message fails its move by name, and the mailbox stays where it was, in use', async (t) => {
  await withSecondDatabase(t, async (organization, target) => {
    const { account } = organization.user(0);
    const client = await logOn(organization);
    await client.command('APPEND INBOX', mail('sound'));
    await client.command('APPEND INBOX', mail('rotten'));
    await client.command('APPEND INBOX', mail('sound too'));
    assert.ok(account.mailbox !== null);
    const files = await readdir(organization.layout.root, { recursive: true });
    const segment = files.find((name) => name.includes(account.mailbox?.id ?? '') && name.includes('seg-'));
    assert.ok(segment !== undefined);
    const place = path.join(organization.layout.root, segment);
    const bytes = await readFile(place);
    const file = await open(place, 'r+');
    await file.write(Buffer.from('R'), 0, 1, bytes.lastIndexOf('rotten'));
    await file.close();
    const { id } = await ask(organization, target);
    const failed = await ended(organization, id);
    assert.equal(failed.status, 'Failed');
    assert.match(failed.progress.message, /INBOX: UID 2 is damaged/);
    assert.match((await client.command('APPEND INBOX', mail('still at work'))).status, /^OK/);
    assert.equal((await organization.directory.account(account.id))?.mailbox?.database, account.mailbox.database);
    await client.command('SELECT INBOX');
    await client.command('STORE 2 +FLAGS (\\Deleted)');
    await client.command('EXPUNGE');
    const source = organization.databaseOf(account);
    const mailbox = await source.open(account.mailbox.id);
    const recoverable = mailbox.folderByUse('recoverable') ?? assert.fail('it has recoverable items');
    await mailbox.expunge(recoverable.id, Uint32Array.of(1), { purge: true });
    mailbox.close();
    await organization.directory.changeMoveRequest(id, { status: 'Queued' });
    const done = await ended(organization, id);
    assert.equal(done.status, 'Completed', done.progress.message);
    client.hangUp();
  });
});
