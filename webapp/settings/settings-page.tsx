/**
 * Settings: one list of pages beside the one that is open. `Settings for POP or IMAP access` is reached as in the
 * original by Options › Account › My account, and by Mail › POP and IMAP.
 */
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, Redirect, Route, Switch, useLocation } from 'wouter';
import { useJmap } from '../jmap/mailbox.tsx';
import { can, type Session } from '../jmap/session.ts';
import { AccountPage } from './account-page.tsx';
import { ClientSettingsPage } from './client-settings-page.tsx';
import { GeneralPage } from './general-page.tsx';
import styles from './settings-page.module.css';

interface Topic {
  readonly name: 'account' | 'general' | 'popImap';
  readonly path: string;
  readonly isFor: (session: Session) => boolean;
  readonly page: () => ReactNode;
}

const GROUPS: ReadonlyArray<{ readonly name: 'options' | 'mail'; readonly topics: readonly Topic[] }> = [
  {
    name: 'options',
    topics: [
      { name: 'account', path: '/options/account', isFor: () => true, page: AccountPage },
      { name: 'general', path: '/options/general', isFor: () => true, page: GeneralPage },
    ],
  },
  {
    name: 'mail',
    topics: [
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
  const topics = GROUPS.flatMap((group) => group.topics).filter(({ isFor }) => isFor(session));
  return (
    <div className={styles.page}>
      <nav className={styles.nav} aria-label={t('nav.label')}>
        {GROUPS.map((group) => (
          <div key={group.name} className={styles.group}>
            <h2 className={styles.groupName}>{t(`nav.${group.name}`)}</h2>
            {group.topics
              .filter(({ isFor }) => isFor(session))
              .map((topic) => (
                <TopicLink key={topic.name} topic={topic} />
              ))}
          </div>
        ))}
      </nav>
      <div className={styles.content}>
        <Switch>
          {topics.map(({ name, path, page: Page }) => (
            <Route key={name} path={path}>
              <Titled title={t(`topic.${name}`)}>
                <Page />
              </Titled>
            </Route>
          ))}
          <Route path={UNDER_ACCOUNT}>
            <Titled title={t('topic.popImapUnderAccount')} way={<Way />}>
              <ClientSettingsPage />
            </Titled>
          </Route>
          <Route>
            <Redirect to="/options/account" replace />
          </Route>
        </Switch>
      </div>
    </div>
  );
}

function TopicLink({ topic }: { readonly topic: Topic }): ReactNode {
  const { t } = useTranslation('settings');
  const [location] = useLocation();
  const isHere = location === topic.path || location.startsWith(`${topic.path}/`);
  return (
    <Link className={styles.link} href={topic.path} aria-current={isHere ? 'page' : undefined}>
      {t(`nav.${topic.name}`)}
    </Link>
  );
}

function Titled(props: { readonly title: string; readonly way?: ReactNode; readonly children: ReactNode }): ReactNode {
  return (
    <>
      <header>
        {props.way}
        <h1>{props.title}</h1>
      </header>
      {props.children}
    </>
  );
}

function Way(): ReactNode {
  const { t } = useTranslation('settings');
  return (
    <nav className={styles.way} aria-label={t('nav.way')}>
      <span>{t('nav.options')}</span>
      <span aria-hidden>›</span>
      <Link href="/options/account">{t('topic.account')}</Link>
    </nav>
  );
}
