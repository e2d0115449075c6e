/**
 * What hostile SMTP clients send: smuggled messages, endless lines, floods, counts that lie, commands slipped in front
 * of TLS. Each limit of wire/limits.ts that SMTP meets is broken here on purpose.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { describe, it } from 'node:test';
import type { ReceiveConnector } from '../../src/directory/model.ts';
import { openMemoryDatabase } from '../../src/store/engine/memory/index.ts';
import {
  MESSAGE_BYTES,
  SMTP_AUTH_LINE_BYTES,
  SMTP_CHUNK_BYTES,
  SMTP_COMMAND_LINE_BYTES,
  SMTP_DISCARD_BYTES,
  SMTP_PATH_BYTES,
  SMTP_REFUSED_RECIPIENTS,
} from '../../src/wire/limits.ts';
import { SmtpClient } from '../dialogues/smtp/client.ts';
import { openSmtpStage, type Role, type SmtpStage } from '../dialogues/smtp/stage.ts';

async function onStage(
  role: Role,
  change: Partial<ReceiveConnector>,
  act: (stage: SmtpStage) => Promise<void>,
): Promise<void> {
  const stage = await openSmtpStage(openMemoryDatabase(), role, change);
  try {
    await act(stage);
    assert.deepEqual(stage.errors, []);
  } finally {
    stage.drain.abort();
    await stage.close();
  }
}

async function inData(stage: SmtpStage): Promise<SmtpClient> {
  const client = await SmtpClient.greeted(await stage.connect());
  await client.expect('MAIL FROM:<a@b.example>', '250');
  await client.expect('RCPT TO:<ann@example.org>', '250');
  await client.expect('DATA', '354');
  return client;
}

describe('SMTP smuggling', { concurrency: 4 }, () => {
  const endings = [
    '\n.\n',
    '\n.\r\n',
    '\r\n.\n',
    '\r.\r\n',
    '\r\n.\r',
    '\r.\r',
    '\n.\r',
    '\r\r\n.\r\r\n',
    '\r\n\0.\r\n\n',
  ];
  for (const ending of endings) {
    it(`${JSON.stringify(ending)} is no end of data: one refusal, no second message`, () =>
      onStage('inbound', {}, async (stage) => {
        const client = await inData(stage);
        const second =
          'MAIL FROM:<boss@example.org>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nFrom: boss@example.org\r\n\r\n';
        client.send(`Subject: first\r\n\r\nbody${ending}${second}.\r\n`);
        assert.match(await client.reply(), /^550 5\.6\.0 /);
        client.send('QUIT\r\n');
        assert.match(await client.rest(), /^221 [^\n]*\n$/);
        assert.deepEqual([...(await stage.inbox('ann')), ...(await stage.inbox('bob'))], []);
      }));
  }

  it('is refused in a BDAT message too', () =>
    onStage('inbound', {}, async (stage) => {
      const client = await SmtpClient.greeted(await stage.connect());
      await client.expect('MAIL FROM:<a@b.example>', '250');
      await client.expect('RCPT TO:<ann@example.org>', '250');
      const content = 'Subject: x\r\n\r\nbody\n.\r\n';
      client.send(`BDAT ${content.length} LAST\r\n${content}`);
      assert.match(await client.reply(), /^550 5\.6\.0 /);
      client.hangUp();
      assert.deepEqual(await stage.inbox('ann'), []);
    }));
});

describe('SMTP floods', { concurrency: 4 }, () => {
  it('cuts off a line without end', () =>
    onStage('inbound', {}, async (stage) => {
      const client = new SmtpClient(await stage.connect());
      await client.reply();
      client.send(Buffer.alloc(SMTP_AUTH_LINE_BYTES + 10, 'x'));
      assert.match(await client.rest(), /^500 5\.5\.2 line longer than \d+ bytes, closing connection\r\n$/);
    }));

  it('refuses a long command line and goes on', () =>
    onStage('inbound', {}, async (stage) => {
      const client = await SmtpClient.greeted(await stage.connect());
      assert.match(await client.command(`NOOP ${'x'.repeat(SMTP_COMMAND_LINE_BYTES)}`), /^500 5\.5\.2 /);
      await client.expect('NOOP', '250');
      client.hangUp();
    }));

  it('refuses a path longer than any (SMTP_PATH_BYTES)', () =>
    onStage('inbound', {}, async (stage) => {
      const client = await SmtpClient.greeted(await stage.connect());
      const hops = Array.from({ length: SMTP_PATH_BYTES / 10 }, () => '@a.example').join(',');
      assert.match(await client.command(`MAIL FROM:<${hops}:a@b.example>`), /^501 5\.1\.7 the path is longer/);
      await client.expect('MAIL FROM:<@a.example,@c.example:a@b.example>', '250');
      client.hangUp();
    }));

  it('takes no message beyond MESSAGE_BYTES, whatever connector and organization say', () =>
    onStage('inbound', { maxMessageSize: 4 * MESSAGE_BYTES }, async (stage) => {
      await stage.directory.setOrganization({ maxReceiveSize: Number.POSITIVE_INFINITY });
      const client = new SmtpClient(await stage.connect());
      await client.reply();
      assert.match(await client.expect('EHLO client', '250'), new RegExp(`250-SIZE ${MESSAGE_BYTES}\n`));
      assert.match(await client.command(`MAIL FROM:<a@b.example> SIZE=${MESSAGE_BYTES + 1}`), /^552 /);
      await client.expect(`MAIL FROM:<a@b.example> SIZE=${MESSAGE_BYTES}`, '250');
      client.hangUp();
    }));

  it('refuses a header beyond MaxHeaderSize, even one sent byte by byte', () =>
    onStage('inbound', { maxHeaderSize: 4096 }, async (stage) => {
      const client = await inData(stage);
      for (let i = 0; i < 2000; i += 1) client.send('X: ');
      client.send('\r\n\r\nbody\r\n.\r\n');
      assert.match(await client.reply(), /^552 5\.3\.4 the header/);
      await client.expect('NOOP', '250');
      client.hangUp();
    }));

  it('breaks a mail loop by MaxHopCount', () =>
    onStage('inbound', { maxHopCount: 30 }, async (stage) => {
      const client = await inData(stage);
      client.send(`${'Received: from x by y; now\r\n'.repeat(31)}\r\n.\r\n`);
      assert.match(await client.reply(), /^554 5\.4\.6 hop count exceeded/);
      const received = 'Received: from x by y; now\r\n'.repeat(30);
      assert.match(await client.transfer('a@b.example', ['ann@example.org'], `${received}\r\n`), /^250 /);
      client.hangUp();
    }));

  it('holds recipients to MaxRecipientsPerMessage and keeps those it took', () =>
    onStage('inbound', { maxRecipientsPerMessage: 3 }, async (stage) => {
      const client = await SmtpClient.greeted(await stage.connect());
      await client.expect('MAIL FROM:<a@b.example>', '250');
      for (let i = 0; i < 3; i += 1) await client.expect('RCPT TO:<ann@example.org>', '250');
      for (let i = 0; i < 200; i += 1)
        await client.expect('RCPT TO:<bob@example.org>', '452 4.5.3 too many recipients');
      await client.expect('DATA', '354');
      assert.match(await client.command('\r\n.'), /^250 /);
      client.hangUp();
      assert.equal((await stage.inbox('ann')).length, 1);
      assert.equal((await stage.inbox('bob')).length, 0);
    }));

  it('tarpits and then ends a hunt for addresses', () =>
    onStage('inbound', { tarpitInterval: 5 }, async (stage) => {
      const client = await SmtpClient.greeted(await stage.connect());
      await client.expect('MAIL FROM:<a@b.example>', '250');
      client.send(Array.from({ length: 200 }, (_, i) => `RCPT TO:<user${i}@example.org>\r\n`).join(''));
      const replies = (await client.rest()).trimEnd().split('\r\n');
      assert.equal(replies.length, SMTP_REFUSED_RECIPIENTS + 1);
      assert.match(replies.at(-1) ?? '', /^421 4\.7\.0 /);
      assert.deepEqual(
        stage.sleeps,
        Array.from({ length: SMTP_REFUSED_RECIPIENTS }, () => 5),
      );
    }));

  it('ends a session that makes more errors than MaxProtocolErrors', () =>
    onStage('inbound', { maxProtocolErrors: 5 }, async (stage) => {
      const client = await SmtpClient.greeted(await stage.connect());
      client.send('GET / HTTP/1.1\r\n'.repeat(50));
      const replies = (await client.rest()).trimEnd().split('\r\n');
      assert.equal(replies.length, 7);
      assert.match(replies.at(-1) ?? '', /^421 4\.7\.0 .* too many errors/);
    }));

  it('serves others while one client pipelines without end', () =>
    onStage('inbound', {}, async (stage) => {
      const busy = await SmtpClient.greeted(await stage.connect());
      busy.send('NOOP\r\n'.repeat(40_000));
      const other = await SmtpClient.greeted(await stage.connect());
      assert.match(await other.transfer('a@b.example', ['ann@example.org'], '\r\n'), /^250 /);
      other.hangUp();
      for (let i = 0; i < 40_000; i += 1) assert.match(await busy.reply(), /^250 /);
      busy.hangUp();
    }));
});

describe('SMTP BDAT lies', { concurrency: 4 }, () => {
  it('ends where the count is beyond reason', () =>
    onStage('inbound', {}, async (stage) => {
      const client = await SmtpClient.greeted(await stage.connect());
      client.send(`BDAT ${SMTP_CHUNK_BYTES + 1} LAST\r\n`);
      assert.match(await client.rest(), /^501 5\.5\.4 /);
    }));

  it('keeps nothing of a chunk that is shorter than announced', () =>
    onStage('inbound', {}, async (stage) => {
      const client = await SmtpClient.greeted(await stage.connect());
      await client.expect('MAIL FROM:<a@b.example>', '250');
      await client.expect('RCPT TO:<ann@example.org>', '250');
      client.send('BDAT 5000 LAST\r\nSubject: x\r\n\r\n');
      client.socket.end();
      await client.rest();
      assert.deepEqual(await stage.inbox('ann'), []);
    }));

  it('throws away only so much without a transaction', () =>
    onStage('inbound', { maxProtocolErrors: 10_000 }, async (stage) => {
      const client = await SmtpClient.greeted(await stage.connect());
      const size = 8 * 1024 * 1024;
      const chunk = Buffer.concat([Buffer.from(`BDAT ${size}\r\n`), Buffer.alloc(size, 'x')]);
      let sent = 0;
      client.socket.on('error', () => {});
      while (sent <= SMTP_DISCARD_BYTES + 2 * size) {
        client.send(chunk);
        sent += size;
        // Cut off in the middle of a send: the 421 may arrive or be lost with the reset.
        const reply = await client.reply().catch(() => '421');
        if (reply.startsWith('421')) break;
        assert.match(reply, /^503 /);
      }
      assert.ok(sent <= SMTP_DISCARD_BYTES + size);
      client.hangUp();
    }));
});

describe('SMTP impostors', { concurrency: 4 }, () => {
  const bob = 'bob@example.org';
  for (const header of [
    `From: <${bob}>`,
    `From: <ann@example.org>\r\nFrom: <${bob}>`,
    `From : <${bob}>`,
    // Readers that drop NUL see a From that the server took for garbage.
    `\0From: <${bob}>\r\nFrom: <ann@example.org>`,
    `From: <ann@example.org>\r\nSe\0nder: <${bob}>`,
    `From: ${bob} <ann@example.org>`,
    `From: <ann@example.org>\r\nSender: <${bob}>`,
    `From: others: ${bob};`,
  ]) {
    it(`${JSON.stringify(header)} is not sent`, () =>
      onStage('submission', {}, async (stage) => {
        const client = await SmtpClient.greeted(await stage.connect());
        await client.expect('EHLO client.example', '250');
        await client.expect('AUTH PLAIN AGFubgBjb3JyZWN0IGhvcnNl', '235');
        await client.expect('MAIL FROM:<ann@example.org>', '250');
        await client.expect('RCPT TO:<bob@example.org>', '250');
        await client.expect('DATA', '354');
        client.send(`${header}\r\nSubject: x\r\n\r\nhello\r\n.\r\n`);
        assert.match(await client.reply(), /^550 5\.(?:6\.0|7\.60) /);
        client.hangUp();
        assert.deepEqual(await stage.inbox('bob'), []);
      }));
  }
});

describe('SMTP AUTH and TLS abuse', { concurrency: 4 }, () => {
  it('waits AuthTarpitInterval and ends after MaxLogonFailures', () =>
    onStage('submission', { authTarpitInterval: 5, maxLogonFailures: 3 }, async (stage) => {
      const client = await SmtpClient.greeted(await stage.connect());
      client.send('AUTH PLAIN AGFubgB3cm9uZw==\r\n'.repeat(10));
      const replies = (await client.rest()).trimEnd().split('\r\n');
      assert.deepEqual(
        replies.map((reply) => reply.slice(0, 9)),
        ['535 5.7.8', '535 5.7.8', '535 5.7.8', '421 4.7.0'],
      );
      assert.deepEqual(stage.sleeps, [5, 5, 5]);
    }));

  it('cuts off an endless AUTH response', () =>
    onStage('submission', {}, async (stage) => {
      const client = await SmtpClient.greeted(await stage.connect());
      await client.expect('AUTH PLAIN', '334');
      client.send(Buffer.alloc(SMTP_AUTH_LINE_BYTES + 1, 'A'));
      assert.match(await client.rest(), /^500 5\.5\.2 /);
    }));

  it('never runs what was sent in the clear behind STARTTLS (CVE-2011-0411)', () =>
    onStage('inbound', {}, async (stage) => {
      const client = await SmtpClient.greeted(await stage.connect());
      client.send('STARTTLS\r\nMAIL FROM:<boss@example.org>\r\nRCPT TO:<ann@example.org>\r\n');
      assert.match(await client.rest(), /^554 5\.5\.0 [^\n]*\n$/);
    }));

  it('survives a handshake that is none', () =>
    onStage('inbound', {}, async (stage) => {
      const client = await SmtpClient.greeted(await stage.connect());
      await client.expect('STARTTLS', '220');
      client.send('GET / HTTP/1.1\r\n\r\n');
      await client.rest();
      const other = await SmtpClient.greeted(await stage.connect());
      await other.expect('NOOP', '250');
      other.hangUp();
    }));
});
