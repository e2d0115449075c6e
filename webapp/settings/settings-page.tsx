/**
 * Settings: one list of pages beside the one that is open. `Settings for POP or IMAP access` is reached as in the
 * original by Options › Account › My account, and by Mail › POP and IMAP.
 */
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, Redirect, Route, Switch } from 'wouter';
import { useJmap } from '../jmap/mailbox.tsx';
import { can, type Session } from '../jmap/session.ts';
import { TopicHead, Topics } from '../ui/topics.tsx';
import { AccountPage } from './account-page.tsx';
import { ClientSettingsPage } from './client-settings-page.tsx';
import { GeneralPage } from './general-page.tsx';
import { SecurityPage } from './security-page.tsx';
import styles from './settings-page.module.css';
import { WritingPage } from './writing-page.tsx';

interface SettingsTopic {
  readonly name: 'account' | 'security' | 'general' | 'writing' | 'popImap';
  readonly path: string;
  readonly isFor: (session: Session) => boolean;
  readonly page: () => ReactNode;
}

const hasAccount = (session: Session): boolean => can(session, 'account');

const GROUPS: ReadonlyArray<{ readonly name: 'options' | 'mail'; readonly topics: readonly SettingsTopic[] }> = [
  {
    name: 'options',
    topics: [
      { name: 'account', path: '/options/account', isFor: () => true, page: AccountPage },
      { name: 'security', path: '/options/security', isFor: hasAccount, page: SecurityPage },
      { name: 'general', path: '/options/general', isFor: () => true, page: GeneralPage },
    ],
  },
  {
    name: 'mail',
    topics: [
      { name: 'writing', path: '/mail/writing', isFor: hasAccount, page: WritingPage },
      {
        name: 'popImap',
        path: '/mail/pop-imap',
        isFor: (session) => can(session, 'clientSettings'),
        page: ClientSettingsPage,
      },
    ],
  },
];
/** The original's path to the page that also stands under Mail. */
const UNDER_ACCOUNT = '/options/account/pop-imap';

export default function SettingsPage(): ReactNode {
  const { t } = useTranslation('settings');
  const { session } = useJmap();
  const groups = GROUPS.map(({ name, topics }) => ({ name, topics: topics.filter(({ isFor }) => isFor(session)) }));
  return (
    <Topics
      label={t('nav.label')}
      groups={groups.map(({ name, topics }) => ({
        label: t(`nav.${name}`),
        topics: topics.map((topic) => ({ path: topic.path, label: t(`nav.${topic.name}`) })),
      }))}
    >
      <Switch>
        {groups
          .flatMap(({ topics }) => topics)
          .map(({ name, path, page: Page }) => (
            <Route key={name} path={path}>
              <TopicHead title={t(`topic.${name}`)} />
              <Page />
            </Route>
          ))}
        <Route path={UNDER_ACCOUNT}>
          <TopicHead title={t('topic.popImapUnderAccount')} way={<Way />} />
          <ClientSettingsPage />
        </Route>
        <Route>
          <Redirect to="/options/account" replace />
        </Route>
      </Switch>
    </Topics>
  );
}

function Way(): ReactNode {
  const { t } = useTranslation('settings');
  return (
    <nav className={styles.way} aria-label={t('nav.way')}>
      <span>{t('nav.options')}</span>
      <span aria-hidden>›</span>
      <span>{t('nav.account')}</span>
      <span aria-hidden>›</span>
      <Link href="/options/account">{t('topic.account')}</Link>
    </nav>
  );
}
