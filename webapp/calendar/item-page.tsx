/** One item by its link (`/calendar/item/…`), as mail programs show it in place of an invitation. */
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useLocation } from 'wouter';
import { useOwnAccount } from '../jmap/mailbox.tsx';
import { Button } from '../ui/button.tsx';
import { Empty, Failed, Loading } from '../ui/state.tsx';
import styles from './calendar.module.css';
import { EventDialog, OpenEvent } from './event-dialog.tsx';
import { useEvent } from './use-events.ts';

export function ItemPage({ id, zone }: { readonly id: string; readonly zone: string }): ReactNode {
  const { t } = useTranslation('calendar');
  const accountId = useOwnAccount();
  const [, navigate] = useLocation();
  const [edits, setEdits] = useState<string | null>(null);
  const { data: event, error, refetch } = useEvent(accountId, id, zone);
  const leave = (): void => navigate('/');
  if (error !== null) return <Failed error={error} onRetry={() => void refetch()} />;
  if (event === undefined) return <Loading />;
  if (event === null)
    return (
      <Empty title={t('noItem')} text={t('noItemText')}>
        <Button onPress={leave}>{t('toCalendar')}</Button>
      </Empty>
    );
  return (
    <article className={styles.item}>
      <h1>{event.title === '' ? t('untitled') : event.title}</h1>
      <OpenEvent accountId={accountId} event={event} zone={zone} onClose={leave} onEdit={setEdits} />
      <div>
        <Button kind="quiet" onPress={leave}>
          {t('toCalendar')}
        </Button>
      </div>
      {edits !== null && <EventDialog accountId={accountId} id={edits} zone={zone} onClose={() => setEdits(null)} />}
    </article>
  );
}
