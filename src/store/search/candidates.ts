/**
 * The messages one search looks among, and where their rows are now. Rows move when another session expunges, which
 * can happen at every await; `rows()` finds them again when that was so.
 */
import type { FolderView } from '../api.ts';
import type { Selection } from './selection.ts';

export class Candidates {
  readonly uids: Uint32Array;
  readonly view: FolderView;
  readonly #rows: Int32Array;
  #generation = -1;

  constructor(view: FolderView, uids: Uint32Array) {
    this.view = view;
    this.uids = uids;
    this.#rows = new Int32Array(uids.length);
  }

  /** Row by candidate, -1 for a message that is gone. Valid until the next await. */
  rows(): Int32Array {
    if (this.#generation !== this.view.generation) {
      this.view.locate(this.uids, 0, this.uids.length, this.#rows);
      this.#generation = this.view.generation;
    }
    return this.#rows;
  }

  /** UIDs of those selected candidates that still exist. */
  existing(selection: Selection): Uint32Array {
    const rows = this.rows();
    const out = new Uint32Array(selection.length);
    let kept = 0;
    for (let i = 0; i < selection.length; i += 1) {
      const position = selection[i]!;
      if (rows[position]! >= 0) out[kept++] = this.uids[position]!;
    }
    return out.subarray(0, kept);
  }
}
