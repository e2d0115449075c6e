/** Mail that comes in on one server for mailboxes on others: accepted only when it is there, once, in the same bytes. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { TrackingLog } from '../../src/transport/tracking-log.ts';
import type { ManyServers } from '../support/many-servers.ts';
import { corpusMessages, corpusMissing } from '../support/corpus.ts';
import { inbound, inbox, startMail } from './stage.ts';

const EVERYBODY = ['ann@example.test', 'bob@example.test', 'carol@example.test'];
const HOMES = { ann: 'A', bob: 'B', carol: 'C' } as const;
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

let servers: ManyServers;
before(async () => {
  servers = await startMail();
});
after(() => servers.stop());

const content = (subject: string): string =>
  `Subject: ${subject}\r\nMessage-ID: <${subject}@elsewhere.example>\r\n\r\nx\r\n`;

/** Sends again while somebody is missing: a front end may still take C for dead. */
async function untilTaken(front: string, subject: string): Promise<string> {
  let answer = '';
  for (const deadline = Date.now() + 15_000; Date.now() < deadline && !answer.startsWith('250'); ) {
    const client = await inbound(servers, front);
    answer = await client.transfer('out@elsewhere.example', EVERYBODY, content(subject));
    client.hangUp();
  }
  return answer;
}

async function holding(subject: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const [name, home] of Object.entries(HOMES)) {
    const found = await inbox(servers, home, name);
    counts[name] = found.filter((message) => message.includes(`Subject: ${subject}\r\n`)).length;
  }
  return counts;
}

describe('mail from outside', () => {
  for (const front of ['A', 'F']) {
    test(`taken in by ${front}, for mailboxes on three servers`, async () => {
      const subject = `through-${front}`;
      const client = await inbound(servers, front);
      assert.match(await client.transfer('out@elsewhere.example', EVERYBODY, content(subject)), /^250 2\.6\.0 /);
      client.hangUp();
      assert.deepEqual(await holding(subject), { ann: 1, bob: 1, carol: 1 });
      const [bob] = (await inbox(servers, 'B', 'bob')).filter((one) => one.includes(subject));
      const text = String(bob);
      // Trace fields once, where the message came in: nothing of the way between the servers.
      assert.match(text, /^Return-Path: <out@elsewhere\.example>\r\nReceived: from client\.example\.com /);
      assert.equal(text.match(/^Received:/gm)?.length, 1);
      assert.match(text, new RegExp(`by ${front.toLowerCase()}\\.example\\.test with ESMTP`));
    });
  }

  test('corpus messages have the same bytes on every server', { skip: corpusMissing() }, async () => {
    const client = await inbound(servers, 'A');
    const before = { ann: (await inbox(servers, 'A', 'ann')).length, bob: (await inbox(servers, 'B', 'bob')).length };
    let sent = 0;
    for (const { bytes } of corpusMessages()) {
      if (sent >= 60) break;
      const crlf = bytes.toString('latin1').replaceAll(/\r?\n|\r/g, '\r\n');
      const stuffed = Buffer.from(`${crlf.replaceAll(/^\./gm, '..')}${crlf.endsWith('\r\n') ? '' : '\r\n'}`, 'latin1');
      const answer = await client.transfer('out@elsewhere.example', EVERYBODY.slice(0, 2), stuffed);
      if (answer.startsWith('250 ')) sent += 1;
      else assert.match(answer, /^5\d\d /);
    }
    client.hangUp();
    assert.ok(sent > 20, `only ${sent} messages were taken`);
    const here = (await inbox(servers, 'A', 'ann')).slice(before.ann).map(sha256);
    const there = (await inbox(servers, 'B', 'bob')).slice(before.bob).map(sha256);
    assert.equal(here.length, sent);
    assert.deepEqual(there, here);
  });
});

describe('a server is down', () => {
  test('the others have the message, the client hears who is missing, the retry doubles nothing', async () => {
    await servers.server('C').stop();
    const subject = 'one-down';
    const first = await inbound(servers, 'F');
    const answer = await first.transfer('out@elsewhere.example', EVERYBODY, content(subject));
    assert.match(answer, /^451 4\.4\.1 .*server C/);
    first.hangUp();
    assert.equal((await inbox(servers, 'A', 'ann')).filter((one) => one.includes(subject)).length, 1);
    await servers.server('C').start();
    // Through the other front end.
    assert.match(await untilTaken('A', subject), /^250 /);
    assert.deepEqual(await holding(subject), { ann: 1, bob: 1, carol: 1 });
  });

  test('a message that is sent twice on purpose is there twice', async () => {
    for (const front of ['F', 'A']) assert.match(await untilTaken(front, 'twice'), /^250 /);
    assert.deepEqual(await holding('twice'), { ann: 2, bob: 2, carol: 2 });
  });
});

test('a notification that F writes reaches its mailbox on B', async () => {
  const client = await inbound(servers, 'F');
  await client.expect('MAIL FROM:<bob@example.test>', '250');
  await client.expect('RCPT TO:<ann@example.test> NOTIFY=SUCCESS', '250');
  await client.expect('DATA', '354');
  client.send(`${content('with-report')}.\r\n`);
  assert.match(await client.reply(), /^250 /);
  client.hangUp();
  const reports = (await inbox(servers, 'B', 'bob')).map(String).filter((text) => text.includes('multipart/report'));
  assert.equal(reports.length, 1);
  assert.match(reports[0] ?? '', /^Return-Path: <>\r\n/);
});

test('a full mailbox on another server keeps its answer', async () => {
  const { account } = servers.user('bob');
  await servers.directory.setMailboxSettings(account.id, {
    useDatabaseQuotaDefaults: false,
    issueWarningQuota: 1,
    prohibitSendQuota: 2,
    prohibitSendReceiveQuota: 3,
  });
  try {
    const client = await inbound(servers, 'F');
    const answer = await client.transfer('out@elsewhere.example', ['bob@example.test'], content('full'));
    assert.match(answer, /^552 5\.2\.2 /);
    client.hangUp();
  } finally {
    await servers.directory.setMailboxSettings(account.id, { useDatabaseQuotaDefaults: true });
  }
});

test('both servers have the message in their tracking logs, as it came in', async () => {
  const client = await inbound(servers, 'F');
  await client.transfer('out@elsewhere.example', ['bob@example.test'], content('tracked'));
  client.hangUp();
  const events = async (name: string): Promise<readonly string[]> => {
    const { layout } = servers.server(name);
    // What is logged is written when it stops.
    await servers.server(name).stop();
    const directory = path.join(layout.root, 'logs', 'message-tracking');
    const log = new TrackingLog({ directory, serverHostname: name, version: 'test', onTrouble: () => {} });
    const found: string[] = [];
    for await (const record of log.read({ subject: 'tracked' })) {
      assert.equal(record.clientIp, '127.0.0.1');
      assert.equal(record.sender, 'out@elsewhere.example');
      found.push(`${record.eventId} ${record.connectorId} ${record.internalMessageId}`);
    }
    return found;
  };
  const onF = await events('F');
  const id = onF[0]?.split(' ').at(-1) ?? 'none';
  assert.deepEqual(onF, [`RECEIVE Default Frontend F ${id}`, `SEND Default Frontend F ${id}`]);
  assert.deepEqual(await events('B'), [`RECEIVE Default Frontend F ${id}`, `DELIVER Default Frontend F ${id}`]);
});
