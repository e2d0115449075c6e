/** The calendar: month, week, day, a list on narrow screens; moved about by keys; an item by the link that mail has. */
import { ChevronLeft, ChevronRight, Plus } from 'lucide-react';
import { type ReactNode, useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Route, Switch, useParams } from 'wouter';
import { useOwnAccount } from '../jmap/mailbox.tsx';
import { useAccountSettings } from '../settings/use-account.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { Failed, Loading } from '../ui/state.tsx';
import { AGENDA_DAYS, AgendaView } from './agenda-view.tsx';
import styles from './calendar.module.css';
import {
  addDays,
  addMonths,
  browserZone,
  clockOf,
  type Day,
  daysFrom,
  firstDayOfWeek,
  monthGrid,
  startOfWeek,
} from './days.ts';
import { EventDialog } from './event-dialog.tsx';
import { type EventDraft, newDraft } from './event-draft.ts';
import { EventForm } from './event-form.tsx';
import { ItemPage } from './item-page.tsx';
import { MonthView } from './month-view.tsx';
import { TimeGrid } from './time-grid.tsx';
import { useEvents } from './use-events.ts';
import { dayWords, fullDay } from './words.ts';

const VIEWS = ['month', 'week', 'day'] as const;
type View = (typeof VIEWS)[number];
const KEPT_VIEW = 'penfold.calendar.view';

export default function CalendarPage(): ReactNode {
  const { data: settings, isPending } = useAccountSettings();
  if (isPending) return <Loading />;
  const zone = settings?.timeZone ?? browserZone();
  return (
    <Switch>
      <Route path="/item/:id">
        <LinkedItem zone={zone} />
      </Route>
      <Route>
        <Calendar zone={zone} />
      </Route>
    </Switch>
  );
}

function LinkedItem({ zone }: { readonly zone: string }): ReactNode {
  const { id } = useParams<{ id: string }>();
  return <ItemPage id={id} zone={zone} />;
}

function useNarrow(): boolean {
  const query = useMemo(() => window.matchMedia('(max-width: 640px)'), []);
  const [isNarrow, setNarrow] = useState(query.matches);
  useEffect(() => {
    const change = (): void => setNarrow(query.matches);
    query.addEventListener('change', change);
    return () => query.removeEventListener('change', change);
  }, [query]);
  return isNarrow;
}

/** The minute it is, for today's mark. */
function useNow(zone: string) {
  const [now, setNow] = useState(() => clockOf(new Date().toISOString(), zone));
  useEffect(() => {
    const timer = window.setInterval(() => setNow(clockOf(new Date().toISOString(), zone)), 60_000);
    return () => clearInterval(timer);
  }, [zone]);
  return now;
}

function keptView(): View {
  const kept = localStorage.getItem(KEPT_VIEW);
  return VIEWS.find((view) => view === kept) ?? 'month';
}

function shownDays(view: View | 'agenda', date: Day, firstDay: number): readonly Day[] {
  switch (view) {
    case 'month':
      return monthGrid(date, firstDay);
    case 'week':
      return daysFrom(startOfWeek(date, firstDay), 7);
    case 'day':
      return [date];
    case 'agenda':
      return daysFrom(date, AGENDA_DAYS);
  }
}

function stepped(view: View | 'agenda', date: Day, by: 1 | -1): Day {
  switch (view) {
    case 'month':
      return addMonths(date, by);
    case 'week':
      return addDays(date, 7 * by);
    case 'day':
      return addDays(date, by);
    case 'agenda':
      return addDays(date, AGENDA_DAYS * by);
  }
}

