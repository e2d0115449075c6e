/** What a mailbox is asked for, each in one request: a window of a list, all that has changed, changes by the person. */
import type { JmapClient } from '../../jmap/client.ts';
import { SetRefused } from '../../jmap/errors.ts';
import type { Method } from '../../jmap/method.ts';
import {
  EMAIL_PROPERTIES,
  emailChanges,
  emailGet,
  emailQuery,
  emailSet,
  MAILBOX_PROPERTIES,
  mailboxGet,
  PLACED_PROPERTIES,
  placedGet,
  threadGet,
} from '../methods.ts';
import { type EmailChange, patchOf } from './email-change.ts';
import { type ListSpec, NEWEST_FIRST } from './list-spec.ts';

/** Changes that are followed one by one; behind more, what is shown is asked anew. */
const CHANGES_FOLLOWED = 500;
/** Ids in one answer of Email/query. */
const IDS_AT_ONCE = 5000;

/** Null in place of a change: deleted for good. */
export type Edits = ReadonlyMap<string, EmailChange | null>;

/** Answers to Email/query, Email/get and, of conversations, Thread/get. */
export type Window = readonly [
  query: AnswerOf<typeof emailQuery>,
  emails: AnswerOf<typeof emailGet>,
  threads: AnswerOf<typeof threadGet> | null,
];
type AnswerOf<Called> = Called extends Method<infer Answer> ? Answer : never;

/** What of a list is to be asked for together with the news. */
export interface NewsWindow {
  readonly spec: ListSpec;
  readonly position: number;
  readonly limit: number;
}

export class MailRequests {
  readonly #client: JmapClient;
  readonly #accountId: string;

  constructor(client: JmapClient, accountId: string) {
    this.#client = client;
    this.#accountId = accountId;
  }

  /** @throws MethodRefused, ConnectionLost … */
  window(spec: ListSpec, position: number, limit: number): Promise<Window> {
    const accountId = this.#accountId;
    return this.#client.together((call) => {
      const query = call(emailQuery, { ...this.#query(spec), position, limit });
      const emails = call(emailGet, { accountId, '#ids': query.ref('/ids'), properties: EMAIL_PROPERTIES });
      const threads = spec.isCollapsed ? call(threadGet, { accountId, '#ids': emails.ref('/list/*/threadId') }) : null;
      return Promise.all([query.answer, emails.answer, threads?.answer ?? null]);
    });
  }

  /** What has changed since, with all that it names, the folders and the window that is shown. @throws MethodRefused … */
  news(sinceState: string, window: NewsWindow | null) {
    const accountId = this.#accountId;
    return this.#client.together((call) => {
      const changes = call(emailChanges, { accountId, sinceState, maxChanges: CHANGES_FOLLOWED });
      const created = call(emailGet, { accountId, '#ids': changes.ref('/created'), properties: EMAIL_PROPERTIES });
      const updated = call(placedGet, { accountId, '#ids': changes.ref('/updated'), properties: PLACED_PROPERTIES });
      const threads = call(threadGet, { accountId, '#ids': created.ref('/list/*/threadId') });
      const folders = call(mailboxGet, { accountId, ids: null, properties: MAILBOX_PROPERTIES });
      const shown =
        window === null
          ? null
          : call(emailQuery, { ...this.#query(window.spec), position: window.position, limit: window.limit });
      return Promise.all([
        changes.answer,
        created.answer,
        updated.answer,
        threads.answer,
        folders.answer,
        shown?.answer ?? null,
      ]);
    });
  }

  /** All ids of a query in its order, without what comes meanwhile. @throws MethodRefused … */
  async ids(spec: ListSpec, range: { readonly from: number; readonly to: number } | null): Promise<string[]> {
    const { from, to } = range ?? { from: 0, to: Number.POSITIVE_INFINITY };
    const ids: string[] = [];
    for (;;) {
      const limit = Math.min(IDS_AT_ONCE, to - from - ids.length);
      if (limit <= 0) return ids;
      const answer = await this.#client.call(emailQuery, { ...this.#query(spec), position: from + ids.length, limit });
      ids.push(...answer.ids);
      if (answer.ids.length < limit) return ids;
    }
  }

  /** What was refused, by id. @throws MethodRefused, ConnectionLost … */
  async set(ids: readonly string[], edits: Edits): Promise<ReadonlyMap<string, SetRefused>> {
    const update: Record<string, unknown> = {};
    const destroy: string[] = [];
    for (const id of ids) {
      const edit = edits.get(id);
      if (edit === null) destroy.push(id);
      else if (edit !== undefined) update[id] = patchOf(edit);
    }
    const answer = await this.#client.call(emailSet, { accountId: this.#accountId, update, destroy });
    const refusals = new Map<string, SetRefused>();
    // Gone already is what was wanted.
    for (const refused of [answer.notUpdated, answer.notDestroyed])
      for (const [id, { type, description, properties }] of Object.entries(refused ?? {}))
        if (type !== 'notFound') refusals.set(id, new SetRefused(type, description ?? type, properties ?? []));
    return refusals;
  }

  #query(spec: ListSpec) {
    return {
      accountId: this.#accountId,
      filter: spec.filter,
      sort: NEWEST_FIRST,
      collapseThreads: spec.isCollapsed,
      calculateTotal: true,
    };
  }
}
