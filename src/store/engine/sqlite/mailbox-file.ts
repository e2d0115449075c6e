/**
 * `mailbox.db` of one mailbox: the state up to a position of the log, as small rows and packed chunks. Written only by
 * folds, one transaction each; everything behind the position is in the log (recovery.ts).
 *
 * A schema change is one numbered step in MIGRATIONS, forward only. A file of a newer release is refused.
 */
import { Buffer } from 'node:buffer';
import fs from 'node:fs';
import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Failure } from '../../../observe/failure.ts';
import { unpackChunk } from '../../mailbox/chunk.ts';
import { Columns } from '../../mailbox/columns.ts';
import { forgetFragments } from '../../mailbox/fragment-places.ts';
import type { FolderFacts, FolderState } from '../../mailbox/folder-state.ts';
import type { FoldImage, FoldedFolder, Location, MailboxCounters, StoredMailbox } from '../../mailbox/storage.ts';
import { FOLDER_KINDS, type FolderKind, SPECIAL_USES, type SpecialUse } from '../../model.ts';
import type { ThreadKey } from '../../moving.ts';
import { ByteDecoder, encodeUids } from '../../mailbox/byte-codec.ts';
import { checkpoint } from './checkpoint.ts';

const MIGRATIONS: readonly string[] = [
  `CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
   CREATE TABLE folder (
     id INTEGER PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, special_use TEXT, hidden INTEGER NOT NULL,
     uid_validity INTEGER NOT NULL, uid_next INTEGER NOT NULL, highest_modseq INTEGER NOT NULL,
     message_count INTEGER NOT NULL, unseen INTEGER NOT NULL, deleted INTEGER NOT NULL, bytes INTEGER NOT NULL,
     keywords TEXT NOT NULL, first_recent_uid INTEGER NOT NULL, modseq_floor INTEGER NOT NULL,
     expunge_floor INTEGER NOT NULL);
   CREATE TABLE chunk (folder INTEGER NOT NULL, number INTEGER NOT NULL, fragment_file INTEGER NOT NULL,
     data BLOB NOT NULL, PRIMARY KEY (folder, number));
   CREATE TABLE expunged (folder INTEGER NOT NULL, modseq INTEGER NOT NULL, uids BLOB NOT NULL,
     PRIMARY KEY (folder, modseq)) WITHOUT ROWID;
   CREATE TABLE uidl (folder INTEGER NOT NULL, uid INTEGER NOT NULL, text TEXT NOT NULL,
     PRIMARY KEY (folder, uid)) WITHOUT ROWID;
   CREATE TABLE subscription (name TEXT PRIMARY KEY) WITHOUT ROWID;
   CREATE TABLE thread_key (hash INTEGER PRIMARY KEY, thread INTEGER NOT NULL);`,
  // With chunks of version 2: those of version 1 stay readable and are written anew when a row of theirs changes.
  'CREATE TABLE former_folder (id INTEGER PRIMARY KEY, name TEXT NOT NULL);',
];

/** Thread keys read at a time: about 2 ms. */
const THREAD_KEY_BATCH = 2048;
/** Wall time of one step of a fold, ms. */
const STEP_MS = 4;

type MetaKey =
  | keyof MailboxCounters
  | 'logSegment'
  | 'logOffset'
  | 'fragmentFile'
  | 'fragmentSegment'
  | 'fragmentOffset';
const COUNTERS: readonly (keyof MailboxCounters)[] = [
  'highestModSeq',
  'nextFolder',
  'nextContent',
  'nextThread',
  'lastUidValidity',
];

/** Parse results referred to by log records before `since` are not in the present fragment files. */
export interface FragmentEpoch {
  readonly file: number;
  readonly since: Location;
}

interface Loaded {
  readonly stored: StoredMailbox;
  readonly position: Location;
  readonly fragments: FragmentEpoch;
}

const NOTHING_STORED: Loaded = {
  stored: { counters: null, folders: [], subscriptions: [], formerFolders: new Map() },
  position: { segment: 0, offset: 0 },
  fragments: { file: 1, since: { segment: 0, offset: 0 } },
};

