/**
 * A command and its answer as the protocol log has them (exchange-behaviour.md §5.10): a lower-case verb, which
 * folder it was about, `R=ok` or the refusal. Nothing of a message, no search text: others read that log.
 */
import { Failure } from '../../observe/failure.ts';
import type { Command } from '../grammar/ast.ts';
import type { Completion } from './context.ts';

export function commandWord(command: Command): string {
  const verb = command.name.toLowerCase();
  return 'uid' in command && command.uid ? `uid ${verb}` : verb;
}

export function parametersOf(command: Command): string {
  switch (command.name) {
    case 'SELECT':
    case 'EXAMINE':
    case 'CREATE':
    case 'DELETE':
    case 'GETQUOTAROOT':
    case 'SUBSCRIBE':
    case 'UNSUBSCRIBE':
    case 'STATUS':
    case 'APPEND':
    case 'COPY':
    case 'MOVE':
      return command.folder;
    case 'RENAME':
      return `${command.folder} ${command.newName}`;
    default:
      return '';
  }
}

export function outcomeOf(tag: string, { status, code, text }: Completion): string {
  return status === 'OK' ? 'R=ok' : `R="${tag} ${status} ${code === null ? '' : `[${code}] `}${text}"`;
}

export function failureOf(tag: string | null, error: Error): string {
  const answer = error instanceof Failure ? `NO [${error.code}]` : 'BAD';
  return `R="${tag ?? '*'} ${answer} ${error.message}"`;
}
