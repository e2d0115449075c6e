/** Get-/Set-Mailbox: what a mailbox has besides its names and its client access (exchange-behaviour.md §9.1, §9.2, §11). */
import type { MailboxSettings } from '../model.ts';
import { DELETED_ITEM_RETENTION, retention } from './database.ts';
import { DATABASE_QUOTAS, quotaSettings } from './quotas.ts';
import { type Effect, type Setting, SettingsSchema } from './schema.ts';
import * as type from './value-types.ts';

const flag = (name: string, initial: boolean, help: string, effect: Effect = 'live'): Setting<boolean> => ({
  name,
  type: type.boolean,
  scope: 'backEnd',
  effect,
  help,
  initial: () => initial,
});

const messageSize = (name: string, help: string): Setting<number> => ({
  name,
  type: type.byteSize({ min: 0, unlimited: true }),
  scope: 'both',
  effect: 'live',
  help,
  initial: () => type.UNLIMITED,
});

export const mailboxSchema = new SettingsSchema<MailboxSettings>('Mailbox', {
  ...quotaSettings({
    ...DATABASE_QUOTAS,
    issueWarningQuota: type.UNLIMITED,
    prohibitSendQuota: type.UNLIMITED,
    prohibitSendReceiveQuota: type.UNLIMITED,
  }),
  useDatabaseQuotaDefaults: flag(
    'UseDatabaseQuotaDefaults',
    true,
    'True: the quotas of the mailbox database count and those of the mailbox are ignored.',
  ),
  useDatabaseRetentionDefaults: flag(
    'UseDatabaseRetentionDefaults',
    true,
    'True: DeletedItemRetention of the mailbox database counts instead of RetainDeletedItemsFor.',
  ),
  retainDeletedItemsFor: {
    name: 'RetainDeletedItemsFor',
    type: retention,
    scope: 'backEnd',
    effect: 'live',
    help: 'How long deleted messages can be recovered; counts while UseDatabaseRetentionDefaults is false.',
    initial: () => DELETED_ITEM_RETENTION,
  },
  singleItemRecoveryEnabled: flag(
    'SingleItemRecoveryEnabled',
    false,
    'True: what the owner purges from recoverable items stays until its retention ends. Here no owner can purge them, so they always stay.',
    'recorded',
  ),
  maxSendSize: messageSize('MaxSendSize', "Largest message the owner sends; Unlimited: the organization's value."),
  maxReceiveSize: messageSize(
    'MaxReceiveSize',
    "Largest message the mailbox takes in; Unlimited: the organization's value.",
  ),
  recipientLimits: {
    name: 'RecipientLimits',
    type: type.integer({ min: 1, unlimited: true }),
    scope: 'both',
    effect: 'live',
    help: "Recipients of one message of the owner; Unlimited: the organization's MaxRecipientEnvelopeLimit.",
    initial: () => type.UNLIMITED,
  },
  hiddenFromAddressListsEnabled: flag(
    'HiddenFromAddressListsEnabled',
    false,
    'True: address lists do not show the mailbox. There are no address lists yet.',
    'recorded',
  ),
  throttlingPolicy: {
    name: 'ThrottlingPolicy',
    type: type.text({ max: 64 }),
    scope: 'both',
    effect: 'live',
    help: "Name of a throttling policy of scope Regular; empty: the organization's, then the global one.",
    initial: () => '',
  },
  language: {
    name: 'Language',
    type: type.languageTag,
    scope: 'both',
    effect: 'live',
    help: 'Language of what the server writes to the owner, such as quota mails.',
    initial: () => 'en-US',
  },
});
