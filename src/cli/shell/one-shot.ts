/** `penfold Set-PopSettings -MaxConnections 100`: one cmdlet, or a pipeline with '|', as the words of a command line. */
import { dataLayout } from '../../config/data-directory.ts';
import { Failure } from '../../observe/failure.ts';
import { CommandError, EXIT, print } from '../output.ts';
import type { Door } from '../../management/door-client.ts';
import { connectForOneShot } from './connect.ts';
import { type Console, TerminalConsole } from './console.ts';
import { pipelineOfWords } from './grammar/words.ts';
import { ShellSyntaxError } from './grammar/syntax-error.ts';
import type { Reading } from './local.ts';
import type { Answer } from './pipeline.ts';
import { secretFromStdin, unattended } from './script.ts';
import { ShellSession } from './session.ts';
import { jsonLines } from './stages/convert.ts';
import { presented } from './stages/present.ts';

export interface OneShot {
  readonly words: readonly string[];
  readonly data: string;
  readonly json: boolean;
}

/** Takes the options of `penfold` out of the words. @throws CommandError */
export function readOneShot(given: readonly string[], environment: NodeJS.ProcessEnv = process.env): OneShot {
  const words: string[] = [];
  let data = environment['PENFOLD_DATA'] ?? './data';
  let json = false;
  let help = false;
  for (let at = 0; at < given.length; at += 1) {
    const word = given[at] ?? '';
    if (word === '--data') {
      at += 1;
      const folder = given[at];
      if (folder === undefined) throw new CommandError('--data needs a folder', { exitCode: EXIT.usage });
      data = folder;
    } else if (word.startsWith('--data=')) data = word.slice('--data='.length);
    else if (word === '--json') json = true;
    else if (word === '--help' || word === '-h') help = true;
    else if (/^--[a-z]/.test(word)) {
      throw new CommandError(`there is no option ${word}`, {
        exitCode: EXIT.usage,
        next: `A cmdlet's parameters have one dash: -${word.replace(/^-+/, '')}. Options: --data DIR, --json, --help`,
      });
    } else words.push(word);
  }
  return { words: help ? ['Get-Help', words[0] ?? '', '-Full'] : words, data, json };
}

/** Resolves with the exit code. */
export async function runOneShot(given: readonly string[]): Promise<number> {
  const console = new TerminalConsole();
  const { words, data, json } = readOneShot(given);
  const door = await connectForOneShot(dataLayout(data));
  const stopped = new AbortController();
  const stop = (): void => stopped.abort();
  process.once('SIGINT', stop);
  try {
    return await runWords(words, { door, serverName: door.server.name, console, json, signal: stopped.signal });
  } catch (error) {
    if (stopped.signal.aborted) {
      console.warn('stopped; what was done before stays done');
      return EXIT.failed;
    }
    throw error;
  } finally {
    process.off('SIGINT', stop);
    await door.close();
  }
}

export interface RunWordsOptions {
  readonly door: Door;
  readonly serverName: string;
  readonly console: Console;
  readonly json: boolean;
  readonly signal: AbortSignal;
}

export async function runWords(words: readonly string[], options: RunWordsOptions): Promise<number> {
  const { console, door } = options;
  const attended = process.stdin.isTTY && process.stderr.isTTY;
  const session = await ShellSession.open({
    ...unattended(),
    door,
    console,
    serverName: options.serverName,
    ...(attended ? { confirm: askOnTerminal, read: readOnTerminal } : { read: secretFromStdin }),
  });
  const source = words.join(' ');
  try {
    await session.runPipeline(pipelineOfWords(words), source, options.signal, (stream) =>
      options.json ? jsonLines(stream.items, { compress: false, always: true }) : presented(stream, console.width),
    );
    return session.leaving ?? EXIT.done;
  } catch (error) {
    if (options.signal.aborted) throw error;
    console.error(error, source);
    return exitCodeOf(error);
  }
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof ShellSyntaxError) return EXIT.usage;
  if (error instanceof CommandError) return error.exitCode;
  return error instanceof Failure && error.code === 'NONEXISTENT' ? EXIT.absent : EXIT.failed;
}

async function askOnTerminal(what: string): Promise<Answer> {
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${what}\nAre you sure? [Y] Yes  [A] Yes to all  [N] No (default): `);
    if (/^a(ll)?$/i.test(answer.trim())) return 'all';
    if (/^y(es)?$/i.test(answer.trim())) return 'yes';
    print('not done');
    return 'no';
  } finally {
    terminal.close();
  }
}

async function readOnTerminal(prompt: string, how: Reading): Promise<string> {
  const { readAt, Terminal } = await import('./terminal.ts');
  const terminal = new Terminal({
    input: process.stdin,
    output: process.stdout,
    history: () => [],
    complete: () => Promise.resolve({ candidates: [], from: 0, hint: null }),
    onInterrupt: () => {},
  });
  try {
    return await readAt(terminal, prompt, how);
  } finally {
    terminal.close();
  }
}
