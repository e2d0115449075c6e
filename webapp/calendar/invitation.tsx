/** The invitation that a mail brings, above its text: what is asked, what of it is in the calendar, the answers. */
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import { useJmap } from '../jmap/mailbox.tsx';
import { useToast } from '../ui/toasts.tsx';
import { Notice } from '../ui/state.tsx';
import styles from './calendar.module.css';
import { browserZone } from './days.ts';
import { AnswerButtons, EventDetails } from './event-details.tsx';
import { eventOfEmail, eventRespond, peopleOf } from './methods.ts';

export interface InvitationProps {
  readonly accountId: string;
  readonly emailId: string;
}

export default function Invitation({ accountId, emailId }: InvitationProps): ReactNode {
  const { t } = useTranslation('calendar');
  const { client } = useJmap();
  const show = useToast();
  const zone = browserZone();
  const { data } = useQuery({
    queryKey: [accountId, 'CalendarEvent', 'ofEmail', emailId, zone],
    queryFn: async () =>
      (await client.call(eventOfEmail, { accountId, emailIds: [emailId], timeZone: zone })).list[0] ?? null,
  });
  const event = data?.event ?? data?.sent ?? null;
  if (data === undefined || data === null || event === null) return null;
  const isRequest = data.method === 'request';
  const [replied] =
    data.method === 'reply' && data.sent !== null
      ? peopleOf(data.sent).filter(({ roles }) => roles['owner'] !== true)
      : [];
  return (
    <section className={styles.invitation} aria-label={t('invitation')}>
      <h2 className={styles.invitationTitle}>{event.title === '' ? t('untitled') : event.title}</h2>
      {data.isOutdated && <Notice tone="info">{t('outdated')}</Notice>}
      {replied !== undefined && (
        <p>
          {t(`replied.${replied.participationStatus}`, {
            name: replied.name === '' ? replied.email : replied.name,
            defaultValue: '',
          })}
          {data.comment !== null && ` “${data.comment}”`}
        </p>
      )}
      <EventDetails event={event} zone={zone} />
      {isRequest && !event.isOrigin && event.status !== 'cancelled' && (
        <AnswerButtons
          given={event.participationStatus}
          onAnswer={async (answer, comment) => {
            try {
              const { unreachedParticipants } = await client.call(eventRespond, {
                accountId,
                emailId,
                participationStatus: answer,
                ...(comment === '' ? {} : { comment }),
              });
              show(
                unreachedParticipants.length === 0
                  ? { text: t(`answered.${answer}`) }
                  : { text: t('unreached', { people: unreachedParticipants.join(', ') }), isError: true },
              );
            } catch (error) {
              show({ text: error instanceof Error ? error.message : String(error), isError: true });
            }
          }}
        />
      )}
      {data.eventId !== null && <Link href={`~/calendar/item/${data.eventId}`}>{t('openInCalendar')}</Link>}
    </section>
  );
}
