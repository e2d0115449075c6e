/** My account: who has signed in, how full the mailbox is, by which programs it was used last, the way on to POP and IMAP. */
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import { useJmap } from '../jmap/mailbox.tsx';
import { can } from '../jmap/session.ts';
import { Failed, Loading } from '../ui/state.tsx';
import type { AccountSettings } from './account.ts';
import { deviceName } from './device-name.ts';
import { Facts } from './facts.tsx';
import { QuotaBar } from './quota-bar.tsx';
import { SettingsSection } from './settings-section.tsx';
import { momentText } from './moment.ts';
import { useAccountSettings } from './use-account.ts';

export function AccountPage(): ReactNode {
  const { t } = useTranslation('settings');
  const { session } = useJmap();
  return (
    <>
      {can(session, 'account') ? <Known /> : <Facts facts={[[t('account.userName'), session.username]]} />}
      {can(session, 'clientSettings') && (
        <SettingsSection title={t('account.programs')}>
          <p>{t('account.programsText')}</p>
          <Link href="/options/account/pop-imap">{t('topic.popImapUnderAccount')}</Link>
        </SettingsSection>
      )}
    </>
  );
}

function Known(): ReactNode {
  const { t } = useTranslation('settings');
  const { session } = useJmap();
  const { data, error, refetch } = useAccountSettings();
  if (error !== null) return <Failed error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Loading />;
  const [primary, ...others] = data.addresses;
  return (
    <>
      <SettingsSection title={t('account.title')}>
        <Facts
          facts={[
            [t('account.name'), data.displayName],
            [t('account.userName'), data.userName],
            ...(primary === undefined ? [] : [[t('account.address'), primary] as const]),
            ...(others.length === 0 ? [] : [[t('account.otherAddresses'), others.join(', ')] as const]),
          ]}
        />
        {can(session, 'quota') && <QuotaBar />}
      </SettingsSection>
      <LastUses uses={data.lastUses} />
    </>
  );
}

/** Browsers say more than anybody wants to read; mail programs their name. */
const programName = (program: string): string => (program.startsWith('Mozilla/') ? deviceName(program) : program);

function LastUses({ uses }: { readonly uses: AccountSettings['lastUses'] }): ReactNode {
  const { t, i18n } = useTranslation('settings');
  return (
    <SettingsSection title={t('account.lastUses')}>
      {uses.length === 0 ? (
        <p>{t('account.neverUsed')}</p>
      ) : (
        <Facts
          facts={uses.map(({ protocol, at, clientAddress, program }) => [
            t(`account.protocol.${protocol}`),
            [momentText(at, i18n.language), t('account.from', { address: clientAddress }), programName(program)]
              .filter((text) => text !== '')
              .join(' · '),
          ])}
        />
      )}
    </SettingsSection>
  );
}
