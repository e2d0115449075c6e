/** THREAD (RFC 5256 §4): ORDEREDSUBJECT and REFERENCES. */
import { ProtocolViolation } from '../../observe/failure.ts';
import type { ThreadNode } from '../../store/search/query.ts';
import type { ByteWriter } from '../../wire/byte-writer.ts';
import type { CommandOf } from '../grammar/ast.ts';
import { type Completion, ok, selectedView, type Session } from '../session/context.ts';
import { asksModSeq, searchQuery } from './search-query.ts';

const SPACE = 0x20;
const OPEN = 0x28;
const CLOSE = 0x29;

export async function thread(session: Session, command: CommandOf<'THREAD'>): Promise<Completion> {
  const view = selectedView(session);
  if (command.algorithm === 'refs') throw new ProtocolViolation('THREAD: REFS is not offered by this server');
  if (asksModSeq(command.key)) session.enableCondstore();
  const uids = await session.mailbox.search(view.id, view.uids, searchQuery(view, command.key));
  const threads = uids.length === 0 ? [] : await session.mailbox.thread(view.id, uids, command.algorithm);
  session.out.ascii('* THREAD');
  if (threads.length > 0) session.out.byte(SPACE);
  const indexOf = view.positions(uids.length);
  writeThreads(session.out, threads, command.uid ? (uid) => uid : (uid) => indexOf(uid) + 1);
  session.out.ascii('\r\n');
  return ok('THREAD completed.');
}

/**
 * Every thread in parentheses; a reply follows its parent after a space, several replies each in their own
 * parentheses. Without recursion: a thread may be as deep as the folder has messages.
 */
export function writeThreads(out: ByteWriter, threads: readonly ThreadNode[], number: (uid: number) => number): void {
  type Work = { readonly node: ThreadNode } | 'close';
  const work: Work[] = [];
  const enter = (nodes: readonly ThreadNode[]): void => {
    for (let i = nodes.length - 1; i >= 0; i -= 1) work.push({ node: nodes[i]! });
  };
  enter(threads);
  for (let next = work.pop(); next !== undefined; next = work.pop()) {
    if (next === 'close') {
      out.byte(CLOSE);
      continue;
    }
    out.byte(OPEN);
    work.push('close');
    let node = next.node;
    let first = true;
    for (;;) {
      if (node.uid !== null) {
        if (!first) out.byte(SPACE);
        first = false;
        out.number(number(node.uid));
      }
      const only = node.children[0];
      if (node.children.length !== 1 || only === undefined) break;
      node = only;
    }
    if (node.children.length > 1) {
      if (!first) out.byte(SPACE);
      enter(node.children);
    }
  }
}
