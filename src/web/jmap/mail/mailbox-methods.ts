/** Mailbox/get, /query, /changes, /set (RFC 8621 §2): a Mailbox is a mail folder. */
import { DRAFT, type Folder, SEEN, type SpecialUse } from '../../../store/model.ts';
import { MethodArguments } from '../arguments.ts';
import type { Method } from '../dispatch.ts';
import { isArray, isObject, type Json, type JsonObject, property } from '../json.ts';
import { MethodError, SetError, setErrorOf } from '../method-error.ts';
import { queryWindow, WINDOW_ARGUMENTS } from '../query-window.ts';
import { JMAP_LIMITS } from '../request.ts';
import { accountOf, type MailContext, writableAccountOf } from './context.ts';
import { mailboxChanges } from './email-changes.ts';
import { folderOf, mailboxIdOf } from './ids.ts';
import { MailView } from './mail-view.ts';
import { MAIL } from './names.ts';
import { NumberSet } from './number-set.ts';
import { stateOf, stateText } from './state.ts';

const PROPERTIES = [
  'id',
  'name',
  'parentId',
  'role',
  'sortOrder',
  'totalEmails',
  'unreadEmails',
  'totalThreads',
  'unreadThreads',
  'myRights',
  'isSubscribed',
] as const;
type MailboxProperty = (typeof PROPERTIES)[number];

/** IANA's names of roles (RFC 8621 §2): those of IMAP's special uses. */
const ROLES: Readonly<Partial<Record<SpecialUse, string>>> = {
  inbox: 'inbox',
  archive: 'archive',
  drafts: 'drafts',
  junk: 'junk',
  sent: 'sent',
  trash: 'trash',
};
/** Order in which people expect them; what has no role comes behind, by name. */
const ROLE_ORDER = ['inbox', 'drafts', 'sent', 'archive', 'junk', 'trash'];

const leafOf = (name: string): string => name.slice(name.lastIndexOf('/') + 1);
const parentOf = (name: string): string | null => (name.includes('/') ? name.slice(0, name.lastIndexOf('/')) : null);
const roleOf = ({ specialUse }: Folder): string | null => (specialUse === null ? null : (ROLES[specialUse] ?? null));

function sortOrder(folder: Folder): number {
  const at = ROLE_ORDER.indexOf(roleOf(folder) ?? '');
  return at < 0 ? ROLE_ORDER.length + 1 : at + 1;
}

function mailboxObject(
  view: MailView,
  folder: Folder,
  isReadOnly: boolean,
  wanted: ReadonlySet<MailboxProperty>,
): JsonObject {
  const parent = parentOf(folder.name);
  const parentFolder = parent === null ? null : view.mailbox.folderByName(parent);
  const may = !isReadOnly;
  const isInbox = folder.specialUse === 'inbox';
  const all: Readonly<Record<MailboxProperty, () => Json>> = {
    id: () => mailboxIdOf(folder.id),
    name: () => (isInbox ? 'Inbox' : leafOf(folder.name)),
    parentId: () => (parentFolder === null ? null : mailboxIdOf(parentFolder.id)),
    role: () => roleOf(folder),
    sortOrder: () => sortOrder(folder),
    totalEmails: () => folder.exists,
    unreadEmails: () => folder.unseen,
    totalThreads: () => threadCounts(view, folder).total,
    unreadThreads: () => threadCounts(view, folder).unread,
    isSubscribed: () => folder.subscribed,
    myRights: () => ({
      mayReadItems: true,
      mayAddItems: may,
      mayRemoveItems: may,
      maySetSeen: may,
      maySetKeywords: may,
      mayCreateChild: may,
      mayRename: may && folder.specialUse === null,
      mayDelete: may && folder.specialUse === null,
      maySubmit: may,
    }),
  };
  return Object.fromEntries(PROPERTIES.filter((name) => wanted.has(name)).map((name) => [name, all[name]()]));
}

function threadCounts(view: MailView, { id }: Folder): { readonly total: number; readonly unread: number } {
  const columns = view.views.get(id)?.columns;
  const all = new NumberSet();
  const unread = new NumberSet();
  if (columns === undefined) return { total: 0, unread: 0 };
  for (let row = 0; row < columns.length; row += 1) {
    all.add(columns.thread[row]!);
    if ((columns.flags[row]! & (SEEN | DRAFT)) === 0) unread.add(columns.thread[row]!);
  }
  return { total: all.size, unread: unread.size };
}

async function withView<T>(mailbox: MailView['mailbox'], use: (view: MailView) => Promise<T>): Promise<T> {
  const view = await MailView.open(mailbox);
  try {
    return await use(view);
  } finally {
    view.close();
  }
}

