/** Theme and language belong to the person, not to the browser: chosen in one, they are there in the next. */
import { useQuery } from '@tanstack/react-query';
import { useCallback, useEffect } from 'react';
import * as v from 'valibot';
import { allSet } from '../jmap/client.ts';
import { useJmap } from '../jmap/mailbox.tsx';
import { getAnswer, method, setAnswer } from '../jmap/method.ts';
import { personalAccount } from '../jmap/session.ts';
import { changeLanguage, isLanguage, type Language, presentLanguage } from '../language/language.ts';
import { applyTheme, storedTheme, type Theme, THEMES } from '../ui/theme.ts';

const appearance = v.object({ id: v.string(), theme: v.picklist(THEMES), language: v.nullable(v.string()) });
const appearanceGet = method('AccountSettings/get', 'account', getAnswer(appearance));
const appearanceSet = method('AccountSettings/set', 'account', setAnswer);

export interface Appearance {
  readonly theme: Theme;
  /** At once here; kept for the person as soon as the server has it. */
  readonly change: (wish: { readonly theme?: Theme; readonly language?: Language }) => Promise<void>;
}

export function useAppearance(): Appearance {
  const { client, session } = useJmap();
  const accountId = personalAccount(session);
  const { data } = useQuery({
    queryKey: [accountId ?? '', 'AccountSettings', 'appearance'],
    enabled: accountId !== null,
    queryFn: async () => {
      const args = { accountId: accountId ?? '', ids: null, properties: ['id', 'theme', 'language'] };
      return (await client.call(appearanceGet, args)).list[0] ?? null;
    },
  });
  const theme = data?.theme;
  const language = data?.language ?? null;
  useEffect(() => {
    if (theme !== undefined) applyTheme(theme);
  }, [theme]);
  useEffect(() => {
    if (language !== null && isLanguage(language) && language !== presentLanguage()) void changeLanguage(language);
  }, [language]);
  const change = useCallback<Appearance['change']>(
    async (wish) => {
      if (wish.theme !== undefined) applyTheme(wish.theme);
      if (wish.language !== undefined) await changeLanguage(wish.language);
      if (accountId !== null) allSet(await client.call(appearanceSet, { accountId, update: { singleton: wish } }));
    },
    [client, accountId],
  );
  return { theme: theme ?? storedTheme(), change };
}