function Calendar({ zone }: { readonly zone: string }): ReactNode {
  const { t, i18n } = useTranslation('calendar');
  const accountId = useOwnAccount();
  const now = useNow(zone);
  const isNarrow = useNarrow();
  const firstDay = firstDayOfWeek(i18n.language);
  const [chosen, setChosen] = useState<View>(keptView);
  const [date, setDate] = useState<Day>(now.day);
  const [openId, setOpenId] = useState<string | null>(null);
  const [draft, setDraft] = useState<EventDraft | null>(null);
  const [byKey, setByKey] = useState(false);
  const view = isNarrow && chosen !== 'day' ? 'agenda' : chosen;
  const days = shownDays(view, date, firstDay);
  const events = useEvents(accountId, zone, days[0] ?? date, days.length);
  const choose = (wanted: View): void => {
    localStorage.setItem(KEPT_VIEW, wanted);
    setChosen(wanted);
  };
  const create = (day: Day, from: number | null, to: number | null): void => setDraft(newDraft(zone, day, from, to));
  const isBusy = openId !== null || draft !== null;
  useEffect(() => {
    if (isBusy) return undefined;
    const move = (to: Day): void => {
      setByKey(true);
      setDate(to);
    };
    const keys: Readonly<Record<string, () => void>> = {
      ArrowLeft: () => move(addDays(date, -1)),
      ArrowRight: () => move(addDays(date, 1)),
      ArrowUp: () => move(addDays(date, -7)),
      ArrowDown: () => move(addDays(date, 7)),
      PageUp: () => move(stepped(view, date, -1)),
      PageDown: () => move(stepped(view, date, 1)),
      t: () => move(now.day),
      m: () => choose('month'),
      w: () => choose('week'),
      d: () => choose('day'),
      n: () => create(date, 9 * 60, 10 * 60),
    };
    const press = (event: KeyboardEvent): void => {
      const target = event.target instanceof Element ? event.target : null;
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      if (
        target !== null &&
        target.closest('input, textarea, select, [contenteditable], [role="menu"], [role="listbox"], dialog') !== null
      )
        return;
      const isOnDay = target?.getAttribute('role') === 'gridcell';
      if (event.key === 'Enter' && isOnDay) {
        event.preventDefault();
        choose('day');
        return;
      }
      // What scrolls keeps its arrows, and so does a view without rows of days.
      const isVertical = event.key === 'ArrowUp' || event.key === 'ArrowDown';
      if (isVertical && (view !== 'month' || !(isOnDay || target === document.body))) return;
      if (!Object.hasOwn(keys, event.key)) return;
      event.preventDefault();
      keys[event.key]?.();
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  });
  const title =
    view === 'month'
      ? dayWords(date, i18n.language, { month: 'long', year: 'numeric' })
      : view === 'day'
        ? fullDay(date, i18n.language)
        : `${dayWords(days[0] ?? date, i18n.language, { day: 'numeric', month: 'short' })} – ${dayWords(days.at(-1) ?? date, i18n.language, { day: 'numeric', month: 'short', year: 'numeric' })}`;
  const props = {
    date,
    today: now.day,
    firstDay,
    items: events.data ?? [],
    takesFocus: byKey,
    onChoose: setDate,
    onOpenDay: (day: Day) => {
      setDate(day);
      choose('day');
    },
    onOpen: setOpenId,
    onCreate: create,
  };
  return (
    <section className={styles.page} aria-labelledby="calendar-title">
      <div className={styles.bar}>
        <Button kind="primary" onPress={() => create(date, 9 * 60, 10 * 60)}>
          <Plus size={18} aria-hidden />
          {t('new')}
        </Button>
        <Button onPress={() => setDate(now.day)}>{t('today')}</Button>
        <IconButton
          label={t('previous')}
          shortcut="PgUp"
          icon={<ChevronLeft size={20} />}
          onPress={() => setDate(stepped(view, date, -1))}
        />
        <IconButton
          label={t('next')}
          shortcut="PgDn"
          icon={<ChevronRight size={20} />}
          onPress={() => setDate(stepped(view, date, 1))}
        />
        <h1 id="calendar-title" className={styles.title} aria-live="polite">
          {title}
        </h1>
        <div role="group" aria-label={t('view')} className={styles.views}>
          {VIEWS.filter((one) => !isNarrow || one !== 'week').map((one) => (
            <Button
              key={one}
              kind={chosen === one ? 'primary' : 'quiet'}
              aria-pressed={chosen === one}
              onPress={() => choose(one)}
            >
              {t(isNarrow && one === 'month' ? 'views.agenda' : `views.${one}`)}
            </Button>
          ))}
        </div>
      </div>
      {events.error !== null ? (
        <Failed error={events.error} onRetry={() => void events.refetch()} />
      ) : events.data === undefined ? (
        <Loading />
      ) : view === 'month' ? (
        <MonthView {...props} />
      ) : view === 'agenda' ? (
        <AgendaView {...props} from={date} />
      ) : (
        <TimeGrid key={view} {...props} days={days} now={now} />
      )}
      {openId !== null && <EventDialog accountId={accountId} id={openId} zone={zone} onClose={() => setOpenId(null)} />}
      {draft !== null && (
        <EventForm accountId={accountId} zone={zone} event={null} initial={draft} onClose={() => setDraft(null)} />
      )}
    </section>
  );
}
