/** A folder held open by one caller: a window on the shared FolderState (store/api.ts FolderView). */
import type { FolderView, RecoverableOrigin } from '../api.ts';
import { type Folder, type FolderColumns, folderId } from '../model.ts';
import { LINE_END } from './columns.ts';
import type { FolderState } from './folder-state.ts';
import type { MailboxState } from './mailbox-state.ts';

export class SharedFolderView implements FolderView {
  readonly #state: MailboxState;
  readonly #folder: FolderState;
  #open = true;

  constructor(state: MailboxState, folder: FolderState) {
    this.#state = state;
    this.#folder = folder;
    folder.views += 1;
  }

  get folder(): Folder {
    return this.#folder.snapshot;
  }

  get columns(): FolderColumns {
    return this.#state.rows(this.#folder);
  }

  get generation(): number {
    return this.#folder.generation;
  }

  rowOf(uid: number): number {
    return this.#state.rows(this.#folder).rowOf(uid);
  }

  locate(uids: Uint32Array, from: number, count: number, rows: Int32Array): void {
    this.#state.rows(this.#folder).locate(uids, from, count, rows);
  }

  keywordBit(name: string): number {
    return this.#folder.keywordBit(name);
  }

  /** UIDVALIDITY and UID in hexadecimal: unique even when the folder is made again (RFC 1939 §7). */
  uidl(uid: number): string {
    this.#state.rows(this.#folder);
    const stored = this.#folder.uidls.get(uid);
    if (stored !== undefined) return stored;
    return this.#folder.facts.uidValidity.toString(16).padStart(8, '0') + uid.toString(16).padStart(8, '0');
  }

  lineEndMissing(row: number): boolean {
    return this.#state.rows(this.#folder).lineEnd[row] === LINE_END.missing;
  }

  recoverableOrigin(row: number): RecoverableOrigin | null {
    if (this.#folder.facts.kind !== 'recoverable') return null;
    const columns = this.#state.rows(this.#folder);
    const id = columns.deletedFrom[row] ?? 0;
    const present = this.#state.folders.get(id);
    return {
      folder: present === undefined ? null : folderId(id),
      name: present?.name ?? this.#state.formerFolders.get(id) ?? null,
      deletedAt: columns.saveDate[row] ?? 0,
    };
  }

  expungedSince(modSeq: number): Promise<Uint32Array | null> {
    this.#state.rows(this.#folder);
    if (modSeq < this.#folder.facts.expungeFloor) return Promise.resolve(null);
    const lists = this.#folder.expungeLog.filter((entry) => entry.modSeq > modSeq).map((entry) => entry.uids);
    const all = new Uint32Array(lists.reduce((sum, list) => sum + list.length, 0));
    let at = 0;
    for (const list of lists) {
      all.set(list, at);
      at += list.length;
    }
    return Promise.resolve(all.sort());
  }

  get isOpen(): boolean {
    return this.#open;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#folder.closeView();
  }
}
