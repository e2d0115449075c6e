/**
 * What Set-Mailbox, Set-TransportConfig, Set-ThrottlingPolicy and Set-ReceiveConnector do to a running SMTP session:
 * each limit is set live, seen to act, and seen not to act before (issue 3, Must show 1).
 */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { AccountId, ReceiveConnector } from '../../src/directory/model.ts';
import { SmtpProtocolLog } from '../../src/observe/protocol-log/smtp.ts';
import { openMemoryDatabase } from '../../src/store/engine/memory/index.ts';
import { SmtpClient } from './smtp/client.ts';
import { openSmtpStage, type Role, type SmtpStage } from './smtp/stage.ts';

const ANN = 'AUTH PLAIN AGFubgBjb3JyZWN0IGhvcnNl';
const HELLO = 'From: ann@example.org\r\nSubject: Hello\r\n\r\nHello\r\n';

async function onStage(
  role: Role,
  act: (stage: SmtpStage, connect: () => Promise<SmtpClient>) => Promise<void>,
  change: Partial<ReceiveConnector> = {},
): Promise<void> {
  const stage = await openSmtpStage(openMemoryDatabase(), role, change);
  const clients: SmtpClient[] = [];
  try {
    await act(stage, async () => {
      const client = await SmtpClient.greeted(await stage.connect());
      clients.push(client);
      if (role === 'submission') await client.expect(ANN, '235');
      return client;
    });
    assert.deepEqual(stage.errors, []);
  } finally {
    for (const client of clients) client.hangUp();
    stage.drain.abort();
    await stage.close();
  }
}

async function idOf(stage: SmtpStage, alias: string): Promise<AccountId> {
  const account = await stage.directory.accountByLogonName(alias);
  assert.ok(account !== null);
  return account.id;
}

test('ProhibitSendQuota stops a full mailbox from sending, and no other', () =>
  onStage('submission', async (stage, connect) => {
    const client = await connect();
    await client.transfer('ann@example.org', ['ann@example.org'], HELLO);
    const ann = await idOf(stage, 'ann');
    await stage.directory.setMailboxSettings(ann, {
      useDatabaseQuotaDefaults: false,
      issueWarningQuota: 10,
      prohibitSendQuota: 20,
    });
    assert.match(await client.command('MAIL FROM:<ann@example.org>'), /^552 5\.2\.2 .*ProhibitSendQuota/);
    await stage.directory.setMailboxSettings(ann, { useDatabaseQuotaDefaults: true });
    await client.expect('MAIL FROM:<ann@example.org>', '250');
  }));

test('MaxSendSize of the mailbox is announced and held, MaxReceiveSize of the recipient is told at RCPT and at the end', () =>
  onStage('submission', async (stage, connect) => {
    const client = await connect();
    await stage.directory.setMailboxSettings(await idOf(stage, 'ann'), { maxSendSize: 2_000 });
    assert.match(await client.command('EHLO again'), /SIZE 2000/);
    await client.expect('MAIL FROM:<ann@example.org> SIZE=2001', '552 5.3.4');
    await stage.directory.setMailboxSettings(await idOf(stage, 'bob'), { maxReceiveSize: 500 });
    await client.expect('MAIL FROM:<ann@example.org> SIZE=1000', '250');
    assert.match(await client.command('RCPT TO:<bob@example.org>'), /^552 5\.2\.3 .*500 octets/);
    await client.expect('RSET', '250');
    const long = `${HELLO}${'x'.repeat(70)}\r\n`.padEnd(900, `${'y'.repeat(70)}\r\n`);
    assert.match(await client.transfer('ann@example.org', ['bob@example.org'], `${long}\r\n`), /^552 5\.2\.3/);
    assert.match(await client.transfer('ann@example.org', ['bob@example.org'], HELLO), /^250/);
  }));

test('MaxRecipientEnvelopeLimit and RecipientLimits: the mailbox overrides the organization', () =>
  onStage('submission', async (stage, connect) => {
    const client = await connect();
    await stage.directory.setOrganization({ maxRecipientEnvelopeLimit: 1 });
    await client.expect('MAIL FROM:<ann@example.org>', '250');
    await client.expect('RCPT TO:<ann@example.org>', '250');
    await client.expect('RCPT TO:<bob@example.org>', '550 5.5.3');
    await stage.directory.setMailboxSettings(await idOf(stage, 'ann'), { recipientLimits: 2 });
    await client.expect('RCPT TO:<bob@example.org>', '250');
    await client.expect('RCPT TO:<administrator@example.org>', '550 5.5.3');
  }));

test('MessageRateLimit and RecipientRateLimit of a throttling policy, with the wait they name', () =>
  onStage('submission', async (stage, connect) => {
    const client = await connect();
    await stage.directory.setThrottlingPolicy({
      name: 'slow',
      scope: 'Regular',
      limits: { messageRateLimit: 1, recipientRateLimit: 2 },
    });
    await stage.directory.setMailboxSettings(await idOf(stage, 'ann'), { throttlingPolicy: 'slow' });
    await client.expect('MAIL FROM:<ann@example.org>', '250');
    await client.expect('RCPT TO:<ann@example.org>', '250');
    await client.expect('RCPT TO:<bob@example.org>', '250');
    assert.match(
      await client.command('RCPT TO:<administrator@example.org>'),
      /^451 4\.7\.0 .*RecipientRateLimit.* 24 hours/,
    );
    await client.expect('RSET', '250');
    assert.match(await client.command('MAIL FROM:<ann@example.org>'), /^451 4\.7\.0 .*MessageRateLimit.* 60 seconds/);
    stage.advance(60_001);
    await client.expect('MAIL FROM:<ann@example.org>', '250');
  }));

