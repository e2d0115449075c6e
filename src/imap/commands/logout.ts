/** LOGOUT (RFC 9051 §6.1.3). The session ends after the tagged answer. */
import { type Completion, ok, type Session } from '../session/context.ts';

export function logout(session: Session): Completion {
  session.out.ascii('* BYE Penfold says goodbye.\r\n');
  return ok('LOGOUT completed.');
}
