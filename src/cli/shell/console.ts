/**
 * Where the shell speaks: results on stdout, everything else on stderr; colours only on a terminal that wants them
 * (NO_COLOR, https://no-color.org). Output waits for whoever reads it.
 */
import { once } from 'node:events';
import { styleText } from 'node:util';
import { ConfigurationError } from '../../config/read.ts';
import { Failure } from '../../observe/failure.ts';
import { CommandError } from '../output.ts';
import { harmless } from './cell-text.ts';
import { placeOf, ShellSyntaxError } from './grammar/syntax-error.ts';

export type Colour = 'red' | 'yellow' | 'cyan' | 'dim' | 'bold';

export interface Console {
  /** Columns of the terminal results go to; null: a file or a pipe. */
  readonly width: number | null;
  write(line: string): Promise<void>;
  warn(text: string): void;
  /** `-Verbose`. */
  tell(text: string): void;
  /** `-WhatIf`. */
  whatIf(text: string): void;
  progress(done: number, total: number | null, activity: string): void;
  /** `source`: the text an error's offset points into; `where`: the file and line it stands in. */
  error(error: unknown, source: string, where?: string): void;
  clear(): void;
}

const REDRAW_MS = 100;
/** Milliseconds before a cmdlet counts as slow enough to show how far it is. */
const QUIET_MS = 500;

/** Columns of a terminal that does not say. */
const USUAL_WIDTH = 80;

export class TerminalConsole implements Console {
  readonly #out: NodeJS.WriteStream;
  readonly #err: NodeJS.WriteStream;
  /** Lines of results so far. */
  written = 0;
  #progressDrawn = false;
  #progressAt = 0;
  #begun = 0;

  constructor(out: NodeJS.WriteStream = process.stdout, err: NodeJS.WriteStream = process.stderr) {
    this.#out = out;
    this.#err = err;
  }

  get width(): number | null {
    if (!this.#out.isTTY) return null;
    // A serial line or a script's pseudo terminal says 0.
    return this.#out.columns > 0 ? this.#out.columns : USUAL_WIDTH;
  }

  async write(line: string): Promise<void> {
    this.#clearProgress();
    this.written += 1;
    if (this.#out.write(`${line}\n`) || this.#out.destroyed) return;
    await once(this.#out, 'drain');
  }

  warn(text: string): void {
    this.#say(this.paint('yellow', `Warning: ${harmless(text)}`));
  }

  tell(text: string): void {
    this.#say(this.paint('dim', harmless(text)));
  }

  whatIf(text: string): void {
    this.#clearProgress();
    this.#out.write(
      `${this.#out.isTTY ? this.paint('cyan', `What if: ${harmless(text)}`) : `What if: ${harmless(text)}`}\n`,
    );
  }

  /** Begins a cmdlet: its progress is not shown at once. */
  begin(): void {
    this.#begun = performance.now();
  }

  progress(done: number, total: number | null, activity: string): void {
    const now = performance.now();
    if (!this.#err.isTTY || now - this.#begun < QUIET_MS || now - this.#progressAt < REDRAW_MS) return;
    this.#progressAt = now;
    const far = total === null || total === 0 ? (done > 0 ? ` ${done}` : '') : ` ${Math.floor((done * 100) / total)} %`;
    const line = `${harmless(activity)}${far}`.slice(0, Math.max(20, (this.#err.columns ?? 80) - 1));
    this.#err.write(`\r\u001b[K${this.paint('dim', line)}`);
    this.#progressDrawn = true;
  }

  error(error: unknown, source: string, where?: string): void {
    if (where !== undefined) this.#say(`${where}:`);
    for (const line of errorLines(error, source, (colour, text) => this.paint(colour, text))) this.#say(line);
  }

  clear(): void {
    if (this.#out.isTTY) this.#out.write('\u001b[2J\u001b[3J\u001b[H');
  }

  paint(colour: Colour, text: string): string {
    return styleText(colour, text, { stream: this.#err });
  }

  #say(line: string): void {
    this.#clearProgress();
    this.#err.write(`${line}\n`);
  }

  #clearProgress(): void {
    if (this.#progressDrawn) this.#err.write('\r\u001b[K');
    this.#progressDrawn = false;
  }
}

/** What was wrong, where, and what to do. */
export function errorLines(
  error: unknown,
  source: string,
  paint: (colour: Colour, text: string) => string = (_, text) => text,
): readonly string[] {
  if (error instanceof ShellSyntaxError) {
    const { line, column } = placeOf(source, Math.min(error.at, source.length));
    // A long line is shown around the place.
    const from = column > 60 ? column - 50 : 0;
    const shown = harmless(line.slice(from, from + 100));
    return [shown, `${' '.repeat(column - from)}${paint('red', '^')} ${paint('red', harmless(error.message))}`];
  }
  if (error instanceof CommandError) {
    return [paint('red', harmless(error.message)), ...(error.next === null ? [] : [`  ${error.next}`])];
  }
  if (error instanceof Failure) {
    if (error.code === 'SERVERBUG') {
      return [
        paint('red', harmless(error.message)),
        '  The server has the whole story: logs/penfold.log below its data directory.',
      ];
    }
    return [paint('red', harmless(error.message))];
  }
  if (error instanceof ConfigurationError) return [paint('red', harmless(error.message))];
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ECONNRESET' || code === 'EPIPE') {
    return [paint('red', 'the server has gone away'), '  Is it running? penfold status'];
  }
  return [paint('red', harmless(error instanceof Error ? (error.stack ?? error.message) : String(error)))];
}