test('SendAs lets one person send with the address of another, in the envelope and in From, until it is taken', () =>
  onStage('submission', async (stage, connect) => {
    const client = await connect();
    const permission = { mailbox: await idOf(stage, 'bob'), user: await idOf(stage, 'ann') };
    await client.expect('MAIL FROM:<bob@example.org>', '550 5.7.60');
    await stage.directory.setPermission({ ...permission, rights: ['FullAccess'] });
    await client.expect('MAIL FROM:<bob@example.org>', '550 5.7.60');
    await stage.directory.setPermission({ ...permission, rights: ['SendAs'] });
    const asBob = HELLO.replace('ann@', 'bob@');
    assert.match(await client.transfer('bob@example.org', ['ann@example.org'], asBob), /^250/);
    await stage.directory.setPermission({ ...permission, rights: [] });
    await client.expect('MAIL FROM:<bob@example.org>', '550 5.7.60');
  }));

test('NOTIFY=SUCCESS brings a delivery status notification, NOTIFY=NEVER none (RFC 3461)', () =>
  onStage('submission', async (stage, connect) => {
    const client = await connect();
    await client.expect('MAIL FROM:<ann@example.org> RET=HDRS ENVID=QQ+2B1', '250');
    await client.expect('RCPT TO:<bob@example.org> NOTIFY=SUCCESS ORCPT=rfc822;Bob+40example.org', '250');
    await client.expect('RCPT TO:<administrator@example.org> NOTIFY=NEVER', '250');
    await client.expect('DATA', '354');
    client.send(`${HELLO}.\r\n`);
    assert.match(await client.reply(), /^250/);
    const [report = '', ...more] = await stage.inbox('ann');
    assert.equal(more.length, 0);
    assert.match(report, /^Return-Path: <>/);
    assert.match(report, /report-type=delivery-status/);
    assert.match(report, /Original-Envelope-Id: QQ\+1\r\n/);
    assert.match(
      report,
      /Original-Recipient: rfc822;Bob@example\.org\r\nFinal-Recipient: rfc822;bob@example\.org\r\nAction: delivered\r\nStatus: 2\.1\.5/,
    );
    assert.doesNotMatch(report, /administrator/);
    assert.match(report, /Subject: Hello\r\n/);
    assert.doesNotMatch(report, /\r\nHello\r\n/, 'the header only');
  }));

test('DeliveryStatusNotificationEnabled false: not announced, not taken', () =>
  onStage(
    'inbound',
    async (_stage, connect) => {
      const client = await connect();
      assert.doesNotMatch(await client.command('EHLO again'), /DSN/);
      await client.expect('MAIL FROM:<a@b.example> RET=FULL', '555');
    },
    { deliveryStatusNotificationEnabled: false },
  ));

test('RequireEHLODomain wants a full name or an address', () =>
  onStage(
    'inbound',
    async (_stage, connect) => {
      const client = await connect();
      await client.expect('EHLO laptop', '501');
      await client.expect('EHLO laptop.example.net', '250');
      await client.expect('EHLO [192.0.2.1]', '250');
    },
    { requireEhloDomain: true },
  ));

test('recipient domains that lead nowhere are refused when the connector says so', () =>
  onStage(
    'inbound',
    async (_stage, connect) => {
      const client = await connect();
      await client.expect('MAIL FROM:<a@b.example>', '250');
      await client.expect('RCPT TO:<a@intranet>', '550 5.1.2');
      await client.expect('RCPT TO:<a@shop.test>', '550 5.1.2');
      await client.expect('RCPT TO:<ann@example.org>', '550 5.1.2');
      await client.expect('RCPT TO:<jürgen@bücher.example>'.replace('jürgen@bücher', 'j@b'), '550 5.1.2');
    },
    {
      rejectSingleLabelRecipientDomains: true,
      rejectReservedTopLevelRecipientDomains: true,
      rejectReservedSecondLevelRecipientDomains: true,
    },
  ));

test('the protocol log of a Verbose connector has every line and no secret', async () => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'penfold-smtp-log-'));
  const log = new SmtpProtocolLog({
    version: '1',
    settings: () => ({
      directory,
      prefix: 'RECV',
      rollOver: 'Daily',
      perFileQuota: 0,
      maxAge: 0,
      maxDirectorySize: Infinity,
    }),
    onTrouble: assert.fail,
  });
  try {
    const stage = await openSmtpStage(openMemoryDatabase(), 'submission', { protocolLoggingLevel: 'Verbose' }, log);
    const client = await SmtpClient.greeted(await stage.connect());
    await client.expect(ANN, '235');
    await client.expect('RSET', '250');
    await client.expect('QUIT', '221');
    stage.drain.abort();
    await stage.close();
    await log.flush();
    const [name = ''] = await readdir(directory);
    const text = await readFile(path.join(directory, name), 'utf8');
    assert.match(text, /,\+,,\r\n/);
    assert.match(text, /,<,AUTH PLAIN \*{5},\r\n/);
    assert.match(text, /,\*,,authenticated as ann@example\.org\r\n/);
    assert.match(text, /,>,221 2\.0\.0/);
    assert.match(text, /,-,,Local\r\n$/);
    assert.doesNotMatch(text, /AGFubg|correct horse/);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
