/**
 * The messages of one query by their place in it (RFC 8620 §5.5), as far as they are known: windows of a list that may
 * have 100,000 rows. A window that is asked again says how far the rows behind it have moved; what is known there is
 * shown until it has been asked again too. Knows no network and no React. Pure state.
 */

/** Rows asked for at once. */
export const PAGE = 64;

export class MessageList {
  /** Null: not known yet. */
  total: number | null = null;
  #ids = new Map<number, string>();
  #places = new Map<string, number>();
  /** Pages that are as the server has them. */
  readonly #fresh = new Set<number>();

  at(index: number): string | null {
    return this.#ids.get(index) ?? null;
  }

  /** -1: not among what is known. */
  indexOf(id: string): number {
    return this.#places.get(id) ?? -1;
  }

  /** Known ids from `from` up to and without `to`. */
  between(from: number, to: number): readonly string[] {
    const ids: string[] = [];
    for (let index = from; index < to; index += 1) {
      const id = this.#ids.get(index);
      if (id !== undefined) ids.push(id);
    }
    return ids;
  }

  /** What has to be asked before these rows can be shown as they are; null: nothing. */
  wanted(from: number, to: number): { readonly position: number; readonly limit: number } | null {
    const end = this.total === null ? to : Math.min(to, this.total);
    let first = Math.max(0, Math.floor(from / PAGE));
    let last = Math.floor((Math.max(end, 1) - 1) / PAGE);
    while (first <= last && this.#fresh.has(first)) first += 1;
    while (last >= first && this.#fresh.has(last)) last -= 1;
    return first > last ? null : { position: first * PAGE, limit: (last - first + 1) * PAGE };
  }

  /** The window from `position` on, as the server has it now. */
  accept(position: number, ids: readonly string[], total: number): void {
    const before = this.total ?? total;
    const end = position + ids.length;
    const moves = ids.flatMap((id, at) => {
      const old = this.#places.get(id);
      return old === undefined ? [] : [position + at - old];
    });
    const moveBefore = moves[0] ?? 0;
    const moveBehind = moves.at(-1) ?? total - before;
    const isMoved = total !== before || moves.some((move) => move !== 0);
    if (isMoved) this.#fresh.clear();
    const taken = new Set(ids);
    const known = new Map<number, string>();
    const oldEnd = this.#endOfWindow(position, ids, end - moveBehind);
    for (const [old, id] of this.#ids) {
      const index = old < oldEnd.from ? old + moveBefore : old >= oldEnd.to ? old + moveBehind : -1;
      if (index >= 0 && index < total && (index < position || index >= end) && !taken.has(id)) known.set(index, id);
    }
    for (const [at, id] of ids.entries()) known.set(position + at, id);
    this.#become(known);
    this.total = total;
    const lastPage = Math.floor(Math.max(total - 1, 0) / PAGE);
    for (let page = Math.ceil(position / PAGE); page * PAGE < Math.max(end, 1); page += 1)
      if ((page + 1) * PAGE <= end || page >= lastPage) this.#fresh.add(page);
  }

  /** Where the rows of the window were before: those in front and those behind are kept. */
  #endOfWindow(
    position: number,
    ids: readonly string[],
    behind: number,
  ): { readonly from: number; readonly to: number } {
    const places = ids.map((id) => this.#places.get(id)).filter((place) => place !== undefined);
    if (places.length === 0) return { from: position, to: behind };
    return { from: Math.min(...places), to: Math.max(...places) + 1 };
  }

  /** They are gone from here; the rest moves up. Pages stay as fresh as they are but for what moved in. */
  remove(gone: ReadonlySet<string>): void {
    const places = [...gone].map((id) => this.indexOf(id)).filter((index) => index >= 0);
    if (places.length === 0) return;
    places.sort((a, b) => a - b);
    const known = new Map<number, string>();
    let passed = 0;
    for (const [index, id] of [...this.#ids].toSorted(([a], [b]) => a - b)) {
      while (passed < places.length && (places[passed] ?? 0) < index) passed += 1;
      if (!gone.has(id)) known.set(index - passed, id);
    }
    this.#become(known);
    if (this.total !== null) this.total -= places.length;
    const first = Math.floor((places[0] ?? 0) / PAGE);
    for (const page of this.#fresh) if (page >= first) this.#fresh.delete(page);
  }

  /** Everything has to be asked again; until then it is shown as it is. */
  stale(): void {
    this.#fresh.clear();
  }

  #become(known: Map<number, string>): void {
    this.#ids = known;
    this.#places = new Map();
    for (const [index, id] of known) this.#places.set(id, index);
  }
}
