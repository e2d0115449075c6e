/**
 * Deleted messages that can still be recovered, for the owner of the mailbox (`urn:penfold:params:jmap:recoverable`,
 * ADR 12 §2): found, shown with the day they go for good, put back to where they were. An admin's way to the same is
 * Search- and Restore-RecoverableItems (management/cmdlets/recoverable-items.ts), which is audited; this is one's own mail.
 */
import type { Directory } from '../../../directory/api.ts';
import type { Account } from '../../../directory/model.ts';
import { commonFields } from '../../../message/fragment.ts';
import type { Mailbox } from '../../../store/api.ts';
import { DELETED, type Folder, type FolderId } from '../../../store/model.ts';
import type { SearchQuery } from '../../../store/search/query.ts';
import { MethodArguments } from '../arguments.ts';
import type { Capability, JmapContext } from '../capability.ts';
import type { Method } from '../dispatch.ts';
import type { Json, JsonObject } from '../json.ts';
import { MethodError } from '../method-error.ts';
import { accountOf, writableAccountOf } from '../mail/context.ts';
import { utcDate } from '../mail/email-get.ts';
import { headerValue, type HeaderWish } from '../mail/header-forms.ts';
import { mailboxIdOf } from '../mail/ids.ts';
import { queryWindow, WINDOW_ARGUMENTS } from '../query-window.ts';
import { JMAP_LIMITS } from '../request.ts';

export const RECOVERABLE = 'urn:penfold:params:jmap:recoverable';
const QUERY_LIMIT = 1000;
const TEXT_CHARACTERS = 1000;

interface Item {
  readonly uid: number;
  readonly size: number;
  /** Seconds since 1970, as deletedAt. */
  readonly receivedAt: number;
  readonly deletedAt: number;
  /** Where it was; null: gone, or not known. */
  readonly folder: FolderId | null;
  readonly folderName: string | null;
}

/** UIDs are not used twice under a UIDVALIDITY. */
const idOf = (folder: Folder, uid: number): string => `R${folder.uidValidity}-${uid}`;

async function itemsOf(mailbox: Mailbox, query: SearchQuery | null): Promise<ReadonlyMap<string, Item>> {
  const items = new Map<string, Item>();
  const folder = mailbox.folderByUse('recoverable');
  if (folder === null) return items;
  const view = await mailbox.view(folder.id);
  try {
    const all = view.columns.uid.slice(0, view.columns.length);
    const uids = query === null || all.length === 0 ? all : await mailbox.search(folder.id, all, query);
    const { columns } = view;
    const found: Item[] = [];
    for (const uid of uids) {
      const row = view.rowOf(uid);
      const origin = row < 0 ? null : view.recoverableOrigin(row);
      if (origin === null) continue;
      found.push({
        uid,
        size: columns.size[row]!,
        receivedAt: columns.internalDate[row]!,
        deletedAt: origin.deletedAt,
        folder: origin.folder,
        folderName: origin.name,
      });
    }
    for (const item of found.toSorted((a, b) => b.deletedAt - a.deletedAt || b.uid - a.uid))
      items.set(idOf(folder, item.uid), item);
    return items;
  } finally {
    view.close();
  }
}

const stateOf = (mailbox: Mailbox): string => String(mailbox.folderByUse('recoverable')?.highestModSeq ?? 0);

/** @throws MethodError unsupportedFilter */
function readFilter(filter: JsonObject | null): SearchQuery | null {
  const terms = Object.entries(filter ?? {}).map(([name, value]): SearchQuery => {
    if (typeof value !== 'string' || value === '' || value.length > TEXT_CHARACTERS)
      throw new MethodError(
        'invalidArguments',
        `filter: ${name.slice(0, 60)} is a text of 1 to ${TEXT_CHARACTERS} characters`,
      );
    switch (name) {
      case 'text':
        return { kind: 'text', text: value };
      case 'from':
      case 'subject':
        return { kind: 'header', name, text: value };
      default:
        throw new MethodError('unsupportedFilter', 'deleted messages are found by text, from and subject');
    }
  });
  return terms.length === 0 ? null : { kind: 'and', terms };
}

const SUBJECT: HeaderWish = { property: 'subject', field: 'subject', form: 'Text', all: false };
const FROM: HeaderWish = { property: 'from', field: 'from', form: 'Addresses', all: false };

async function shown(
  mailbox: Mailbox,
  items: ReadonlyMap<string, Item>,
  seconds: number,
): Promise<readonly JsonObject[]> {
  const folder = mailbox.folderByUse('recoverable');
  if (folder === null || items.size === 0) return [];
  const ascending = [...items].toSorted(([, a], [, b]) => a.uid - b.uid);
  const headers = new Map<string, { readonly subject: Json; readonly from: Json }>();
  const uids = Uint32Array.from(ascending, ([, { uid }]) => uid);
  for await (const { first, count, bytes, pieces } of mailbox.fragments(folder.id, uids, ['details'])) {
    const { offsets, lengths } = pieces.details ?? { offsets: [], lengths: [] };
    for (let i = 0; i < count; i += 1) {
      const id = ascending[first + i]?.[0];
      if (id === undefined || (lengths[i] ?? 0) === 0) continue;
      const fields = commonFields(bytes, offsets[i] ?? 0);
      headers.set(id, { subject: headerValue(fields, SUBJECT), from: headerValue(fields, FROM) });
    }
  }
  return [...items].map(([id, item]) => ({
    id,
    subject: headers.get(id)?.subject ?? null,
    from: headers.get(id)?.from ?? null,
    size: item.size,
    receivedAt: utcDate(item.receivedAt),
    deletedAt: utcDate(item.deletedAt),
    /** When it goes for good, if the mailbox does not run out of room for such before. */
    goneAt: utcDate(item.deletedAt + seconds),
    mailboxId: item.folder === null ? null : mailboxIdOf(item.folder),
    mailboxName: item.folderName,
  }));
}

