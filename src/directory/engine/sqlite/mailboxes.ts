/** Mailbox settings in the light of the rest: what may be set, and which quotas count now (exchange-behaviour.md §9.2). */
import { Failure } from '../../../observe/failure.ts';
import type { Account, DatabaseId, DatabaseSettings, MailboxSettings, Quotas } from '../../model.ts';
import { checkQuotas } from '../../settings/rules.ts';
import type { ThrottlingPolicies } from './throttling-policies.ts';

/** @throws Failure CANNOT, NONEXISTENT (policy) */
export function checkMailbox(
  policies: ThrottlingPolicies,
  patch: Partial<MailboxSettings>,
  merged: MailboxSettings,
  account: Account,
): void {
  if (account.mailbox === null)
    throw new Failure('CANNOT', `${account.alias} has no mailbox; make one: Enable-Mailbox`);
  checkQuotas(merged);
  if (patch.throttlingPolicy !== undefined && patch.throttlingPolicy !== '')
    policies.checkAssignable(patch.throttlingPolicy);
}

/** @throws Failure NONEXISTENT when the account has no mailbox */
export function effectiveQuotas(
  account: Account,
  own: MailboxSettings,
  ofDatabase: (id: DatabaseId) => DatabaseSettings,
): Quotas {
  if (account.mailbox === null) throw new Failure('NONEXISTENT', `${account.alias} has no mailbox`);
  const from: Quotas = own.useDatabaseQuotaDefaults ? ofDatabase(account.mailbox.database) : own;
  return {
    issueWarningQuota: from.issueWarningQuota,
    prohibitSendQuota: from.prohibitSendQuota,
    prohibitSendReceiveQuota: from.prohibitSendReceiveQuota,
    recoverableItemsQuota: from.recoverableItemsQuota,
    recoverableItemsWarningQuota: from.recoverableItemsWarningQuota,
  };
}
