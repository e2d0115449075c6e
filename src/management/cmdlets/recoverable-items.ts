/**
 * Search-RecoverableItems and Restore-RecoverableItems: messages that were deleted within DeletedItemRetention, and the
 * way back to where they were (exchange-behaviour.md §9.2, §11). Both look into somebody's mail, so both stand in the
 * audit log, and who only reads settings may not run them.
 */
import type { Mailbox } from '../../store/api.ts';
import { DELETED, type Folder, type FolderId } from '../../store/model.ts';
import { boolean, integer, text } from '../../directory/settings/value-types.ts';
import { Failure } from '../../observe/failure.ts';
import type {
  Arguments,
  ChangingCmdlet,
  Cmdlet,
  CmdletCall,
  CmdletObject,
  Parameter,
  ReadingCmdlet,
} from '../cmdlet.ts';
import { dateTime } from './date-time.ts';
import { domainControllerParameter, type MailboxAccount, mailboxNamed } from './identity.ts';
import { sizeCell } from './mailbox-statistics.ts';
import { DEFAULT_RESULT_SIZE, oneMailbox } from './recipient-facts.ts';
import { type FoundItem, findItems, itemId, type ItemQuery, summaryOf } from './recoverable-search.ts';
import { applying } from './results.ts';
import { StoredMailboxes } from './stored-mailboxes.ts';

/** Messages moved in one commit. */
const MOVED_AT_ONCE = 1000;
const SEARCH_LENGTH = 1000;

const subjectContains: Parameter<string> = {
  name: 'SubjectContains',
  type: text({ min: 1, max: SEARCH_LENGTH }),
  help: 'Part of the subject, in any case.',
};
const searchString: Parameter<string> = {
  name: 'SearchString',
  type: text({ min: 1, max: SEARCH_LENGTH }),
  help: 'Text anywhere in the message, in any case.',
};
const from: Parameter<string> = {
  name: 'From',
  aliases: ['Sender'],
  type: text({ min: 1, max: SEARCH_LENGTH }),
  help: 'Part of the name or address of the sender.',
};
const startDate: Parameter<number> = {
  name: 'StartDate',
  aliases: ['FilterStartTime'],
  type: dateTime,
  help: 'Deleted then or later.',
};
const endDate: Parameter<number> = {
  name: 'EndDate',
  aliases: ['FilterEndTime'],
  type: dateTime,
  help: 'Deleted before then.',
};
const entryId: Parameter<string> = {
  name: 'EntryID',
  type: text({ min: 1, max: 320 }),
  fromPipeline: true,
  help: 'One message, as Search-RecoverableItems shows it.',
};
const searchSize: Parameter<number> = {
  name: 'ResultSize',
  type: integer({ min: 1, unlimited: true }),
  help: `At most this many, the newest first; ${DEFAULT_RESULT_SIZE} without it, or Unlimited.`,
};
const restoreSize: Parameter<number> = { ...searchSize, help: 'At most this many, the newest first; all without it.' };
const CONDITIONS = [subjectContains, searchString, from, startDate, endDate] as const;

/** What was said about the messages, in words for the audit log and for -WhatIf; empty: all of them. */
function conditionText(args: Arguments): string {
  const parts: string[] = [];
  for (const parameter of [subjectContains, searchString, from]) {
    const value = args.optional(parameter);
    if (value !== undefined) parts.push(`${parameter.name} "${value}"`);
  }
  for (const parameter of [startDate, endDate]) {
    const value = args.optional(parameter);
    if (value !== undefined) parts.push(`${parameter.name} ${new Date(value).toISOString()}`);
  }
  return parts.join(', ');
}

function queryFrom(args: Arguments, most: number): ItemQuery {
  return {
    subject: args.optional(subjectContains) ?? null,
    text: args.optional(searchString) ?? null,
    from: args.optional(from) ?? null,
    deletedFrom: args.optional(startDate) ?? -Infinity,
    deletedUntil: args.optional(endDate) ?? Infinity,
    most,
  };
}

/** Written before anything of the mail is shown or moved. */
function audit(call: CmdletCall, account: MailboxAccount, after: Readonly<Record<string, string>>): Promise<void> {
  return call.services.directory.recordAudit({
    action: after['Restored'] === undefined ? 'searched' : 'restored',
    objectKind: 'RecoverableItems',
    object: account.alias,
    before: null,
    after,
  });
}

