/** "Did you mean …": the known name closest to a mistyped one. Pure. */

/** Farther than this share of the longer name, and a suggestion confuses more than it helps. */
const FARTHEST_SHARE = 0.5;

/**
 * Longer words are compared with nothing: no name is so long, and a comparison costs the product of both lengths,
 * which whoever sends a megabyte as a name chooses.
 */
export const NAME_CHARACTERS = 128;

/** Null when nothing is near. Case, `-` and `_` count for nothing. */
export function nearestName(typed: string, known: Iterable<string>): string | null {
  if (typed.length > NAME_CHARACTERS) return null;
  const plain = (name: string): string => name.toLowerCase().replaceAll(/[-_\s]/g, '');
  const wanted = plain(typed);
  let best: string | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const name of known) {
    // Each character that one has more than the other is one step at least.
    if (Math.abs(wanted.length - plain(name).length) > Math.max(wanted.length, name.length) * FARTHEST_SHARE) continue;
    const distance = editDistance(wanted, plain(name));
    if (distance < least && distance <= Math.max(wanted.length, name.length) * FARTHEST_SHARE) {
      least = distance;
      best = name;
    }
  }
  return best;
}

/** Levenshtein with swapped neighbours counting as one (the most common slip of the keyboard). */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
