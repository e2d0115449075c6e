/**
 * The five quotas that a mailbox database and a mailbox have alike (exchange-behaviour.md §9.2), as rows of both
 * tables. The defaults are those of a database; a mailbox says Unlimited and leaves it to its database.
 */
import type { Quotas } from '../model.ts';
import type { Setting } from './schema.ts';
import * as type from './value-types.ts';

const GIGABYTE = 1024 ** 3;
/** Exchange's admin pages take 0–2047 GB. */
const size = type.byteSize({ min: 0, max: 2047 * GIGABYTE, unlimited: true });

export const DATABASE_QUOTAS: Quotas = {
  issueWarningQuota: 2_039_480_320,
  prohibitSendQuota: 2_147_483_648,
  prohibitSendReceiveQuota: 2_469_396_480,
  recoverableItemsQuota: 30 * GIGABYTE,
  recoverableItemsWarningQuota: 20 * GIGABYTE,
};

const quota = (name: string, initial: number, help: string): Setting<number> => ({
  name,
  type: size,
  scope: 'backEnd',
  effect: 'live',
  help,
  initial: () => initial,
});

export function quotaSettings(initial: Quotas): { readonly [K in keyof Quotas]-?: Setting<Quotas[K]> } {
  return {
    issueWarningQuota: quota(
      'IssueWarningQuota',
      initial.issueWarningQuota,
      'Size from which the owner is warned by mail once a day; below ProhibitSendQuota.',
    ),
    prohibitSendQuota: quota(
      'ProhibitSendQuota',
      initial.prohibitSendQuota,
      'Size from which the owner cannot send; at most ProhibitSendReceiveQuota.',
    ),
    prohibitSendReceiveQuota: quota(
      'ProhibitSendReceiveQuota',
      initial.prohibitSendReceiveQuota,
      'Size from which nothing comes in: senders get 5.2.2 mailbox full.',
    ),
    recoverableItemsQuota: quota(
      'RecoverableItemsQuota',
      initial.recoverableItemsQuota,
      'Size of deleted and recoverable items, which do not count in the mailbox quotas.',
    ),
    recoverableItemsWarningQuota: quota(
      'RecoverableItemsWarningQuota',
      initial.recoverableItemsWarningQuota,
      'Size of recoverable items from which a warning is logged; below RecoverableItemsQuota.',
    ),
  };
}
