/** A month as a grid of days. The chosen day has the focus; arrows move it (calendar-page.tsx), Enter opens it. */
import { type ReactNode, useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import styles from './calendar.module.css';
import { type Day, daysFrom, monthGrid, monthOf } from './days.ts';
import { EventChip } from './event-chip.tsx';
import { type Placed, touches } from './placing.ts';
import { dayWords, fullDay } from './words.ts';

/** Events of a day that stand in its cell; the others are behind "more". */
const SHOWN = 3;

export interface ViewProps {
  readonly date: Day;
  readonly today: Day;
  readonly firstDay: number;
  readonly items: readonly Placed[];
  /** The chosen day is to have the focus. */
  readonly takesFocus: boolean;
  readonly onChoose: (day: Day) => void;
  readonly onOpenDay: (day: Day) => void;
  readonly onOpen: (id: string) => void;
  /** Minutes null: the whole day. */
  readonly onCreate: (day: Day, from: number | null, to: number | null) => void;
}

export function MonthView(props: ViewProps): ReactNode {
  const { date, today, firstDay, items, onChoose, onOpenDay, onOpen, onCreate } = props;
  const { t, i18n } = useTranslation('calendar');
  const days = monthGrid(date, firstDay);
  const weeks = Array.from({ length: days.length / 7 }, (_, week) => days.slice(week * 7, week * 7 + 7));
  const chosen = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (props.takesFocus) chosen.current?.focus();
    // oxlint-disable-next-line react/exhaustive-effect-dependencies -- another day is another cell to be in
  }, [props.takesFocus, date]);
  return (
    <div
      className={styles.month}
      role="grid"
      aria-label={dayWords(date, i18n.language, { month: 'long', year: 'numeric' })}
    >
      <div role="row" className={styles.weekdays}>
        {daysFrom(days[0] ?? date, 7).map((day) => (
          <div key={day} role="columnheader" aria-label={dayWords(day, i18n.language, { weekday: 'long' })}>
            {dayWords(day, i18n.language, { weekday: 'short' })}
          </div>
        ))}
      </div>
      {weeks.map((week) => (
        <div key={week[0]} role="row" className={styles.week}>
          {week.map((day) => {
            const own = items.filter((item) => touches(item, day));
            const name = `${fullDay(day, i18n.language)}, ${t('events', { count: own.length })}`;
            return (
              // oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- keys of all days are the page's (calendar-page.tsx)
              <div
                key={day}
                role="gridcell"
                ref={day === date ? chosen : null}
                tabIndex={day === date ? 0 : -1}
                aria-selected={day === date}
                aria-current={day === today ? 'date' : undefined}
                className={[styles.cell, monthOf(day) === monthOf(date) ? '' : styles.other].filter(Boolean).join(' ')}
                onFocus={() => {
                  if (day !== date) onChoose(day);
                }}
                onClick={() => onChoose(day)}
                onDoubleClick={() => onCreate(day, null, null)}
              >
                <span className="visually-hidden">{name}</span>
                <button
                  type="button"
                  tabIndex={-1}
                  className={day === today ? `${styles.number} ${styles.today}` : styles.number}
                  aria-label={t('openDay', { day: fullDay(day, i18n.language) })}
                  onClick={() => onOpenDay(day)}
                >
                  {Number(day.slice(8))}
                </button>
                {own.slice(0, own.length > SHOWN ? SHOWN - 1 : SHOWN).map((item) => (
                  <EventChip key={item.event.id} item={item} onOpen={onOpen} />
                ))}
                {own.length > SHOWN && (
                  <button type="button" className={styles.more} onClick={() => onOpenDay(day)}>
                    {t('more', { count: own.length - SHOWN + 1 })}
                  </button>
                )}
              </div>
            );
          })}
        </div>
      ))}
    </div>
  );
}
