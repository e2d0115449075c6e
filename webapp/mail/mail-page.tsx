/** The mail page: folders, list and what is read, side by side as far as there is room for them. */
import { Menu as MenuIcon, PenLine } from 'lucide-react';
import { lazy, type ReactNode, Suspense, useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useComposer } from '../compose/composer.tsx';
import { Button, IconButton } from '../ui/button.tsx';
import { Empty, Failed, Loading } from '../ui/state.tsx';
import { ActionsProvider } from './actions/actions-context.tsx';
import { ArrivalNews } from './arrival-news.tsx';
import { FolderPane } from './folders/folder-pane.tsx';
import { ListPane } from './list/list-pane.tsx';
import { MailProvider, useMail } from './mail-context.tsx';
import { RECOVERABLE } from './mail-path.ts';
import { MailKeys } from './mail-keys.tsx';
import { PaneEdge } from './pane-edge.tsx';
import { SearchBox } from './search/search-box.tsx';
import { usePaneWidths } from './pane-widths.ts';
import { useEscape } from './escape.ts';
import { useLayout } from './layout.ts';
import styles from './mail-page.module.css';

const RecoverablePane = lazy(() => import('./recoverable/recoverable-pane.tsx'));
const ReadingPane = lazy(() => import('./reading/reading-pane.tsx'));

export default function MailPage(): ReactNode {
  return (
    <MailProvider>
      <ActionsProvider>
        <MailPanes />
        <MailKeys />
        <ArrivalNews />
      </ActionsProvider>
    </MailProvider>
  );
}

function MailPanes(): ReactNode {
  const { t } = useTranslation('mail');
  const { store, place, mailboxes, spec } = useMail();
  const layout = useLayout();
  const here = `${place.account ?? ''}/${place.folder}`;
  // Choosing a folder closes it.
  const [drawerAt, setDrawerAt] = useState<string | null>(null);
  const isDrawerOpen = drawerAt === here && layout !== 'three';
  const closeDrawer = useCallback(() => setDrawerAt(null), []);
  useEscape(isDrawerOpen, closeDrawer);
  const { widths, resize } = usePaneWidths();
  const isOpen = place.item !== null;

  if (mailboxes.length === 0) {
    if (store.mailboxFailure !== null)
      return <Failed error={store.mailboxFailure} onRetry={() => void store.loadMailboxes()} />;
    if (store.mailboxes === null) return <Loading />;
  }
  const reading = (
    <section className={styles.reading} aria-label={t('panes.reading')}>
      <Suspense fallback={<Loading />}>{isOpen ? <ReadingPane /> : <NothingOpen />}</Suspense>
    </section>
  );
  const list = (
    <section className={styles.list} aria-label={t('panes.list')}>
      {spec !== null ? (
        <ListPane />
      ) : place.folder === RECOVERABLE ? (
        <Suspense fallback={<Loading />}>
          <RecoverablePane />
        </Suspense>
      ) : (
        <Empty title={t('noFolder.title')} text={t('noFolder.text')} />
      )}
    </section>
  );
  const hasBar = layout !== 'one' || !isOpen;
  return (
    <div className={styles.page} data-layout={layout}>
      {hasBar && (
        <header className={styles.bar}>
          {layout === 'three' ? (
            <div style={{ width: widths.folders - 12 }}>
              <ComposeButton />
            </div>
          ) : (
            <IconButton
              label={t('panes.folders')}
              icon={<MenuIcon size={20} />}
              onPress={() => setDrawerAt(isDrawerOpen ? null : here)}
              aria-expanded={isDrawerOpen}
            />
          )}
          <SearchBox />
          {layout === 'two' && <ComposeButton />}
        </header>
      )}
      <div className={styles.panes}>
        {layout === 'three' && (
          <>
            <nav className={styles.folders} style={{ width: widths.folders }} aria-label={t('panes.folders')}>
              <FolderPane />
            </nav>
            <PaneEdge pane="folders" widths={widths} onResize={resize} />
          </>
        )}
        {isDrawerOpen && (
          <>
            {/* The drawer closes by Escape, by its button, and by choosing a folder; this is for the pointer. */}
            <div className={styles.shade} onPointerDown={closeDrawer} aria-hidden />
            <nav className={styles.drawer} aria-label={t('panes.folders')}>
              <FolderPane isFocused />
            </nav>
          </>
        )}
        {layout === 'one' ? (
          isOpen ? (
            reading
          ) : (
            list
          )
        ) : (
          <>
            <div className={styles.listSide} style={{ width: widths.list }}>
              {list}
            </div>
            <PaneEdge pane="list" widths={widths} onResize={resize} />
            {reading}
          </>
        )}
      </div>
      {layout === 'one' && !isOpen && <ComposeButton isFloating />}
    </div>
  );
}

function ComposeButton({ isFloating = false }: { readonly isFloating?: boolean }): ReactNode {
  const { t } = useTranslation('mail');
  const { store } = useMail();
  const openComposer = useComposer();
  if (store.isReadOnly) return null;
  const open = (): void => openComposer({ accountId: store.accountId, kind: 'new' });
  return (
    <div className={isFloating ? styles.floating : styles.compose}>
      <Button kind="primary" onPress={open}>
        <PenLine size={18} aria-hidden />
        {t('compose')}
      </Button>
    </div>
  );
}

function NothingOpen(): ReactNode {
  const { t } = useTranslation('mail');
  const { selection } = useMail();
  const count = selection.ids.size;
  return (
    <Empty title={count > 1 ? t('list.selected', { count }) : t('reading.nothing')} text={t('reading.nothingHint')} />
  );
}
