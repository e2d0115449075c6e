/**
 * LIST (RFC 9051 §6.3.9) with LIST-EXTENDED (RFC 5258), CHILDREN (RFC 3348), SPECIAL-USE (RFC 6154) and LIST-STATUS
 * (RFC 5819), and LSUB (RFC 3501 §6.3.9). Special uses stand in every answer, asked for or not: programs that look
 * for them there would otherwise make a second Sent folder (field-study.md B7).
 */
import type { Folder } from '../../store/model.ts';
import { isVisible, useAttribute } from './folders.ts';
import type { CommandOf } from '../grammar/ast.ts';
import { type Completion, ok, type Session } from '../session/context.ts';
import { writeFolderName } from '../grammar/write-response.ts';
import { type FolderNode, folderTree } from './folder-tree.ts';
import { ListPattern } from './list-pattern.ts';
import { nextTurn } from './rows.ts';
import { writeStatus } from './status.ts';

/** Folders looked at in one turn of the event loop. */
const FOLDERS_A_TURN = 256;

export async function list(session: Session, command: CommandOf<'LIST'>): Promise<Completion> {
  if (!command.extended && command.patterns.length === 1 && command.patterns[0] === '') {
    // RFC 9051 §6.3.9: an empty pattern asks for the delimiter and the root of the reference.
    session.out.ascii('* LIST (\\Noselect) "/" ""\r\n');
    return ok('LIST completed.');
  }
  const patterns = command.patterns.map((pattern) => new ListPattern(command.reference + pattern));
  const matching = (name: string): boolean => patterns.some((pattern) => pattern.matches(name));
  const nodes = folderTree(session);
  const recursive = command.select.includes('RECURSIVEMATCH');
  const listed: Folder[] = [];
  for (const [at, node] of nodes.entries()) {
    if (at % FOLDERS_A_TURN === FOLDERS_A_TURN - 1) await nextTurn(session);
    if (!matching(node.name)) continue;
    const chosen = isSelected(node, command);
    const childInfo = recursive && belowSelected(node, nodes, command, matching);
    if (!chosen && !childInfo) continue;
    writeNode(session, node, command, childInfo);
    if (node.folder !== null && chosen) listed.push(node.folder);
  }
  if (command.returns.status !== null) {
    for (const folder of listed) {
      // Opening a folder for STATUS takes a turn; what vanished meanwhile has no status (RFC 5819 §2).
      const now = session.mailbox.folder(folder.id);
      if (now === null || !isVisible(session, now)) continue;
      const working = writeStatus(session, now, command.returns.status);
      if (working !== null) await working;
    }
  }
  return ok('LIST completed.');
}

export function lsub(session: Session, command: CommandOf<'LSUB'>): Completion {
  const pattern = new ListPattern(command.reference + command.pattern);
  for (const node of folderTree(session)) {
    if (!pattern.matches(node.name)) continue;
    // RFC 3501 §6.3.9: with `%` a parent that is not subscribed stands for subscribed names below it.
    const parentOnly = !node.subscribed && node.subscribedBelow && command.pattern.endsWith('%');
    if (!node.subscribed && !parentOnly) continue;
    const use = useAttribute(node.folder?.specialUse ?? null);
    const attributes = parentOnly || node.folder === null ? ['\\Noselect'] : [];
    if (use !== null && !parentOnly) attributes.push(use);
    session.out.ascii(`* LSUB (${attributes.join(' ')}) "/" `);
    writeFolderName(session.out, node.name, false);
    session.out.ascii('\r\n');
  }
  return ok('LSUB completed.');
}

function isSelected(node: FolderNode, command: CommandOf<'LIST'>): boolean {
  const { select } = command;
  if (select.includes('SPECIAL-USE') && useAttribute(node.folder?.specialUse ?? null) === null) return false;
  if (select.includes('SUBSCRIBED')) return node.subscribed;
  // A name that is only subscribed is no folder and no parent of one.
  return node.folder !== null || node.hasChildren;
}

/** RFC 5258 §3.5: something below is selected that no pattern shows by itself. */
function belowSelected(
  node: FolderNode,
  nodes: readonly FolderNode[],
  command: CommandOf<'LIST'>,
  matching: (name: string) => boolean,
): boolean {
  if (command.select.includes('SUBSCRIBED') && !node.subscribedBelow) return false;
  if (command.select.includes('SPECIAL-USE') && !node.specialUseBelow) return false;
  const below = `${node.name}/`;
  return nodes.some((other) => other.name.startsWith(below) && isSelected(other, command) && !matching(other.name));
}

function writeNode(session: Session, node: FolderNode, command: CommandOf<'LIST'>, childInfo: boolean): void {
  const attributes: string[] = [];
  if (node.folder === null) attributes.push(command.extended ? '\\NonExistent' : '\\Noselect');
  attributes.push(node.hasChildren ? '\\HasChildren' : '\\HasNoChildren');
  const subscribedWanted = command.returns.subscribed || command.select.includes('SUBSCRIBED');
  if (subscribedWanted && node.subscribed) attributes.push('\\Subscribed');
  const use = useAttribute(node.folder?.specialUse ?? null);
  if (use !== null) attributes.push(use);
  const out = session.out;
  out.ascii(`* LIST (${attributes.join(' ')}) "/" `);
  writeFolderName(out, node.name, false);
  if (childInfo) {
    const why = command.select.filter((option) => option === 'SUBSCRIBED' || option === 'SPECIAL-USE');
    out.ascii(` ("CHILDINFO" (${why.map((option) => `"${option}"`).join(' ')}))`);
  }
  out.ascii('\r\n');
}
