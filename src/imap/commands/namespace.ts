/** NAMESPACE (RFC 2342): one personal namespace, no others yet. */
import { type Completion, ok, type Session } from '../session/context.ts';

export function namespace(session: Session): Completion {
  session.out.ascii('* NAMESPACE (("" "/")) NIL NIL\r\n');
  return ok('NAMESPACE completed.');
}
