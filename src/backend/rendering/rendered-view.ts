/**
 * A folder as a session with a rendering wish sees it: the rows of the store with the sizes of rendered messages.
 * Sizes have to be known before a row is shown, so rows that came in lately are held back until they are measured;
 * new rows stand at the end, hence what is shown is always the beginning of what there is.
 */
import type { FolderView, RecoverableOrigin } from '../../store/api.ts';
import type { Folder, FolderColumns } from '../../store/model.ts';
import { ORIGINAL, type RenderedFacts } from './rendered-facts.ts';

export class RenderedView implements FolderView {
  readonly #inner: FolderView;
  readonly #facts: RenderedFacts;
  readonly #closed: (view: RenderedView) => void;
  #columns: RenderedColumns;
  #of: FolderColumns;
  #generation: number;
  #length: number;

  constructor(inner: FolderView, facts: RenderedFacts, closed: (view: RenderedView) => void) {
    this.#inner = inner;
    this.#facts = facts;
    this.#closed = closed;
    this.#of = inner.columns;
    this.#generation = inner.generation;
    this.#length = this.#of.length;
    this.#columns = this.#build(0);
  }

  get folder(): Folder {
    return this.#inner.folder;
  }

  get generation(): number {
    return this.#inner.generation;
  }

  get columns(): FolderColumns {
    return this.#present();
  }

  /** Rows of the store that wait to be measured: [first, end). */
  get unmeasured(): { readonly first: number; readonly end: number } {
    return { first: this.#present().length, end: this.#inner.columns.length };
  }

  get isBehind(): boolean {
    const { first, end } = this.unmeasured;
    return first < end;
  }

  get storeColumns(): FolderColumns {
    return this.#inner.columns;
  }

  /** Sum of the sizes shown. */
  get bytes(): number {
    const { size, length } = this.#present();
    let sum = 0;
    for (let row = 0; row < length; row += 1) sum += size[row]!;
    return sum;
  }

  rowOf(uid: number): number {
    const row = this.#inner.rowOf(uid);
    return row < this.#present().length ? row : -1;
  }

  locate(uids: Uint32Array, from: number, count: number, rows: Int32Array): void {
    this.#inner.locate(uids, from, count, rows);
    const { length } = this.#present();
    for (let i = 0; i < count; i += 1) if (rows[i]! >= length) rows[i] = -1;
  }

  keywordBit(name: string): number {
    return this.#inner.keywordBit(name);
  }

  uidl(uid: number): string {
    return this.#inner.uidl(uid);
  }

  /** What is rendered ends with CRLF. */
  lineEndMissing(row: number): boolean {
    const content = this.#inner.columns.content[row] ?? 0;
    return this.#facts.sizeOf(content) === ORIGINAL && this.#inner.lineEndMissing(row);
  }

  recoverableOrigin(row: number): RecoverableOrigin | null {
    return this.#inner.recoverableOrigin(row);
  }

  expungedSince(modSeq: number): Promise<Uint32Array | null> {
    return this.#inner.expungedSince(modSeq);
  }

  close(): void {
    this.#closed(this);
    this.#inner.close();
  }

  #present(): RenderedColumns {
    const now = this.#inner.columns;
    const { generation } = this.#inner;
    const isSame = now === this.#of && generation === this.#generation;
    if (isSame && now.length === this.#length && this.#columns.length === now.length) return this.#columns;
    const shown = isSame ? this.#columns.length : 0;
    this.#of = now;
    this.#generation = generation;
    this.#length = now.length;
    this.#columns = this.#build(shown);
    return this.#columns;
  }

  /** `shown`: rows whose sizes stand in the present columns already. */
  #build(shown: number): RenderedColumns {
    const { content, size, length } = this.#of;
    const before = shown === 0 ? null : this.#columns.size;
    const sizes = before !== null && before.length >= length ? before : new Uint32Array(grown(length, shown));
    if (before !== null && before !== sizes) sizes.set(before.subarray(0, shown));
    let row = shown;
    for (; row < length; row += 1) {
      const known = this.#facts.sizeOf(content[row]!);
      if (known === undefined) break;
      sizes[row] = known === ORIGINAL ? size[row]! : known;
    }
    return new RenderedColumns(this.#of, row, sizes);
  }
}

/** Room for more where rows keep coming in. */
function grown(length: number, shown: number): number {
  return shown === 0 ? length : Math.ceil(length * 1.5);
}

/** The store's columns but for two; getters, because the store may replace an array as it grows. */
class RenderedColumns implements FolderColumns {
  readonly length: number;
  readonly size: Uint32Array;
  readonly #of: FolderColumns;

  constructor(of: FolderColumns, length: number, size: Uint32Array) {
    this.#of = of;
    this.length = length;
    this.size = size;
  }

  get uid(): Uint32Array {
    return this.#of.uid;
  }

  get flags(): Uint8Array {
    return this.#of.flags;
  }

  get keywordsLow(): Uint32Array {
    return this.#of.keywordsLow;
  }

  get keywordsHigh(): Uint32Array {
    return this.#of.keywordsHigh;
  }

  get modSeq(): Float64Array {
    return this.#of.modSeq;
  }

  get internalDate(): Float64Array {
    return this.#of.internalDate;
  }

  get saveDate(): Float64Array {
    return this.#of.saveDate;
  }

  get sentDate(): Float64Array {
    return this.#of.sentDate;
  }

  get sentDay(): Int32Array {
    return this.#of.sentDay;
  }

  get content(): Uint32Array {
    return this.#of.content;
  }

  get thread(): Uint32Array {
    return this.#of.thread;
  }
}
