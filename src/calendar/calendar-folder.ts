/**
 * The items of a mailbox, kept as messages of its Calendar folder. Reading looks at the columns of the index first and
 * opens only what is asked for; parsed items are kept, since a message never changes. Changes of one mailbox come one
 * after the other: an item is replaced by writing the new message and then taking the old one away, and while both are
 * there the newer one counts.
 */
import { Buffer } from 'node:buffer';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { readSortFields } from '../message/fragment.ts';
import { Failure } from '../observe/failure.ts';
import type { FolderView, Mailbox, MessageSink, StageOptions } from '../store/api.ts';
import type { Folder } from '../store/model.ts';
import { ITEM_MESSAGE_BYTES, nameOf, readItemMessage, type ReadItem, writeItemMessage } from './item-message.ts';
import type { CalendarItem } from './item.ts';
import { BadCalendar } from './jcal.ts';

/** Items of one calendar. */
export const CALENDAR_ITEMS = 50_000;
/** Characters of parsed items that are kept, over all mailboxes. */
const KEPT_CHARACTERS = 32 * 1024 * 1024;
/** Mailboxes whose names of items are kept. */
const KEPT_CALENDARS = 500;
/** Milliseconds of work after which others come first. */
const TURN_MS = 4;

export interface StoredItem extends ReadItem {
  readonly uid: number;
  readonly modSeq: number;
}

/** Where new messages come in (store/api.ts MailboxDatabase.stage). */
export type Stage = (options?: StageOptions) => MessageSink;

/** RFC 8620 §1.6: the same as long as nothing has changed. */
export interface CalendarState {
  readonly modSeq: number;
  /** UIDs from here on did not exist then. */
  readonly uidNext: number;
  readonly uidValidity: number;
}

export const stateText = ({ modSeq, uidNext, uidValidity }: CalendarState): string =>
  `${uidValidity.toString(36)}-${modSeq}-${uidNext}`;

export function readState(text: string): CalendarState | null {
  const found = /^([0-9a-z]{1,8})-(\d{1,16})-(\d{1,10})$/.exec(text);
  if (found === null) return null;
  const [, uidValidity = '', modSeq = '', uidNext = ''] = found;
  return { uidValidity: Number.parseInt(uidValidity, 36), modSeq: Number(modSeq), uidNext: Number(uidNext) };
}

export const calendarFolderOf = (mailbox: Mailbox): Folder | null => mailbox.folderByUse('calendar');

export function calendarState(mailbox: Mailbox): CalendarState {
  const folder = calendarFolderOf(mailbox);
  return folder === null
    ? { modSeq: 0, uidNext: 1, uidValidity: 0 }
    : { modSeq: folder.highestModSeq, uidNext: folder.uidNext, uidValidity: folder.uidValidity };
}

/** Name and aliases of one message. */
interface Names {
  readonly id: string;
  readonly aliases: readonly string[];
}

export class Calendars {
  readonly #items = new Map<string, { readonly read: ReadItem | null; readonly size: number }>();
  #characters = 0;
  readonly #names = new Map<string, Map<number, Names | null>>();
  readonly #changing = new Map<string, Promise<unknown>>();

  /** Reads; close nothing, the view is closed behind `use`. @throws Failure */
  async read<T>(mailbox: Mailbox, use: (calendar: OpenCalendar) => Promise<T>): Promise<T> {
    const folder = calendarFolderOf(mailbox);
    if (folder === null) return use(new OpenCalendar(this, mailbox, null));
    const view = await mailbox.view(folder.id);
    try {
      return await use(new OpenCalendar(this, mailbox, view));
    } finally {
      view.close();
    }
  }

