/**
 * Opening a mailbox on disk: folded state, then the log's tail. What a crash can have left is put right here:
 * a torn record is cut off, parse results that may not have reached the disk are forgotten, MODSEQ jumps.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { Log } from '../../../observe/log.ts';
import type { Change } from '../../mailbox/change.ts';
import type { Location, OpenedMailbox } from '../../mailbox/storage.ts';
import { NO_FRAGMENT } from '../../mailbox/fragment-places.ts';
import { FragmentFiles, removeOldFragments } from './fragment-files.ts';
import { errorCode } from '../disk-failure.ts';
import type { Files } from './files.ts';
import { type FragmentEpoch, MailboxFile } from './mailbox-file.ts';
import { logTail } from './recovery.ts';
import { Segments } from './segments.ts';
import { OPEN_MARK, SqliteStorage, TextFiles } from './sqlite-storage.ts';

/** After a crash of the process alone everything written is still there: only numbers given out must not return. */
const RAISE_AFTER_CRASH = 1000;
/** After a crash of the machine flag changes of the last second may be lost that clients have seen. */
const RAISE_AFTER_POWER_CUT = 1_000_000;

export interface MailboxPlace {
  readonly directory: string;
  readonly bootId: string;
  readonly files: Files;
  readonly log: Log;
  readonly segmentBytes?: number | undefined;
}

export async function openMailbox(place: MailboxPlace): Promise<OpenedMailbox> {
  const { directory, files, log, bootId } = place;
  const mark = readMark(directory);
  const clean = mark === null;
  const powerCut = mark !== null && (mark === '' || mark !== bootId);
  const segments = new Segments(directory, files, place.segmentBytes);
  const file = new MailboxFile(path.join(directory, 'mailbox.db'));
  try {
    const { stored, position, fragments } = file.load();
    const tail = await readTail(segments, position, !clean);
    segments.resume(tail.end);
    if (powerCut) new TextFiles(directory).remove();
    const epoch = fragmentEpoch(directory, fragments, tail.end, clean);
    if (epoch !== fragments) file.setFragmentEpoch(epoch);
    if (epoch.file !== fragments.file) removeOldFragments(directory, epoch.file);
    if (!clean) log.warn({ directory, changes: tail.changes.length, powerCut }, 'mailbox recovered after a crash');
    const storage = new SqliteStorage({
      directory,
      segments,
      file,
      fragmentFile: epoch.file,
      files,
      log,
      bootId,
      marked: mark === bootId && bootId !== '',
      unfolded: { bytes: tail.bytes, changes: tail.changes.length },
    });
    return {
      storage,
      stored,
      replay: () => tail.changes.map((one) => ({ ...one, entry: withFragment(one.entry, one.at, epoch) })),
      raise: clean ? null : { step: powerCut ? RAISE_AFTER_POWER_CUT : RAISE_AFTER_CRASH, touch: powerCut },
    };
  } catch (reason) {
    file.close();
    throw reason;
  }
}

interface Tail {
  readonly changes: readonly { readonly entry: Change; readonly location: Location; readonly at: Location }[];
  readonly bytes: number;
  /** Where the log goes on. */
  readonly end: Location;
}

async function readTail(segments: Segments, position: Location, checked: boolean): Promise<Tail> {
  const changes: { entry: Change; location: Location; at: Location }[] = [];
  let bytes = 0;
  let end = position;
  for await (const one of logTail(segments, position, checked)) {
    changes.push({ entry: one.change, location: one.payload, at: one.at });
    bytes += one.end - one.at.offset;
    end = { segment: one.at.segment, offset: one.end };
  }
  return { changes, bytes, end };
}

/**
 * The files of parse results, when they can still be trusted. Those of another parser version, or lost, are replaced by
 * the next; after a crash what the log's tail says about them is not believed.
 */
function fragmentEpoch(directory: string, stored: FragmentEpoch, end: Location, clean: boolean): FragmentEpoch {
  if (end.segment === 0) return stored;
  if (new FragmentFiles(directory, stored.file).exist()) return clean ? stored : { ...stored, since: end };
  return { file: stored.file + 1, since: end };
}

function withFragment(change: Change, at: Location, epoch: FragmentEpoch): Change {
  if (change.kind !== 'append') return change;
  const { since } = epoch;
  const before = at.segment < since.segment || (at.segment === since.segment && at.offset < since.offset);
  return before ? { ...change, ...NO_FRAGMENT } : change;
}

/** Boot id of the opening that was not closed; null when there is none. */
function readMark(directory: string): string | null {
  try {
    return fs.readFileSync(path.join(directory, OPEN_MARK), 'latin1');
  } catch (reason) {
    if (errorCode(reason) === 'ENOENT') return null;
    throw reason;
  }
}