/** To where each was; a folder that is gone is made again, the Inbox takes what has none. One commit a folder. */
async function restore(mailbox: Mailbox, items: ReadonlyMap<string, Item>): Promise<ReadonlyMap<string, Folder>> {
  const recoverable = mailbox.folderByUse('recoverable');
  const restored = new Map<string, Folder>();
  if (recoverable === null) return restored;
  const groups = new Map<FolderId | string, Array<readonly [string, Item]>>();
  for (const entry of items) {
    const key = entry[1].folder ?? entry[1].folderName ?? 'INBOX';
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    group.push(entry);
  }
  for (const [key, group] of groups) {
    const name = typeof key === 'string' ? key : (group[0]?.[1].folderName ?? 'INBOX');
    const folder =
      (typeof key === 'number' ? mailbox.folder(key) : null) ??
      mailbox.folderByName(name) ??
      (await mailbox.createFolder(name, { subscribed: true }));
    const uids = Uint32Array.from(group, ([, { uid }]) => uid).toSorted();
    // The mark with which it was deleted would have the next EXPUNGE take it again.
    await mailbox.setFlags(recoverable.id, uids, { op: 'remove', flags: DELETED, keywords: [] });
    const { source } = await mailbox.move(recoverable.id, uids, folder.id);
    const moved = new Set(source);
    for (const [id, { uid }] of group) if (moved.has(uid)) restored.set(id, folder);
  }
  return restored;
}

function namedIds(args: MethodArguments): readonly string[] {
  const ids = args.ids('ids');
  if (ids === null || ids.length > JMAP_LIMITS.maxObjectsInGet)
    throw new MethodError('requestTooLarge', `name at most ${JMAP_LIMITS.maxObjectsInGet} ids`);
  return [...new Set(ids)];
}

export function recoverableCapability({ directory }: { readonly directory: Directory }): Capability {
  const methods: readonly Method<JmapContext>[] = [
    {
      name: 'RecoverableItem/query',
      capability: RECOVERABLE,
      run: async ({ context, args: given }) => {
        const args = new MethodArguments(given, ['accountId', 'filter', ...WINDOW_ARGUMENTS]);
        const { mailbox } = await accountOf(context, args);
        const ids = [...(await itemsOf(mailbox, readFilter(args.object('filter')))).keys()];
        const window = queryWindow(args, ids.length, QUERY_LIMIT, (id) => ids.indexOf(id));
        return {
          accountId: args.id('accountId'),
          queryState: stateOf(mailbox),
          canCalculateChanges: false,
          position: window.start,
          ids: ids.slice(window.start, window.start + window.count),
          ...(args.flag('calculateTotal') ? { total: ids.length } : {}),
          ...(window.limit === null ? {} : { limit: window.limit }),
        };
      },
    },
    {
      name: 'RecoverableItem/get',
      capability: RECOVERABLE,
      run: async ({ context, args: given }) => {
        const args = new MethodArguments(given, ['accountId', 'ids']);
        const { mailbox, owner } = await accountOf(context, args);
        const ids = namedIds(args);
        const all = await itemsOf(mailbox, null);
        const wanted = new Map(
          ids.flatMap((id) => {
            const item = all.get(id);
            return item === undefined ? [] : [[id, item] as const];
          }),
        );
        const list = await shown(mailbox, wanted, await retentionOf(directory, owner));
        return {
          accountId: args.id('accountId'),
          state: stateOf(mailbox),
          list,
          notFound: ids.filter((id) => !wanted.has(id)),
        };
      },
    },
    {
      name: 'RecoverableItem/restore',
      capability: RECOVERABLE,
      run: async ({ context, args: given }) => {
        const args = new MethodArguments(given, ['accountId', 'ids']);
        const { mailbox } = await writableAccountOf(context, args);
        const ids = namedIds(args);
        const all = await itemsOf(mailbox, null);
        const items = new Map([...all].filter(([id]) => ids.includes(id)));
        const restored = await restore(mailbox, items);
        return {
          accountId: args.id('accountId'),
          restored: Object.fromEntries(
            [...restored].map(([id, folder]) => [id, { mailboxId: mailboxIdOf(folder.id) }]),
          ),
          notFound: ids.filter((id) => !restored.has(id)),
        };
      },
    },
  ];
  return {
    uri: RECOVERABLE,
    describe: () => Promise.resolve({}),
    describeAccount: ({ owner }) => Promise.resolve(owner.mailbox === null ? null : {}),
    methods,
    mailboxPush: {
      types: ['RecoverableItem'],
      states: (mailbox) => Promise.resolve({ RecoverableItem: stateOf(mailbox) }),
    },
  };
}

/** Seconds: the mailbox's own value, or its database's (exchange-behaviour.md §9.2). */
async function retentionOf(directory: Directory, { id, mailbox }: Account): Promise<number> {
  const settings = await directory.mailboxSettings(id);
  if (!settings.useDatabaseRetentionDefaults || mailbox === null) return settings.retainDeletedItemsFor;
  return (await directory.databaseSettings(mailbox.database)).deletedItemRetention;
}
