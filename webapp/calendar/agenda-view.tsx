/** The days ahead as a list: what a narrow screen shows in place of grids. */
import { Plus } from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '../ui/button.tsx';
import styles from './calendar.module.css';
import { type Day, daysFrom } from './days.ts';
import { EventChip } from './event-chip.tsx';
import type { ViewProps } from './month-view.tsx';
import { touches } from './placing.ts';
import { dayWords, fullDay } from './words.ts';

/** Days that the list reaches ahead. */
export const AGENDA_DAYS = 14;

export function AgendaView({ from, today, items, onOpen, onCreate }: ViewProps & { readonly from: Day }): ReactNode {
  const { t, i18n } = useTranslation('calendar');
  return (
    <ol className={styles.agenda}>
      {daysFrom(from, AGENDA_DAYS).map((day) => {
        const own = items.filter((item) => touches(item, day));
        return (
          <li key={day} className={styles.agendaDay} aria-label={fullDay(day, i18n.language)}>
            <div className={styles.agendaHead}>
              <h2
                className={day === today ? styles.agendaToday : undefined}
                aria-current={day === today ? 'date' : undefined}
              >
                {dayWords(day, i18n.language, { weekday: 'long', day: 'numeric', month: 'long' })}
              </h2>
              <IconButton
                label={t('newOn', { day: fullDay(day, i18n.language) })}
                icon={<Plus size={16} />}
                onPress={() => onCreate(day, null, null)}
              />
            </div>
            {own.length === 0 ? (
              <p className={styles.nothing}>{t('nothing')}</p>
            ) : (
              own.map((item) => <EventChip key={item.event.id} item={item} onOpen={onOpen} />)
            )}
          </li>
        );
      })}
    </ol>
  );
}
