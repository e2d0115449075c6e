/** The list: what it is of, what can be done with what is chosen, and its rows. */
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Inbox, SearchX } from 'lucide-react';
import { Button } from '../../ui/button.tsx';
import { Empty, Failed } from '../../ui/state.tsx';
import { useActions } from '../actions/actions-context.tsx';
import { useMail } from '../mail-context.tsx';
import { ListHeader } from './list-header.tsx';
import { MessageRows } from './message-rows.tsx';
import styles from './list-pane.module.css';

export function ListPane(): ReactNode {
  const { t } = useTranslation('mail');
  const { store, spec, folder, place, quickFilter, setQuickFilter } = useMail();
  const { progress, empty } = useActions();
  if (spec === null) return null;
  const list = store.list(spec);
  const failure = store.listFailure(spec);
  const isTrash = folder?.role === 'trash' || folder?.role === 'junk';
  return (
    <>
      <ListHeader />
      {progress !== null && (
        <div className={styles.progress} role="status">
          {t('list.progress', { part: Math.round(progress * 100) })}
          <progress value={progress} aria-label={t('list.working')} />
        </div>
      )}
      {isTrash && place.search === null && folder.totalEmails > 0 && !store.isReadOnly && (
        <div className={styles.notice}>
          <span>{t(`list.notice.${folder.role === 'junk' ? 'junk' : 'trash'}`)}</span>
          <Button kind="quiet" onPress={() => empty(folder)}>
            {t(`folder.empty.${folder.role === 'junk' ? 'junk' : 'trash'}`)}
          </Button>
        </div>
      )}
      {failure !== null ? (
        <Failed error={failure} onRetry={() => store.retry(spec)} />
      ) : (
        <MessageRows key={`${store.accountId} ${JSON.stringify(spec)}`} spec={spec} />
      )}
      {failure === null && list.total === 0 && (
        <div className={styles.nothing}>
          {place.search !== null ? (
            <Empty icon={<SearchX size={40} aria-hidden />} title={t('list.notFound')} text={t('list.notFoundHint')} />
          ) : quickFilter !== 'all' ? (
            <Empty icon={<Inbox size={40} aria-hidden />} title={t(`list.nothing.${quickFilter}`)}>
              <Button onPress={() => setQuickFilter('all')}>{t('list.showAll')}</Button>
            </Empty>
          ) : (
            <Empty icon={<Inbox size={40} aria-hidden />} title={t('list.empty')} text={t('list.emptyHint')} />
          )}
        </div>
      )}
    </>
  );
}
