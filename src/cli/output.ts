/** How commands speak: results on stdout, errors with the next step on stderr, exit codes. */
import { ConfigurationError } from '../config/read.ts';
import { Failure } from '../observe/failure.ts';

export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  /** Nothing is set up, nothing runs, no such thing: what the command is about is not there. */
  absent: 3,
  /** The work is done, but something on the way was reported. */
  withProblems: 4,
} as const;

/**
 * Whoever reads the output may stop reading (`penfold … | head`): a command then ends without a word. A server goes on;
 * what it has to say is in its log.
 */
export function followReader(isServer: boolean): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      if (Reflect.get(error, 'code') !== 'EPIPE') throw error;
      if (!isServer) process.exit(EXIT.failed);
    });
  }
}

/** An error a person can do something about; `next` says what. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: number;
  readonly next: string | null;

  constructor(message: string, options?: { exitCode?: number; next?: string; cause?: unknown }) {
    super(message, { cause: options?.cause });
    this.exitCode = options?.exitCode ?? EXIT.failed;
    this.next = options?.next ?? null;
  }
}

export function print(line = ''): void {
  process.stdout.write(`${line}\n`);
}

/** Prints the error and returns the exit code. */
export function report(error: unknown): number {
  const line = (text: string): void => {
    process.stderr.write(`${text}\n`);
  };
  if (error instanceof CommandError) {
    line(`penfold: ${error.message}`);
    if (error.next !== null) line(`  ${error.next}`);
    return error.exitCode;
  }
  if (error instanceof ConfigurationError) {
    line(`penfold: ${error.message}`);
    line('  Every key is described in docs/admin/configuration.md, and by: penfold config reference');
    return EXIT.failed;
  }
  if (error instanceof Failure) {
    line(`penfold: ${error.message}`);
    return error.code === 'NONEXISTENT' ? EXIT.absent : EXIT.failed;
  }
  line(`penfold: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  return EXIT.failed;
}

/** Columns as wide as their widest cell, two spaces between. */
export function table(head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export function bytesText(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