  /** Reads and changes; nobody else changes this calendar meanwhile. @throws Failure */
  async change<T>(mailbox: Mailbox, stage: Stage, work: (calendar: ChangingCalendar) => Promise<T>): Promise<T> {
    const before = this.#changing.get(mailbox.id) ?? Promise.resolve();
    const run = before.then(() => this.#changeNow(mailbox, stage, work));
    const ended = run.catch(() => {});
    this.#changing.set(mailbox.id, ended);
    try {
      return await run;
    } finally {
      if (this.#changing.get(mailbox.id) === ended) this.#changing.delete(mailbox.id);
    }
  }

  async #changeNow<T>(mailbox: Mailbox, stage: Stage, work: (calendar: ChangingCalendar) => Promise<T>): Promise<T> {
    const folder =
      calendarFolderOf(mailbox) ??
      (await mailbox.createFolder('Calendar', { kind: 'calendar', specialUse: 'calendar' }));
    const view = await mailbox.view(folder.id);
    try {
      return await work(new ChangingCalendar(this, mailbox, view, stage));
    } finally {
      view.close();
    }
  }

  /** Names by UID of every message of the folder; read once each. */
  async names(mailbox: Mailbox, view: FolderView): Promise<ReadonlyMap<number, Names | null>> {
    const key = `${mailbox.id} ${view.folder.id} ${view.folder.uidValidity}`;
    const known = this.#names.get(key) ?? new Map<number, Names | null>();
    this.#names.delete(key);
    this.#names.set(key, known);
    if (this.#names.size > KEPT_CALENDARS) this.#names.delete(this.#names.keys().next().value ?? '');
    const present = new Set(view.columns.uid.subarray(0, view.columns.length));
    for (const uid of known.keys()) if (!present.has(uid)) known.delete(uid);
    const missing = Uint32Array.from([...present].filter((uid) => !known.has(uid)).toSorted((a, b) => a - b));
    if (missing.length === 0) return known;
    for await (const { first, count, bytes, pieces } of mailbox.fragments(view.folder.id, missing, ['details'])) {
      for (let i = 0; i < count; i += 1) {
        if ((pieces.details?.lengths[i] ?? 0) === 0) continue;
        const { messageId, references } = readSortFields(bytes, pieces.details?.offsets[i] ?? 0);
        const id = messageId === null ? null : nameOf(messageId);
        const aliases = references.map(nameOf).filter((name) => name !== null);
        known.set(missing[first + i] ?? 0, id === null ? null : { id, aliases });
      }
    }
    return known;
  }

  /** Parsed; null: gone, or not one of ours. */
  async item(mailbox: Mailbox, { folder }: FolderView, uid: number): Promise<ReadItem | null> {
    const key = `${mailbox.id} ${folder.id} ${folder.uidValidity} ${uid}`;
    const known = this.#items.get(key);
    if (known !== undefined) {
      this.#items.delete(key);
      this.#items.set(key, known);
      return known.read;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of mailbox.read(folder.id, uid, 0, ITEM_MESSAGE_BYTES)) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    const read = readItemMessage(bytes);
    this.#items.set(key, { read, size: bytes.length });
    this.#characters += bytes.length;
    for (const [oldest, { size }] of this.#items) {
      if (this.#characters <= KEPT_CHARACTERS || oldest === key) break;
      this.#items.delete(oldest);
      this.#characters -= size;
    }
    return read;
  }
}

export class OpenCalendar {
  readonly mailbox: Mailbox;
  protected readonly calendars: Calendars;
  /** Null: the mailbox has no calendar. */
  protected readonly view: FolderView | null;
  /** UID by name and alias, as long as this view is open. */
  #places: ReadonlyMap<string, number> | null = null;

  constructor(calendars: Calendars, mailbox: Mailbox, view: FolderView | null) {
    this.calendars = calendars;
    this.mailbox = mailbox;
    this.view = view;
  }

  get state(): CalendarState {
    return calendarState(this.mailbox);
  }

  /** By its name or the name of one of its occurrences. */
  async find(name: string): Promise<StoredItem | null> {
    const { view } = this;
    if (view === null) return null;
    this.#places ??= placesOf(await this.calendars.names(this.mailbox, view));
    const uid = this.#places.get(name);
    return uid === undefined ? null : this.#stored(view, uid);
  }

  /** The folder has changed under this view. */
  protected forget(): void {
    this.#places = null;
  }

  /** Those that reach into a window of moments, one after the other, with time for others in between. */
  async *within(from: number, before: number): AsyncGenerator<StoredItem, void> {
    yield* this.#each((row, { internalDate, sentDate }) => internalDate[row]! >= from && sentDate[row]! < before);
  }

  /** Those that have come or changed since. */
  async *since(state: CalendarState): AsyncGenerator<StoredItem, void> {
    yield* this.#each((row, { modSeq }) => modSeq[row]! > state.modSeq);
  }

  /** UIDs that left the folder since then; null: that is not known any more. */
  async goneSince(state: CalendarState): Promise<Uint32Array | null> {
    if (this.view === null) return new Uint32Array();
    return this.view.folder.uidValidity === state.uidValidity ? this.view.expungedSince(state.modSeq) : null;
  }

  /** Items that were taken away since then and can still be recovered; what was purged has no name any more. */
  async removedSince(state: CalendarState): Promise<readonly ReadItem[]> {
    const recoverable = this.mailbox.folderByUse('recoverable');
    if (recoverable === null || this.view === null) return [];
    const { id } = this.view.folder;
    const removed: ReadItem[] = [];
    const view = await this.mailbox.view(recoverable.id);
    try {
      const { columns } = view;
      const uids: number[] = [];
      for (let row = 0; row < columns.length; row += 1)
        if (columns.modSeq[row]! > state.modSeq && view.recoverableOrigin(row)?.folder === id)
          uids.push(columns.uid[row]!);
      for (const uid of uids) {
        const read = await this.calendars.item(this.mailbox, view, uid);
        if (read !== null) removed.push(read);
      }
    } finally {
      view.close();
    }
    return removed;
  }

  async *#each(isMeant: (row: number, columns: FolderView['columns']) => boolean): AsyncGenerator<StoredItem, void> {
    const { view } = this;
    if (view === null) return;
    const names = await this.calendars.names(this.mailbox, view);
    const newest = new Map<string, number>();
    for (const [uid, one] of names) if (one !== null) newest.set(one.id, Math.max(uid, newest.get(one.id) ?? 0));
    const uids: number[] = [];
    const { columns } = view;
    for (let row = 0; row < columns.length; row += 1) {
      const uid = columns.uid[row]!;
      const id = names.get(uid)?.id;
      if (id !== undefined && newest.get(id) === uid && isMeant(row, columns)) uids.push(uid);
    }
    let turn = performance.now();
    for (const uid of uids) {
      const stored = await this.#stored(view, uid);
      if (stored !== null) yield stored;
      if (performance.now() - turn < TURN_MS) continue;
      await nextTurn();
      turn = performance.now();
    }
  }

  async #stored(view: FolderView, uid: number): Promise<StoredItem | null> {
    const row = view.rowOf(uid);
    if (row < 0) return null;
    const modSeq = view.columns.modSeq[row]!;
    const read = await this.calendars.item(this.mailbox, view, uid);
    return read === null ? null : { ...read, uid, modSeq };
  }
}

/** The newer of two messages with one name counts: a replacement was cut off between its two steps. */
function placesOf(names: ReadonlyMap<number, Names | null>): ReadonlyMap<string, number> {
  const places = new Map<string, number>();
  const put = (name: string, uid: number): void => {
    if (uid > (places.get(name) ?? 0)) places.set(name, uid);
  };
  for (const [uid, one] of names) for (const alias of one?.aliases ?? []) put(alias, uid);
  const own = new Map<string, number>();
  for (const [uid, one] of names) if (one !== null && uid > (own.get(one.id) ?? 0)) own.set(one.id, uid);
  for (const [id, uid] of own) places.set(id, uid);
  return places;
}

export class ChangingCalendar extends OpenCalendar {
  readonly #stage: Stage;
  readonly #folder: FolderView;

