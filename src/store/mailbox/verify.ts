/**
 * The integrity check: every stored fact of a mailbox against a recount, every message against its checksum.
 * Reports in plain words; changes nothing.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { FRAGMENT_PIECES } from '../../message/fragment-pieces.ts';
import type { VerifyReport } from '../api.ts';
import { DELETED, SEEN } from '../model.ts';
import type { FolderState } from './folder-state.ts';
import type { MailboxCore } from './mailbox-core.ts';

/** More problems than this are counted, not listed. */
const LISTED_PROBLEMS = 100;

export async function verifyMailbox(core: MailboxCore): Promise<VerifyReport> {
  await core.queue.drained();
  const letGo = await core.holdAll();
  try {
    return await verifyHeld(core);
  } finally {
    letGo();
  }
}

async function verifyHeld(core: MailboxCore): Promise<VerifyReport> {
  const problems: string[] = [];
  let more = 0;
  const report = (text: string): void => {
    if (problems.length < LISTED_PROBLEMS) problems.push(text);
    else more += 1;
  };
  let messages = 0;
  const checked = new Set<number>();
  for (const folder of core.state.folders.values()) {
    messages += folder.facts.exists;
    recount(core, folder, report);
    await checkContents(core, folder, checked, report);
  }
  if (more > 0) problems.push(`and ${more} more`);
  return { mailbox: core.id, folders: core.state.folders.size, messages, problems };
}

function recount(core: MailboxCore, folder: FolderState, report: (text: string) => void): void {
  const { facts } = folder;
  const columns = core.state.rows(folder);
  let unseen = 0;
  let deleted = 0;
  let bytes = 0;
  let last = 0;
  for (let row = 0; row < columns.length; row += 1) {
    const uid = columns.uid[row]!;
    if (uid <= last) report(`${facts.name}: UID ${uid} stands behind UID ${last}`);
    last = uid;
    const flags = columns.flags[row]!;
    if ((flags & SEEN) === 0) unseen += 1;
    if ((flags & DELETED) !== 0) deleted += 1;
    bytes += columns.size[row]!;
    if (columns.modSeq[row]! > facts.highestModSeq) report(`${facts.name}: UID ${uid} is newer than HIGHESTMODSEQ`);
    if (columns.content[row]! >= core.state.counters.nextContent) {
      report(`${facts.name}: UID ${uid} has a content id that was not given out`);
    }
  }
  if (last >= facts.uidNext) report(`${facts.name}: UID ${last} is not below UIDNEXT ${facts.uidNext}`);
  if (facts.highestModSeq > core.state.counters.highestModSeq) report(`${facts.name}: MODSEQ above the mailbox's`);
  const expected = { exists: columns.length, unseen, deleted, bytes };
  for (const [name, count] of Object.entries(expected)) {
    const stored =
      name === 'exists'
        ? facts.exists
        : name === 'unseen'
          ? facts.unseen
          : name === 'deleted'
            ? facts.deleted
            : facts.bytes;
    if (stored !== count) report(`${facts.name}: ${name} is ${stored}, counted ${count}`);
  }
}

async function checkContents(
  core: MailboxCore,
  folder: FolderState,
  checked: Set<number>,
  report: (text: string) => void,
): Promise<void> {
  const { name } = folder.facts;
  const all = core.state.rows(folder);
  const uids = all.uid.slice(0, all.length);
  for (let i = 0; i < uids.length; i += 1) {
    if (i % 256 === 255) await nextTurn();
    const columns = core.state.rows(folder);
    const row = columns.rowOf(uids[i]!);
    if (row < 0 || checked.has(columns.content[row]!)) continue;
    checked.add(columns.content[row]!);
    const problem = await core.storage.checkContent(columns.segment[row]!, columns.offset[row]!, columns.size[row]!);
    if (problem !== null) report(`${name}: UID ${uids[i]}: ${problem}`);
  }
  let at = 0;
  for await (const batch of core.fragments(folder, uids, FRAGMENT_PIECES)) {
    if (batch.first !== at) report(`${name}: fragments of messages ${at} to ${batch.first} are missing`);
    at = batch.first + batch.count;
  }
  if (at !== uids.length) report(`${name}: fragments end at message ${at} of ${uids.length}`);
}
