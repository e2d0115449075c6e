/**
 * The folded state of a mailbox: what `mailbox.db` holds in the SQLite engine, as rows. Written only by folds, one
 * transaction each; everything behind the folded position is in the log.
 */
import { PARSER_VERSION } from '../../../message/model.ts';
import { Failure } from '../../../observe/failure.ts';
import { unpackChunk } from '../../mailbox/chunk.ts';
import { Columns } from '../../mailbox/columns.ts';
import type { FolderFacts, FolderState } from '../../mailbox/folder-state.ts';
import { forgetFragments } from '../../mailbox/fragment-places.ts';
import type { FoldImage, FoldedFolder, MailboxCounters, StoredMailbox } from '../../mailbox/storage.ts';
import { FOLDER_KINDS, SPECIAL_USES } from '../../model.ts';
import { ByteDecoder, encodeUids } from '../../mailbox/byte-codec.ts';
import type { Connections, Session } from './connections.ts';
import { booleanIn, bytesIn, insertRows, numberIn, type Row, textIn, textsIn, type Value } from './rows.ts';

const FOLDER_COLUMNS = `mailbox bigint, id bigint, name text, kind text, special_use text, hidden boolean,
  uid_validity bigint, uid_next bigint, highest_modseq bigint, message_count bigint, unseen bigint, deleted bigint,
  bytes bigint, keywords text[], first_recent_uid bigint, modseq_floor bigint, expunge_floor bigint`;

/** `row`: of the mailbox. */
export async function loadStored(session: Session, key: number, row: Row): Promise<StoredMailbox> {
  const folders = await session.query('SELECT * FROM penfold_mail.folder WHERE mailbox = $1 ORDER BY id', [key]);
  const subscriptions = await session.query('SELECT name FROM penfold_mail.subscription WHERE mailbox = $1', [key]);
  const former = await session.query('SELECT id, name FROM penfold_mail.former_folder WHERE mailbox = $1', [key]);
  return {
    counters: row['next_folder'] === null ? null : countersOf(row),
    folders: folders.map(factsOf),
    subscriptions: subscriptions.map((one) => textIn(one, 'name')),
    formerFolders: new Map(former.map((one) => [numberIn(one, 'id'), textIn(one, 'name')])),
  };
}

/** Rows whose chunk another parser version wrote lose their parse results: they will be made again. */
export async function loadRows(connections: Connections, key: number, folder: FolderState): Promise<void> {
  const { facts } = folder;
  const of = [key, facts.id];
  const columns = new Columns(Math.max(64, facts.exists));
  await connections.copyOut(
    `SELECT parser, data FROM penfold_mail.chunk WHERE mailbox = ${key} AND folder = ${facts.id} ORDER BY number`,
    ([parser, data]) => {
      if (parser === undefined || data === undefined) return;
      const from = columns.length;
      unpackChunk(data, columns);
      if (parser.readInt32BE(0) !== PARSER_VERSION) forgetFragments(columns, from, columns.length);
    },
  );
  const uidls = await connections.query(
    'SELECT uid, text FROM penfold_mail.uidl WHERE mailbox = $1 AND folder = $2',
    of,
  );
  const expunged = await connections.query(
    'SELECT modseq, uids FROM penfold_mail.expunged WHERE mailbox = $1 AND folder = $2 ORDER BY modseq',
    of,
  );
  for (let row = 0; facts.modSeqFloor > 0 && row < columns.length; row += 1) {
    if (columns.modSeq[row]! < facts.modSeqFloor) columns.modSeq[row] = facts.modSeqFloor;
  }
  if (uidls.length > 0) folder.uidls = new Map(uidls.map((row) => [numberIn(row, 'uid'), textIn(row, 'text')]));
  folder.expungeLog = expunged.map((row) => ({
    modSeq: numberIn(row, 'modseq'),
    uids: new ByteDecoder(bytesIn(row, 'uids')).uids(),
  }));
  folder.columns = columns;
}