  constructor(calendars: Calendars, mailbox: Mailbox, view: FolderView, stage: Stage) {
    super(calendars, mailbox, view);
    this.#folder = view;
    this.#stage = stage;
  }

  /** In place of `old`; null: a new one. @throws Failure TOOBIG, LIMIT, OVERQUOTA */
  async save(item: CalendarItem, old: StoredItem | null): Promise<void> {
    const { folder } = this.#folder;
    if (old === null && folder.exists >= CALENDAR_ITEMS)
      throw new Failure('LIMIT', `a calendar holds ${CALENDAR_ITEMS} items at most; delete some`);
    const { bytes, internalDate } = written(item, old?.firstUid ?? folder.uidNext);
    const sink = this.#stage({ maxBytes: ITEM_MESSAGE_BYTES });
    await sink.write(bytes);
    const staged = await sink.finish();
    try {
      await this.mailbox.append(folder.id, staged, { internalDate });
    } finally {
      await staged.release();
    }
    if (old !== null) await this.#takeAway(old, true);
    this.forget();
  }

  /** It can be recovered for as long as deleted mail. */
  async remove(stored: StoredItem): Promise<void> {
    await this.#takeAway(stored, false);
    this.forget();
  }

  async #takeAway({ item, uid }: StoredItem, purge: boolean): Promise<void> {
    const names = await this.calendars.names(this.mailbox, this.#folder);
    const older = [...names].filter(([other, one]) => one?.id === item.id && other < uid).map(([other]) => other);
    const { id } = this.#folder.folder;
    if (older.length > 0)
      await this.mailbox.expunge(id, Uint32Array.from(older.toSorted((a, b) => a - b)), { purge: true });
    await this.mailbox.expunge(id, Uint32Array.of(uid), { purge });
  }
}

function written(item: CalendarItem, firstUid: number): ReturnType<typeof writeItemMessage> {
  try {
    return writeItemMessage(item, firstUid);
  } catch (error) {
    if (error instanceof BadCalendar)
      throw new Failure('TOOBIG', 'the event is too large; take people, notes or changed occurrences out', {
        cause: error,
      });
    throw error;
  }
}
