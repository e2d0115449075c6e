/** Keywords are bits whose meaning belongs to a folder (model.ts Folder.keywords). */
import type { Columns } from './columns.ts';
import type { FolderState } from './folder-state.ts';

export function learn(folder: FolderState, keywords: readonly string[]): void {
  for (const keyword of keywords) if (folder.keywordBit(keyword) < 0) folder.facts.keywords.push(keyword);
}

/** Keyword bits of copied rows still have the meaning they had in the source folder. */
export function translateKeywords(from: FolderState, to: FolderState, target: Columns, first: number): void {
  if (from.facts.keywords.length === 0) return;
  const bits = from.facts.keywords.map((keyword) => to.keywordBit(keyword));
  for (let row = first; row < target.length; row += 1) {
    const low = target.keywordsLow[row]!;
    const high = target.keywordsHigh[row]!;
    if (low === 0 && high === 0) continue;
    let newLow = 0;
    let newHigh = 0;
    for (let bit = 0; bit < bits.length; bit += 1) {
      const set = bit < 32 ? (low >>> bit) & 1 : (high >>> (bit - 32)) & 1;
      const becomes = bits[bit]!;
      if (set === 0 || becomes < 0) continue;
      if (becomes < 32) newLow |= 1 << becomes;
      else newHigh |= 1 << (becomes - 32);
    }
    target.keywordsLow[row] = newLow;
    target.keywordsHigh[row] = newHigh;
  }
}
