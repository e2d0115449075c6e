/** An event that is open: read, answered, removed; of a series this one or all of it. */
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Loading, Notice } from '../ui/state.tsx';
import styles from './calendar.module.css';
import { AnswerButtons, EventDetails } from './event-details.tsx';
import { EventForm } from './event-form.tsx';
import type { CalendarEvent } from './methods.ts';
import { useCalendarActions, useEvent } from './use-events.ts';

export interface EventDialogProps {
  readonly accountId: string;
  readonly id: string;
  readonly zone: string;
  readonly onClose: () => void;
}

export function EventDialog({ accountId, id, zone, onClose }: EventDialogProps): ReactNode {
  const { t } = useTranslation('calendar');
  const { data: event } = useEvent(accountId, id, zone);
  const [edits, setEdits] = useState<string | null>(null);
  if (edits !== null) return <EditSeries accountId={accountId} id={edits} zone={zone} onClose={onClose} />;
  return (
    <Dialog
      title={event === undefined || event === null ? t('event') : event.title === '' ? t('untitled') : event.title}
      isOpen
      onClose={onClose}
    >
      {event === undefined ? (
        <Loading />
      ) : event === null ? (
        <Notice tone="warning">{t('gone')}</Notice>
      ) : (
        <OpenEvent
          accountId={accountId}
          event={event}
          zone={zone}
          onClose={onClose}
          onEdit={setEdits}
          onAnswered={onClose}
        />
      )}
    </Dialog>
  );
}

/** What can be done with it; the item page shows the same. */
export function OpenEvent(props: {
  readonly accountId: string;
  readonly event: CalendarEvent;
  readonly zone: string;
  readonly onClose: () => void;
  readonly onEdit: (id: string) => void;
  readonly onAnswered?: () => void;
}): ReactNode {
  const { accountId, event, zone, onClose, onEdit, onAnswered } = props;
  const { t } = useTranslation('calendar');
  const { change, respond } = useCalendarActions(accountId);
  const [removes, setRemoves] = useState(false);
  const mayAnswer = !event.isOrigin && event.status !== 'cancelled';
  const remove = (id: string): void =>
    void change({ kind: 'destroy', id }).then((done) => {
      if (done) onClose();
    });
  const whole = event.baseEventId;
  return (
    <>
      <EventDetails event={event} zone={zone} />
      {mayAnswer && (
        <AnswerButtons
          given={event.participationStatus}
          onAnswer={async (answer, comment) => {
            if (await respond(whole ?? event.id, answer, comment)) onAnswered?.();
          }}
        />
      )}
      {removes && <Notice tone="warning">{t(event.isOrigin ? 'removeOwn' : 'removeOthers')}</Notice>}
      <div className={styles.actions}>
        {!removes ? (
          <>
            <Button kind="danger" onPress={() => setRemoves(true)}>
              {t('remove')}
            </Button>
            {event.isOrigin && (
              <Button kind="primary" onPress={() => onEdit(event.id)}>
                {t(whole === null ? 'edit' : 'editThis')}
              </Button>
            )}
            {event.isOrigin && whole !== null && <Button onPress={() => onEdit(whole)}>{t('editAll')}</Button>}
          </>
        ) : (
          <>
            <Button onPress={() => setRemoves(false)}>{t('keep')}</Button>
            {whole !== null && event.isOrigin && (
              <Button kind="danger" onPress={() => remove(event.id)}>
                {t('removeThis')}
              </Button>
            )}
            <Button kind="danger" onPress={() => remove(whole ?? event.id)}>
              {t(whole === null ? 'removeNow' : 'removeAll')}
            </Button>
          </>
        )}
      </div>
    </>
  );
}

function EditSeries({ accountId, id, zone, onClose }: EventDialogProps): ReactNode {
  const { t } = useTranslation('calendar');
  const { data: event } = useEvent(accountId, id, zone);
  if (event === undefined || event === null)
    return (
      <Dialog title={t('event')} isOpen onClose={onClose}>
        {event === undefined ? <Loading /> : <Notice tone="warning">{t('gone')}</Notice>}
      </Dialog>
    );
  return <EventForm accountId={accountId} zone={zone} event={event} onClose={onClose} />;
}
