/**
 * Opening a claimed mailbox: folded state, then the log's tail. Everything that was acknowledged is in the database,
 * flags too, so nothing has to be repaired and no MODSEQ has to jump; only parse results may be missing.
 */
import { FRAGMENT_PIECES } from '../../../message/fragment-pieces.ts';
import type { Log } from '../../../observe/log.ts';
import type { Change } from '../../mailbox/change.ts';
import type { Location, OpenedMailbox, StorageLost } from '../../mailbox/storage.ts';
import { ChangeLog, readTail } from './change-log.ts';
import type { Connections } from './connections.ts';
import { Contents } from './contents.ts';
import type { Claim } from './fence.ts';
import { loadStored } from './folded-state.ts';
import { PackedBytes } from './packed-bytes.ts';
import { PostgresStorage } from './postgres-storage.ts';
import { numberIn, type Row } from './rows.ts';

const NOWHERE: Location = { segment: 0, offset: 0 };

export interface ClaimedMailbox {
  readonly connections: Connections;
  readonly claim: Claim;
  /** Of the mailbox, as it was when it was claimed. */
  readonly row: Row;
  readonly log: Log;
  release(): Promise<void>;
  lost(reason: StorageLost): void;
}

export async function openClaimed(claimed: ClaimedMailbox): Promise<OpenedMailbox> {
  const { connections, claim, row } = claimed;
  const stored = await loadStored(connections, claim.key, row);
  const tail = await readTail(connections, claim.key, numberIn(row, 'folded'));
  const packed = await PackedBytes.open(connections, claim);
  const changes = tail.changes.map((change) => withFragments(change, packed));
  // What the tail names was given out, stored or not: two meanings of one offset must never meet.
  for (const change of tail.changes) reserve(change, packed);
  const contents = new Contents(connections, claim);
  const storage = new PostgresStorage({
    ...claimed,
    contents,
    packed,
    changes: new ChangeLog(connections, claim, contents, tail.position),
    unfolded: { bytes: tail.bytes, changes: tail.changes.length },
    release: () => claimed.release(),
    lost: (reason) => claimed.lost(reason),
  });
  return {
    storage,
    stored,
    replay: () => changes.map((entry) => ({ entry, location: locationOf(entry) })),
    raise: null,
  };
}

function locationOf(change: Change): Location {
  return change.kind === 'append' ? { segment: change.content, offset: 0 } : NOWHERE;
}

/** Parse results of the tail that were not written before the last owner went away have to be made again. */
function withFragments(change: Change, packed: PackedBytes): Change {
  if (change.kind !== 'append') return change;
  const { listOffset, listLength, searchOffset, searchLength, detailsOffset, detailsLength } = change;
  return {
    ...change,
    listLength: packed.covers('list', listOffset, listLength) ? listLength : 0,
    searchLength: packed.covers('search', searchOffset, searchLength) ? searchLength : 0,
    detailsLength: packed.covers('details', detailsOffset, detailsLength) ? detailsLength : 0,
  };
}

function reserve(change: Change, packed: PackedBytes): void {
  if (change.kind !== 'append') return;
  const ends = {
    list: change.listOffset + change.listLength,
    search: change.searchOffset + change.searchLength,
    details: change.detailsOffset + change.detailsLength,
  };
  for (const piece of FRAGMENT_PIECES) packed.reserve(piece, ends[piece]);
}
