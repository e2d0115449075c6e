/**
 * SuppressReadReceipt on a whole server (exchange-behaviour.md §5.4): submitted by nodemailer with a request for a
 * receipt, downloaded by POP3, the receipt read by its sender over IMAP.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { ImapFlow } from 'imapflow';
import Pop3Command from 'node-pop3';
import { connect } from 'node:tls';
import { createTransport } from 'nodemailer';
import { RawImap } from '../support/raw-imap.ts';
import { startOrganization, type TestOrganization, type TestUser } from '../support/organization.ts';

describe('read receipts for downloads', () => {
  let organization: TestOrganization;
  let alice: TestUser;
  let bob: TestUser;
  before(async () => {
    organization = await startOrganization({ engine: 'sqlite' });
    [alice, bob] = [organization.user(0), organization.user(1)];
  });
  after(() => organization.stop());

  async function send(subject: string): Promise<void> {
    const transport = createTransport({
      host: 'localhost',
      port: organization.smtp.submission,
      requireTLS: true,
      auth: { user: alice.address, pass: alice.password },
      tls: { ca: organization.ca },
    });
    const headers = { 'Disposition-Notification-To': alice.address };
    await transport.sendMail({ from: alice.address, to: bob.address, subject, text: 'text', headers });
    transport.close();
  }

  async function downloadAll(): Promise<number> {
    const pop3 = new Pop3Command({
      host: 'localhost',
      port: organization.pop3.tls,
      tls: true,
      user: bob.address,
      password: bob.password,
      tlsOptions: { ca: organization.ca },
    });
    const list = await pop3.UIDL();
    for (let number = 1; number <= list.length; number += 1) await pop3.RETR(number);
    await pop3.QUIT();
    return list.length;
  }

  async function withImap<T>(user: TestUser, act: (client: ImapFlow) => Promise<T>): Promise<T> {
    const client = new ImapFlow({
      host: 'localhost',
      port: organization.imap.tls,
      secure: true,
      auth: { user: user.address, pass: user.password },
      tls: { ca: organization.ca },
      logger: false,
    });
    await client.connect();
    try {
      return await act(client);
    } finally {
      await client.logout();
    }
  }

  const receipts = (): Promise<string[]> =>
    withImap(alice, async (client) => {
      await client.mailboxOpen('INBOX');
      const found: string[] = [];
      for await (const { source } of client.fetch('1:*', { source: true })) found.push(source?.toString('utf8') ?? '');
      return found;
    });

  test('one for each message, however often it is downloaded', async () => {
    await send('first');
    assert.equal(await downloadAll(), 1);
    assert.equal(await downloadAll(), 1);
    const [receipt = '', ...more] = await receipts();
    assert.deepEqual(more, []);
    assert.match(receipt, /^Return-Path: <>\r\n/);
    assert.match(receipt, /^From: .*<bob@example\.test>\r$/m);
    assert.match(receipt, /^Subject: Read: first\r$/m);
    assert.match(receipt, /^Final-Recipient: rfc822;bob@example\.test\r$/m);
    assert.match(receipt, /^Disposition: automatic-action\/MDN-sent-automatically; displayed\r$/m);
    const flags = await withImap(bob, async (client) => {
      await client.mailboxOpen('INBOX');
      const message = await client.fetchOne('1', { flags: true });
      return message === false ? [] : [...(message.flags ?? [])];
    });
    assert.ok(flags.includes('$MDNSent'), `mail programs see that it was sent: ${flags.join(' ')}`);
  });

  test('none for mail that a client appends', async () => {
    const source = await withImap(bob, async (client) => {
      await client.mailboxOpen('INBOX');
      const message = await client.fetchOne('1', { source: true, internalDate: true });
      assert.ok(message !== false && message.source !== undefined);
      await client.append('INBOX', message.source);
      return message.source;
    });
    assert.match(source.toString('utf8'), /^Disposition-Notification-To: /m);
    const before = (await receipts()).length;
    assert.equal(await downloadAll(), 2);
    assert.equal((await receipts()).length, before);
  });

  /** Resolves when the session is over, what it does in the background included. */
  async function fetchLast(item: 'BODY[]' | 'BODY.PEEK[]'): Promise<void> {
    const socket = connect({ host: 'localhost', port: organization.imap.tls, ca: organization.ca });
    await once(socket, 'secureConnect');
    const client = await RawImap.greeted(socket);
    for (const command of [`LOGIN ${bob.address} "${bob.password}"`, 'SELECT INBOX', `FETCH * (${item})`]) {
      assert.match((await client.command(command)).status, /^OK/);
    }
    const closed = once(socket, 'close');
    await client.command('LOGOUT');
    await closed;
  }

  test('IMAP4: BODY[] is a download, BODY.PEEK[] is none; with SuppressReadReceipt neither', async () => {
    await send('by IMAP');
    const before = (await receipts()).length;
    await fetchLast('BODY.PEEK[]');
    assert.equal((await receipts()).length, before);
    await organization.directory.setImapSettings(organization.server.id, { suppressReadReceipt: true });
    await organization.running.settled();
    await fetchLast('BODY[]');
    assert.equal((await receipts()).length, before);
    await organization.directory.setImapSettings(organization.server.id, { suppressReadReceipt: false });
    await organization.running.settled();
    await send('by IMAP again');
    await fetchLast('BODY[]');
    assert.equal((await receipts()).length, before + 1);
  });

  test('rendered messages are acknowledged by what was sent', async () => {
    const before = (await receipts()).length;
    await organization.directory.setPopSettings(organization.server.id, { messageRetrievalMimeFormat: 'HtmlOnly' });
    await organization.running.settled();
    await send('rendered');
    await downloadAll();
    await organization.directory.setPopSettings(organization.server.id, {
      messageRetrievalMimeFormat: 'BestBodyFormat',
    });
    await organization.running.settled();
    const all = await receipts();
    assert.ok(all.slice(before).some((receipt) => receipt.includes('Subject: Read: rendered')));
  });

  test('none with SuppressReadReceipt, from the next session on', async () => {
    const before = (await receipts()).length;
    await organization.directory.setPopSettings(organization.server.id, { suppressReadReceipt: true });
    await organization.running.settled();
    await send('second');
    const downloaded = await downloadAll();
    assert.equal((await receipts()).length, before);
    await organization.directory.setPopSettings(organization.server.id, { suppressReadReceipt: false });
    await organization.running.settled();
    assert.equal(await downloadAll(), downloaded);
    assert.equal((await receipts()).length, before + 1);
  });
});
