/**
 * Plays the SMTP scripts on every engine and tests what a script cannot say: what lies in the Inbox afterwards, TLS,
 * limits of the connector, several recipients, retries, draining.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { glob, readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it, test } from 'node:test';
import type { ReceiveConnector } from '../../src/directory/model.ts';
import { play } from '../support/dialogue.ts';
import { engines } from '../support/dialogue-engines.ts';
import { parseScript } from '../support/dialogue-script.ts';
import { SmtpClient } from './smtp/client.ts';
import { openSmtpStage, type Role, type SmtpStage, upgraded } from './smtp/stage.ts';

const folder = path.join(import.meta.dirname, 'smtp');
const ROLES = ['inbound', 'submission'] as const satisfies readonly Role[];
const ANN = 'AUTH PLAIN AGFubgBjb3JyZWN0IGhvcnNl';

for (const engine of engines) {
  describe(`SMTP on ${engine.name}`, { concurrency: 4 }, async () => {
    async function onStage(
      role: Role,
      change: Partial<ReceiveConnector>,
      act: (stage: SmtpStage) => Promise<void>,
    ): Promise<void> {
      const stage = await openSmtpStage(await engine.open(), role, change);
      try {
        await act(stage);
        assert.deepEqual(stage.errors, []);
      } finally {
        stage.drain.abort();
        await stage.close();
      }
    }

    for (const role of ROLES) {
      const files: string[] = [];
      for await (const file of glob(`${role}/*.txt`, { cwd: folder })) files.push(file);
      assert.ok(files.length > 0, 'no dialogue scripts found');
      for (const file of files.sort()) {
        for (const scenario of parseScript(await readFile(path.join(folder, file), 'utf8'), file)) {
          test(`${file}: ${scenario.title}`, async () => {
            const stage = await openSmtpStage(await engine.open(), role, { maxProtocolErrors: 100 });
            await play(scenario, file, stage);
            assert.deepEqual(stage.errors, []);
          });
        }
      }
    }

    it('keeps the bytes and puts trace fields in front (RFC 5321 §4.4)', () =>
      onStage('inbound', {}, async (stage) => {
        const client = await SmtpClient.greeted(await stage.connect());
        const body = Array.from({ length: 5000 }, (_, line) => `${line % 5 === 0 ? '..' : ''}line ${line}\r\n`).join(
          '',
        );
        const content = `Bcc: x@y\r\nSubject: =?x?=\r\n continued\r\n\r\n${body}`;
        await client.transfer('carol@elsewhere.example', ['ann@example.org'], content);
        client.hangUp();
        const [message = ''] = await stage.inbox('ann');
        const sent = content.replaceAll('\r\n..', '\r\n.');
        assert.ok(message.endsWith(sent));
        assert.match(
          message.slice(0, -sent.length),
          /^Return-Path: <carol@elsewhere\.example>\r\nReceived: from client\.example\.com \(\[127\.0\.0\.1\]\)\r\n by mail\.example\.org with ESMTP id [0-9a-f]{16}-1\r\n for <ann@example\.org>;\r\n \w{3}, [^\r]+ \+0000\r\n$/,
        );
      }));

    it('delivers to several, once each, without telling one of the other', () =>
      onStage('inbound', {}, async (stage) => {
        const client = await SmtpClient.greeted(await stage.connect());
        const everyone = ['ann@example.org', 'bob@example.org', 'anna@example.org'];
        assert.match(await client.transfer('c@elsewhere.example', everyone, 'Subject: x\r\n\r\n'), /^250 /);
        client.hangUp();
        const messages = [...(await stage.inbox('ann')), ...(await stage.inbox('bob'))];
        assert.equal(messages.length, 2);
        for (const message of messages) assert.ok(!/ann|bob/.test(message.replaceAll('example', '')));
      }));

    it('speaks TLS after STARTTLS, forgets what it knew, and says so in Received', () =>
      onStage('inbound', {}, async (stage) => {
        const socket = await stage.connect();
        const plain = await SmtpClient.greeted(socket);
        await plain.expect('MAIL FROM:<a@b.example>', '250');
        await plain.expect('STARTTLS', '220');
        const client = new SmtpClient(await upgraded(socket));
        assert.match(await client.command('RCPT TO:<ann@example.org>'), /^503 /);
        assert.match(await client.command('MAIL FROM:<a@b.example>'), /^503 5\.5\.1 send EHLO/);
        const extensions = await client.expect('EHLO client.example.com', '250');
        assert.doesNotMatch(extensions, /STARTTLS/);
        assert.match(await client.command('STARTTLS'), /^503 /);
        await client.transfer('a@b.example', ['ann@example.org'], '\r\n');
        client.hangUp();
        const [message = ''] = await stage.inbox('ann');
        assert.match(message, / with ESMTPS id .*\r\n for .*\r\n tls TLS_[A-Z0-9_]+;/);
      }));

    it('asks for TLS first where the connector says so', () =>
      onStage('submission', { authMechanism: ['Tls', 'BasicAuth', 'BasicAuthRequireTLS'] }, async (stage) => {
        const socket = await stage.connect();
        const plain = new SmtpClient(socket);
        await plain.reply();
        assert.doesNotMatch(await plain.expect('EHLO x', '250'), /AUTH/);
        assert.match(await plain.command(ANN), /^538 5\.7\.11 /);
        await plain.expect('STARTTLS', '220');
        const client = new SmtpClient(await upgraded(socket));
        assert.match(await client.expect('EHLO x', '250'), /AUTH X-SERVER-LAST PLAIN LOGIN/);
        await client.expect(ANN, '235');
        await client.transfer('ann@example.org', ['bob@example.org'], 'From: ann@example.org\r\n\r\n');
        client.hangUp();
        assert.match((await stage.inbox('bob'))[0] ?? '', / with ESMTPSA id /);
      }));

    it('takes no mail in the clear when the connector requires TLS', () =>
      onStage('inbound', { requireTls: true }, async (stage) => {
        const client = await SmtpClient.greeted(await stage.connect());
        assert.match(await client.command('MAIL FROM:<a@b.example>'), /^530 5\.7\.0 must issue a STARTTLS/);
        client.hangUp();
      }));

    it('completes a submitted message in front and takes Bcc out (RFC 6409 §8)', () =>
      onStage('submission', {}, async (stage) => {
        const client = await SmtpClient.greeted(await stage.connect());
        await client.expect(ANN, '235');
        const bare =
          'From: ann@example.org\r\nBcc: eve@example.org,\r\n mallory@example.org\r\nSubject: x\r\n\r\nbody\r\n';
        await client.transfer('ann@example.org', ['bob@example.org'], bare);
        const whole =
          'Message-ID: <1@x>\r\nDate: Mon, 5 Jan 2026 00:00:00 +0100\r\nFrom: ann@example.org\r\n\r\nbody\r\n';
        await client.transfer('ann@example.org', ['bob@example.org'], whole);
        client.hangUp();
        const [first = '', second = ''] = await stage.inbox('bob');
        assert.match(
          first,
          /\r\nDate: [^\r]+ \+0000\r\nMessage-ID: <[^>]+@mail\.example\.org>\r\nFrom: ann@example\.org\r\nSubject: x\r\n\r\nbody\r\n$/,
        );
        assert.match(second, / \+0000\r\nMessage-ID: <1@x>\r\nDate: /);
        assert.ok(second.endsWith(whole));
      }));

    it('refuses a message over the size limit when it was read to its end', () =>
      onStage('inbound', { maxMessageSize: 65_536 }, async (stage) => {
        const client = await SmtpClient.greeted(await stage.connect());
        const content = `Subject: big\r\n\r\n${'x'.repeat(998)}\r\n`.repeat(70);
        assert.match(await client.transfer('a@b.example', ['ann@example.org'], content), /^552 5\.3\.4 /);
        assert.match(await client.transfer('a@b.example', ['ann@example.org'], 'Subject: ok\r\n\r\n'), /^250 /);
        await client.expect('MAIL FROM:<a@b.example>', '250');
        await client.expect('RCPT TO:<ann@example.org>', '250');
        client.send(Buffer.concat([Buffer.from('BDAT 70000 LAST\r\n'), Buffer.alloc(70_000, 'x')]));
        assert.match(await client.reply(), /^552 5\.3\.4 /);
        await client.expect('NOOP', '250');
        client.hangUp();
        assert.equal((await stage.inbox('ann')).length, 1);
      }));

    it('names MessageRateLimit, counts by user, and forgets after a minute', () =>
      onStage('submission', { messageRateLimit: 2, messageRateSource: 'User' }, async (stage) => {
        const client = await SmtpClient.greeted(await stage.connect());
        await client.expect(ANN, '235');
        const message = 'From: ann@example.org\r\n\r\n';
        for (let i = 0; i < 2; i += 1) await client.transfer('ann@example.org', ['bob@example.org'], message);
        const refusal = await client.command('MAIL FROM:<ann@example.org>');
        assert.match(
          refusal,
          /^451 4\.7\.0 MessageRateLimit of 2 messages a minute reached, try again in \d+ seconds$/,
        );
        stage.advance(60_000);
        assert.match(await client.transfer('ann@example.org', ['bob@example.org'], message), /^250 /);
        client.hangUp();
      }));

    it('ends a connection that lasted for ConnectionTimeout, busy or not', () =>
      onStage('inbound', { connectionTimeout: 600 }, async (stage) => {
        const client = await SmtpClient.greeted(await stage.connect());
        stage.advance(600_001);
        client.send('NOOP\r\n');
        assert.match(await client.rest(), /421 4\.4\.2 mail\.example\.org connection timed out/);
      }));

    it('says 421 to an idle client', () =>
      onStage('inbound', { connectionInactivityTimeout: 0.01 }, async (stage) => {
        const client = new SmtpClient(await stage.connect());
        assert.match(await client.rest(), /^220 .*\r\n421 4\.4\.2 .*\r\n$/);
      }));

    it('finishes a message while the server drains, and takes no other', () =>
      onStage('inbound', {}, async (stage) => {
        const client = await SmtpClient.greeted(await stage.connect());
        await client.expect('MAIL FROM:<a@b.example>', '250');
        await client.expect('RCPT TO:<ann@example.org>', '250');
        await client.expect('DATA', '354');
        stage.drain.abort();
        client.send('Subject: last\r\n\r\n.\r\n');
        assert.match(await client.rest(), /^250 2\.6\.0 .*\r\n421 4\.3\.2 .*\r\n$/);
        assert.equal((await stage.inbox('ann')).length, 1);
      }));

    it('keeps nothing of a message that was not finished', () =>
      onStage('inbound', {}, async (stage) => {
        const client = await SmtpClient.greeted(await stage.connect());
        await client.expect('MAIL FROM:<a@b.example>', '250');
        await client.expect('RCPT TO:<ann@example.org>', '250');
        await client.expect('DATA', '354');
        client.send('Subject: half\r\n\r\nand then');
        client.hangUp();
        assert.deepEqual(await stage.inbox('ann'), []);
      }));
  });
}
