/**
 * CAPABILITY (RFC 9051 §6.1.1) and what is offered after logon. A name stands here only when all of its RFC works.
 */
import type { CommandOf } from '../grammar/ast.ts';
import { type Completion, ok, type Session } from '../session/context.ts';

const AFTER_LOGON: readonly string[] = [
  'IMAP4rev1',
  'LITERAL+',
  'SASL-IR',
  'ID',
  'ENABLE',
  'IDLE',
  'NAMESPACE',
  'CHILDREN',
  'UIDPLUS',
  'UNSELECT',
  'MOVE',
  'SPECIAL-USE',
  'CREATE-SPECIAL-USE',
  'LIST-EXTENDED',
  'LIST-STATUS',
  'STATUS=SIZE',
  'ESEARCH',
  'SORT',
  'SORT=DISPLAY',
  'THREAD=ORDEREDSUBJECT',
  'THREAD=REFERENCES',
  'CONDSTORE',
  'WITHIN',
  'SAVEDATE',
  'PREVIEW',
  'OBJECTID',
  'QUOTA',
  'QUOTA=RES-STORAGE',
];

/** @param maxMessageSize octets an APPEND may have (RFC 7889) */
export function capabilitiesAfterLogon(maxMessageSize: number): string[] {
  return [...AFTER_LOGON, `APPENDLIMIT=${maxMessageSize}`];
}

export function capability(session: Session): Completion {
  session.out.ascii(`* CAPABILITY ${capabilitiesAfterLogon(session.settings.maxMessageSize).join(' ')}\r\n`);
  return ok('CAPABILITY completed.');
}

/** RFC 5161. CONDSTORE is the one name that changes what this server sends. */
export function enable(session: Session, command: CommandOf<'ENABLE'>): Completion {
  const enabled = command.capabilities.filter((name) => name === 'CONDSTORE');
  if (enabled.length > 0) session.enableCondstore();
  session.out.ascii(enabled.length > 0 ? '* ENABLED CONDSTORE\r\n' : '* ENABLED\r\n');
  return ok('ENABLE completed.');
}
