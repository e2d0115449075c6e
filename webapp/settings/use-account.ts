/** The settings of the person's own account, and changes of them, for the pages that show them. */
import {
  useMutation,
  type UseMutationResult,
  useQuery,
  useQueryClient,
  type UseQueryResult,
} from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { allSet } from '../jmap/client.ts';
import { useJmap } from '../jmap/mailbox.tsx';
import { personalAccount } from '../jmap/session.ts';
import { useToast } from '../ui/toasts.tsx';
import { type AccountSettings, accountSettingsGet, accountSettingsSet, type Preferences } from './account.ts';

export function usePersonalAccount(): string {
  const account = personalAccount(useJmap().session);
  if (account === null) throw new Error('the session has no account of the person');
  return account;
}

export function useAccountSettings(): UseQueryResult<AccountSettings> {
  const { client } = useJmap();
  const accountId = usePersonalAccount();
  return useQuery({
    queryKey: [accountId, 'AccountSettings'],
    queryFn: async () => {
      const [settings] = (await client.call(accountSettingsGet, { accountId, ids: null })).list;
      if (settings === undefined) throw new Error('the server has no settings of this account');
      return settings;
    },
  });
}

/** Says what came of it. */
export function useChangePreferences(): UseMutationResult<unknown, Error, Partial<Preferences>> {
  const { t } = useTranslation('settings');
  const { client } = useJmap();
  const accountId = usePersonalAccount();
  const queries = useQueryClient();
  const toast = useToast();
  return useMutation({
    mutationFn: async (change: Partial<Preferences>) =>
      allSet(await client.call(accountSettingsSet, { accountId, update: { singleton: change } })),
    onSuccess: () => toast({ text: t('saved') }),
    onError: (reason: Error) => toast({ text: reason.message, isError: true }),
    onSettled: () => queries.invalidateQueries({ queryKey: [accountId, 'AccountSettings'] }),
  });
}
