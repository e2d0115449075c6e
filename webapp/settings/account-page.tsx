/** My account: who has signed in, and the ways on from here. */
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import { useJmap } from '../jmap/mailbox.tsx';
import { can, personalAccount } from '../jmap/session.ts';
import { Facts } from './facts.tsx';
import { SettingsSection } from './settings-section.tsx';

export function AccountPage(): ReactNode {
  const { t } = useTranslation('settings');
  const { session } = useJmap();
  const own = personalAccount(session);
  const name = own === null ? session.username : (session.accounts[own]?.name ?? session.username);
  return (
    <SettingsSection title={t('account.title')}>
      <Facts
        facts={[
          [t('account.name'), name],
          [t('account.userName'), session.username],
        ]}
      />
      {can(session, 'clientSettings') && <Link href="/options/account/pop-imap">{t('topic.popImapUnderAccount')}</Link>}
    </SettingsSection>
  );
}
