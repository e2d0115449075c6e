/** SELECT and EXAMINE (RFC 9051 §6.3.2, §6.3.3; CONDSTORE RFC 7162 §3.1.8; MAILBOXID RFC 8474 §4.1). */
import { KEYWORDS_PER_FOLDER } from '../../wire/limits.ts';
import { type Folder, SEEN } from '../../store/model.ts';
import type { FolderView } from '../../store/api.ts';
import type { CommandOf } from '../grammar/ast.ts';
import { type Completion, ok, type Session } from '../session/context.ts';
import { flagNames, SelectedView } from '../session/selected-view.ts';
import { folderNamed, mailboxObjectId } from './folders.ts';

export async function select(session: Session, command: CommandOf<'SELECT' | 'EXAMINE'>): Promise<Completion> {
  // RFC 9051 §6.3.2: the old folder is left even when the new one cannot be opened.
  if (session.selected !== null) {
    session.unselect();
    session.out.ascii('* OK [CLOSED] The folder selected before is closed.\r\n');
  }
  const folder = folderNamed(session, command.folder);
  const readOnly = command.name === 'EXAMINE';
  const view = new SelectedView(await session.mailbox.view(folder.id), readOnly);
  if (command.condstore) session.enableCondstore();
  session.select(view);
  writeFacts(session, view);
  // Before the answer: whoever selects the folder next must not see them as \Recent again.
  if (view.takeRecentToClear()) await session.background(session.mailbox.clearRecent(view.id), 'clearing \\Recent');
  return ok(`${command.name} completed.`, readOnly ? 'READ-ONLY' : 'READ-WRITE');
}

/** What SELECT and EXAMINE say of a folder, without the counts of the session. */
interface Facts {
  readonly readWrite: string;
  readonly readOnly: string;
}

/**
 * By the folder's snapshot, which the store replaces with every change: who selects a folder again in which nothing
 * has changed costs no search for the first unseen message, and no text.
 */
const factsOf = new WeakMap<Folder, Facts>();

function writeFacts(session: Session, view: SelectedView): void {
  let facts = factsOf.get(view.folder);
  if (facts === undefined) {
    facts = makeFacts(view.folder, view.store);
    factsOf.set(view.folder, facts);
  }
  session.out.ascii(`* ${view.exists} EXISTS\r\n* ${view.recentCount} RECENT\r\n`);
  session.out.utf8(view.readOnly ? facts.readOnly : facts.readWrite);
}

function makeFacts(folder: Folder, store: FolderView): Facts {
  const flags = flagNames(folder);
  const more = folder.keywords.length < KEYWORDS_PER_FOLDER ? ' \\*' : '';
  const unseen = folder.unseen === 0 ? 0 : firstUnseen(store);
  const before = `* FLAGS (${flags})\r\n`;
  const behind = [
    unseen > 0 ? `* OK [UNSEEN ${unseen}] Is the first unseen message.\r\n` : '',
    `* OK [UIDVALIDITY ${folder.uidValidity}] UIDVALIDITY value.\r\n`,
    `* OK [UIDNEXT ${folder.uidNext}] The next unique identifier value.\r\n`,
    `* OK [HIGHESTMODSEQ ${folder.highestModSeq}] The highest modification sequence.\r\n`,
    `* OK [MAILBOXID (${mailboxObjectId(folder.id)})] The id of this folder.\r\n`,
  ].join('');
  return {
    readWrite: `${before}* OK [PERMANENTFLAGS (${flags}${more})] Permanent flags.\r\n${behind}`,
    readOnly: `${before}* OK [PERMANENTFLAGS ()] Read-only: no flags can be changed.\r\n${behind}`,
  };
}

/** Sequence number of the first message without \Seen, or 0. */
function firstUnseen(store: FolderView): number {
  const { flags, length } = store.columns;
  for (let row = 0; row < length; row += 1) if ((flags[row]! & SEEN) === 0) return row + 1;
  return 0;
}
