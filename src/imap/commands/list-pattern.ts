/**
 * LIST patterns (RFC 9051 §6.3.9): `*` matches anything, `%` anything but the hierarchy delimiter. Matching takes
 * steps in proportion to pattern × name, whatever the client sends: a set of positions instead of backtracking.
 */
const STAR = '*';
const PERCENT = '%';

export class ListPattern {
  readonly #pattern: string;

  /** @param pattern reference and pattern joined, folder names in UTF-8 */
  constructor(pattern: string) {
    this.#pattern = collapse(pattern.replace(/^inbox(?=$|[/%*])/i, 'INBOX'));
  }

  matches(name: string): boolean {
    const pattern = this.#pattern;
    const end = pattern.length;
    let states = new Uint8Array(end + 1);
    let next = new Uint8Array(end + 1);
    states[0] = 1;
    skipWildcards(pattern, states);
    for (const char of name) {
      next.fill(0);
      let alive = false;
      for (let at = 0; at < end; at += 1) {
        if (states[at] === 0) continue;
        const wanted = pattern[at];
        if (wanted === STAR || (wanted === PERCENT && char !== '/')) next[at] = 1;
        else if (wanted === PERCENT) continue;
        else if (matchesAt(pattern, at, char)) next[at + char.length] = 1;
        else continue;
        alive = true;
      }
      if (!alive) return false;
      skipWildcards(pattern, next);
      [states, next] = [next, states];
    }
    return states[end] === 1;
  }
}

function matchesAt(pattern: string, at: number, char: string): boolean {
  return char.length === 1 ? pattern[at] === char : pattern.startsWith(char, at);
}

/** A wildcard matches nothing as well. */
function skipWildcards(pattern: string, states: Uint8Array): void {
  for (let at = 0; at < pattern.length; at += 1) {
    if (states[at] === 1 && (pattern[at] === STAR || pattern[at] === PERCENT)) states[at + 1] = 1;
  }
}

/** `**%` says no more than `*`. */
function collapse(pattern: string): string {
  return pattern.replaceAll(/[*%]+/g, (run) => (run.includes(STAR) ? STAR : PERCENT));
}
