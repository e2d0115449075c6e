/** Mailbox settings in the light of the rest: what may be set, and which quotas count now (exchange-behaviour.md §9.2). */
import { Failure } from '../../../observe/failure.ts';
import type { Account, DatabaseSettings, MailboxSettings, Quotas, ThrottlingPolicy } from '../../model.ts';
import { checkQuotas } from '../../settings/rules.ts';
import { checkAssignable } from './throttling-policies.ts';

/** @throws Failure CANNOT, NONEXISTENT (policy) */
export function checkMailbox(
  policies: readonly ThrottlingPolicy[],
  patch: Partial<MailboxSettings>,
  merged: MailboxSettings,
  account: Account,
): void {
  if (account.mailbox === null)
    throw new Failure('CANNOT', `${account.alias} has no mailbox; make one: Enable-Mailbox`);
  checkQuotas(merged);
  if (patch.throttlingPolicy !== undefined && patch.throttlingPolicy !== '')
    checkAssignable(policies, patch.throttlingPolicy);
}

/** `ofDatabase`: settings of the database that holds the mailbox. */
export function effectiveQuotas(own: MailboxSettings, ofDatabase: DatabaseSettings): Quotas {
  const from: Quotas = own.useDatabaseQuotaDefaults ? ofDatabase : own;
  return {
    issueWarningQuota: from.issueWarningQuota,
    prohibitSendQuota: from.prohibitSendQuota,
    prohibitSendReceiveQuota: from.prohibitSendReceiveQuota,
    recoverableItemsQuota: from.recoverableItemsQuota,
    recoverableItemsWarningQuota: from.recoverableItemsWarningQuota,
  };
}
