import assert from 'node:assert/strict';
import type { Buffer } from 'node:buffer';
import { test } from 'node:test';
import { accountId, type Account, databaseId, type Quotas } from '../directory/model.ts';
import { type Log, silentLog } from '../observe/log.ts';
import { mailboxId } from '../store/model.ts';
import { QuotaNotices, thresholdReached } from './quota-notices.ts';

const MB = 1024 * 1024;
const quotas: Quotas = {
  issueWarningQuota: 8 * MB,
  prohibitSendQuota: 10 * MB,
  prohibitSendReceiveQuota: 12 * MB,
  recoverableItemsQuota: Infinity,
  recoverableItemsWarningQuota: Infinity,
};

test('thresholds', () => {
  const reached = (used: number, change: Partial<Quotas> = {}): unknown =>
    thresholdReached(used, { ...quotas, ...change });
  assert.equal(reached(7 * MB), null);
  assert.equal(reached(8 * MB), 'IssueWarning');
  assert.equal(reached(10 * MB), 'ProhibitSend');
  assert.equal(reached(12 * MB - 1000), 'ProhibitSend', 'the last one shows when a message is refused');
  assert.equal(reached(1 * MB, { issueWarningQuota: 1 * MB }), null, 'less than half of ProhibitSend');
  assert.equal(reached(1 * MB, { issueWarningQuota: 1 * MB, prohibitSendQuota: Infinity }), 'IssueWarning');
  assert.equal(
    reached(1e15, { issueWarningQuota: Infinity, prohibitSendQuota: Infinity, prohibitSendReceiveQuota: Infinity }),
    null,
  );
});

const account: Account = {
  id: accountId('ada'),
  kind: 'user',
  enabled: true,
  displayName: 'Ada',
  alias: 'ada',
  userPrincipalName: 'ada@example.org',
  mailbox: {
    id: mailboxId('m'),
    database: databaseId('d'),
    primaryAddress: 'ada@example.org',
    addresses: ['ada@example.org'],
  },
};

test('one notice a day and threshold, none about itself', async () => {
  const subjects: string[] = [];
  const errors: object[] = [];
  const log: Log = { ...silentLog, error: (fields) => void errors.push(fields) };
  let now = Date.UTC(2026, 0, 1);
  const notices = new QuotaNotices({
    transport: {
      begin: (envelope) => {
        assert.equal(envelope.reversePath, '');
        return {
          write: (chunk: Buffer) => {
            subjects.push(/^Subject: (.*)$/m.exec(chunk.toString())?.[1]?.trim() ?? '');
          },
          finish: () => {
            notices.afterDelivery(account, 9 * MB);
            return Promise.resolve({ delivered: [], failed: [] });
          },
          abort: () => Promise.resolve(),
        };
      },
    },
    quotasOf: () => quotas,
    serverName: 'mail.example.org',
    postmaster: () => Promise.resolve('postmaster@example.org'),
    log,
    now: () => now,
  });
  notices.afterDelivery(account, 1 * MB);
  notices.afterDelivery(account, 9 * MB);
  await notices.settled();
  notices.afterDelivery(account, 9 * MB);
  await notices.settled();
  assert.deepEqual(subjects, ['Your mailbox is almost full']);
  now += 86_400_001;
  notices.afterDelivery(account, 9 * MB);
  await notices.settled();
  assert.equal(subjects.length, 2);
  notices.afterDelivery(account, 11 * MB);
  await notices.settled();
  assert.equal(subjects[2], 'Your mailbox is full: you cannot send mail');
  // Who deletes a little and gets more all day long crosses the threshold again and again.
  for (const used of [9 * MB, 11 * MB, 9 * MB, 11 * MB]) {
    notices.afterDelivery(account, used);
    await notices.settled();
  }
  assert.equal(subjects.length, 3);
  notices.refused(account, 12 * MB - 1000);
  notices.refused(account, 12 * MB - 1000);
  await notices.settled();
  assert.equal(subjects[3], 'Your mailbox is full: you cannot send or receive mail');
  assert.equal(subjects.length, 4);
  assert.deepEqual(errors, []);
});