const get: Method<MailContext> = {
  name: 'Mailbox/get',
  capability: MAIL,
  run: async ({ context, args: given }) => {
    const args = new MethodArguments(given, ['accountId', 'ids', 'properties']);
    const { mailbox, isReadOnly } = await accountOf(context, args);
    const wanted = new Set<MailboxProperty>(['id']);
    for (const name of args.strings('properties') ?? PROPERTIES) {
      const known = PROPERTIES.find((one) => one === name);
      if (known === undefined) throw new MethodError('invalidArguments', `a Mailbox has no "${name.slice(0, 100)}"`);
      wanted.add(known);
    }
    const ids = args.ids('ids');
    if (ids !== null && ids.length > JMAP_LIMITS.maxObjectsInGet)
      throw new MethodError('requestTooLarge', `at most ${JMAP_LIMITS.maxObjectsInGet} ids`);
    return withView(mailbox, async (view) => {
      const found = new Map([...view.views].map(([id, { folder }]) => [mailboxIdOf(id), folder]));
      const chosen = ids === null ? [...found.keys()] : [...new Set(ids)];
      const list: Json[] = [];
      const notFound: string[] = [];
      for (const id of chosen) {
        const folder = found.get(id);
        if (folder === undefined) notFound.push(id);
        else list.push(mailboxObject(view, folder, isReadOnly, wanted));
      }
      const state = stateText(stateOf(view, mailbox.folders()));
      return { accountId: args.id('accountId'), state, list, notFound };
    });
  },
};

const query: Method<MailContext> = {
  name: 'Mailbox/query',
  capability: MAIL,
  run: async ({ context, args: given }) => {
    const known = ['accountId', 'filter', 'sort', 'sortAsTree', 'filterAsTree', ...WINDOW_ARGUMENTS];
    const args = new MethodArguments(given, known);
    if (args.flag('filterAsTree'))
      throw new MethodError('unsupportedFilter', 'filterAsTree is not offered: ask for all Mailboxes, they are few');
    const order = folderOrder(args);
    const { mailbox } = await accountOf(context, args);
    const fits = folderFilter(args.object('filter'), mailbox);
    return withView(mailbox, async (view) => {
      const folders = [...view.views.values()]
        .map(({ folder }) => folder)
        .filter(fits)
        .toSorted(order);
      const window = queryWindow(args, folders.length, folders.length, (id) =>
        folders.findIndex((folder) => mailboxIdOf(folder.id) === id),
      );
      return {
        accountId: args.id('accountId'),
        queryState: stateText(stateOf(view, mailbox.folders())),
        canCalculateChanges: false,
        position: window.start,
        ids: folders.slice(window.start, window.start + window.count).map(({ id }) => mailboxIdOf(id)),
        ...(args.flag('calculateTotal') ? { total: folders.length } : {}),
      };
    });
  },
};

const queryChanges: Method<MailContext> = {
  name: 'Mailbox/queryChanges',
  capability: MAIL,
  run: () => Promise.reject(new MethodError('cannotCalculateChanges', 'ask the query again')),
};

