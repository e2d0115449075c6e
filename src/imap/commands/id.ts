/** ID (RFC 2971): who we are; what the client says of itself goes to the log, never into behaviour. */
import type { CommandOf } from '../grammar/ast.ts';
import { type Completion, ok, type Session } from '../session/context.ts';

export function id(session: Session, command: CommandOf<'ID'>): Completion {
  if (command.fields !== null) session.log.info({ client: Object.fromEntries(command.fields) }, 'client told its ID');
  session.out.ascii('* ID ("name" "Penfold" "vendor" "Penfold" "support-url" NIL)\r\n');
  return ok('ID completed.');
}
