/** What stands around every page: the rail of pages, the account menu, news of a lost connection. */
import { type ReactNode, Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useLocation } from 'wouter';
import { useJmap } from '../jmap/mailbox.tsx';
import { Button } from '../ui/button.tsx';
import { Loading } from '../ui/state.tsx';
import { type Page, pagesOf } from '../pages.tsx';
import { AccountMenu } from './account-menu.tsx';
import styles from './shell.module.css';

export function Shell({ children }: { readonly children: ReactNode }): ReactNode {
  const { t } = useTranslation('app');
  const { session, isConnected, reconnect } = useJmap();
  return (
    <div className={styles.shell}>
      <a className={styles.skip} href="#page">
        {t('skip')}
      </a>
      {!isConnected && (
        <div className={styles.lost} role="status">
          {t('connection.lost')}
          <Button kind="quiet" onPress={reconnect}>
            {t('connection.retry')}
          </Button>
        </div>
      )}
      <nav className={styles.rail} aria-label={t('nav.label')}>
        <img className={styles.logo} src="/icon.svg" alt="" />
        {pagesOf(session).map((page) => (
          <RailLink key={page.name} page={page} />
        ))}
        <span className={styles.gap} />
        <AccountMenu />
      </nav>
      <main id="page" tabIndex={-1} className={styles.page}>
        <Suspense fallback={<Loading />}>{children}</Suspense>
      </main>
    </div>
  );
}

function RailLink({ page }: { readonly page: Page }): ReactNode {
  const { t } = useTranslation('app');
  const [location] = useLocation();
  const isHere = location === page.path || location.startsWith(`${page.path}/`);
  const Icon = page.icon;
  return (
    <Link className={styles.link} href={page.path} aria-current={isHere ? 'page' : undefined}>
      <Icon size={22} aria-hidden />
      <span>{t(`nav.${page.name}`)}</span>
    </Link>
  );
}
