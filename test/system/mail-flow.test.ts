/** The first whole path: submitted by nodemailer, stored, seen by an idling IMAP client, fetched by POP3. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { ImapFlow } from 'imapflow';
import Pop3Command from 'node-pop3';
import { createTransport } from 'nodemailer';
import { startOrganization, type TestOrganization, type TestUser } from '../support/organization.ts';

for (const engine of ['memory', 'sqlite'] as const) {
  describe(`mail flow on the ${engine} engine`, () => {
    let organization: TestOrganization;
    before(async () => {
      organization = await startOrganization({ engine });
    });
    after(() => organization.stop());

    const imap = (user: TestUser): ImapFlow =>
      new ImapFlow({
        host: 'localhost',
        port: organization.imap.tls,
        secure: true,
        auth: { user: user.address, pass: user.password },
        tls: { ca: organization.ca },
        logger: false,
      });

    const send = async (from: TestUser, to: string, subject: string, port = organization.smtp.submission) => {
      const transport = createTransport({
        host: 'localhost',
        port,
        secure: port === organization.smtp.submissions,
        requireTLS: true,
        auth: { user: from.address, pass: from.password },
        tls: { ca: organization.ca },
      });
      try {
        return await transport.sendMail({ from: from.address, to, subject, text: 'Grüße\n.\n..\n' });
      } finally {
        transport.close();
      }
    };

    test('a submitted message wakes an idling client and has all that submission owes it', async () => {
      const [alice, bob] = [organization.user(0), organization.user(1)];
      const client = imap(bob);
      await client.connect();
      try {
        const mailbox = await client.mailboxOpen('INBOX');
        assert.equal(mailbox.exists, 0);
        const news = once(client, 'exists');
        const idle = client.idle();
        await send(alice, bob.address, 'wake up');
        await news;
        const message = await client.fetchOne('*', { envelope: true, source: true });
        await idle;
        assert.ok(message !== false);
        assert.equal(message.envelope?.subject, 'wake up');
        const source = message.source?.toString('utf8') ?? '';
        assert.match(source, /^Return-Path: <alice@example\.test>\r\nReceived: from /);
        assert.match(source, /\r\nMessage-ID: </);
      } finally {
        await client.logout();
      }
    });

    test('the same message is there for POP3, byte for byte as IMAP shows it', async () => {
      const bob = organization.user(1);
      await send(organization.user(0), bob.address, 'second', organization.smtp.submissions);
      const pop3 = new Pop3Command({
        host: 'localhost',
        port: organization.pop3.tls,
        tls: true,
        user: bob.address,
        password: bob.password,
        tlsOptions: { ca: organization.ca },
      });
      const list = await pop3.UIDL();
      const raw = await pop3.RETR(list.length);
      await pop3.QUIT();
      const client = imap(bob);
      await client.connect();
      try {
        const lock = await client.getMailboxLock('INBOX');
        try {
          const message = await client.fetchOne('*', { source: true });
          assert.ok(message !== false);
          assert.equal(String(list.length), String(message.seq));
          // node-pop3 leaves the dots that byte-stuffing put in (RFC 1939 §3).
          assert.equal(raw.replaceAll('\r\n..', '\r\n.').trimEnd(), message.source?.toString('latin1').trimEnd());
        } finally {
          lock.release();
        }
      } finally {
        await client.logout();
      }
    });

    test('mail for other domains, and under another name, is refused in plain words', async () => {
      const alice = organization.user(0);
      await assert.rejects(send(alice, 'someone@elsewhere.test', 'x'), (error) => {
        assert.ok(error instanceof Error);
        assert.match(error.message, /55\d 5\.\d\.\d/);
        return true;
      });
      await assert.rejects(send({ ...alice, address: alice.address, password: 'wrong' }, alice.address, 'x'), /535/);
    });

    test('a flag set in one session shows in another', async () => {
      const bob = organization.user(1);
      const [one, two] = [imap(bob), imap(bob)];
      await one.connect();
      await two.connect();
      try {
        await one.mailboxOpen('INBOX');
        await two.mailboxOpen('INBOX');
        const seen = once(two, 'flags');
        const idle = two.idle();
        await one.messageFlagsAdd('1', ['\\Flagged']);
        await seen;
        const message = await two.fetchOne('1', { flags: true });
        await idle;
        assert.ok(message !== false && message.flags?.has('\\Flagged'));
      } finally {
        await one.logout();
        await two.logout();
      }
    });
  });
}
