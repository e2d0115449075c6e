/** One event in full: when, where, who, what of it; answers to an invitation, or the way to change one's own. */
import { CalendarClock, MapPin, Repeat, Users, Video } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '../ui/button.tsx';
import { TextField } from '../ui/field.tsx';
import { Notice } from '../ui/state.tsx';
import styles from './calendar.module.css';
import { type Answer, type CalendarEvent, locationOf, peopleOf } from './methods.ts';
import { placed } from './placing.ts';
import { spanWords } from './words.ts';

/** How programs write a moment; nobody plans in it. */
const UNIVERSAL: ReadonlySet<string> = new Set(['Etc/UTC', 'UTC']);

export function EventDetails({ event, zone }: { readonly event: CalendarEvent; readonly zone: string }): ReactNode {
  const { t, i18n } = useTranslation('calendar');
  const where = locationOf(event);
  const people = peopleOf(event);
  return (
    <div className={styles.details}>
      {event.status === 'cancelled' && <Notice tone="warning">{t('calledOff')}</Notice>}
      <p className={styles.fact}>
        <CalendarClock size={18} aria-hidden />
        <span>
          {spanWords(placed(event, zone), i18n.language, t('allDay'))}
          {event.timeZone !== null &&
            !UNIVERSAL.has(event.timeZone) &&
            event.timeZone !== zone &&
            !event.showWithoutTime && (
              <span className={styles.muted}> {t('organizedIn', { zone: event.timeZone.replace(/^\//, '') })}</span>
            )}
        </span>
      </p>
      {event.isRecurring && (
        <p className={styles.fact}>
          <Repeat size={18} aria-hidden />
          {t('series')}
        </p>
      )}
      {where !== '' && (
        <p className={styles.fact}>
          <MapPin size={18} aria-hidden />
          {where}
        </p>
      )}
      {Object.values(event.virtualLocations ?? {}).map(({ uri, name }) => (
        <p key={uri} className={styles.fact}>
          <Video size={18} aria-hidden />
          <a href={uri} target="_blank" rel="noopener noreferrer">
            {name === '' ? t('join') : name}
          </a>
        </p>
      ))}
      {people.length > 0 && (
        <div className={styles.fact}>
          <Users size={18} aria-hidden />
          <ul className={styles.people}>
            {people.map((person) => (
              <li key={person.email}>
                {person.name === '' ? person.email : person.name}
                <span className={styles.muted}>
                  {' '}
                  {person.roles['owner'] === true
                    ? t('organizer')
                    : t([`participation.${person.participationStatus}`, 'participation.needs-action'])}
                  {person.scheduleStatus?.includes('3.7') === true && `, ${t('notReached')}`}
                </span>
              </li>
            ))}
          </ul>
        </div>
      )}
      {event.description !== '' && <p className={styles.description}>{event.description}</p>}
    </div>
  );
}

const ANSWERS: readonly Answer[] = ['accepted', 'tentative', 'declined'];

/** Accept, Tentative, Decline; the answer that was given is pressed. */
export function AnswerButtons(props: {
  readonly given: string | null;
  readonly onAnswer: (answer: Answer, comment: string) => Promise<unknown>;
}): ReactNode {
  const { t } = useTranslation('calendar');
  const [comment, setComment] = useState('');
  const [busy, setBusy] = useState<Answer | null>(null);
  return (
    <div className={styles.answers}>
      <TextField label={t('comment')} value={comment} onChange={setComment} maxLength={2000} />
      <div className={styles.answerButtons} role="group" aria-label={t('yourAnswer')}>
        {ANSWERS.map((answer) => (
          <Button
            key={answer}
            kind={props.given === answer ? 'primary' : 'secondary'}
            aria-pressed={props.given === answer}
            isDisabled={busy !== null}
            isPending={busy === answer}
            onPress={() => {
              setBusy(answer);
              void props.onAnswer(answer, comment).finally(() => setBusy(null));
            }}
          >
            {t(`answer.${answer}`)}
          </Button>
        ))}
      </div>
    </div>
  );
}
