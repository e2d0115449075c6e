/**
 * A program at a terminal that is none: keys go in, and what a person would see comes out as plain text. Uses util-linux's
 * `script` for the terminal device, which Node cannot make; understands the few control sequences that node:readline and
 * the shell write (ECMA-48).
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

export function hasPseudoTerminals(): boolean {
  return /util-linux/.test(spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout ?? '');
}

export interface PseudoTerminalOptions {
  readonly columns: number;
  readonly environment?: NodeJS.ProcessEnv;
  readonly patienceMs?: number;
}

export class PseudoTerminal {
  readonly screen: Screen;
  readonly #child: ChildProcess;
  readonly #patienceMs: number;
  #changed: PromiseWithResolvers<void> = Promise.withResolvers();
  #ended = false;

  /** `command`: for sh. */
  constructor(command: string, options: PseudoTerminalOptions) {
    this.screen = new Screen(options.columns);
    this.#patienceMs = options.patienceMs ?? 20_000;
    const sized = `stty cols ${options.columns} rows 50; ${command}`;
    this.#child = spawn('script', ['--quiet', '--return', '--echo', 'always', '--command', sized, '/dev/null'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, TERM: 'xterm', ...options.environment },
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.screen.write(text);
      this.#wake();
    });
    this.#child.once('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** Key by key, as a person does: a terminal takes a Tab in a pasted text for a Tab of the text. */
  async type(keys: string): Promise<void> {
    for (const key of keys) {
      this.#child.stdin?.write(key);
      if (key === '\t') await this.quiet();
      // A turn for the program to read it alone.
      else await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  /** Waits until the text has this in it, behind what was there at the last call. @throws Error when it does not come */
  async until(pattern: RegExp, from = 0): Promise<void> {
    const late = performance.now() + this.#patienceMs;
    while (!pattern.test(this.screen.text().slice(from))) {
      if (this.#ended || performance.now() > late) {
        throw new Error(`${String(pattern)} did not come:\n${this.screen.text()}`);
      }
      await Promise.race([this.#changed.promise, new Promise((resolve) => setTimeout(resolve, 200))]);
    }
  }

  /** Until nothing has been drawn for a while. */
  async quiet(milliseconds = 250): Promise<void> {
    for (;;) {
      const quiet = new Promise<boolean>((resolve) => setTimeout(() => resolve(true), milliseconds));
      if (await Promise.race([this.#changed.promise.then(() => false), quiet])) return;
    }
  }

  /** The exit code of the command. */
  async end(): Promise<number | null> {
    if (this.#child.exitCode === null) await once(this.#child, 'close');
    return this.#child.exitCode;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

/** Everything that was ever on the screen, the cursor's movements carried out. */
export class Screen {
  readonly #columns: number;
  readonly #lines: string[][] = [[]];
  #row = 0;
  #column = 0;
  #rest = '';

  constructor(columns: number) {
    this.#columns = columns;
  }

  text(): string {
    return this.#lines.map((line) => line.join('').trimEnd()).join('\n');
  }

  write(text: string): void {
    let left = this.#rest + text;
    this.#rest = '';
    while (left !== '') {
      const sequence = /^\u001b\[([?0-9;]*)([A-Za-z])/.exec(left);
      if (sequence !== null) {
        this.#control(sequence[2] ?? '', Number.parseInt(sequence[1] ?? '', 10));
        left = left.slice(sequence[0].length);
      } else if (left.startsWith('\u001b') && left.length < 16) {
        // The rest of the sequence comes with the next chunk.
        this.#rest = left;
        return;
      } else {
        const character = String.fromCodePoint(left.codePointAt(0) ?? 0);
        this.#put(character);
        left = left.slice(character.length);
      }
    }
  }

  #put(character: string): void {
    if (character === '\n') this.#row += 1;
    else if (character === '\r') this.#column = 0;
    else if (character === '\b') this.#column = Math.max(0, this.#column - 1);
    else if (character >= ' ') {
      if (this.#column >= this.#columns) {
        this.#column = 0;
        this.#row += 1;
      }
      const line = this.#line();
      while (line.length < this.#column) line.push(' ');
      line[this.#column] = character;
      this.#column += 1;
    }
    this.#line();
  }

  #line(): string[] {
    while (this.#lines.length <= this.#row) this.#lines.push([]);
    return this.#lines[this.#row] ?? [];
  }

  #control(letter: string, number: number): void {
    const count = Number.isNaN(number) ? 1 : number;
    if (letter === 'G') this.#column = count - 1;
    else if (letter === 'C') this.#column += count;
    else if (letter === 'D') this.#column = Math.max(0, this.#column - count);
    else if (letter === 'A') this.#row = Math.max(0, this.#row - count);
    else if (letter === 'B') this.#row += count;
    else if (letter === 'K' || letter === 'J') {
      this.#line().length = Math.min(this.#line().length, this.#column);
      if (letter === 'J') this.#lines.length = this.#row + 1;
    }
  }
}
