/** Where the person is signed in to the web app; any of them can be ended. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { allSet } from '../jmap/client.ts';
import { useJmap } from '../jmap/mailbox.tsx';
import { Button } from '../ui/button.tsx';
import { Badge, Failed, Loading } from '../ui/state.tsx';
import { useToast } from '../ui/toasts.tsx';
import { type WebSession, webSessionGet, webSessionSet } from './account.ts';
import { deviceName } from './device-name.ts';
import styles from './forms.module.css';
import { momentText } from './moment.ts';
import { SettingsSection } from './settings-section.tsx';
import { usePersonalAccount } from './use-account.ts';

export function WebSessions(): ReactNode {
  const { t } = useTranslation('settings');
  const { client } = useJmap();
  const accountId = usePersonalAccount();
  const queries = useQueryClient();
  const toast = useToast();
  const { data, error, refetch } = useQuery({
    queryKey: [accountId, 'WebSession'],
    queryFn: async () => (await client.call(webSessionGet, { accountId, ids: null })).list,
  });
  const end = useMutation({
    mutationFn: async (ids: readonly string[]) => allSet(await client.call(webSessionSet, { accountId, destroy: ids })),
    onSuccess: () => toast({ text: t('sessions.ended') }),
    onError: (reason: Error) => toast({ text: reason.message, isError: true }),
    onSettled: () => queries.invalidateQueries({ queryKey: [accountId, 'WebSession'] }),
  });
  const others = data?.filter(({ isPresent }) => !isPresent).map(({ id }) => id) ?? [];
  return (
    <SettingsSection
      title={t('sessions.title')}
      aside={
        others.length > 1 && (
          <Button kind="danger" onPress={() => end.mutate(others)}>
            {t('sessions.endOthers')}
          </Button>
        )
      }
    >
      <p className={styles.muted}>{t('sessions.text')}</p>
      {error !== null && <Failed error={error} onRetry={() => void refetch()} />}
      {error === null && data === undefined && <Loading />}
      {data !== undefined && (
        <ul className={styles.rows}>
          {data.map((session) => (
            <li key={session.id} className={styles.row}>
              <Described session={session} />
              {!session.isPresent && (
                <Button
                  aria-label={t('sessions.endOf', { device: deviceName(session.userAgent) })}
                  onPress={() => end.mutate([session.id])}
                >
                  {t('sessions.end')}
                </Button>
              )}
            </li>
          ))}
        </ul>
      )}
    </SettingsSection>
  );
}

function Described({ session }: { readonly session: WebSession }): ReactNode {
  const { t, i18n } = useTranslation('settings');
  const { userAgent, clientAddress, lastUsedAt, isPresent } = session;
  return (
    <div>
      <strong title={userAgent}>{deviceName(userAgent)}</strong>{' '}
      {isPresent && <Badge tone="success">{t('sessions.present')}</Badge>}
      <p className={styles.muted}>
        {t('sessions.used', { at: momentText(lastUsedAt, i18n.language), address: clientAddress })}
      </p>
    </div>
  );
}
