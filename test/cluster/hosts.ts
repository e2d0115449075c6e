/** A server of the cluster: its commands and its process, each run in the namespace of its host. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { commandOn } from './namespaces.ts';
import { fqdnOf, SERVERS, type ServerName, type ServerPlace } from './topology.ts';

const root = path.dirname(path.dirname(import.meta.dirname));
const READY_MS = 60_000;
const COMMAND_MS = 120_000;
/** Lines of the log that a failed start is told with. */
const LOG_TAIL_BYTES = 4000;

export interface ServerHostOptions {
  /** The process reads its clock from a file that tests change (libfaketime). */
  readonly movableClock?: boolean;
}

export class ServerHost {
  readonly name: ServerName;
  readonly place: ServerPlace;
  readonly data: string;
  readonly #clock: string | null;
  #process: ChildProcess | null = null;
  /** Its process was ended by the test, or none runs. */
  #endIsMeant = true;
  /** What it said when it ended by itself; empty unless it did. */
  readonly falls: string[] = [];

  private constructor(name: ServerName, folder: string, clock: string | null) {
    this.name = name;
    this.place = SERVERS[name];
    this.data = path.join(folder, 'data');
    this.#clock = clock;
  }

  static async make(name: ServerName, scratch: string, options: ServerHostOptions = {}): Promise<ServerHost> {
    const folder = path.join(scratch, name);
    await mkdir(folder, { recursive: true });
    const clock = options.movableClock === true ? path.join(folder, 'clock') : null;
    if (clock !== null) await writeFile(clock, '+0');
    return new ServerHost(name, folder, clock);
  }

  get fqdn(): string {
    return fqdnOf(this.name);
  }

  get runs(): boolean {
    return this.#process !== null;
  }

  /** Runs `penfold …` there, to its end. @throws Error with all it said */
  async penfold(words: readonly string[], input = ''): Promise<string> {
    const { code, text } = await runOn(this.name, [...penfoldCommand, ...words, '--data', this.data], input);
    if (code !== 0) throw new Error(`${this.name}: penfold ${words.join(' ')} ended with ${code}:\n${text}`);
    return text;
  }

  /** Lines of the admin shell. */
  cmdlets(...lines: readonly string[]): Promise<string> {
    return this.penfold(['shell', '-f', '-'], `${lines.join('\n')}\n`);
  }

  /** Resolves when it listens. */
  async start(): Promise<void> {
    const [command, ...words] = [...commandOn(this.name), ...penfoldCommand, 'serve', '--data', this.data];
    const child = spawn(command, words, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: this.#environment() });
    this.#process = child;
    let said = '';
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-LOG_TAIL_BYTES);
      if (said.includes(`serves ${this.name}`)) resolve();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-LOG_TAIL_BYTES);
    });
    this.#endIsMeant = false;
    child.once('exit', (code, signal) => {
      if (this.#process === child) this.#process = null;
      if (!this.#endIsMeant) this.falls.push(`${this.name} fell (${signal ?? code}): ${said}`);
      reject(new Error(`${this.name} ended with ${signal ?? code}: ${said}`));
    });
    const late = setTimeout(() => reject(new Error(`${this.name} is not ready: ${said}`)), READY_MS);
    try {
      await promise;
    } catch (error) {
      throw new Error(`${String(error)}\n${await this.logTail()}`, { cause: error });
    } finally {
      clearTimeout(late);
    }
  }

  /** Ends the process; SIGKILL is `kill -9`, SIGTERM lets clients finish. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#process;
    if (child === null) return;
    this.#endIsMeant = true;
    const gone = once(child, 'exit');
    // A process that is stopped does not hear SIGTERM.
    child.kill('SIGCONT');
    child.kill(signal);
    await gone;
  }

  /** `kill -STOP` and `-CONT`: it answers nobody and knows nothing of it. */
  hold(isHeld: boolean): void {
    this.#process?.kill(isHeld ? 'SIGSTOP' : 'SIGCONT');
  }

  /** Its clock as an offset of libfaketime: `+1h`, `+0`. Counts within a second. */
  async setClock(offset: string): Promise<void> {
    if (this.#clock === null) throw new Error(`${this.name} has the clock of the machine`);
    await writeFile(this.#clock, offset);
  }

  async logTail(): Promise<string> {
    const text = await readFile(path.join(this.data, 'logs', 'penfold.log'), 'utf8').catch(() => '');
    return text.slice(-LOG_TAIL_BYTES);
  }

  #environment(): NodeJS.ProcessEnv {
    if (this.#clock === null) return process.env;
    return {
      ...process.env,
      LD_PRELOAD: FAKETIME_LIBRARY,
      FAKETIME_TIMESTAMP_FILE: this.#clock,
      FAKETIME_CACHE_DURATION: '1',
      // A clock that is set again jumps; the monotonic clock of a kernel never does.
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }
}

/** The dynamic linker knows its folder as $LIB, on every architecture of Debian. */
const FAKETIME_LIBRARY = '/usr/$LIB/faketime/libfaketime.so.1';
const penfoldCommand = [process.execPath, path.join(root, 'src/main.ts')];

export interface Ended {
  readonly code: number | null;
  /** Both streams, as they came. */
  readonly text: string;
}

/** Runs a program on a host to its end. */
export async function runOn(
  host: Parameters<typeof commandOn>[0],
  line: readonly string[],
  input: string | Buffer = '',
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const [command = '', ...words] = [...commandOn(host), ...line];
  const child = spawn(command, words, { cwd: root, timeout: COMMAND_MS, env: { ...process.env, ...env } });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [code]: unknown[] = await once(child, 'close');
  return { code: typeof code === 'number' ? code : null, text: Buffer.concat(chunks).toString('utf8') };
}
