/** What a list shows: the query behind it. Pure. */

/** Filter of Email/query (RFC 8621 §4.4.1). */
export type EmailFilter =
  | { readonly operator: 'AND' | 'OR' | 'NOT'; readonly conditions: readonly EmailFilter[] }
  | EmailCondition;

export interface EmailCondition {
  readonly inMailbox?: string;
  readonly inMailboxOtherThan?: readonly string[];
  readonly before?: string;
  readonly after?: string;
  readonly minSize?: number;
  readonly maxSize?: number;
  readonly hasKeyword?: string;
  readonly notKeyword?: string;
  readonly hasAttachment?: boolean;
  readonly text?: string;
  readonly from?: string;
  readonly to?: string;
  readonly cc?: string;
  readonly bcc?: string;
  readonly subject?: string;
  readonly body?: string;
}

export interface ListSpec {
  readonly filter: EmailFilter;
  /** The folder in which all rows lie: what leaves it leaves the list. Null: they may lie anywhere. */
  readonly mailboxId: string | null;
  /** A row is a conversation (`collapseThreads`). */
  readonly isCollapsed: boolean;
}

export const NEWEST_FIRST = [{ property: 'receivedAt', isAscending: false }] as const;

export const listKey = (spec: ListSpec): string => JSON.stringify([spec.filter, spec.isCollapsed]);