/** Within a transaction that has checked the claim. `position`: of the last log record the image stands for. */
export async function writeImage(session: Session, key: number, image: FoldImage, position: number): Promise<void> {
  const { counters } = image;
  await session.query(
    `UPDATE penfold_mail.mailbox SET folded = $2, highest_modseq = $3, next_folder = $4, next_content = $5,
       next_thread = $6, last_uid_validity = $7 WHERE key = $1`,
    [
      key,
      position,
      counters.highestModSeq,
      counters.nextFolder,
      counters.nextContent,
      counters.nextThread,
      counters.lastUidValidity,
    ],
  );
  if (image.subscriptions !== null) {
    await session.query('DELETE FROM penfold_mail.subscription WHERE mailbox = $1', [key]);
    const rows = image.subscriptions.map((name): readonly Value[] => [key, name]);
    await insertRows(session, 'INSERT INTO penfold_mail.subscription (mailbox, name)', ['bigint', 'text'], rows);
  }
  if (image.removedFolders.length > 0) await removeFolders(session, key, image.removedFolders);
  if (image.formerFolders !== null) {
    await session.query('DELETE FROM penfold_mail.former_folder WHERE mailbox = $1', [key]);
    const rows = [...image.formerFolders].map(([id, name]): readonly Value[] => [key, id, name]);
    const types = ['bigint', 'bigint', 'text'];
    await insertRows(session, 'INSERT INTO penfold_mail.former_folder (mailbox, id, name)', types, rows);
  }
  await writeFacts(session, key, image.folders);
  for (const folder of image.folders) await writeFolder(session, key, folder);
  await insertRows(
    session,
    'INSERT INTO penfold_mail.thread_key (mailbox, hash, thread)',
    ['bigint', 'bigint', 'bigint'],
    [...image.threadKeys].map(([hash, thread]): readonly Value[] => [key, hash, thread]),
    'ON CONFLICT (mailbox, hash) DO UPDATE SET thread = excluded.thread',
  );
  await session.query('DELETE FROM penfold_mail.log WHERE mailbox = $1 AND position <= $2', [key, position]);
}

async function removeFolders(session: Session, key: number, ids: readonly number[]): Promise<void> {
  for (const table of ['chunk', 'expunged', 'uidl']) {
    await session.query(`DELETE FROM penfold_mail.${table} WHERE mailbox = $1 AND folder = ANY($2::bigint[])`, [
      key,
      ids,
    ]);
  }
  await session.query('DELETE FROM penfold_mail.folder WHERE mailbox = $1 AND id = ANY($2::bigint[])', [key, ids]);
}

/** All folders with one statement, however many. */
async function writeFacts(session: Session, key: number, folders: readonly FoldedFolder[]): Promise<void> {
  if (folders.length === 0) return;
  const list = folders.map(({ facts }) => ({
    mailbox: key,
    id: facts.id,
    name: facts.name,
    kind: facts.kind,
    special_use: facts.specialUse,
    hidden: facts.hidden,
    uid_validity: facts.uidValidity,
    uid_next: facts.uidNext,
    highest_modseq: facts.highestModSeq,
    message_count: facts.exists,
    unseen: facts.unseen,
    deleted: facts.deleted,
    bytes: facts.bytes,
    keywords: facts.keywords,
    first_recent_uid: facts.firstRecentUid,
    modseq_floor: facts.modSeqFloor,
    expunge_floor: facts.expungeFloor,
  }));
  const ids = list.map(({ id }) => id);
  await session.query('DELETE FROM penfold_mail.folder WHERE mailbox = $1 AND id = ANY($2::bigint[])', [key, ids]);
  await session.query(
    `INSERT INTO penfold_mail.folder SELECT * FROM json_to_recordset($1::json) AS f(${FOLDER_COLUMNS})`,
    [JSON.stringify(list)],
  );
}

