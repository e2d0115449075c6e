/** Get-MailboxFolderStatistics: the folders of a mailbox with what they hold (exchange-behaviour.md §11). */
import { enumeration } from '../../directory/settings/value-types.ts';
import { boolean } from '../../directory/settings/value-types.ts';
import type { Mailbox } from '../../store/api.ts';
import type { Folder, SpecialUse } from '../../store/model.ts';
import type { CmdletObject, Parameter, ReadingCmdlet } from '../cmdlet.ts';
import { domainControllerParameter, type MailboxAccount, mailboxNamed } from './identity.ts';
import { sizeCell } from './mailbox-statistics.ts';
import { MAY_READ_RECIPIENTS, oneMailbox } from './recipient-facts.ts';
import { applying } from './results.ts';
import { StoredMailboxes } from './stored-mailboxes.ts';

/** Exchange's order; those after NonIpmRoot have no folder here and show nothing. */
const SCOPES = [
  'All',
  'Inbox',
  'Calendar',
  'Contacts',
  'SentItems',
  'DeletedItems',
  'Drafts',
  'JunkEmail',
  'Archive',
  'RecoverableItems',
  'NonIpmRoot',
  'Outbox',
  'Notes',
  'Tasks',
  'Journal',
] as const;
type Scope = (typeof SCOPES)[number];

const USE_OF_SCOPE: Readonly<Partial<Record<Scope, SpecialUse>>> = {
  Inbox: 'inbox',
  Calendar: 'calendar',
  Contacts: 'contacts',
  SentItems: 'sent',
  DeletedItems: 'trash',
  Drafts: 'drafts',
  JunkEmail: 'junk',
  Archive: 'archive',
  RecoverableItems: 'recoverable',
};

function folderType(folder: Folder): string {
  const scope = Object.entries(USE_OF_SCOPE).find(([, use]) => use === folder.specialUse)?.[0];
  return scope === 'RecoverableItems' ? 'RecoverableItemsRoot' : (scope ?? 'User Created');
}

const isBelow = (folder: Folder, root: Folder): boolean => folder.name.startsWith(`${root.name}/`);

function inScope(folders: readonly Folder[], scope: Scope): readonly Folder[] {
  if (scope === 'All') return folders;
  if (scope === 'NonIpmRoot') return folders.filter((folder) => folder.kind === 'recoverable');
  const use = USE_OF_SCOPE[scope];
  const root = use === undefined ? undefined : folders.find((folder) => folder.specialUse === use);
  return root === undefined ? [] : folders.filter((folder) => folder === root || isBelow(folder, root));
}

/** Null: the folder is empty. */
async function receivedDates(
  mailbox: Mailbox,
  folder: Folder,
): Promise<readonly [oldest: string, newest: string] | null> {
  const view = await mailbox.view(folder.id);
  try {
    const { columns } = view;
    let [oldest, newest] = [Infinity, -Infinity];
    for (let row = 0; row < columns.length; row += 1) {
      const date = columns.internalDate[row]!;
      if (date < oldest) oldest = date;
      if (date > newest) newest = date;
    }
    const text = (seconds: number): string => new Date(seconds * 1000).toISOString();
    return columns.length === 0 ? null : [text(oldest), text(newest)];
  } finally {
    view.close();
  }
}

async function statistics(
  account: MailboxAccount,
  mailbox: Mailbox,
  options: { readonly scope: Scope; readonly withDates: boolean },
): Promise<readonly CmdletObject[]> {
  const all = mailbox.folders();
  const objects: CmdletObject[] = [];
  for (const folder of inScope(all, options.scope).toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const subtree = all.filter((other) => other === folder || isBelow(other, folder));
    const sum = (fact: (one: Folder) => number): number => subtree.reduce((total, one) => total + fact(one), 0);
    const dates = options.withDates ? await receivedDates(mailbox, folder) : null;
    objects.push({
      Identity: account.alias,
      Name: folder.name.slice(folder.name.lastIndexOf('/') + 1),
      FolderPath: `/${folder.name}`,
      FolderType: folderType(folder),
      ItemsInFolder: folder.exists,
      UnreadItemsInFolder: folder.unseen,
      FolderSize: sizeCell(folder.bytes),
      ItemsInFolderAndSubfolders: sum((one) => one.exists),
      FolderAndSubfolderSize: sizeCell(sum((one) => one.bytes)),
      ...(options.withDates
        ? { OldestItemReceivedDate: dates?.[0] ?? null, NewestItemReceivedDate: dates?.[1] ?? null }
        : {}),
    });
  }
  return objects;
}

const folderScope: Parameter<Scope> = {
  name: 'FolderScope',
  type: enumeration(SCOPES),
  help: 'One kind of folder with those below it; All without it. Outbox, Notes, Tasks and Journal are of other programs and show nothing.',
};
const withDates: Parameter<boolean> = {
  name: 'IncludeOldestAndNewestItems',
  type: boolean,
  isSwitch: true,
  help: 'Adds when the oldest and the newest message arrived.',
};

export const getMailboxFolderStatistics: ReadingCmdlet = {
  name: 'Get-MailboxFolderStatistics',
  changes: false,
  synopsis: 'Shows the folders of a mailbox: messages, unread ones, sizes.',
  description: 'A mailbox nobody has used yet has no folders. Copies of a message count each.',
  parameters: [oneMailbox, folderScope, withDates, domainControllerParameter],
  examples: [
    { line: 'Get-MailboxFolderStatistics <Mailbox>', says: 'All folders.' },
    {
      line: 'Get-MailboxFolderStatistics <Mailbox> -FolderScope Inbox -IncludeOldestAndNewestItems',
      says: 'The Inbox, and since when mail lies there.',
    },
  ],
  roles: MAY_READ_RECIPIENTS,
  columns: ['FolderPath', 'FolderType', 'ItemsInFolder', 'UnreadItemsInFolder', 'FolderSize'],
  run({ args, services }) {
    return applying(async () => {
      const account = await mailboxNamed(services.directory, args.get(oneMailbox));
      const options = { scope: args.optional(folderScope) ?? 'All', withDates: args.optional(withDates) ?? false };
      const stored = new StoredMailboxes(services.mail);
      return (await stored.using(account, (mailbox) => statistics(account, mailbox, options))) ?? [];
    });
  },
};
