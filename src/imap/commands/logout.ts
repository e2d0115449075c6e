/** LOGOUT (RFC 9051 §6.1.3). The session ends after the tagged answer. */
import { type Completion, ok, type Session } from '../session/context.ts';

export function logout(session: Session): Promise<Completion> {
  session.out.ascii('* BYE Penfold says goodbye.\r\n');
  return Promise.resolve(ok('LOGOUT completed.'));
}
