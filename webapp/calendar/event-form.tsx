/** Writing an event: a new one, one's own again, all of a series or one occurrence. */
import { type FormEvent, type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { Checkbox, TextField } from '../ui/field.tsx';
import { Select } from '../ui/select.tsx';
import styles from './calendar.module.css';
import { type EventDraft, draftOfEvent, eventOfDraft, problemOf, REPEATS } from './event-draft.ts';
import type { CalendarEvent } from './methods.ts';
import { useCalendarActions } from './use-events.ts';

export interface EventFormProps {
  readonly accountId: string;
  readonly zone: string;
  /** Null: a new one, as `initial` has it. */
  readonly event: CalendarEvent | null;
  readonly initial?: EventDraft;
  readonly onClose: () => void;
}

export function EventForm({ accountId, zone, event, initial, onClose }: EventFormProps): ReactNode {
  const { t } = useTranslation('calendar');
  const { change } = useCalendarActions(accountId);
  const [draft, setDraft] = useState<EventDraft>(
    () => (event === null ? undefined : draftOfEvent(event, zone)) ?? initial ?? draftOfEvent(null, zone),
  );
  const [busy, setBusy] = useState(false);
  const [shown, setShown] = useState(false);
  const set = (part: Partial<EventDraft>): void => setDraft((now) => ({ ...now, ...part }));
  const problem = problemOf(draft);
  const isOccurrence = event !== null && event.baseEventId !== null;
  const submit = (submitted: FormEvent): void => {
    submitted.preventDefault();
    setShown(true);
    if (problem !== null) return;
    setBusy(true);
    const written = eventOfDraft(draft, event, isOccurrence);
    void change(
      event === null ? { kind: 'create', event: written } : { kind: 'update', id: event.id, patch: written },
    ).then((done) => {
      setBusy(false);
      if (done) onClose();
    });
  };
  return (
    <Dialog title={t(event === null ? 'newEvent' : 'edit')} isOpen isWide onClose={onClose}>
      <form className={styles.form} onSubmit={submit}>
        {/* oxlint-disable-next-line jsx-a11y/no-autofocus -- the first thing that is written in a dialog just opened */}
        <TextField
          label={t('title')}
          value={draft.title}
          onChange={(title) => set({ title })}
          maxLength={1000}
          // The form was opened to write this.
          // oxlint-disable-next-line jsx-a11y/no-autofocus
          autoFocus
        />
        <Checkbox isSelected={draft.isAllDay} onChange={(isAllDay) => set({ isAllDay })}>
          {t('allDay')}
        </Checkbox>
        <div className={styles.pair}>
          <TextField
            label={t('starts')}
            type="date"
            value={draft.startDay}
            onChange={(startDay) => set({ startDay, ...(draft.endDay < startDay ? { endDay: startDay } : {}) })}
          />
          {!draft.isAllDay && (
            <TextField
              label={t('startTime')}
              type="time"
              value={draft.startTime}
              onChange={(startTime) => set({ startTime })}
            />
          )}
        </div>
        <div className={styles.pair}>
          <TextField
            label={t('ends')}
            type="date"
            value={draft.endDay}
            onChange={(endDay) => set({ endDay })}
            {...(shown && problem === 'order' ? { error: t('problem.order') } : {})}
          />
          {!draft.isAllDay && (
            <TextField
              label={t('endTime')}
              type="time"
              value={draft.endTime}
              onChange={(endTime) => set({ endTime })}
            />
          )}
        </div>
        {!draft.isAllDay && <p className={styles.muted}>{t('inZone', { zone: draft.zone })}</p>}
        {!isOccurrence && (
          <div className={styles.pair}>
            <Select
              label={t('repeats')}
              value={draft.repeats}
              options={[...REPEATS, ...(draft.repeats === 'custom' ? (['custom'] as const) : [])].map((value) => ({
                value,
                label: t(`repeat.${value}`),
              }))}
              onChange={(repeats) => set({ repeats })}
            />
            {draft.repeats !== 'never' && draft.repeats !== 'custom' && (
              <TextField
                label={t('until')}
                type="date"
                value={draft.until}
                onChange={(until) => set({ until })}
                description={t('untilHint')}
              />
            )}
          </div>
        )}
        <TextField label={t('place')} value={draft.place} onChange={(place) => set({ place })} maxLength={2000} />
        <TextField
          label={t('people')}
          description={t('peopleHint')}
          value={draft.people}
          onChange={(people) => set({ people })}
          {...(shown && problem === 'people' ? { error: t('problem.people') } : {})}
        />
        <TextField
          label={t('notes')}
          rows={4}
          value={draft.notes}
          onChange={(notes) => set({ notes })}
          maxLength={20_000}
        />
        <Select
          label={t('shownAs')}
          value={draft.isFree ? 'free' : 'busy'}
          options={[
            { value: 'busy', label: t('busy') },
            { value: 'free', label: t('free') },
          ]}
          onChange={(value) => set({ isFree: value === 'free' })}
        />
        <div className={styles.actions}>
          <Button onPress={onClose}>{t('cancel')}</Button>
          <Button kind="primary" type="submit" isPending={busy}>
            {t(draft.people.trim() === '' ? 'save' : 'saveAndSend')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
