/**
 * The languages of the app. Words stand in `<language>/<namespace>.json`, a namespace for each page; English comes with
 * the page that needs it, others are fetched when chosen. A test holds the languages to the same keys.
 */
import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';

export const LANGUAGES = { en: 'English', es: 'Español' } as const;
export type Language = keyof typeof LANGUAGES;

const KEY = 'penfold.language';
const files = import.meta.glob<Readonly<Record<string, unknown>>>('./*/*.json', { import: 'default' });

export function isLanguage(text: string): text is Language {
  return Object.hasOwn(LANGUAGES, text);
}

function chosen(): Language {
  const wanted = [localStorage.getItem(KEY) ?? '', ...navigator.languages.map((one) => one.slice(0, 2).toLowerCase())];
  return wanted.find(isLanguage) ?? 'en';
}

const asError = (reason: unknown): Error => (reason instanceof Error ? reason : new Error(String(reason)));

export async function beginLanguage(): Promise<void> {
  const language = chosen();
  await i18next
    .use({
      type: 'backend' as const,
      init: () => {},
      read: (language: string, namespace: string, done: (error: Error | null, words: object | false) => void) => {
        const load = files[`./${language}/${namespace}.json`];
        if (load === undefined) {
          done(new Error(`there are no words ${language}/${namespace}`), false);
          return;
        }
        const words = load();
        // oxlint-disable-next-line promise/no-callback-in-promise -- the library asks by callback
        words.then(done.bind(null, null), (reason: unknown) => done(asError(reason), false));
      },
    })
    .use(initReactI18next)
    .init({
      lng: language,
      fallbackLng: 'en',
      ns: ['app'],
      defaultNS: 'app',
      interpolation: { escapeValue: false },
      react: { useSuspense: true },
    });
  document.documentElement.lang = language;
}

export async function changeLanguage(language: Language): Promise<void> {
  localStorage.setItem(KEY, language);
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
}

export function presentLanguage(): Language {
  const { language } = i18next;
  return isLanguage(language) ? language : 'en';
}
