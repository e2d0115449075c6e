/** Days with hours, beside each other: the week, or one day. A drag over free time makes an event of that length. */
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import styles from './calendar.module.css';
import type { Clock, Day } from './days.ts';
import { EventChip, timeOf } from './event-chip.tsx';
import type { ViewProps } from './month-view.tsx';
import { lanes, touches } from './placing.ts';
import { dayWords, fullDay } from './words.ts';

const HOURS = Array.from({ length: 24 }, (_, hour) => hour);
/** Pixels of an hour; the style sheet has the same. */
const HOUR_PX = 48;
/** What is seen first. */
const MORNING = 7;
const STEP = 30;

interface Drag {
  readonly day: Day;
  readonly from: number;
  readonly to: number;
}

export function TimeGrid(props: ViewProps & { readonly days: readonly Day[]; readonly now: Clock }): ReactNode {
  const { days, today, now, items, date, onChoose, onOpenDay, onOpen, onCreate } = props;
  const { t, i18n } = useTranslation('calendar');
  const [drag, setDrag] = useState<Drag | null>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const chosen = useRef<HTMLDivElement>(null);
  useEffect(() => {
    scroller.current?.scrollTo({ top: MORNING * HOUR_PX });
  }, []);
  useEffect(() => {
    if (props.takesFocus) chosen.current?.focus({ preventScroll: true });
    // oxlint-disable-next-line react/exhaustive-effect-dependencies -- another day is another cell to be in
  }, [props.takesFocus, date]);
  const minutesAt = (element: HTMLElement, y: number): number => {
    const { top } = element.getBoundingClientRect();
    const minutes = ((y - top) / HOUR_PX) * 60;
    return Math.min(1440 - STEP, Math.max(0, Math.floor(minutes / STEP) * STEP));
  };
  const columns = { gridTemplateColumns: `var(--gutter) repeat(${days.length}, minmax(0, 1fr))` };
  return (
    <div className={styles.timeGrid} role="grid" aria-label={t('hours')}>
      <div role="row" className={styles.dayHeads} style={columns}>
        <div role="columnheader" aria-label={t('allDay')} />
        {days.map((day) => (
          <div key={day} role="columnheader" aria-label={fullDay(day, i18n.language)} className={styles.dayHead}>
            <span>{dayWords(day, i18n.language, { weekday: 'short' })}</span>
            <button
              type="button"
              className={day === today ? `${styles.number} ${styles.today}` : styles.number}
              aria-label={t('openDay', { day: fullDay(day, i18n.language) })}
              onClick={() => onOpenDay(day)}
            >
              {Number(day.slice(8))}
            </button>
          </div>
        ))}
      </div>
      <div role="row" className={styles.longs} style={columns}>
        <div role="rowheader" className={styles.hour}>
          {t('allDay')}
        </div>
        {days.map((day) => (
          // oxlint-disable-next-line jsx-a11y/interactive-supports-focus -- the column below takes focus and keys of its day
          <div key={day} role="gridcell" className={styles.longCell} onDoubleClick={() => onCreate(day, null, null)}>
            <span className="visually-hidden">{`${fullDay(day, i18n.language)}, ${t('allDay')}`}</span>
            {items
              .filter((item) => item.isLong && touches(item, day))
              .map((item) => (
                <EventChip key={item.event.id} item={item} onOpen={onOpen} />
              ))}
          </div>
        ))}
      </div>
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls can be scrolled by keys (axe) */}
      <div className={styles.scroller} ref={scroller} tabIndex={0} role="rowgroup" aria-label={t('hours')}>
        <div role="row" className={styles.hours} style={columns}>
          <div role="rowheader" aria-label={t('hours')} className={styles.gutter}>
            {HOURS.map((hour) => (
              <div key={hour} className={styles.hour} aria-hidden>
                {hour === 0 ? '' : timeOf(hour * 60, i18n.language)}
              </div>
            ))}
          </div>
          {days.map((day) => (
            // oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- keys of all days are the page's (calendar-page.tsx)
            <div
              key={day}
              role="gridcell"
              ref={day === date ? chosen : null}
              tabIndex={day === date ? 0 : -1}
              aria-selected={day === date}
              className={styles.column}
              onFocus={() => {
                if (day !== date) onChoose(day);
              }}
              onPointerDown={(press) => {
                if (press.button !== 0 || press.pointerType === 'touch') return;
                const from = minutesAt(press.currentTarget, press.clientY);
                press.currentTarget.setPointerCapture(press.pointerId);
                setDrag({ day, from, to: from });
              }}
              onPointerMove={(move) => {
                if (drag === null || drag.day !== day) return;
                setDrag({ ...drag, to: minutesAt(move.currentTarget, move.clientY) });
              }}
              onPointerCancel={() => setDrag(null)}
              onPointerUp={(release) => {
                if (drag === null) return;
                const to = minutesAt(release.currentTarget, release.clientY);
                const [first, last] = to < drag.from ? [to, drag.from] : [drag.from, to];
                setDrag(null);
                // A click alone is an hour.
                onCreate(day, first, first === last ? Math.min(first + 60, 1440) : last + STEP);
              }}
              onClick={(click) => {
                if (click.nativeEvent instanceof PointerEvent && click.nativeEvent.pointerType === 'touch')
                  onCreate(day, minutesAt(click.currentTarget, click.clientY), null);
              }}
            >
              <span className="visually-hidden">
                {`${fullDay(day, i18n.language)}, ${t('events', { count: items.filter((item) => touches(item, day)).length })}`}
              </span>
              {lanes(items, day).map(({ item, from, to, column, columns: count }) => (
                <EventChip
                  key={item.event.id}
                  item={item}
                  onOpen={onOpen}
                  isBlock
                  style={{
                    top: `${(from / 60) * HOUR_PX}px`,
                    height: `${((to - from) / 60) * HOUR_PX - 2}px`,
                    left: `calc(${(column / count) * 100}% + 1px)`,
                    width: `calc(${100 / count}% - 3px)`,
                  }}
                />
              ))}
              {drag?.day === day && (
                <div
                  className={styles.drag}
                  style={{
                    top: `${(Math.min(drag.from, drag.to) / 60) * HOUR_PX}px`,
                    height: `${((Math.abs(drag.to - drag.from) + STEP) / 60) * HOUR_PX}px`,
                  }}
                />
              )}
              {day === now.day && <div className={styles.now} style={{ top: `${(now.minutes / 60) * HOUR_PX}px` }} />}
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}
