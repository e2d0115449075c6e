/**
 * The mails about a mailbox that fills up (exchange-behaviour.md §9.2): at the warning, at ProhibitSend and at
 * ProhibitSendReceive. One a day and threshold, no warning while the mailbox is less than half full, none about notices.
 */
import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import type { Account, Quotas } from '../directory/model.ts';
import type { Log } from '../observe/log.ts';
import { tally } from '../observe/metrics/tally.ts';
import type { Transport } from './api.ts';

export type QuotaThreshold = 'IssueWarning' | 'ProhibitSend' | 'ProhibitSendReceive';

const DAY_MS = 86_400_000;
/** Notices remembered. */
const REMEMBERED = 100_000;
/** A warning below this share of ProhibitSend would cry wolf (§9.2). */
const WARNING_SHARE = 0.5;
/** Null: none is reached. The last one shows only when a message is refused: the store lets nothing go beyond it. */
export function thresholdReached(used: number, quotas: Quotas): QuotaThreshold | null {
  if (used >= quotas.prohibitSendQuota) return 'ProhibitSend';
  const worthIt = quotas.prohibitSendQuota === Infinity || used > quotas.prohibitSendQuota * WARNING_SHARE;
  return used >= quotas.issueWarningQuota && worthIt ? 'IssueWarning' : null;
}

export interface QuotaNoticeOptions {
  readonly transport: Pick<Transport, 'begin'>;
  /** Null: not known now. */
  readonly quotasOf: (account: Account) => Quotas | null;
  readonly serverName: string;
  readonly postmaster: () => Promise<string>;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

export class QuotaNotices {
  readonly #options: QuotaNoticeOptions;
  /** Milliseconds, by account and threshold. */
  readonly #last = new Map<string, number>();
  #sending: Promise<void> = Promise.resolve();

  constructor(options: QuotaNoticeOptions) {
    this.#options = options;
  }

  /** A copy was delivered and the mailbox now holds `used` octets. Never waits, never throws. */
  readonly afterDelivery = (account: Account, used: number): void => {
    const quotas = this.#options.quotasOf(account);
    const threshold = quotas === null ? null : thresholdReached(used, quotas);
    if (quotas !== null && threshold !== null) this.#notify(account, threshold, used, quotas);
  };

  /** A message was refused because the mailbox, which holds `used` octets, is full. */
  readonly refused = (account: Account, used: number): void => {
    const quotas = this.#options.quotasOf(account);
    if (quotas !== null) this.#notify(account, 'ProhibitSendReceive', used, quotas);
  };

  #notify(account: Account, threshold: QuotaThreshold, used: number, quotas: Quotas): void {
    const now = (this.#options.now ?? Date.now)();
    const key = `${account.id} ${threshold}`;
    const last = this.#last.get(key);
    if (last !== undefined && now - last < DAY_MS) return;
    // Before it is sent: the notice itself is a delivery and comes by here.
    this.#last.delete(key);
    this.#last.set(key, now);
    if (this.#last.size > REMEMBERED) this.#last.delete(this.#last.keys().next().value ?? '');
    this.#sending = this.#sending
      .then(() => this.#send(account, threshold, used, quotas, now))
      .catch((error: unknown) => {
        this.#options.log.error({ user: account.userPrincipalName, error: String(error) }, 'a quota notice failed');
      });
  }

  /** Notices begun before this call have been delivered or have failed. */
  settled(): Promise<void> {
    return this.#sending;
  }

  async #send(account: Account, threshold: QuotaThreshold, used: number, quotas: Quotas, now: number): Promise<void> {
    if (account.mailbox === null) return;
    const { transport, serverName, postmaster, log } = this.#options;
    const address = account.mailbox.primaryAddress;
    const id = randomUUID();
    const message = transport.begin(
      {
        id,
        reversePath: '',
        recipients: [{ address, account, mailbox: account.mailbox }],
        receivedAt: now,
        // It has to arrive in a mailbox that is full.
        ignoreQuota: true,
      },
      Buffer.from('Return-Path: <>\r\n'),
    );
    const text = [
      `From: Mail server <${await postmaster()}>`,
      `To: <${address}>`,
      `Subject: ${SUBJECTS[threshold]}`,
      `Date: ${new Date(now).toUTCString().replace('GMT', '+0000')}`,
      `Message-ID: <${id}@${serverName}>`,
      'Auto-Submitted: auto-generated',
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=utf-8',
      '',
      `Your mailbox ${address} holds ${size(used)}.`,
      '',
      ...bodyOf(threshold, quotas),
      '',
      'Delete messages you do not need, and empty the folder they went to, or ask your administrator for more room.',
      '',
    ];
    try {
      await message.write(Buffer.from(text.join('\r\n'), 'utf8'));
    } catch (error) {
      await message.abort();
      throw error;
    }
    const { failed } = await message.finish();
    tally.quotaNotices.add([threshold]);
    log.info({ user: account.userPrincipalName, threshold, used, sent: failed.length === 0 }, 'quota notice');
  }
}

const SUBJECTS: Readonly<Record<QuotaThreshold, string>> = {
  IssueWarning: 'Your mailbox is almost full',
  ProhibitSend: 'Your mailbox is full: you cannot send mail',
  ProhibitSendReceive: 'Your mailbox is full: you cannot send or receive mail',
};

function bodyOf(threshold: QuotaThreshold, quotas: Quotas): readonly string[] {
  switch (threshold) {
    case 'IssueWarning':
      return quotas.prohibitSendQuota === Infinity
        ? ['That is more than its warning level.']
        : [`At ${size(quotas.prohibitSendQuota)} you can send no more mail.`];
    case 'ProhibitSend':
      return [
        `That is more than ${size(quotas.prohibitSendQuota)}: you can send no mail until you have made room.`,
        ...(quotas.prohibitSendReceiveQuota === Infinity
          ? []
          : [`At ${size(quotas.prohibitSendReceiveQuota)} mail to you is returned to its senders.`]),
      ];
    case 'ProhibitSendReceive':
      return [
        `Its limit is ${size(quotas.prohibitSendReceiveQuota)}. Mail that does not fit is returned to its senders, and you can send none.`,
      ];
  }
}

function size(octets: number): string {
  for (const [unit, name] of [
    [1024 ** 3, 'GB'],
    [1024 ** 2, 'MB'],
    [1024, 'KB'],
  ] as const) {
    if (octets >= unit) return `${(octets / unit).toFixed(1)} ${name}`;
  }
  return `${octets} bytes`;
}
