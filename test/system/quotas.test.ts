/**
 * Quotas on a running server, changed while it runs (issue 3, part 3): APPEND and COPY, SMTP, the mails of the three
 * thresholds.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ImapFlow } from 'imapflow';
import nodemailer from 'nodemailer';
import { startOrganization, type TestOrganization } from '../support/organization.ts';

let organization: TestOrganization;
before(async () => {
  organization = await startOrganization({ engine: 'sqlite' });
});
after(() => organization.stop());

async function asAlice<T>(work: (client: ImapFlow) => Promise<T>): Promise<T> {
  const { address, password } = organization.user(0);
  const client = new ImapFlow({
    host: '127.0.0.1',
    port: organization.imap.tls,
    secure: true,
    auth: { user: address, pass: password },
    tls: { ca: organization.ca, servername: 'localhost' },
    logger: false,
  });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.logout();
  }
}

async function send(bytes: number): Promise<void> {
  const { address, password } = organization.user(1);
  const transport = nodemailer.createTransport({
    host: '127.0.0.1',
    port: organization.smtp.submissions,
    secure: true,
    auth: { user: address, pass: password },
    tls: { ca: organization.ca, servername: 'localhost' },
  });
  try {
    await transport.sendMail({
      from: address,
      to: organization.user(0).address,
      subject: 'filling',
      text: `${'x'.repeat(70)}\n`.repeat(Math.ceil(bytes / 71)),
    });
  } finally {
    transport.close();
  }
}

const subjects = (client: ImapFlow): Promise<string[]> =>
  client.mailboxOpen('INBOX').then(async () => {
    const found: string[] = [];
    for await (const message of client.fetch('1:*', { envelope: true })) found.push(message.envelope?.subject ?? '');
    return found;
  });

const limit = (limits: { warning: number; send: number; receive: number }): Promise<unknown> =>
  organization.directory.setMailboxSettings(organization.user(0).account.id, {
    useDatabaseQuotaDefaults: false,
    issueWarningQuota: limits.warning,
    prohibitSendQuota: limits.send,
    prohibitSendReceiveQuota: limits.receive,
  });

test('APPEND and COPY over the quota are refused with OVERQUOTA; deleting makes room', async () => {
  await asAlice(async (client) => {
    await limit({ warning: 900_000, send: 950_000, receive: 1_000_000 });
    const big = Buffer.from(`Subject: big\r\n\r\n${'x'.repeat(600_000)}\r\n`);
    await client.append('INBOX', big);
    // RFC 9208: programs show how full it is.
    const quota = await client.getQuota('INBOX');
    assert.ok(typeof quota === 'object' && quota.storage !== undefined);
    assert.equal(quota.storage.limit, Math.floor(1_000_000 / 1024) * 1024);
    assert.ok((quota.storage.usage ?? 0) >= 600_000);
    await assert.rejects(client.append('INBOX', big), (error: unknown) => {
      assert.ok(error instanceof Error);
      assert.match(JSON.stringify(error), /OVERQUOTA/);
      return true;
    });
    await client.mailboxOpen('INBOX');
    // imapflow answers false where the server says NO.
    assert.equal(await client.messageCopy('1', 'Drafts').catch(() => false), false);
    await client.messageMove('1', 'Drafts');
    await client.mailboxOpen('Drafts');
    await client.messageDelete('1:*');
    await client.append('INBOX', big);
    await client.mailboxOpen('INBOX');
    await client.messageDelete('1:*');
  });
});

test('the three thresholds write their mails, and a full mailbox sends new mail back with 5.2.2', async () => {
  await limit({ warning: 200_000, send: 300_000, receive: 400_000 });
  await send(220_000);
  await send(120_000);
  await assert.rejects(send(120_000), /552 5\.2\.2/);
  await organization.running.settled();
  const found = await asAlice(subjects);
  assert.deepEqual(found.filter((subject) => subject !== 'filling').toSorted(), [
    'Your mailbox is almost full',
    'Your mailbox is full: you cannot send mail',
    'Your mailbox is full: you cannot send or receive mail',
  ]);
});
