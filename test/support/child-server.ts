/** `penfold …` as child processes, the way users and scripts run it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import path from 'node:path';

const MAIN = path.join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const READY_MS = 30_000;

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command to its end. */
export async function penfold(words: readonly string[], input = ''): Promise<Finished> {
  return runToEnd(process.execPath, [MAIN, ...words], input);
}

export async function runToEnd(command: string, words: readonly string[], input = ''): Promise<Finished> {
  const child = spawn(command, words, { stdio: 'pipe' });
  const finished = collected(child);
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  return finished;
}

async function collected(child: ChildProcess): Promise<Finished> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = await once(child, 'close');
  return { code: typeof code === 'number' ? code : null, stdout, stderr };
}

export interface ChildServer {
  readonly pid: number;
  /** What it has printed so far. */
  stdout(): string;
  /** Sends the signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Finished>;
}

/** Resolves when the line has been printed. @throws when the process ends before, with what it said */
export async function startChild(words: readonly string[], readyLine: RegExp): Promise<ChildServer> {
  const child = spawn(process.execPath, [MAIN, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    if (readyLine.test(stdout)) resolve();
  });
  const finished = collected(child);
  finished.then(
    (end) => reject(new Error(`penfold ${words.join(' ')} ended with ${end.code}: ${end.stdout}${end.stderr}`)),
    reject,
  );
  const late = setTimeout(() => reject(new Error('the server was not ready in time')), READY_MS);
  try {
    await promise;
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    clearTimeout(late);
  }
  return {
    pid: child.pid ?? 0,
    stdout: () => stdout,
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal);
      return finished;
    },
  };
}

/** The first line a server says, null when nothing listens there. */
export async function greeting(port: number, host = '127.0.0.1'): Promise<string | null> {
  const socket = connect({ port, host });
  try {
    const [chunk] = await once(socket, 'data');
    return String(chunk).trimEnd();
  } catch (error) {
    if (error instanceof Error && Reflect.get(error, 'code') === 'ECONNREFUSED') return null;
    throw error;
  } finally {
    socket.destroy();
  }
}
