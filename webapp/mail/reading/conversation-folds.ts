/** Which messages of a conversation are open when it is opened, and which closed ones are folded to one line. Pure. */

export interface Openable {
  readonly id: string;
  readonly isUnread: boolean;
}

/** Open: what is unread and the last one; and what the address names. */
export function openAtFirst(messages: readonly Openable[], named: string | null = null): ReadonlySet<string> {
  const last = messages.at(-1);
  return new Set(
    messages.filter(({ id, isUnread }) => isUnread || id === last?.id || id === named).map(({ id }) => id),
  );
}

export type Stretch =
  | { readonly kind: 'message'; readonly id: string }
  | { readonly kind: 'folded'; readonly ids: readonly string[] };

/** Fewer closed messages in a row are shown as they are. */
const FOLDS_FROM = 4;

/** Of many closed messages in a row the first and the last stay; those between are one line. */
export function stretches(ids: readonly string[], open: ReadonlySet<string>, isUnfolded: boolean): readonly Stretch[] {
  if (isUnfolded) return ids.map((id) => ({ kind: 'message', id }));
  const found: Stretch[] = [];
  let closed: string[] = [];
  const flush = (): void => {
    const [first, ...rest] = closed;
    const last = rest.pop();
    if (closed.length >= FOLDS_FROM && first !== undefined && last !== undefined)
      found.push({ kind: 'message', id: first }, { kind: 'folded', ids: rest }, { kind: 'message', id: last });
    else found.push(...closed.map((id) => ({ kind: 'message' as const, id })));
    closed = [];
  };
  for (const id of ids) {
    if (!open.has(id)) {
      closed.push(id);
      continue;
    }
    flush();
    found.push({ kind: 'message', id });
  }
  flush();
  return found;
}