async function writeFolder(session: Session, key: number, folder: FoldedFolder): Promise<void> {
  const { facts, chunks, uidls, newExpunges } = folder;
  const gone = [...chunks].filter(([, data]) => data === null).map(([chunk]) => chunk);
  if (gone.length > 0) {
    await session.query(
      'DELETE FROM penfold_mail.chunk WHERE mailbox = $1 AND folder = $2 AND number = ANY($3::bigint[])',
      [key, facts.id, gone],
    );
  }
  const kept: (readonly Value[])[] = [];
  for (const [chunk, data] of chunks) if (data !== null) kept.push([key, facts.id, chunk, PARSER_VERSION, data]);
  await insertRows(
    session,
    'INSERT INTO penfold_mail.chunk (mailbox, folder, number, parser, data)',
    ['bigint', 'bigint', 'bigint', 'integer', 'bytea'],
    kept,
    'ON CONFLICT (mailbox, folder, number) DO UPDATE SET parser = excluded.parser, data = excluded.data',
  );
  if (uidls !== null) {
    await session.query('DELETE FROM penfold_mail.uidl WHERE mailbox = $1 AND folder = $2', [key, facts.id]);
    const rows = [...uidls].map(([uid, text]): readonly Value[] => [key, facts.id, uid, text]);
    const types = ['bigint', 'bigint', 'bigint', 'text'];
    await insertRows(session, 'INSERT INTO penfold_mail.uidl (mailbox, folder, uid, text)', types, rows);
  }
  await insertRows(
    session,
    'INSERT INTO penfold_mail.expunged (mailbox, folder, modseq, uids)',
    ['bigint', 'bigint', 'bigint', 'bytea'],
    newExpunges.map(({ modSeq, uids }): readonly Value[] => [key, facts.id, modSeq, encodeUids(uids)]),
    'ON CONFLICT (mailbox, folder, modseq) DO UPDATE SET uids = excluded.uids',
  );
  if (facts.expungeFloor === 0) return;
  await session.query('DELETE FROM penfold_mail.expunged WHERE mailbox = $1 AND folder = $2 AND modseq <= $3', [
    key,
    facts.id,
    facts.expungeFloor,
  ]);
}

function countersOf(row: Row): MailboxCounters {
  return {
    highestModSeq: numberIn(row, 'highest_modseq'),
    nextFolder: numberIn(row, 'next_folder'),
    nextContent: numberIn(row, 'next_content'),
    nextThread: numberIn(row, 'next_thread'),
    lastUidValidity: numberIn(row, 'last_uid_validity'),
  };
}

function factsOf(row: Row): FolderFacts {
  return {
    id: numberIn(row, 'id'),
    name: textIn(row, 'name'),
    kind: oneOf(FOLDER_KINDS, textIn(row, 'kind')),
    specialUse: row['special_use'] === null ? null : oneOf(SPECIAL_USES, textIn(row, 'special_use')),
    hidden: booleanIn(row, 'hidden'),
    uidValidity: numberIn(row, 'uid_validity'),
    uidNext: numberIn(row, 'uid_next'),
    highestModSeq: numberIn(row, 'highest_modseq'),
    exists: numberIn(row, 'message_count'),
    unseen: numberIn(row, 'unseen'),
    deleted: numberIn(row, 'deleted'),
    bytes: numberIn(row, 'bytes'),
    keywords: textsIn(row, 'keywords'),
    firstRecentUid: numberIn(row, 'first_recent_uid'),
    modSeqFloor: numberIn(row, 'modseq_floor'),
    expungeFloor: numberIn(row, 'expunge_floor'),
  };
}

function oneOf<T extends string>(known: readonly T[], value: string): T {
  const found = known.find((one) => one === value);
  if (found === undefined) throw new Failure('CORRUPTION', 'The index of the mailbox cannot be read.');
  return found;
}
