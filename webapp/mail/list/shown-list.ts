/** Which messages the list shows: folder or search, narrowed by the quick filter, as conversations or one by one. Pure. */
import type { MailPlace } from '../mail-path.ts';
import type { Mailbox } from '../methods.ts';
import { parseSearch, searchFilter } from '../search-query.ts';
import type { EmailCondition, EmailFilter, ListSpec } from '../store/list-spec.ts';
import { withRole } from '../folders/folder-tree.ts';

export const QUICK_FILTERS = ['all', 'unread', 'flagged', 'attachment'] as const;
export type QuickFilter = (typeof QUICK_FILTERS)[number];

const QUICK: Readonly<Record<QuickFilter, EmailCondition | null>> = {
  all: null,
  unread: { notKeyword: '$seen' },
  flagged: { hasKeyword: '$flagged' },
  attachment: { hasAttachment: true },
};

/** Null: no such folder. */
export function listOf(wanted: {
  readonly mailboxes: readonly Mailbox[];
  readonly folder: Mailbox | null;
  readonly place: MailPlace;
  readonly quickFilter: QuickFilter;
  readonly isConversations: boolean;
}): ListSpec | null {
  const { mailboxes, folder, place, quickFilter, isConversations } = wanted;
  const quick = QUICK[quickFilter];
  if (place.search !== null) {
    const parsed = parseSearch(place.search);
    const within = parsed.folders.length > 0 ? null : place.everywhere ? everywhere(mailboxes) : folder;
    const place_ = within === null ? [] : ['id' in within ? { inMailbox: within.id } : within];
    const found = searchFilter(parsed, mailboxes);
    return { filter: all([...place_, found, ...(quick === null ? [] : [quick])]), mailboxId: null, isCollapsed: false };
  }
  if (folder === null) return null;
  const here = { inMailbox: folder.id };
  return {
    filter: quick === null ? here : all([here, quick]),
    mailboxId: folder.id,
    // A draft is a message of its own; so is one that waits for being deleted.
    isCollapsed: isConversations && folder.role !== 'drafts',
  };
}

/** What was thrown away or is junk is found only when it is looked for there. */
function everywhere(mailboxes: readonly Mailbox[]): EmailCondition {
  const out = [withRole(mailboxes, 'trash'), withRole(mailboxes, 'junk')].filter((one) => one !== null);
  return { inMailboxOtherThan: out.map(({ id }) => id) };
}

export function all(conditions: readonly EmailFilter[]): EmailFilter {
  const [first] = conditions;
  return first !== undefined && conditions.length === 1 ? first : { operator: 'AND', conditions };
}
