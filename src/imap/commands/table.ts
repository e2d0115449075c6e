/**
 * Every command of the back end: in which states it may come (RFC 9051 §6), who answers it, and whether message
 * numbers may move while it does (§7.5.1: never in answers to FETCH, STORE and SEARCH by number; SORT and THREAD
 * are searches, RFC 5256 §3).
 */
import type { Command, CommandName } from '../grammar/ast.ts';
import type { Outcome, Session } from '../session/context.ts';
import { append } from './append.ts';
import { capability, enable } from './capability.ts';
import { close, unselect } from './close.ts';
import { copyOrMove } from './copy.ts';
import { create } from './create.ts';
import { deleteFolder } from './delete.ts';
import { expunge } from './expunge.ts';
import { fetch } from './fetch/fetch.ts';
import { id } from './id.ts';
import { list, lsub } from './list.ts';
import { logout } from './logout.ts';
import { namespace } from './namespace.ts';
import { check, noop } from './noop.ts';
import { getQuota, getQuotaRoot, setQuota } from './quota.ts';
import { afterLogon } from './refused.ts';
import { rename } from './rename.ts';
import { search, sort } from './search.ts';
import { select } from './select.ts';
import { status } from './status.ts';
import { store } from './store.ts';
import { subscribe } from './subscribe.ts';
import { thread } from './thread.ts';

type CommandNamed<Name extends CommandName> = Command & { readonly name: Name };

interface Row<Name extends CommandName> {
  readonly state: 'authenticated' | 'selected';
  readonly run: (session: Session, command: CommandNamed<Name>) => Outcome;
  /** `uid`: only in the UID form of the command. */
  readonly expunge: 'always' | 'uid';
}

const anywhere = { state: 'authenticated', expunge: 'always' } as const;
const selected = { state: 'selected', expunge: 'always' } as const;
const byNumber = { state: 'selected', expunge: 'uid' } as const;

const TABLE: { readonly [Name in CommandName]: Row<Name> } = {
  CAPABILITY: { ...anywhere, run: capability },
  NOOP: { ...anywhere, run: noop },
  LOGOUT: { ...anywhere, run: logout },
  ID: { ...anywhere, run: id },
  ENABLE: { ...anywhere, run: enable },
  STARTTLS: { ...anywhere, run: afterLogon },
  LOGIN: { ...anywhere, run: afterLogon },
  AUTHENTICATE: { ...anywhere, run: afterLogon },

  SELECT: { ...anywhere, run: select },
  EXAMINE: { ...anywhere, run: select },
  CREATE: { ...anywhere, run: create },
  DELETE: { ...anywhere, run: deleteFolder },
  RENAME: { ...anywhere, run: rename },
  SUBSCRIBE: { ...anywhere, run: subscribe },
  UNSUBSCRIBE: { ...anywhere, run: subscribe },
  LIST: { ...anywhere, run: list },
  LSUB: { ...anywhere, run: lsub },
  NAMESPACE: { ...anywhere, run: namespace },
  GETQUOTA: { ...anywhere, run: getQuota },
  GETQUOTAROOT: { ...anywhere, run: getQuotaRoot },
  SETQUOTA: { ...anywhere, run: setQuota },
  STATUS: { ...anywhere, run: status },
  APPEND: { ...anywhere, run: append },
  IDLE: { ...anywhere, run: (session, { tag }) => session.idle(tag) },

  CHECK: { ...selected, run: check },
  CLOSE: { ...selected, run: close },
  UNSELECT: { ...selected, run: unselect },
  EXPUNGE: { ...selected, run: expunge },
  COPY: { ...selected, run: copyOrMove },
  MOVE: { ...selected, run: copyOrMove },
  FETCH: { ...byNumber, run: fetch },
  STORE: { ...byNumber, run: store },
  SEARCH: { ...byNumber, run: search },
  SORT: { ...byNumber, run: sort },
  THREAD: { ...byNumber, run: thread },
};

/** Runs one command that is valid in the state of the session. */
export function run<Name extends CommandName>(name: Name, session: Session, command: CommandNamed<Name>): Outcome {
  const row: Row<Name> = TABLE[name];
  return row.run(session, command);
}

export const needsFolder = (command: Command): boolean => TABLE[command.name].state === 'selected';

/** Whether EXPUNGE answers may stand between this command and its tagged answer. */
export function mayMoveNumbers(command: Command): boolean {
  return TABLE[command.name].expunge === 'always' || ('uid' in command && command.uid);
}