type FolderOrder = (a: Folder, b: Folder) => number;
const byName: FolderOrder = (a, b) => leafOf(a.name).localeCompare(leafOf(b.name), 'en') || a.id - b.id;
/** By whole path: what is within a Mailbox comes behind it, and before its next sibling. */
const byTree: FolderOrder = (a, b) => {
  const [left, right] = [a.name.split('/'), b.name.split('/')];
  for (let level = 0; level < Math.min(left.length, right.length); level += 1) {
    const difference = left[level]!.localeCompare(right[level]!, 'en');
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
};

/** §2.3: by sortOrder and name, unless the client says. @throws MethodError unsupportedSort */
function folderOrder(args: MethodArguments): FolderOrder {
  if (args.flag('sortAsTree')) return byTree;
  const orders = (args.list('sort') ?? []).map((comparator): FolderOrder => {
    const name = isObject(comparator) ? property(comparator, 'property') : undefined;
    const sign = isObject(comparator) && property(comparator, 'isAscending') === false ? -1 : 1;
    if (name === 'name') return (a, b) => sign * byName(a, b);
    if (name === 'sortOrder') return (a, b) => sign * (sortOrder(a) - sortOrder(b));
    throw new MethodError('unsupportedSort', 'Mailboxes are sorted by name and sortOrder');
  });
  const last: FolderOrder = (a, b) => sortOrder(a) - sortOrder(b) || (a.name < b.name ? -1 : 1);
  return (a, b) => {
    for (const compare of orders) {
      const difference = compare(a, b);
      if (difference !== 0) return difference;
    }
    return last(a, b);
  };
}

/** §2.3. @throws MethodError unsupportedFilter */
function folderFilter(
  filter: JsonObject | null,
  mailbox: MailView['mailbox'],
  depth = 16,
): (folder: Folder) => boolean {
  const operator = filter === null ? undefined : property(filter, 'operator');
  if (filter !== null && operator !== undefined) {
    const conditions = property(filter, 'conditions');
    if (!isArray(conditions) || !conditions.every(isObject) || depth === 0)
      throw new MethodError('invalidArguments', 'filter: conditions is a list of filters, nested 16 deep at most');
    const inner = conditions.map((one) => folderFilter(one, mailbox, depth - 1));
    if (operator === 'AND') return (folder) => inner.every((fits) => fits(folder));
    if (operator === 'OR') return (folder) => inner.some((fits) => fits(folder));
    if (operator === 'NOT') return (folder) => !inner.some((fits) => fits(folder));
    throw new MethodError('invalidArguments', 'filter: operator is AND, OR or NOT');
  }
  const tests = Object.entries(filter ?? {}).map(([name, value]): ((folder: Folder) => boolean) => {
    switch (name) {
      case 'parentId':
        return ({ name: own }) => {
          const parent = parentOf(own);
          const folder = parent === null ? null : mailbox.folderByName(parent);
          return (folder === null ? null : mailboxIdOf(folder.id)) === value;
        };
      case 'name':
        return (folder) => typeof value === 'string' && leafOf(folder.name).toLowerCase().includes(value.toLowerCase());
      case 'role':
        return (folder) => roleOf(folder) === value;
      case 'hasAnyRole':
        return (folder) => (roleOf(folder) !== null) === value;
      case 'isSubscribed':
        return (folder) => folder.subscribed === value;
      default:
        throw new MethodError('unsupportedFilter', `the condition ${name.slice(0, 100)} is not supported`);
    }
  });
  return (folder) => tests.every((fits) => fits(folder));
}

const changes: Method<MailContext> = {
  name: 'Mailbox/changes',
  capability: MAIL,
  run: async ({ context, args: given }) => {
    const args = new MethodArguments(given, ['accountId', 'sinceState', 'maxChanges']);
    const { mailbox } = await accountOf(context, args);
    return withView(mailbox, async (view) => {
      const most = args.whole('maxChanges', 1, Number.MAX_SAFE_INTEGER);
      const { onlyCounts, ...all } = mailboxChanges(view, args.optionalText('sinceState') ?? '', most);
      return { accountId: args.id('accountId'), ...all, updatedProperties: onlyCounts ? COUNTS : null };
    });
  },
};
const COUNTS = ['totalEmails', 'unreadEmails', 'totalThreads', 'unreadThreads'];

const set: Method<MailContext> = {
  name: 'Mailbox/set',
  capability: MAIL,
  run: async ({ context, args: given, createdIds }) => {
    const args = new MethodArguments(given, [
      'accountId',
      'ifInState',
      'create',
      'update',
      'destroy',
      'onDestroyRemoveEmails',
    ]);
    const { mailbox } = await writableAccountOf(context, args);
    const create = args.object('create') ?? {};
    const update = args.object('update') ?? {};
    const destroy = args.ids('destroy') ?? [];
    const objects = Object.keys(create).length + Object.keys(update).length + destroy.length;
    if (objects > JMAP_LIMITS.maxObjectsInSet)
      throw new MethodError('requestTooLarge', `at most ${JMAP_LIMITS.maxObjectsInSet} records a call`);
    const state = (): Promise<string> =>
      withView(mailbox, (view) => Promise.resolve(stateText(stateOf(view, mailbox.folders()))));
    const oldState = await state();
    const ifInState = args.optionalText('ifInState');
    if (ifInState !== null && ifInState !== oldState)
      throw new MethodError('stateMismatch', 'the account has changed since that state');
    const created: Record<string, Json> = {};
    const updated: Record<string, Json> = {};
    const destroyed: string[] = [];
    const failed = { create: {}, update: {}, destroy: {} } satisfies Record<string, Record<string, Json>>;
    const idOf = (text: string): string => (text.startsWith('#') ? (createdIds.get(text.slice(1)) ?? text) : text);
    for (const [creation, record] of Object.entries(create))
      await each(failed.create, creation, async () => {
        const folder = await createFolder(mailbox, record ?? null, idOf);
        created[creation] = { id: mailboxIdOf(folder.id) };
        createdIds.set(creation, mailboxIdOf(folder.id));
      });
    for (const [id, patch] of Object.entries(update))
      await each(failed.update, id, async () => {
        await changeFolder(mailbox, idOf(id), patch ?? null, idOf);
        updated[id] = null;
      });
    const removesEmails = args.flag('onDestroyRemoveEmails');
    for (const id of destroy)
      await each(failed.destroy, id, async () => {
        await removeFolder(mailbox, idOf(id), removesEmails);
        destroyed.push(id);
      });
    return {
      accountId: args.id('accountId'),
      oldState,
      newState: await state(),
      created,
      updated,
      destroyed,
      notCreated: failed.create,
      notUpdated: failed.update,
      notDestroyed: failed.destroy,
    };
  },
};

async function each(failed: Record<string, Json>, id: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const facts = setErrorOf(error);
    if (facts === null) throw error;
    failed[id] = facts;
  }
}

