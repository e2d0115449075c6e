/** The languages LANG offers (RFC 6856 §3.2) and how a language range finds one of them (RFC 4647 §3.4 lookup). */
import { english } from './english.ts';
import { french } from './french.ts';
import { german } from './german.ts';
import { spanish } from './spanish.ts';
import type { Pop3Texts } from './texts.ts';

export interface Language {
  /** BCP 47 language tag, lower case. */
  readonly tag: string;
  /** Its name in itself, UTF-8. */
  readonly name: string;
  readonly texts: Pop3Texts;
}

const ENGLISH: Language = { tag: 'en', name: 'English', texts: english };

export const LANGUAGES: readonly Language[] = [
  ENGLISH,
  { tag: 'de', name: 'Deutsch', texts: german },
  { tag: 'es', name: 'Español', texts: spanish },
  { tag: 'fr', name: 'Français', texts: french },
];

/** What a client hears that has not asked for anything else. */
export const DEFAULT_LANGUAGE = ENGLISH;

/**
 * `de-AT-1996` finds `de-at`, else `de`: subtags are taken off from the end, a single letter with the one behind it
 * (RFC 4647 §3.4). `*` is the preferred language (RFC 6856 §3.2). Null: none fits.
 */
export function findLanguage(range: string, preferred: Language = DEFAULT_LANGUAGE): Language | null {
  if (range === '*') return preferred;
  const subtags = range.toLowerCase().split('-');
  while (subtags.length > 0) {
    const tag = subtags.join('-');
    const found = LANGUAGES.find((language) => language.tag === tag);
    if (found !== undefined) return found;
    subtags.pop();
    if (subtags.at(-1)?.length === 1) subtags.pop();
  }
  return null;
}
