/** The part of a query's results that is asked for: position, anchor, limit (RFC 8620 §5.5). Pure. */
import type { MethodArguments } from './arguments.ts';
import { MethodError } from './method-error.ts';

export const WINDOW_ARGUMENTS = ['position', 'anchor', 'anchorOffset', 'limit', 'calculateTotal'] as const;

export interface QueryWindow {
  readonly start: number;
  /** How many from there on. */
  readonly count: number;
  /** To be told: the server takes fewer than the client asked for. */
  readonly limit: number | null;
}

/** `indexOf`: where a record stands in the results, or -1. @throws MethodError anchorNotFound, invalidArguments */
export function queryWindow(
  args: MethodArguments,
  total: number,
  most: number,
  indexOf: (id: string) => number,
): QueryWindow {
  const asked = args.whole('limit', 0, most);
  const count = Math.min(asked, most);
  const limit = asked > most ? most : null;
  const anchor = args.optionalText('anchor');
  if (anchor === null) {
    const position = args.whole('position', Number.MIN_SAFE_INTEGER, 0);
    return { start: position < 0 ? Math.max(0, total + position) : position, count, limit };
  }
  const at = indexOf(anchor);
  if (at < 0) throw new MethodError('anchorNotFound', 'the anchor is not among the results');
  return { start: Math.max(0, at + args.whole('anchorOffset', Number.MIN_SAFE_INTEGER, 0)), count, limit };
}
