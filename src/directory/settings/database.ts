/** Get-/Set-MailboxDatabase: quotas and retention for the mailboxes in it (exchange-behaviour.md §9.2, §11). */
import type { DatabaseSettings } from '../model.ts';
import { DATABASE_QUOTAS, quotaSettings } from './quotas.ts';
import { SettingsSchema } from './schema.ts';
import * as type from './value-types.ts';

const DAY = 86_400;
/** Exchange's upper end, 24855.03:14:07. */
const LONGEST = 2_147_483_647;
export const DELETED_ITEM_RETENTION = 14 * DAY;
/**
 * Seconds; 0 keeps nothing. A bare number that is typed is days, as Exchange's documentation writes it
 * (`-RetainDeletedItemsFor 30`): taken for seconds it would delete a month of mail.
 */
export const retention: type.ValueType<number> = (() => {
  const span = type.duration({ min: 0, max: LONGEST });
  return {
    ...span,
    accepts: `${type.formatTimeSpan(0)}–${type.formatTimeSpan(LONGEST)}, or a number of days`,
    parse: (text: string) => (/^\s*\d+\s*$/.test(text) ? span.read(Number(text) * DAY) : span.parse(text)),
  };
})();

export const databaseSchema = new SettingsSchema<DatabaseSettings>('MailboxDatabase', {
  ...quotaSettings(DATABASE_QUOTAS),
  mountAtStartup: {
    name: 'MountAtStartup',
    type: type.boolean,
    scope: 'backEnd',
    effect: 'live',
    help: 'False: the database stays closed when the server starts, and its mailboxes are not served; one that is open stays open until then. True opens it.',
    initial: () => true,
  },
  deletedItemRetention: {
    name: 'DeletedItemRetention',
    type: retention,
    scope: 'backEnd',
    effect: 'live',
    help: 'How long deleted messages can be recovered, unless the mailbox has RetainDeletedItemsFor.',
    initial: () => DELETED_ITEM_RETENTION,
  },
  mailboxRetention: {
    name: 'MailboxRetention',
    type: retention,
    scope: 'backEnd',
    effect: 'live',
    help: 'How long the mail of a removed mailbox is kept.',
    initial: () => 30 * DAY,
  },
});
