/**
 * Cells as text for people: what is printed never moves a terminal's cursor, whatever a subject or a display name
 * holds, and columns stay straight when names are Chinese.
 */
import type { Cell } from '../../management/cmdlet.ts';

const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const ZERO = /^[\p{Mn}\p{Me}\p{Cf}]$/u;

/** On one line. Lists as `{a, b}`. */
export function cellText(cell: Cell | undefined): string {
  return harmless(rawText(cell));
}

/** The same, control characters included: for files. */
export function rawText(cell: Cell | undefined): string {
  if (cell === null || cell === undefined) return '';
  if (typeof cell === 'string') return cell;
  if (typeof cell === 'boolean') return cell ? 'True' : 'False';
  if (typeof cell === 'number') return String(cell);
  if ('text' in cell) return cell.text;
  return `{${cell.map((one) => rawText(one)).join(', ')}}`;
}

export function harmless(text: string): string {
  return text.replaceAll(CONTROLS, (character) => {
    if (character === '\n') return '\u21b5';
    if (character === '\t') return ' ';
    return '\ufffd';
  });
}

/** Numbers stand at the right of their column. */
export function isNumeric(cell: Cell | undefined): boolean {
  if (typeof cell === 'number') return true;
  return typeof cell === 'object' && cell !== null && 'text' in cell;
}

/** In columns of a terminal. */
export function widthOf(text: string): number {
  // Nearly all text is ASCII, and quick.
  if (/^[\u0020-\u007e]*$/.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += widthOfCharacter(character);
  return width;
}

function widthOfCharacter(character: string): number {
  if (ZERO.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

export function fit(text: string, width: number, right: boolean): string {
  const has = widthOf(text);
  if (has > width) return shortened(text, width);
  const space = ' '.repeat(width - has);
  return right ? space + text : text + space;
}

/** At most so wide, with … where something is missing. */
export function shortened(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = '';
  let used = 0;
  for (const character of text) {
    const more = widthOfCharacter(character);
    if (used + more > width - 1) break;
    kept += character;
    used += more;
  }
  return `${kept}…${' '.repeat(Math.max(0, width - 1 - used))}`;
}
