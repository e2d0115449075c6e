/**
 * A change of where Emails lie and which keywords they have: as a patch for Email/set (RFC 8621 §4.6), done to what
 * this browser knows at once, and the way back. Pure.
 */
import type { Email, Mailbox, Placed } from '../methods.ts';

export interface EmailChange {
  /** Keyword: whether it is there afterwards. */
  readonly keywords?: Readonly<Record<string, boolean>>;
  /** Mailbox id: whether it lies there afterwards. */
  readonly mailboxes?: Readonly<Record<string, boolean>>;
}

export function patchOf(change: EmailChange): Readonly<Record<string, true | null>> {
  const patch: Record<string, true | null> = {};
  for (const [keyword, on] of Object.entries(change.keywords ?? {})) patch[`keywords/${escaped(keyword)}`] = on || null;
  for (const [id, on] of Object.entries(change.mailboxes ?? {})) patch[`mailboxIds/${escaped(id)}`] = on || null;
  return patch;
}

/** JSON Pointer (RFC 6901 §3). */
const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

export function changed(email: Email, change: EmailChange): Email {
  return {
    ...email,
    keywords: marked(email.keywords, change.keywords),
    mailboxIds: marked(email.mailboxIds, change.mailboxes),
  };
}

function marked(
  marks: Readonly<Record<string, true>>,
  changes: Readonly<Record<string, boolean>> | undefined,
): Record<string, true> {
  const after: Record<string, true> = { ...marks };
  for (const [name, on] of Object.entries(changes ?? {}))
    if (on) after[name] = true;
    else delete after[name];
  return after;
}

/** What has to be changed so that `email` is again as it is now, once `change` is done. */
export function undoOf(email: Placed, change: EmailChange): EmailChange {
  const back = (marks: Readonly<Record<string, true>>, changes: Readonly<Record<string, boolean>> | undefined) =>
    Object.fromEntries(Object.keys(changes ?? {}).map((name) => [name, marks[name] === true]));
  return { keywords: back(email.keywords, change.keywords), mailboxes: back(email.mailboxIds, change.mailboxes) };
}

/** Folders with their counts as they are once `before` have become `after` (null: gone for good). */
export function recounted(
  mailboxes: readonly Mailbox[],
  pairs: ReadonlyArray<readonly [before: Placed, after: Placed | null]>,
): readonly Mailbox[] {
  const totals = new Map<string, number>();
  const unread = new Map<string, number>();
  const count = (email: Placed | null, by: 1 | -1): void => {
    if (email === null) return;
    for (const id of Object.keys(email.mailboxIds)) {
      totals.set(id, (totals.get(id) ?? 0) + by);
      if (email.keywords['$seen'] !== true) unread.set(id, (unread.get(id) ?? 0) + by);
    }
  };
  for (const [before, after] of pairs) {
    count(before, -1);
    count(after, 1);
  }
  return mailboxes.map((mailbox) => ({
    ...mailbox,
    totalEmails: Math.max(0, mailbox.totalEmails + (totals.get(mailbox.id) ?? 0)),
    unreadEmails: Math.max(0, mailbox.unreadEmails + (unread.get(mailbox.id) ?? 0)),
  }));
}
