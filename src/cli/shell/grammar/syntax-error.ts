/** What is wrong with a line, where, and what would be right. Pure. */

export class ShellSyntaxError extends Error {
  override readonly name = 'ShellSyntaxError';
  /** Offset in the text that was read, from 0. */
  readonly at: number;
  /** True: the text ends too early, more lines may complete it. */
  readonly incomplete: boolean;

  constructor(message: string, at: number, options?: { readonly incomplete?: boolean }) {
    super(message);
    this.at = at;
    this.incomplete = options?.incomplete ?? false;
  }
}

export interface Place {
  /** The line the offset is in, without its end. */
  readonly line: string;
  /** From 1. */
  readonly lineNumber: number;
  /** From 0, in UTF-16 units. */
  readonly column: number;
}

export function placeOf(text: string, at: number): Place {
  const before = text.slice(0, at);
  const start = before.lastIndexOf('\n') + 1;
  const end = text.indexOf('\n', at);
  return {
    line: text.slice(start, end === -1 ? text.length : end).replace(/\r$/, ''),
    lineNumber: before.split('\n').length,
    column: at - start,
  };
}