/** @throws SetError */
function folderNamed(mailbox: MailView['mailbox'], id: string): Folder {
  const number = folderOf(id);
  const folder = number === null ? null : mailbox.folder(number);
  if (folder === null || folder.kind !== 'mail') throw new SetError('notFound', 'there is no such Mailbox');
  return folder;
}

function pathOf(mailbox: MailView['mailbox'], name: Json, parentId: Json, idOf: (text: string) => string): string {
  if (typeof name !== 'string' || name === '' || name.includes('/'))
    throw new SetError('invalidProperties', 'a name is a text without "/"', { properties: ['name'] });
  if (parentId === null) return name;
  if (typeof parentId !== 'string')
    throw new SetError('invalidProperties', 'parentId is an id or null', { properties: ['parentId'] });
  return `${folderNamed(mailbox, idOf(parentId)).name}/${name}`;
}

async function createFolder(
  mailbox: MailView['mailbox'],
  record: Json,
  idOf: (text: string) => string,
): Promise<Folder> {
  if (!isObject(record)) throw new SetError('invalidProperties', 'a Mailbox is an object');
  const unknown = Object.keys(record).find(
    (key) => !['name', 'parentId', 'isSubscribed', 'role', 'sortOrder'].includes(key),
  );
  if (unknown !== undefined)
    throw new SetError('invalidProperties', `${unknown.slice(0, 100)} cannot be set`, { properties: [unknown] });
  const path = pathOf(mailbox, property(record, 'name') ?? null, property(record, 'parentId') ?? null, idOf);
  const role = property(record, 'role') ?? null;
  if (role !== null) throw new SetError('invalidProperties', 'roles are given at set-up', { properties: ['role'] });
  return mailbox.createFolder(path, { subscribed: property(record, 'isSubscribed') !== false });
}

async function changeFolder(
  mailbox: MailView['mailbox'],
  id: string,
  patch: Json,
  idOf: (text: string) => string,
): Promise<void> {
  if (!isObject(patch)) throw new SetError('invalidPatch', 'a patch is an object');
  const folder = folderNamed(mailbox, id);
  const unknown = Object.keys(patch).find((key) => !['name', 'parentId', 'isSubscribed'].includes(key));
  if (unknown !== undefined)
    throw new SetError('invalidProperties', `${unknown.slice(0, 100)} cannot be changed`, { properties: [unknown] });
  const subscribed = property(patch, 'isSubscribed');
  if (subscribed !== undefined && typeof subscribed !== 'boolean')
    throw new SetError('invalidProperties', 'isSubscribed is true or false', { properties: ['isSubscribed'] });
  const moves = Object.hasOwn(patch, 'name') || Object.hasOwn(patch, 'parentId');
  if (moves && folder.specialUse !== null) throw new SetError('forbidden', 'this folder keeps its name and place');
  const parent = parentOf(folder.name);
  const parentFolder = parent === null ? null : mailbox.folderByName(parent);
  const name = moves
    ? pathOf(
        mailbox,
        property(patch, 'name') ?? leafOf(folder.name),
        Object.hasOwn(patch, 'parentId')
          ? (property(patch, 'parentId') ?? null)
          : parentFolder === null
            ? null
            : mailboxIdOf(parentFolder.id),
        idOf,
      )
    : undefined;
  await mailbox.changeFolder(folder.id, {
    ...(name === undefined || name === folder.name ? {} : { name }),
    ...(subscribed === undefined ? {} : { subscribed }),
  });
}

async function removeFolder(mailbox: MailView['mailbox'], id: string, removesEmails: boolean): Promise<void> {
  const folder = folderNamed(mailbox, id);
  if (folder.specialUse !== null) throw new SetError('forbidden', 'this folder cannot be removed');
  if (mailbox.folders().some(({ name }) => name.startsWith(`${folder.name}/`)))
    throw new SetError('mailboxHasChild', 'there are Mailboxes within it');
  if (folder.exists > 0 && !removesEmails) throw new SetError('mailboxHasEmail', 'there are Emails in it');
  await mailbox.removeFolder(folder.id);
}

export const mailboxMethods: readonly Method<MailContext>[] = [get, query, queryChanges, changes, set];
