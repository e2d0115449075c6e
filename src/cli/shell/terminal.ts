/**
 * Lines from a person at a terminal: editing, Tab, history, questions, passwords that are not shown. node:readline does
 * the editing. Knows nothing of cmdlets.
 */
import { createInterface, type Interface } from 'node:readline';
import { Writable } from 'node:stream';
import { Failure } from '../../observe/failure.ts';
import type { Completion } from './completion.ts';
import type { Reading } from './local.ts';

/** A terminal, or what a test takes for one. */
export type Output = NodeJS.WritableStream & { readonly columns?: number };

export interface TerminalOptions {
  readonly input: NodeJS.ReadableStream;
  readonly output: Output;
  /** Oldest first; read again before every line. */
  history(): readonly string[];
  complete(typed: string): Promise<Completion>;
  /** Ctrl-C, whatever is going on. */
  onInterrupt(): void;
}

/** Passes on what readline draws, except while a password is typed. */
class Screen extends Writable {
  muted = false;
  readonly #to: Output;

  constructor(to: Output) {
    super();
    this.#to = to;
    to.on('resize', () => this.emit('resize'));
  }

  get columns(): number {
    return this.#to.columns ?? 80;
  }

  get isTTY(): boolean {
    return true;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (!this.muted) this.#to.write(chunk);
    done();
  }
}

export class Terminal {
  readonly #options: TerminalOptions;
  readonly #screen: Screen;
  readonly #reader: Interface;
  /** Lines that came while nobody waited: pasted ones. */
  readonly #waitingLines: string[] = [];
  #waiter: ((line: string | null) => void) | null = null;
  #ended = false;
  #completing = false;
  #cancelled = false;
  #kept: string[] | null = null;

  constructor(options: TerminalOptions) {
    this.#options = options;
    this.#screen = new Screen(options.output);
    this.#reader = createInterface({
      input: options.input,
      output: this.#screen,
      terminal: true,
      historySize: 1000,
      history: options.history().toReversed(),
      removeHistoryDuplicates: true,
      completer: (line: string, done: (error: Error | null, result: [string[], string]) => void) => {
        void this.#answer(line, done);
      },
    });
    this.#reader.on('line', (line) => this.#arrived(line));
    this.#reader.on('close', () => {
      this.#ended = true;
      this.#arrived(null);
    });
    this.#reader.on('SIGINT', () => this.#interrupted());
    // Node adds every line, answers and passwords included: what stays is what the shell itself keeps.
    this.#reader.on('history', (lines) => {
      lines.splice(0, lines.length, ...options.history().toReversed());
      this.#kept = lines;
    });
  }

  /** Makes what `history` tells now what the arrow keys find. */
  refreshHistory(): void {
    this.#kept?.splice(0, this.#kept.length, ...this.#options.history().toReversed());
  }

  /** Null: Ctrl-D, or the terminal has gone. */
  async line(prompt: string): Promise<string | null> {
    const waiting = this.#waitingLines.shift();
    if (waiting !== undefined) return waiting;
    if (this.#ended) return null;
    this.#reader.setPrompt(prompt);
    this.#reader.prompt();
    const { promise, resolve } = Promise.withResolvers<string | null>();
    this.#waiter = resolve;
    return promise;
  }

  /** @throws Failure CANNOT at Ctrl-C and Ctrl-D */
  async secret(prompt: string): Promise<string> {
    this.#options.output.write(prompt);
    this.#screen.muted = true;
    try {
      const line = await this.line('');
      if (line === null || this.#cancelled) throw new Failure('CANNOT', 'nothing was typed');
      return line;
    } finally {
      this.#screen.muted = false;
      this.#cancelled = false;
      this.#options.output.write('\n');
    }
  }

  close(): void {
    this.#reader.close();
  }

  #arrived(line: string | null): void {
    const waiter = this.#waiter;
    this.#waiter = null;
    if (waiter !== null) waiter(line);
    else if (line !== null) this.#waitingLines.push(line);
  }

  #interrupted(): void {
    this.#waitingLines.length = 0;
    this.#options.onInterrupt();
    if (this.#waiter === null) return;
    // What was being typed is given up.
    this.#options.output.write('^C\n');
    this.#cancelled = this.#screen.muted;
    this.#reader.write(null, { ctrl: true, name: 'e' });
    this.#reader.write(null, { ctrl: true, name: 'u' });
    this.#arrived('');
  }

  async #answer(line: string, done: (error: Error | null, result: [string[], string]) => void): Promise<void> {
    let result: [string[], string] = [[], line];
    try {
      result = await this.#complete(line);
    } catch (error) {
      this.#options.output.write(`\n  nothing to offer: ${String(error)}\n`);
      this.#reader.prompt(true);
    }
    done(null, result);
  }

  async #complete(line: string): Promise<[string[], string]> {
    if (this.#screen.muted || this.#completing) return [[], line];
    this.#completing = true;
    try {
      const { candidates, from, hint } = await this.#options.complete(line);
      if (candidates.length === 0) {
        if (hint !== null) {
          this.#options.output.write(`\n  ${hint}\n`);
          this.#reader.prompt(true);
        }
        return [[], line];
      }
      const only = candidates.length === 1 ? candidates[0] : undefined;
      return [only === undefined ? [...candidates] : [only.endsWith('/') ? only : `${only} `], line.slice(from)];
    } finally {
      this.#completing = false;
    }
  }
}

/** @throws Failure CANNOT when a new secret is not typed the same way twice */
export async function readAt(terminal: Terminal, prompt: string, how: Reading): Promise<string> {
  if (how === 'shown') return (await terminal.line(prompt)) ?? '';
  const typed = await terminal.secret(prompt);
  if (how === 'new secret' && (await terminal.secret('Once more: ')) !== typed) {
    throw new Failure('CANNOT', 'these were two different ones; nothing has been done');
  }
  return typed;
}
