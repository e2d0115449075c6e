/** One event in a view: its time and title; how sure it is by its look and in words. */
import { Repeat } from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import styles from './calendar.module.css';
import { locationOf } from './methods.ts';
import type { Placed } from './placing.ts';
import { spanWords } from './words.ts';

export interface EventChipProps {
  readonly item: Placed;
  readonly onOpen: (id: string) => void;
  /** With hours, beside each other (week, day), or one line (month, list). */
  readonly isBlock?: boolean;
  readonly showsTime?: boolean;
  readonly style?: React.CSSProperties;
}

export function EventChip({ item, onOpen, isBlock = false, showsTime = true, style }: EventChipProps): ReactNode {
  const { t, i18n } = useTranslation('calendar');
  const { event } = item;
  const title = event.title === '' ? t('untitled') : event.title;
  const when = spanWords(item, i18n.language, t('allDay'));
  const where = locationOf(event);
  const more = [when, where, event.status === 'confirmed' ? '' : t(`status.${event.status}`)]
    .filter(Boolean)
    .join(', ');
  return (
    <button
      type="button"
      className={[
        styles.chip,
        isBlock ? styles.block : styles.line,
        styles[event.status],
        item.isLong ? styles.long : '',
      ]
        .filter(Boolean)
        .join(' ')}
      style={style}
      title={`${title}, ${more}`}
      onClick={(click) => {
        click.stopPropagation();
        onOpen(event.id);
      }}
      onPointerDown={(press) => press.stopPropagation()}
    >
      {showsTime && !item.isLong && (
        <span className={styles.chipTime}>{timeOf(item.begins.minutes, i18n.language)}</span>
      )}
      <span className={styles.chipTitle}>{title}</span>
      {event.isRecurring && <Repeat size={12} aria-hidden />}
      {isBlock && where !== '' && <span className={styles.chipPlace}>{where}</span>}
      {/* What is seen begins the name, so that it can be said to speech input. */}
      <span className="visually-hidden">{`, ${more}`}</span>
    </button>
  );
}

export function timeOf(minutes: number, language: string): string {
  return new Intl.DateTimeFormat(language, { hour: 'numeric', minute: '2-digit', timeZone: 'UTC' }).format(
    minutes * 60_000,
  );
}
