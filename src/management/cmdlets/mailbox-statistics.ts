/** Get-MailboxStatistics: how many messages, how large, how near to a quota (exchange-behaviour.md §9.2, §11). */
import type { DatabaseRecord, Quotas } from '../../directory/model.ts';
import { byteSize, UNLIMITED } from '../../directory/settings/value-types.ts';
import { Failure } from '../../observe/failure.ts';
import type { MailboxUsage } from '../../store/api.ts';
import type { CmdletCall, CmdletObject, Quantity, ReadingCmdlet } from '../cmdlet.ts';
import { domainControllerParameter, type MailboxAccount, mailboxNamed } from './identity.ts';
import { filterParameter } from './opath-filter.ts';
import {
  anyMailbox,
  databaseName,
  inDatabase,
  listMailboxes,
  MAY_READ_RECIPIENTS,
  resultSize,
} from './recipient-facts.ts';
import { StoredMailboxes } from './stored-mailboxes.ts';

const sizeType = byteSize({ min: 0, max: Number.MAX_SAFE_INTEGER });
export const sizeCell = (bytes: number): Quantity => ({ text: sizeType.format(bytes), value: bytes });

const EMPTY: MailboxUsage = { bytes: 0, messages: 0, recoverableBytes: 0, recoverableMessages: 0 };

export type StorageLimitStatus = 'BelowLimit' | 'IssueWarning' | 'ProhibitSend' | 'MailboxDisabled';

/** As submission and delivery judge: a quota counts from its size on. */
export function storageLimitStatus(bytes: number, quotas: Quotas): StorageLimitStatus {
  const reached = (quota: number): boolean => quota !== UNLIMITED && bytes >= quota;
  if (reached(quotas.prohibitSendReceiveQuota)) return 'MailboxDisabled';
  if (reached(quotas.prohibitSendQuota)) return 'ProhibitSend';
  return reached(quotas.issueWarningQuota) ? 'IssueWarning' : 'BelowLimit';
}

/** Of the sessions that are open now, the latest: user principal name → ms since 1970. */
function openLogons({ services }: CmdletCall): ReadonlyMap<string, number> {
  const latest = new Map<string, number>();
  for (const { user, since } of services.running?.sessions() ?? [])
    if (since > (latest.get(user) ?? 0)) latest.set(user, since);
  return latest;
}

interface Around {
  readonly stored: StoredMailboxes;
  readonly databases: readonly DatabaseRecord[];
  readonly logons: ReadonlyMap<string, number>;
}

async function statistics(call: CmdletCall, around: Around, account: MailboxAccount): Promise<CmdletObject> {
  const usage = (await around.stored.using(account, async (mailbox) => mailbox.usage())) ?? EMPTY;
  const quotas = await call.services.directory.effectiveQuotas(account.id);
  const uses = await call.services.directory.lastUses(account.id);
  const last = Math.max(around.logons.get(account.userPrincipalName) ?? 0, ...uses.map(({ at }) => at));
  return {
    Identity: account.alias,
    DisplayName: account.displayName,
    ItemCount: usage.messages,
    TotalItemSize: sizeCell(usage.bytes),
    DeletedItemCount: usage.recoverableMessages,
    TotalDeletedItemSize: sizeCell(usage.recoverableBytes),
    StorageLimitStatus: storageLimitStatus(usage.bytes, quotas),
    LastLogonTime: last === 0 ? null : new Date(last).toISOString(),
    Database: databaseName(around.databases, account),
    MailboxGuid: account.mailbox.id,
  };
}

export const getMailboxStatistics: ReadingCmdlet = {
  name: 'Get-MailboxStatistics',
  changes: false,
  synopsis: 'Shows how many messages a mailbox holds, how large they are, and how near it is to a quota.',
  description:
    'TotalItemSize is what counts against the quotas; recoverable items have a quota of their own and are in TotalDeletedItemSize. LastLogonTime is the last use by any protocol: of sessions that are open now to the second, else minutes behind; empty when the mailbox was never used. Mailboxes nobody has used yet are shown as empty.',
  parameters: [anyMailbox, inDatabase, filterParameter, resultSize, domainControllerParameter],
  examples: [
    { line: 'Get-MailboxStatistics <Mailbox>', says: 'One mailbox.' },
    {
      line: 'Get-MailboxStatistics -ResultSize Unlimited | Sort TotalItemSize -Descending | Select DisplayName,TotalItemSize -First 10',
      says: 'The ten largest.',
    },
    {
      line: "Get-MailboxStatistics -Filter {StorageLimitStatus -ne 'BelowLimit'}",
      says: 'Those near or over a quota.',
    },
  ],
  roles: MAY_READ_RECIPIENTS,
  columns: ['DisplayName', 'ItemCount', 'TotalItemSize', 'StorageLimitStatus', 'LastLogonTime', 'Database'],
  async *run(call) {
    const { args, services } = call;
    const { directory } = services;
    const around: Around = {
      stored: new StoredMailboxes(services.mail),
      databases: await directory.databases(),
      logons: openLogons(call),
    };
    const typed = args.optional(anyMailbox);
    if (typed !== undefined) {
      yield await statistics(call, around, await mailboxNamed(directory, typed));
      return;
    }
    yield* listMailboxes(call, async (account) => {
      try {
        return await statistics(call, around, account);
      } catch (error) {
        // One that cannot be opened, or that went meanwhile, does not hide the others.
        if (!(error instanceof Failure)) throw error;
        call.warn(`${account.alias}: ${error.message}`);
        return null;
      }
    });
  },
};
