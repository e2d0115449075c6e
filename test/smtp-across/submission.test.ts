/** Submissions through the front end of one server for mailboxes on another: what the client sees is one server. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ManyServers } from '../support/many-servers.ts';
import { authPlain, inbox, startMail, submission } from './stage.ts';

let servers: ManyServers;
before(async () => {
  servers = await startMail();
});
after(() => servers.stop());

const message = (subject: string): string =>
  `From: bob@example.test\r\nTo: ann@example.test\r\nSubject: ${subject}\r\n\r\nx\r\n`;

async function find(home: string, name: string, subject: string): Promise<readonly string[]> {
  const all = await inbox(servers, home, name);
  return all.map(String).filter((text) => text.includes(`Subject: ${subject}\r\n`));
}

describe('a user of B logs on through F', () => {
  test('the session goes on at B in his name, with the address and TLS of his connection', async () => {
    const client = await submission(servers, 'F');
    await client.expect(authPlain(servers, 'bob'), '235');
    // Greeted again or not, it is the same session.
    assert.match(await client.expect('EHLO client.example.com', '250'), /^250-b\.example\.test Hello \[127\.0\.0\.1\]/);
    const everybody = ['ann@example.test', 'bob@example.test', 'carol@example.test'];
    assert.match(await client.transfer('bob@example.test', everybody, message('proxied')), /^250 2\.6\.0/);
    assert.match(await client.command('QUIT'), /^221/);
    for (const [home, name] of [
      ['A', 'ann'],
      ['B', 'bob'],
      ['C', 'carol'],
    ] as const) {
      const [text = '', ...more] = await find(home, name, 'proxied');
      assert.deepEqual(more, []);
      assert.match(
        text,
        /Received: from client\.example\.com \(\[127\.0\.0\.1\]\)\r\n by b\.example\.test with ESMTPSA id [0-9a-f]{16}-1\r\n tls TLS_/,
      );
      assert.equal(text.match(/^Received:/gm)?.length, 1);
    }
    const began = servers.server('F').log.find((line) => line.text === 'SMTP session goes on at another server');
    const there = servers.server('B').log.find((line) => line.text === 'SMTP session began');
    assert.ok(
      began !== undefined && began.fields['session'] === there?.fields['session'],
      'one session id on both servers',
    );
  });

  test('what is pipelined behind AUTH is answered in order', async () => {
    const client = await submission(servers, 'F');
    client.send(
      `${authPlain(servers, 'bob')}\r\nMAIL FROM:<bob@example.test>\r\nRCPT TO:<carol@example.test>\r\nDATA\r\n`,
    );
    for (const code of ['235', '250', '250', '354']) assert.ok((await client.reply()).startsWith(code), code);
    client.send(`${message('pipelined')}.\r\nQUIT\r\n`);
    assert.match(await client.reply(), /^250 2\.6\.0/);
    assert.match(await client.reply(), /^221/);
    assert.equal((await find('C', 'carol', 'pipelined')).length, 1);
  });

  test('a large message goes through', async () => {
    const client = await submission(servers, 'F');
    await client.expect(authPlain(servers, 'bob'), '235');
    const large = `${message('large')}${`${'y'.repeat(76)}\r\n`.repeat(60_000)}`;
    assert.match(await client.transfer('bob@example.test', ['carol@example.test'], large), /^250 /);
    client.hangUp();
    const [text = ''] = await find('C', 'carol', 'large');
    assert.ok(text.endsWith(large.slice(large.indexOf('From:'))));
  });

  test('he may not send as another', async () => {
    const client = await submission(servers, 'F');
    await client.expect(authPlain(servers, 'bob'), '235');
    assert.match(await client.command('MAIL FROM:<ann@example.test>'), /^550 5\.7\.60/);
    client.hangUp();
  });

  test('the limits of the connector he came in by hold', async () => {
    const { directory } = servers;
    const { id } = servers.server('F').server;
    const connector = (await directory.connectors(id)).find(({ name }) => name === 'Client Frontend F');
    assert.ok(connector !== undefined);
    await directory.changeConnector(connector.id, { maxRecipientsPerMessage: 1, messageRateLimit: 1 });
    try {
      const client = await submission(servers, 'F');
      await client.expect(authPlain(servers, 'bob'), '235');
      await client.expect('MAIL FROM:<bob@example.test>', '250');
      await client.expect('RCPT TO:<ann@example.test>', '250');
      assert.match(await client.command('RCPT TO:<carol@example.test>'), /^452 4\.5\.3/);
      await client.expect('RSET', '250');
      assert.match(await client.command('MAIL FROM:<bob@example.test>'), /^451 4\.7\.0 MessageRateLimit of 1 /);
      client.hangUp();
    } finally {
      await directory.changeConnector(connector.id, { maxRecipientsPerMessage: 200, messageRateLimit: Infinity });
    }
  });

  test('a wrong password is refused by F', async () => {
    const client = await submission(servers, 'F');
    assert.match(await client.command(authPlain(servers, 'bob', 'wrong')), /^535 5\.7\.8/);
    client.hangUp();
  });
});

test('NOTIFY=SUCCESS of recipients on three servers: one notification, in the mailbox of the sender', async () => {
  const client = await submission(servers, 'F');
  await client.expect(authPlain(servers, 'carol'), '235');
  await client.expect('MAIL FROM:<carol@example.test> RET=HDRS ENVID=q1', '250');
  for (const name of ['ann', 'bob', 'carol'])
    await client.expect(`RCPT TO:<${name}@example.test> NOTIFY=SUCCESS`, '250');
  await client.expect('DATA', '354');
  client.send(`${message('notified').replace('From: bob', 'From: carol')}.\r\n`);
  assert.match(await client.reply(), /^250 /);
  client.hangUp();
  const reports = (await inbox(servers, 'C', 'carol')).map(String).filter((text) => text.includes('multipart/report'));
  assert.equal(reports.length, 1);
  for (const name of ['ann', 'bob', 'carol'])
    assert.match(reports[0] ?? '', new RegExp(`rfc822; ?${name}@example.test`, 'i'));
});

test('B is down: the password is right, and nothing says otherwise', async () => {
  await servers.server('B').stop();
  const client = await submission(servers, 'F');
  for (let tries = 0; tries < 5; tries += 1) {
    assert.match(await client.command(authPlain(servers, 'bob')), /^454 4\.7\.0 .*\(B\)/);
  }
  // Others are served in the same session.
  await client.expect(authPlain(servers, 'ann'), '235');
  await client.expect('QUIT', '221');
  await servers.server('B').start();
  let answer = '';
  for (const deadline = Date.now() + 15_000; Date.now() < deadline && !answer.startsWith('235'); ) {
    const again = await submission(servers, 'F');
    answer = await again.command(authPlain(servers, 'bob'));
    again.hangUp();
  }
  assert.match(answer, /^235/);
});
