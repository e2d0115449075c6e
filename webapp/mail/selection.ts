/** Which rows are chosen: one by one, from here to there, or all of the list, loaded or not. Pure. */

export interface Selection {
  readonly ids: ReadonlySet<string>;
  /** Where a range begins. */
  readonly anchor: string | null;
  /** Every message of the list, also those that are not loaded. */
  readonly isAll: boolean;
}

export const NONE: Selection = { ids: new Set(), anchor: null, isAll: false };
export const ALL: Selection = { ids: new Set(), anchor: null, isAll: true };

export const isChosen = ({ ids, isAll }: Selection, id: string): boolean => isAll || ids.has(id);
export const isEmpty = ({ ids, isAll }: Selection): boolean => !isAll && ids.size === 0;

export const only = (id: string): Selection => ({ ids: new Set([id]), anchor: id, isAll: false });

/** `shown`: the rows to fall back on when one of all is taken out. */
export function toggled(selection: Selection, id: string, shown: readonly string[] = []): Selection {
  const ids = new Set(selection.isAll ? shown : selection.ids);
  if (!ids.delete(id)) ids.add(id);
  return { ids, anchor: id, isAll: false };
}

/** `range`: the rows from the anchor to the one clicked, both with it. */
export function extended(selection: Selection, range: readonly string[], keeps: boolean): Selection {
  return {
    ids: new Set(keeps ? [...selection.ids, ...range] : range),
    anchor: selection.anchor ?? range[0] ?? null,
    isAll: false,
  };
}

/** Without what is not in the list any more. */
export function without(selection: Selection, gone: (id: string) => boolean): Selection {
  if (selection.isAll || selection.ids.size === 0) return selection;
  const ids = new Set([...selection.ids].filter((id) => !gone(id)));
  return ids.size === selection.ids.size ? selection : { ...selection, ids };
}
