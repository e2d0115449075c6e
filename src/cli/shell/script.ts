/** `penfold shell < FILE`: the lines of a script, one statement after the other, until one fails. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Door } from '../../management/door-client.ts';
import { Failure } from '../../observe/failure.ts';
import { readPassword } from '../options.ts';
import { CommandError, EXIT } from '../output.ts';
import type { Console } from './console.ts';
import { isIncomplete } from './grammar/parser.ts';
import type { Answer } from './pipeline.ts';
import { ShellSession, type SessionOptions } from './session.ts';

export interface ScriptOptions {
  readonly door: Door;
  readonly console: Console;
  readonly signal: AbortSignal;
  readonly keepGoing: boolean;
  readonly serverName: string;
  /** As errors name it. */
  readonly name: string;
}

/** Nobody is there to be asked. */
export function unattended(): Pick<SessionOptions, 'confirm' | 'read' | 'history'> {
  return {
    history: () => [],
    confirm: (what): Promise<Answer> =>
      Promise.reject(
        new CommandError(`not done: ${what}`, { next: 'To do it without being asked, add -Confirm:$false' }),
      ),
    read: (prompt) =>
      Promise.reject(
        new Failure('CANNOT', `${prompt.replace(/:? *$/, '')} is asked for, and nobody is there to answer`),
      ),
  };
}

/** A one-shot in a script: a secret comes from stdin, as with --password-file. */
export const secretFromStdin = (): Promise<string> => readPassword('-');

/** Resolves with the exit code. */
export async function runScript(lines: AsyncIterable<string>, options: ScriptOptions): Promise<number> {
  const { console, signal } = options;
  const session = await ShellSession.open({
    ...unattended(),
    door: options.door,
    serverName: options.serverName,
    console,
  });
  let problems = 0;
  let number = 0;
  let buffer = '';
  let begunAt = 1;
  const run = async (text: string): Promise<boolean> => {
    try {
      await session.run(text, signal);
      return true;
    } catch (error) {
      if (signal.aborted) throw error;
      problems += 1;
      console.error(error, text, `${options.name}, line ${begunAt}`);
      return options.keepGoing;
    }
  };
  for await (const line of lines) {
    number += 1;
    if (buffer === '') begunAt = number;
    buffer += line;
    if (isIncomplete(buffer)) {
      buffer += '\n';
      continue;
    }
    const text = buffer;
    buffer = '';
    if (!(await run(text))) return EXIT.failed;
    if (session.leaving !== null) return session.leaving;
  }
  // What is incomplete at the end is a mistake.
  if (buffer.trim() !== '' && !(await run(buffer))) return EXIT.failed;
  return problems > 0 ? EXIT.withProblems : (session.leaving ?? EXIT.done);
}

/** `-`: stdin. @throws CommandError when there is no such file */
export async function* linesOf(file: string): AsyncGenerator<string> {
  const input = file === '-' ? process.stdin : createReadStream(file, 'utf8');
  const failed = Promise.withResolvers<never>();
  input.once('error', failed.reject);
  failed.promise.catch(() => {});
  const reader = createInterface({ input, crlfDelay: Infinity })[Symbol.asyncIterator]();
  for (;;) {
    let next: IteratorResult<string>;
    try {
      next = await Promise.race([reader.next(), failed.promise]);
    } catch (error) {
      throw new CommandError(`${file} cannot be read`, {
        cause: error,
        next: 'Name a file with one cmdlet in each line.',
      });
    }
    if (next.done === true) return;
    yield next.value;
  }
}
