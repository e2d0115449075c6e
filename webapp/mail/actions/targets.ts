/** Which messages an action is for, from the rows that were chosen: conversations stand for their messages here. */
import type { Email, Placed } from '../methods.ts';
import type { EmailFilter, ListSpec } from '../store/list-spec.ts';
import type { MailStore } from '../store/mail-store.ts';
import type { Action } from './edits.ts';

export interface Targets {
  /** Ids of the messages that stand in the rows. */
  readonly rows: readonly string[];
  /** All of the list, loaded or not. */
  readonly isAll: boolean;
  /** These messages only, not the conversations they stand for. */
  readonly isSingle?: boolean;
}

export const NO_TARGETS: Targets = { rows: [], isAll: false };

/** Messages that have the mark already need not be asked for when all of a list are marked. */
const UNMARKED: Readonly<Partial<Record<Action['kind'], EmailFilter>>> = {
  read: { notKeyword: '$seen' },
  unread: { hasKeyword: '$seen' },
  flag: { notKeyword: '$flagged' },
  unflag: { hasKeyword: '$flagged' },
};

const marks: Readonly<Partial<Record<Action['kind'], (email: Email) => boolean>>> = {
  read: ({ keywords }) => keywords['$seen'] !== true,
  unread: ({ keywords }) => keywords['$seen'] === true,
  flag: ({ keywords }) => keywords['$flagged'] !== true,
  unflag: ({ keywords }) => keywords['$flagged'] === true,
};

/** @throws MethodRefused, ConnectionLost … */
export async function emailIdsOf(
  store: MailStore,
  spec: ListSpec | null,
  targets: Targets,
  kind: Action['kind'],
): Promise<readonly string[]> {
  const { rows, isAll, isSingle = false } = targets;
  if (isAll && spec !== null) {
    const unmarked = UNMARKED[kind];
    const filter: EmailFilter =
      unmarked === undefined ? spec.filter : { operator: 'AND', conditions: [spec.filter, unmarked] };
    const ids = await store.idsOf({ ...spec, filter, isCollapsed: false });
    // In a search they lie anywhere; where, has to be known to move them.
    if (spec.mailboxId === null) await store.openEmails(ids.filter((id) => store.email(id) === null));
    return ids;
  }
  // A flag and "unread" stand for a message to come back to: the newest. All else is for the whole conversation.
  const isWhole = spec?.isCollapsed === true && !isSingle && kind !== 'flag' && kind !== 'unread';
  const ids = isWhole ? await membersOf(store, spec.mailboxId, rows) : rows;
  const isWanted = marks[kind];
  return ids.filter((id) => {
    const email = store.email(id);
    return email === null || isWanted === undefined || isWanted(email);
  });
}

/** Messages of these conversations that lie in the folder. */
async function membersOf(store: MailStore, mailboxId: string | null, rows: readonly string[]): Promise<string[]> {
  const members = rows.flatMap((row) => {
    const email = store.email(row);
    return email === null ? [row] : (store.thread(email.threadId) ?? [row]);
  });
  const ids = [...new Set(members)];
  const missing = ids.filter((id) => store.email(id) === null);
  if (missing.length > 0) await store.openEmails(missing);
  return ids.filter((id) => mailboxId === null || store.email(id)?.mailboxIds[mailboxId] === true);
}

/** Where a message lies and how it is marked; of those not loaded, what the list says of them. */
export function placedIn(store: MailStore, spec: ListSpec | null, id: string, kind: Action['kind']): Placed {
  const known = store.email(id);
  if (known !== null) return known;
  const mailboxIds: Placed['mailboxIds'] = spec === null || spec.mailboxId === null ? {} : { [spec.mailboxId]: true };
  const keywords: Placed['keywords'] = {};
  if (kind === 'unread') keywords['$seen'] = true;
  if (kind === 'unflag') keywords['$flagged'] = true;
  return { id, mailboxIds, keywords };
}
