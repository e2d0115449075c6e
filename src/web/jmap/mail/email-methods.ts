/** Email/get, /query, /changes, /queryChanges, Thread/get, /changes (RFC 8621 §3, §4): what only reads. */
import { MethodArguments } from '../arguments.ts';
import type { Method } from '../dispatch.ts';
import type { JsonObject } from '../json.ts';
import { MethodError } from '../method-error.ts';
import { JMAP_LIMITS } from '../request.ts';
import { accountOf, type MailContext, type OpenAccount } from './context.ts';
import { emailChanges, threadChanges } from './email-changes.ts';
import { emailObjects } from './email-get.ts';
import { emailWish } from './email-properties.ts';
import { QUERY_ARGUMENTS, queryEmails } from './email-query.ts';
import { contentOf, emailIdOf, threadIdOf, threadOf } from './ids.ts';
import { MailView } from './mail-view.ts';
import { MAIL } from './names.ts';
import { stateOf, stateText } from './state.ts';

const GET_ARGUMENTS = [
  'accountId',
  'ids',
  'properties',
  'bodyProperties',
  'fetchTextBodyValues',
  'fetchHTMLBodyValues',
  'fetchAllBodyValues',
  'maxBodyValueBytes',
];

export async function inView<T>(
  { mailbox }: OpenAccount,
  use: (view: MailView, state: string) => Promise<T>,
): Promise<T> {
  const view = await MailView.open(mailbox);
  try {
    return await use(view, stateText(stateOf(view, mailbox.folders())));
  } finally {
    view.close();
  }
}

/** Every Email of an account is too much for one answer: ids have to be named. @throws MethodError */
function namedIds(args: MethodArguments): readonly string[] {
  const ids = args.ids('ids');
  if (ids === null || ids.length > JMAP_LIMITS.maxObjectsInGet)
    throw new MethodError('requestTooLarge', `name at most ${JMAP_LIMITS.maxObjectsInGet} ids`);
  return [...new Set(ids)];
}

const get: Method<MailContext> = {
  name: 'Email/get',
  capability: MAIL,
  run: async ({ context, args: given }) => {
    const args = new MethodArguments(given, GET_ARGUMENTS);
    const account = await accountOf(context, args);
    const wish = emailWish(args);
    const ids = namedIds(args);
    return inView(account, async (view, state) => {
      const placements = view.placements(new Set(ids.map((id) => contentOf(id) ?? 0)));
      const wanted = [];
      const notFound = [];
      for (const id of ids) {
        const content = contentOf(id);
        const places = content === null ? undefined : placements.get(content);
        if (content === null || places === undefined) notFound.push(id);
        else wanted.push({ content, placements: places });
      }
      const list: JsonObject[] = [...(await emailObjects(view.mailbox, wanted, wish))];
      return { accountId: args.id('accountId'), state, list, notFound };
    });
  },
};

const query: Method<MailContext> = {
  name: 'Email/query',
  capability: MAIL,
  run: async ({ context, args: given }) => {
    const args = new MethodArguments(given, QUERY_ARGUMENTS);
    const account = await accountOf(context, args);
    return inView(account, async (view, queryState) => {
      const { ids, position, total, limit } = await queryEmails(view, args);
      return {
        accountId: args.id('accountId'),
        queryState,
        canCalculateChanges: false,
        position,
        ids,
        ...(args.flag('calculateTotal') ? { total } : {}),
        ...(limit === null ? {} : { limit }),
      };
    });
  },
};

const queryChanges: Method<MailContext> = {
  name: 'Email/queryChanges',
  capability: MAIL,
  run: () => Promise.reject(new MethodError('cannotCalculateChanges', 'ask the query again')),
};

const changesOf = (name: string, find: typeof emailChanges): Method<MailContext> => ({
  name,
  capability: MAIL,
  run: async ({ context, args: given }) => {
    const args = new MethodArguments(given, ['accountId', 'sinceState', 'maxChanges']);
    const account = await accountOf(context, args);
    return inView(account, async (view) => {
      const most = args.whole('maxChanges', 1, Number.MAX_SAFE_INTEGER);
      const changes = await find(view, args.optionalText('sinceState') ?? '', most);
      return { accountId: args.id('accountId'), ...changes };
    });
  },
});

const threads: Method<MailContext> = {
  name: 'Thread/get',
  capability: MAIL,
  run: async ({ context, args: given }) => {
    const args = new MethodArguments(given, ['accountId', 'ids', 'properties']);
    const account = await accountOf(context, args);
    const ids = namedIds(args);
    return inView(account, async (view, state) => {
      const found = view.placementsOfThreads(new Set(ids.map((id) => threadOf(id) ?? 0)));
      const list: JsonObject[] = [];
      const notFound: string[] = [];
      for (const id of ids) {
        const places = found.get(threadOf(id) ?? 0);
        if (places === undefined) {
          notFound.push(id);
          continue;
        }
        // §3: oldest first, each Email once.
        const ordered = places.toSorted(
          (a, b) => a.view.columns.internalDate[a.row]! - b.view.columns.internalDate[b.row]!,
        );
        const contents = new Set(ordered.map((place) => place.view.columns.content[place.row]!));
        list.push({ id: threadIdOf(threadOf(id) ?? 0), emailIds: [...contents].map(emailIdOf) });
      }
      return { accountId: args.id('accountId'), state, list, notFound };
    });
  },
};

export const emailReading: readonly Method<MailContext>[] = [
  get,
  query,
  queryChanges,
  changesOf('Email/changes', emailChanges),
  threads,
  changesOf('Thread/changes', threadChanges),
];