async function shown(account: MailboxAccount, mailbox: Mailbox, item: FoundItem): Promise<CmdletObject | null> {
  const summary = await summaryOf(mailbox, item);
  if (summary === null) return null;
  return {
    Identity: account.alias,
    Subject: summary.subject,
    From: summary.from,
    ReceivedTime: new Date(item.receivedAt * 1000).toISOString(),
    DeletedTime: new Date(item.deletedAt * 1000).toISOString(),
    LastParentPath: item.folderName ?? '',
    Size: sizeCell(item.size),
    EntryID: itemId(mailbox, item),
  };
}

const searchRecoverableItems: ReadingCmdlet = {
  name: 'Search-RecoverableItems',
  aliases: ['Get-RecoverableItems'],
  changes: false,
  synopsis: 'Finds deleted messages of a mailbox that can still be recovered, the last deleted first.',
  description:
    'Messages stay recoverable for DeletedItemRetention of the database, or RetainDeletedItemsFor of the mailbox. Each search stands in the audit log. Through the pipeline Restore-RecoverableItems puts each one back.',
  parameters: [oneMailbox, ...CONDITIONS, searchSize, domainControllerParameter],
  examples: [
    { line: 'Search-RecoverableItems <Mailbox>', says: 'What was deleted lately.' },
    {
      line: 'Search-RecoverableItems <Mailbox> -SubjectContains invoice -StartDate 2026-01-01',
      says: 'By subject and time of deletion.',
    },
  ],
  // It looks into people's mail, administrators' included.
  roles: ['Organization Management'],
  columns: ['Subject', 'From', 'DeletedTime', 'LastParentPath', 'Size', 'EntryID'],
  async *run(call) {
    const { args, services, signal } = call;
    const account = await mailboxNamed(services.directory, args.get(oneMailbox));
    await audit(call, account, { Query: conditionText(args) });
    const most = args.optional(searchSize) ?? DEFAULT_RESULT_SIZE;
    // One more, to know whether there are.
    const query = queryFrom(args, most + 1);
    const objects = await new StoredMailboxes(services.mail).using(account, async (mailbox) => {
      const found = await findItems(mailbox, query);
      const all: CmdletObject[] = [];
      for (const item of found.slice(0, most)) {
        signal.throwIfAborted();
        const object = await shown(account, mailbox, item);
        if (object !== null) all.push(object);
        call.progress(all.length, Math.min(found.length, most), 'reading deleted messages');
      }
      if (found.length > most) call.warn(`there are more than ${most}; -ResultSize Unlimited shows all`);
      return all;
    });
    yield* objects ?? [];
  },
};

const targetFolder: Parameter<string> = {
  name: 'TargetFolder',
  type: text({ min: 1, max: 1000 }),
  help: 'Folder they go to, made when it is not there. Without it: where each one was.',
};
const recoverAll: Parameter<boolean> = {
  name: 'All',
  type: boolean,
  isSwitch: true,
  help: 'Everything that can be recovered, where no condition is given.',
};

/** An EntryID that came along as the Identity of the mailbox is none. */
function wantedEntry(args: Arguments): string | null {
  const typed = args.optional(entryId);
  return typed === undefined || typed === args.get(oneMailbox) ? null : typed;
}

/** Newest first, as search shows them. @throws Failure NONEXISTENT for an EntryID that is not there */
async function itemsToRestore(mailbox: Mailbox, args: Arguments): Promise<readonly FoundItem[]> {
  const wanted = wantedEntry(args);
  if (wanted === null) return findItems(mailbox, queryFrom(args, args.optional(restoreSize) ?? Infinity));
  const all = await findItems(mailbox, queryFrom(args, Infinity));
  const found = all.filter((item) => itemId(mailbox, item) === wanted);
  if (found.length === 0)
    throw new Failure('NONEXISTENT', `there is no deleted message ${wanted}: restored already, or its retention ended`);
  return found;
}

/** Folder for each message: the one it was in, made again when it is gone, the Inbox where it is not known. */
async function folderFor(mailbox: Mailbox, name: string | null): Promise<Folder> {
  const wanted = name ?? 'INBOX';
  return mailbox.folderByName(wanted) ?? mailbox.createFolder(wanted, { subscribed: true });
}

