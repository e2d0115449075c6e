/**
 * Case folding of search and sort text: what RFC 9051 §6.4.4 ("case-insensitive") and i;unicode-casemap (RFC 5051)
 * are after, with one difference: compatibility characters are composed (NFKC), not decomposed, so that Korean text
 * keeps its size and a search for one syllable does not hit the beginning of another.
 *
 * Both sides of a comparison go through here; the result is never shown.
 */
import { Buffer, isAscii } from 'node:buffer';

/** Folded text: equal for strings that differ only in case or in compatibility form. */
export function foldText(text: string): string {
  if (isAsciiText(text)) return text.toLowerCase();
  return (
    text
      .normalize('NFKC')
      // Upper first: it joins what lower case keeps apart (ß and ss, dotless and long forms).
      .toUpperCase()
      .toLowerCase()
      // toLowerCase writes a sigma at the end of a word as U+03C2, which would hide it from a search for its middle.
      .replaceAll('\u03c2', '\u03c3')
      .normalize('NFKC')
  );
}

/** foldText for UTF-8 bytes; the result never shares memory with the input. */
export function foldBytes(utf8: Buffer): Buffer {
  if (isAscii(utf8)) return Buffer.from(utf8.toString('latin1').toLowerCase(), 'latin1');
  return Buffer.from(foldText(utf8.toString('utf8')), 'utf8');
}

export function isAsciiText(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}
