/** What runs through a pipeline, and how it is to be shown at its end. */
import type { Cell, CmdletObject } from '../../management/cmdlet.ts';

/** A value that is no object: what `Select-Object -ExpandProperty` leaves, a text, a number. */
export class Plain {
  readonly cell: Cell;

  constructor(cell: Cell) {
    this.cell = cell;
  }
}

/** Text made for people or files, one line: what Format-Table, ConvertTo-Json and Get-Help leave. */
export class Line {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Item = CmdletObject | Plain | Line;

export interface Stream {
  readonly items: AsyncIterable<Item>;
  /** Columns of the table; empty: a list of all properties; null: whatever suits the number of properties. */
  readonly columns: readonly string[] | null;
}

export async function* none(): AsyncGenerator<Item> {}

export async function* each(items: Iterable<Item>): AsyncGenerator<Item> {
  yield* items;
}

/** Names match in any case. Undefined: the object has no such property. */
export function property(object: CmdletObject, name: string): Cell | undefined {
  const direct = object[name];
  if (direct !== undefined) return direct;
  const word = name.toLowerCase();
  for (const key of Object.keys(object)) if (key.toLowerCase() === word) return object[key];
  return undefined;
}

/** The names of an object's properties that the patterns mean, in the order of the patterns; unknown names stay. */
export function namesMeant(object: CmdletObject, patterns: readonly string[]): readonly string[] {
  const keys = Object.keys(object);
  const names = new Set<string>();
  for (const pattern of patterns) {
    if (/[*?[\]]/.test(pattern)) {
      const matches = wildcard(pattern);
      for (const key of keys) if (matches(key)) names.add(key);
    } else {
      const word = pattern.toLowerCase();
      names.add(keys.find((key) => key.toLowerCase() === word) ?? pattern);
    }
  }
  return [...names];
}

/** `*`, `?` and `[a-z]`, in any case. A pattern without them has to be equal. */
export function wildcard(pattern: string): (text: string) => boolean {
  let source = '';
  for (let at = 0; at < pattern.length; at += 1) {
    const character = pattern.charAt(at);
    const set = character === '[' ? /^\[([a-z0-9-]+)\]/i.exec(pattern.slice(at)) : null;
    if (set?.[1] !== undefined) {
      source += `[${set[1].replace(/^-|-$/g, '\\-')}]`;
      at += set[0].length - 1;
    } else if (character === '*') {
      // Neighbouring stars would make matching slow and mean the same.
      if (pattern.charAt(at + 1) !== '*') source += '[\\s\\S]*';
    } else if (character === '?') source += '[\\s\\S]';
    else source += character.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  }
  let expression: RegExp;
  try {
    expression = new RegExp(`^${source}$`, 'iu');
  } catch {
    // `[z-a]` is no range: the text itself is meant.
    const plain = pattern.toLowerCase();
    return (text) => text.toLowerCase() === plain;
  }
  return (text) => expression.test(text);
}