async function moveBack(
  mailbox: Mailbox,
  items: readonly FoundItem[],
  target: string | null,
  onProgress: (done: number) => void,
): Promise<ReadonlyMap<string, number>> {
  const recoverable = mailbox.folderByUse('recoverable');
  const counts = new Map<string, number>();
  if (recoverable === null) return counts;
  const groups = new Map<FolderId | string, FoundItem[]>();
  for (const item of items) {
    const key = target ?? item.folder ?? item.folderName ?? 'INBOX';
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  let done = 0;
  for (const [key, group] of groups) {
    const folder =
      (typeof key === 'number' ? mailbox.folder(key) : null) ??
      (await folderFor(mailbox, target ?? group[0]?.folderName ?? null));
    const uids = Uint32Array.from(group, (item) => item.uid).toSorted();
    for (let at = 0; at < uids.length; at += MOVED_AT_ONCE) {
      const some = uids.subarray(at, at + MOVED_AT_ONCE);
      // The mark with which it was deleted would have the next EXPUNGE take it again.
      await mailbox.setFlags(recoverable.id, some, { op: 'remove', flags: DELETED, keywords: [] });
      const { target: moved } = await mailbox.move(recoverable.id, some, folder.id);
      counts.set(folder.name, (counts.get(folder.name) ?? 0) + moved.length);
      done += some.length;
      onProgress(done);
    }
  }
  return counts;
}

const restoreRecoverableItems: ChangingCmdlet = {
  name: 'Restore-RecoverableItems',
  changes: true,
  synopsis: 'Puts deleted messages back to where they were.',
  description:
    'A folder that is gone is made again; a message whose folder is not known goes to the Inbox. The mailbox may go over its quota by it. Each restore stands in the audit log.',
  parameters: [oneMailbox, ...CONDITIONS, entryId, recoverAll, restoreSize, targetFolder, domainControllerParameter],
  examples: [
    {
      line: 'Restore-RecoverableItems <Mailbox> -SubjectContains invoice',
      says: 'Everything deleted with that word in the subject.',
    },
    {
      line: 'Search-RecoverableItems <Mailbox> -From charles | Restore-RecoverableItems',
      says: 'What was found, message by message.',
    },
    { line: 'Restore-RecoverableItems <Mailbox> -From charles -WhatIf', says: 'How many that would be.' },
    { line: 'Restore-RecoverableItems <Mailbox> -All -TargetFolder Restored', says: 'All of it, into one folder.' },
  ],
  // It looks into people's mail, administrators' included.
  roles: ['Organization Management'],
  columns: ['Identity', 'TargetFolder', 'RestoredItems'],
  async plan(call) {
    const { args, services } = call;
    const account = await mailboxNamed(services.directory, args.get(oneMailbox));
    const condition = conditionText(args);
    const entry = wantedEntry(args);
    if (condition === '' && entry === null && args.optional(recoverAll) !== true)
      throw new Failure('CANNOT', 'say which messages: -SubjectContains, -From, -StartDate, …, or -All');
    const target = args.optional(targetFolder) ?? null;
    const stored = new StoredMailboxes(services.mail);
    const found = (await stored.using(account, (mailbox) => itemsToRestore(mailbox, args))) ?? [];
    const count = `${found.length} message${found.length === 1 ? '' : 's'}`;
    const which = condition === '' ? '' : ` (${condition})`;
    return {
      what: `Restore RecoverableItems of ${account.alias}: ${count}${which} ${target === null ? 'to where they were' : `to ${target}`}`,
      dangerous: false,
      apply: () =>
        applying(async () => {
          const facts = { Query: condition, ...(entry === null ? {} : { EntryID: entry }) };
          await audit(call, account, { ...facts, Restored: count, TargetFolder: target ?? '(where they were)' });
          if (found.length === 0) {
            call.warn(`no deleted message of ${account.alias} fits${which}`);
            return [];
          }
          const counts = await stored.using(account, (mailbox) =>
            moveBack(mailbox, found, target, (done) => call.progress(done, found.length, 'restoring messages')),
          );
          return [...(counts ?? [])].map(([folder, restored]) => ({
            Identity: account.alias,
            TargetFolder: folder,
            RestoredItems: restored,
          }));
        }),
    };
  },
};

export const recoverableItemsCmdlets: readonly Cmdlet[] = [searchRecoverableItems, restoreRecoverableItems];
