/** SELECT and EXAMINE (RFC 9051 §6.3.2, §6.3.3; CONDSTORE RFC 7162 §3.1.8; MAILBOXID RFC 8474 §4.1). */
import { KEYWORDS_PER_FOLDER } from '../../wire/limits.ts';
import { SEEN } from '../../store/model.ts';
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
  if (view.takeRecentToClear()) session.background(session.mailbox.clearRecent(view.id), 'clearing \\Recent');
  return ok(`${command.name} completed.`, readOnly ? 'READ-ONLY' : 'READ-WRITE');
}

function writeFacts(session: Session, view: SelectedView): void {
  const folder = view.folder;
  const flags = flagNames(folder);
  const out = session.out;
  out.ascii('* ').number(view.exists).ascii(' EXISTS\r\n');
  out.ascii('* ').number(view.recentCount).ascii(' RECENT\r\n');
  out.utf8(`* FLAGS (${flags})\r\n`);
  const more = folder.keywords.length < KEYWORDS_PER_FOLDER ? ' \\*' : '';
  if (view.readOnly) out.ascii('* OK [PERMANENTFLAGS ()] Read-only: no flags can be changed.\r\n');
  else out.utf8(`* OK [PERMANENTFLAGS (${flags}${more})] Permanent flags.\r\n`);
  const unseen = folder.unseen === 0 ? 0 : firstUnseen(view.store);
  if (unseen > 0) out.ascii(`* OK [UNSEEN ${unseen}] Is the first unseen message.\r\n`);
  out.ascii(`* OK [UIDVALIDITY ${folder.uidValidity}] UIDVALIDITY value.\r\n`);
  out.ascii(`* OK [UIDNEXT ${folder.uidNext}] The next unique identifier value.\r\n`);
  out.ascii(`* OK [HIGHESTMODSEQ ${folder.highestModSeq}] The highest modification sequence.\r\n`);
  out.ascii(`* OK [MAILBOXID (${mailboxObjectId(view.id)})] The id of this folder.\r\n`);
}

/** Sequence number of the first message without \Seen, or 0. */
function firstUnseen(store: FolderView): number {
  const { flags, length } = store.columns;
  for (let row = 0; row < length; row += 1) if ((flags[row]! & SEEN) === 0) return row + 1;
  return 0;
}