/** Index files open at a time in this process; one costs 200 KB. */
const OPEN_INDEXES = 48;
const inUse = new Set<MailboxFile>();

export class MailboxFile {
  readonly #path: string;
  /** Null while resting. */
  #open: { readonly db: DatabaseSync; readonly thread: StatementSync } | null = null;

  /** The file comes with the first fold: a new mailbox costs none. */
  constructor(path: string) {
    this.#path = path;
  }

  get #db(): DatabaseSync {
    return this.#use().db;
  }

  /** @throws Failure CORRUPTION, UNAVAILABLE (written by a newer release) */
  load(): Loaded {
    if (!this.#exists()) return NOTHING_STORED;
    const meta = new Map<string, number>();
    for (const row of this.#db.prepare('SELECT key, value FROM meta').all())
      meta.set(text(row, 'key'), number(row, 'value'));
    const of = (key: MetaKey): number => meta.get(key) ?? 0;
    const counters: MailboxCounters | null = meta.has('nextFolder')
      ? {
          highestModSeq: of('highestModSeq'),
          nextFolder: of('nextFolder'),
          nextContent: of('nextContent'),
          nextThread: of('nextThread'),
          lastUidValidity: of('lastUidValidity'),
        }
      : null;
    return {
      stored: {
        counters,
        folders: this.#db.prepare('SELECT * FROM folder ORDER BY id').all().map(factsOf),
        subscriptions: this.#db
          .prepare('SELECT name FROM subscription')
          .all()
          .map((row) => text(row, 'name')),
        formerFolders: new Map(
          this.#db
            .prepare('SELECT id, name FROM former_folder')
            .all()
            .map((row) => [number(row, 'id'), text(row, 'name')]),
        ),
      },
      position: { segment: of('logSegment'), offset: of('logOffset') },
      fragments: {
        file: Math.max(1, of('fragmentFile')),
        since: { segment: of('fragmentSegment'), offset: of('fragmentOffset') },
      },
    };
  }

  setFragmentEpoch(epoch: FragmentEpoch): void {
    this.#setMeta('fragmentFile', epoch.file);
    this.#setMeta('fragmentSegment', epoch.since.segment);
    this.#setMeta('fragmentOffset', epoch.since.offset);
  }

  /** Rows whose chunk was written for another fragment file lose their fragment: it will be made again. */
  loadRows(folder: FolderState, fragmentFile: number): void {
    const { facts } = folder;
    const columns = new Columns(Math.max(64, facts.exists));
    const chunks = this.#db.prepare('SELECT fragment_file, data FROM chunk WHERE folder = ? ORDER BY number');
    for (const row of chunks.all(facts.id)) {
      const from = columns.length;
      unpackChunk(blob(row, 'data'), columns);
      if (number(row, 'fragment_file') !== fragmentFile) forgetFragments(columns, from, columns.length);
    }
    for (let row = 0; facts.modSeqFloor > 0 && row < columns.length; row += 1) {
      if (columns.modSeq[row]! < facts.modSeqFloor) columns.modSeq[row] = facts.modSeqFloor;
    }
    const uidls = this.#db.prepare('SELECT uid, text FROM uidl WHERE folder = ?').all(facts.id);
    if (uidls.length > 0) folder.uidls = new Map(uidls.map((row) => [number(row, 'uid'), text(row, 'text')]));
    const expunged = this.#db.prepare('SELECT modseq, uids FROM expunged WHERE folder = ? ORDER BY modseq');
    folder.expungeLog = expunged.all(facts.id).map((row) => ({
      modSeq: number(row, 'modseq'),
      uids: new ByteDecoder(blob(row, 'uids')).uids(),
    }));
    folder.columns = columns;
  }

  threadOf(key: number): number | null {
    if (!this.#exists()) return null;
    const row = this.#use().thread.get(key);
    return row === undefined ? null : number(row, 'thread');
  }

  /** The next ones by hash; none: that was all. */
  threadKeysAfter(key: number): readonly ThreadKey[] {
    if (!this.#exists()) return [];
    return this.#db
      .prepare('SELECT hash, thread FROM thread_key WHERE hash > ? ORDER BY hash LIMIT ?')
      .all(key, THREAD_KEY_BATCH)
      .map((row) => ({ key: number(row, 'hash'), thread: number(row, 'thread') }));
  }

  /** One transaction in small steps. `ready` resolves when the log up to `position` is durable. */
  async fold(image: FoldImage, position: Location, fragmentFile: number, ready: Promise<void>): Promise<void> {
    this.#db.exec('BEGIN');
    try {
      let until = performance.now() + STEP_MS;
      for (const write of this.#writes(image, fragmentFile)) {
        write();
        if (performance.now() < until) continue;
        await nextTurn();
        until = performance.now() + STEP_MS;
      }
      for (const key of COUNTERS) this.#setMeta(key, image.counters[key]);
      this.#setMeta('logSegment', position.segment);
      this.#setMeta('logOffset', position.offset);
      await ready;
      this.#db.exec('COMMIT');
    } catch (reason) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw reason;
    }
  }

  /** What was folded is in the file itself and on the disk. */
  makeDurable(): Promise<void> {
    return checkpoint(this.#path);
  }

  /** Gives the handle back (some 200 KB); the next use opens it again. */
  rest(): void {
    if (this.#open === null || this.#open.db.isTransaction) return;
    this.close();
  }

  close(): void {
    this.#open?.db.close();
    this.#open = null;
    inUse.delete(this);
  }

  #exists(): boolean {
    return this.#open !== null || fs.existsSync(this.#path);
  }

  #use(): { readonly db: DatabaseSync; readonly thread: StatementSync } {
    if (this.#open !== null) return this.#open;
    // Oldest first: thousands of mailboxes may be open, few of them fold or load rows at a time.
    for (const other of inUse) {
      if (inUse.size < OPEN_INDEXES) break;
      other.rest();
    }
    inUse.add(this);
    const db = new DatabaseSync(this.#path);
    try {
      db.exec(
        'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -512; PRAGMA wal_autocheckpoint = 0;',
      );
      migrate(db);
      this.#open = { db, thread: db.prepare('SELECT thread FROM thread_key WHERE hash = ?') };
    } catch (reason) {
      db.close();
      inUse.delete(this);
      throw reason;
    }
    return this.#open;
  }

  *#writes(image: FoldImage, fragmentFile: number): Iterable<() => void> {
    const db = this.#db;
    if (image.subscriptions !== null) {
      yield () => db.exec('DELETE FROM subscription');
      const add = db.prepare('INSERT INTO subscription (name) VALUES (?)');
      for (const name of image.subscriptions) yield () => void add.run(name);
    }
    for (const id of image.removedFolders) {
      for (const table of ['chunk', 'expunged', 'uidl']) {
        yield () => void db.prepare(`DELETE FROM ${table} WHERE folder = ?`).run(id);
      }
      yield () => void db.prepare('DELETE FROM folder WHERE id = ?').run(id);
    }
    if (image.formerFolders !== null) {
      yield () => db.exec('DELETE FROM former_folder');
      const add = db.prepare('INSERT INTO former_folder (id, name) VALUES (?, ?)');
      for (const [id, name] of image.formerFolders) yield () => void add.run(id, name);
    }
    for (const folder of image.folders) yield* this.#folderWrites(folder, fragmentFile);
    const key = db.prepare('INSERT OR REPLACE INTO thread_key (hash, thread) VALUES (?, ?)');
    for (const [hash, thread] of image.threadKeys) yield () => void key.run(hash, thread);
  }

  *#folderWrites(folder: FoldedFolder, fragmentFile: number): Iterable<() => void> {
    const db = this.#db;
    const { facts } = folder;
    yield () => this.#putFacts(facts);
    const put = db.prepare('INSERT OR REPLACE INTO chunk (folder, number, fragment_file, data) VALUES (?, ?, ?, ?)');
    const drop = db.prepare('DELETE FROM chunk WHERE folder = ? AND number = ?');
    for (const [chunk, data] of folder.chunks) {
      if (data === null) yield () => void drop.run(facts.id, chunk);
      else yield () => void put.run(facts.id, chunk, fragmentFile, data);
    }
    if (folder.uidls !== null) {
      yield () => void db.prepare('DELETE FROM uidl WHERE folder = ?').run(facts.id);
      const add = db.prepare('INSERT INTO uidl (folder, uid, text) VALUES (?, ?, ?)');
      for (const [uid, value] of folder.uidls) yield () => void add.run(facts.id, uid, value);
    }
    const gone = db.prepare('INSERT OR REPLACE INTO expunged (folder, modseq, uids) VALUES (?, ?, ?)');
    for (const { modSeq, uids } of folder.newExpunges) yield () => void gone.run(facts.id, modSeq, encodeUids(uids));
    yield () =>
      void db.prepare('DELETE FROM expunged WHERE folder = ? AND modseq <= ?').run(facts.id, facts.expungeFloor);
  }

  #putFacts(facts: FolderFacts): void {
    this.#db
      .prepare('INSERT OR REPLACE INTO folder VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
      .run(
        facts.id,
        facts.name,
        facts.kind,
        facts.specialUse,
        facts.hidden ? 1 : 0,
        facts.uidValidity,
        facts.uidNext,
        facts.highestModSeq,
        facts.exists,
        facts.unseen,
        facts.deleted,
        facts.bytes,
        JSON.stringify(facts.keywords),
        facts.firstRecentUid,
        facts.modSeqFloor,
        facts.expungeFloor,
      );
  }

  #setMeta(key: MetaKey, value: number): void {
    this.#db.prepare('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)').run(key, value);
  }
}

function migrate(db: DatabaseSync): void {
  const found = db.prepare('PRAGMA user_version').get();
  const version = found === undefined ? 0 : number(found, 'user_version');
  if (version > MIGRATIONS.length) {
    throw new Failure(
      'UNAVAILABLE',
      `The mailbox was written by a newer release (format ${version}, this one reads up to ${MIGRATIONS.length}).`,
    );
  }
  for (const [index, step] of MIGRATIONS.entries()) {
    if (index < version) continue;
    db.exec(`BEGIN; ${step} PRAGMA user_version = ${index + 1}; COMMIT;`);
  }
}

type Row = Record<string, SQLOutputValue>;

function factsOf(row: Row): FolderFacts {
  const keywords: unknown = JSON.parse(text(row, 'keywords'));
  return {
    id: number(row, 'id'),
    name: text(row, 'name'),
    kind: folderKind(text(row, 'kind')),
    specialUse: specialUse(row['special_use'] ?? null),
    hidden: number(row, 'hidden') === 1,
    uidValidity: number(row, 'uid_validity'),
    uidNext: number(row, 'uid_next'),
    highestModSeq: number(row, 'highest_modseq'),
    exists: number(row, 'message_count'),
    unseen: number(row, 'unseen'),
    deleted: number(row, 'deleted'),
    bytes: number(row, 'bytes'),
    keywords: Array.isArray(keywords) ? keywords.filter((keyword) => typeof keyword === 'string') : [],
    firstRecentUid: number(row, 'first_recent_uid'),
    modSeqFloor: number(row, 'modseq_floor'),
    expungeFloor: number(row, 'expunge_floor'),
  };
}

function folderKind(value: string): FolderKind {
  const kind = FOLDER_KINDS.find((one) => one === value);
  return kind ?? damaged();
}

function specialUse(value: SQLOutputValue): SpecialUse | null {
  return value === null ? null : (SPECIAL_USES.find((one) => one === value) ?? damaged());
}

function number(row: Row, name: string): number {
  const value = row[name];
  return typeof value === 'number' ? value : damaged();
}

function text(row: Row, name: string): string {
  const value = row[name];
  return typeof value === 'string' ? value : damaged();
}

function blob(row: Row, name: string): Buffer {
  const value = row[name];
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : damaged();
}

function damaged(): never {
  throw new Failure('CORRUPTION', 'The index of the mailbox cannot be read.');
}
