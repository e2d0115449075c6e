/**
 * What a person does with the events of a calendar: create, change, take away, answer; the whole of it or one
 * occurrence. Who has to know of it hears by mail (imip-sending.ts) when that is asked for: permission to send comes
 * first, then the calendar changes, then the mail goes out.
 */
import { randomUUID } from 'node:crypto';
import type { Account } from '../directory/model.ts';
import { calendarItemId } from '../message/render/icalendar.ts';
import { Failure } from '../observe/failure.ts';
import { type Answer, type Attendee, attendeesOf, organizerOf, withAnswer, withAttendee } from './attendees.ts';
import type { Calendars, ChangingCalendar, StoredItem } from './calendar-folder.ts';
import { type CalendarPlace, personOf } from './delivered-invitations.ts';
import { componentOfDraft, type DraftTime, type EventDraft, timeProperty, withZone } from './event-draft.ts';
import { answerOf, cancellationOf, describeItem, requestOf, type SchedulingMethod } from './imip-mail.ts';
import type { ImipSender } from './imip-sending.ts';
import { type CalendarItem, type EventFacts, itemOf, leadOf } from './item.ts';
import { isOwn, withEvents } from './itip.ts';
import { type Component, componentsOf, property, propertyOf, replaced, textOf } from './jcal-model.ts';
import { type Occurrence, occurrenceAt, recurrenceWall } from './occurrences.ts';
import { calendarWith } from './scheduling-part.ts';
import { UTC } from './zones.ts';

export interface Actor extends CalendarPlace {
  /** Whose calendar it is. */
  readonly owner: Account;
  readonly user: Account;
  readonly remoteAddress: string;
}

export interface ScheduledChange {
  readonly id: string;
  /** Addresses that could not be reached. */
  readonly unreached: readonly string[];
}

const GONE = 'there is no such event';
const OTHERS = 'only the organizer can change this event; answer the invitation, or remove it from your calendar';

export class EventDesk {
  readonly #calendars: Calendars;
  readonly #sender: ImipSender;

  constructor(calendars: Calendars, sender: ImipSender) {
    this.#calendars = calendars;
    this.#sender = sender;
  }

  /** @throws Failure */
  async create(actor: Actor, given: EventDraft, sends: boolean): Promise<ScheduledChange> {
    const draft = withoutOwner(given, actor.owner);
    if (sends) await this.#admit(actor, draft.participants.length);
    const uid = randomUUID();
    const event = componentOfDraft(draft, null, { ...this.#context(actor, uid), recurrenceId: null, asksAgain: true });
    const item = itemOf(withZone(calendarWith([event], []), draft.start), {
      id: calendarItemId(uid, null),
      aliases: [],
      uid,
    });
    if (item === null) throw new Failure('CANNOT', 'the event has no start');
    await this.#calendars.change(actor.mailbox, actor.stage, (calendar) => calendar.save(item, null));
    const unreached = sends ? await this.#ask(actor, item, null, attendeesOf(event)) : [];
    return { id: item.id, unreached };
  }

  /**
   * `recurrenceId`: that occurrence alone. `draft` makes of the event as it is what it is to be.
   * @throws Failure, and what `draft` throws
   */
  async change(
    actor: Actor,
    id: string,
    recurrenceId: number | null,
    draft: (occurrence: Occurrence, item: CalendarItem) => EventDraft,
    sends: boolean,
  ): Promise<ScheduledChange> {
    const changed = await this.#calendars.change(actor.mailbox, actor.stage, async (calendar) => {
      const stored = await found(calendar, id);
      const { item } = stored;
      const old = occurrenceOf(item, recurrenceId);
      const wanted = withoutOwner(draft(old, item), actor.owner);
      const before = attendeesOf(old.event.component);
      const people = new Set([...before, ...wanted.participants].map(({ address }) => address));
      if (!isOwn(item, personOf(actor.owner))) throw new Failure('NOPERM', OTHERS);
      if (sends) await this.#admit(actor, people.size);
      const moved = isMoved(old, wanted);
      const event = componentOfDraft(wanted, baseOf(old, recurrenceId), {
        ...this.#context(actor, item.uid),
        recurrenceId: recurrenceId === null ? null : seriesTime(item, recurrenceId),
        asksAgain: moved || before.length === 0,
      });
      const next =
        recurrenceId === null
          ? wholeChanged(item, event, wanted, moved)
          : occurrenceChanged(item, event, wanted, recurrenceId);
      await calendar.save(next, stored);
      return { item: next, event, before };
    });
    if (!sends) return { id, unreached: [] };
    const now = attendeesOf(changed.event);
    const left = changed.before.filter(({ address }) => !now.some((one) => one.address === address));
    await this.#callOff(actor, changed.item, [changed.event], left);
    const unreached = await this.#ask(actor, changed.item, recurrenceId === null ? null : [changed.event], now);
    return { id, unreached };
  }

  /** Null: there is none of this name. @throws Failure */
  item(actor: Actor, id: string): Promise<CalendarItem | null> {
    return this.#calendars.read(actor.mailbox, async (calendar) => (await calendar.find(id))?.item ?? null);
  }

  /** Each event of the item with what is the reader's own affair in it: alerts, "free or busy". @throws Failure */
  async annotate(
    actor: Actor,
    id: string,
    change: (event: EventFacts, item: CalendarItem) => Component,
  ): Promise<void> {
    await this.#calendars.change(actor.mailbox, actor.stage, async (calendar) => {
      const stored = await found(calendar, id);
      const { item } = stored;
      const events = [item.main, ...item.overrides].filter((one) => one !== null).map((event) => change(event, item));
      await calendar.save(withEvents(item, events, item.calendar), stored);
    });
  }

  /** Who organizes calls it off, who was asked declines; `sends` false: nobody hears of it. @throws Failure */
  async remove(actor: Actor, id: string, recurrenceId: number | null, sends: boolean): Promise<void> {
    const known = await this.#calendars.read(actor.mailbox, (calendar) => found(calendar, id));
    const own = isOwn(known.item, personOf(actor.owner));
    const isCancelled = textOf(occurrenceOf(known.item, recurrenceId).event.component, 'status') === 'CANCELLED';
    if (!own && sends && !isCancelled) await this.respond(actor, id, recurrenceId, 'DECLINED', null);
    const people = attendeesOf(occurrenceOf(known.item, recurrenceId).event.component);
    if (own && sends) await this.#admit(actor, people.length);
    const removed = await this.#calendars.change(actor.mailbox, actor.stage, async (calendar) => {
      const stored = await found(calendar, id);
      const { item } = stored;
      const old = occurrenceOf(item, recurrenceId);
      if (recurrenceId === null || item.main === null) {
        await calendar.remove(stored);
        return { item, events: componentsOf(item.calendar, 'vevent') };
      }
      const alone = singled(old, seriesTime(item, recurrenceId));
      await calendar.save(withoutOccurrence(item, item.main, recurrenceId), stored);
      return { item, events: [alone] };
    });
    if (own && sends) await this.#callOff(actor, removed.item, removed.events, people);
  }

  /** @throws Failure NONEXISTENT, CANNOT (not asked, or called off) */
  async respond(
    actor: Actor,
    id: string,
    recurrenceId: number | null,
    answer: Answer,
    comment: string | null,
  ): Promise<ScheduledChange> {
    const person = personOf(actor.owner);
    const { item, event } = await this.#calendars.change(actor.mailbox, actor.stage, async (calendar) => {
      const stored = await found(calendar, id);
      const old = occurrenceOf(stored.item, recurrenceId);
      if (isOwn(stored.item, person)) throw new Failure('CANNOT', 'this is your own event: there is nobody to answer');
      if (textOf(old.event.component, 'status')?.toUpperCase() === 'CANCELLED')
        throw new Failure('CANNOT', 'this event was called off');
      await this.#admit(actor, 1);
      const me = {
        address: attendeeAddress(old.event.component, person.addresses) ?? this.#context(actor, '').organizer.address,
        name: actor.owner.displayName,
      };
      const events = componentsOf(stored.item.calendar, 'vevent');
      const answered =
        recurrenceId === null || stored.item.main === null
          ? events.map((each) => withAnswer(each, me, answer))
          : [
              ...events.filter((each) => each !== old.event.component || each === stored.item.main?.component),
              withAnswer(singled(old, seriesTime(stored.item, recurrenceId)), me, answer),
            ];
      const next = withEvents(stored.item, answered, stored.item.calendar);
      await calendar.save(next, stored);
      return { item: next, event: occurrenceOf(next, recurrenceId).event };
    });
    return { id, unreached: await this.#answer(actor, item, event, answer, comment) };
  }

  async #answer(
    actor: Actor,
    item: CalendarItem,
    event: EventFacts,
    answer: Answer,
    comment: string | null,
  ): Promise<readonly string[]> {
    const organizer = organizerOf(event.component);
    if (organizer === null || organizer.address === '') return [];
    const { addresses } = personOf(actor.owner);
    const address = attendeeAddress(event.component, addresses) ?? this.#context(actor, '').organizer.address;
    const person = { address, name: actor.owner.displayName };
    const subject = `${ANSWER_WORDS[answer]}: ${textOf(event.component, 'summary') ?? ''}`;
    const text = `${person.name} ${ANSWER_SENTENCES[answer]}\n\n${describeItem(item, event)}\n`;
    return this.#send(actor, {
      method: 'REPLY',
      to: [organizer],
      subject,
      text: comment === null || comment === '' ? text : `${comment}\n\n${text}`,
      calendar: answerOf(item, event, { person, answer, comment, at: this.#sender.now }),
    });
  }

  /** Invites; who could not be reached is noted at his name. */
  async #ask(
    actor: Actor,
    item: CalendarItem,
    events: readonly Component[] | null,
    to: readonly Attendee[],
  ): Promise<readonly string[]> {
    if (to.length === 0) return [];
    const event = leadOf(item);
    const unreached = await this.#send(actor, {
      method: 'REQUEST',
      to,
      subject: textOf(events?.[0] ?? event.component, 'summary') ?? '',
      text: `${actor.owner.displayName} invites you.\n\n${describeItem(item, null)}\n`,
      calendar: requestOf(item, events),
    });
    if (unreached.length > 0)
      await this.annotate(actor, item.id, ({ component }) =>
        unreached.reduce((noted, address) => withAttendee(noted, address, { 'schedule-status': '3.7' }), component),
      );
    return unreached;
  }

  async #callOff(
    actor: Actor,
    item: CalendarItem,
    events: readonly Component[],
    to: readonly Attendee[],
  ): Promise<void> {
    if (to.length === 0) return;
    await this.#send(actor, {
      method: 'CANCEL',
      to,
      subject: `Cancelled: ${textOf(events[0] ?? leadOf(item).component, 'summary') ?? ''}`,
      text: `${actor.owner.displayName} has called this event off.\n\n${describeItem(item, null)}\n`,
      calendar: cancellationOf(item, events, this.#sender.now),
    });
  }

  async #send(
    actor: Actor,
    mail: {
      readonly method: SchedulingMethod;
      readonly to: readonly Attendee[];
      readonly subject: string;
      readonly text: string;
      readonly calendar: Component;
    },
  ): Promise<readonly string[]> {
    const { owner, user, remoteAddress } = actor;
    const to = mail.to.filter(({ address }) => address !== '').map(({ name, address }) => ({ name, address }));
    const statuses = await this.#sender.send({ ...mail, to, owner, user, remoteAddress });
    return [...statuses].filter(([, status]) => status !== '1.2').map(([address]) => address);
  }

  async #admit({ user, owner }: Actor, recipients: number): Promise<void> {
    if (recipients > 0) await this.#sender.admit(user, owner, recipients);
  }

  #context({ owner }: Actor, uid: string) {
    const address = (owner.mailbox?.primaryAddress ?? owner.userPrincipalName).toLowerCase();
    return { uid, organizer: { address, name: owner.displayName }, at: this.#sender.now };
  }
}

const ANSWER_WORDS: Readonly<Record<Answer, string>> = {
  ACCEPTED: 'Accepted',
  TENTATIVE: 'Tentative',
  DECLINED: 'Declined',
};
const ANSWER_SENTENCES: Readonly<Record<Answer, string>> = {
  ACCEPTED: 'has accepted this invitation.',
  TENTATIVE: 'has tentatively accepted this invitation.',
  DECLINED: 'has declined this invitation.',
};

async function found(calendar: Pick<ChangingCalendar, 'find'>, id: string): Promise<StoredItem> {
  const stored = await calendar.find(id);
  if (stored === null) throw new Failure('NONEXISTENT', GONE);
  return stored;
}

/** @throws Failure NONEXISTENT */
function occurrenceOf(item: CalendarItem, recurrenceId: number | null): Occurrence {
  if (recurrenceId === null) {
    const event = leadOf(item);
    return { recurrenceId: null, event, start: event.start, begins: 0, ends: 0 };
  }
  const occurrence = occurrenceAt(item, recurrenceId, UTC);
  if (occurrence === null) throw new Failure('NONEXISTENT', 'the event does not take place then');
  return occurrence;
}

function attendeeAddress(event: Component, addresses: ReadonlySet<string>): string | null {
  return attendeesOf(event).find(({ address }) => addresses.has(address))?.address ?? null;
}

const withoutOwner = (draft: EventDraft, owner: Account): EventDraft => {
  const { addresses } = personOf(owner);
  return { ...draft, participants: draft.participants.filter(({ address }) => !addresses.has(address)) };
};

const isMoved = ({ event, start }: Occurrence, draft: EventDraft): boolean =>
  start.wall !== draft.start.wall ||
  start.isDate !== draft.start.isDate ||
  (start.zone?.name ?? '') !== (draft.start.zone?.name ?? '') ||
  event.span.days !== draft.span.days ||
  event.span.seconds !== draft.span.seconds ||
  (event.recurrenceId === null && JSON.stringify(event.rules) !== JSON.stringify(draft.rules));

const SERIES_ONLY = ['rrule', 'rdate', 'exdate'];

/** What a changed event is made of: an occurrence of a series is no series itself. */
function baseOf({ event }: Occurrence, recurrenceId: number | null): Component {
  return recurrenceId === null ? event.component : replaced(event.component, SERIES_ONLY, []);
}

/** How the series writes the start of one of its occurrences. */
function seriesTime(item: CalendarItem, recurrenceId: number): DraftTime {
  const like = item.main?.start ?? leadOf(item).recurrenceId ?? leadOf(item).start;
  return { wall: recurrenceId, isDate: like.isDate, zone: like.zone };
}

/** One occurrence as an event of its own (RFC 5545 §3.8.4.4). */
function singled({ event, start }: Occurrence, id: DraftTime): Component {
  if (event.recurrenceId !== null) return event.component;
  const { span, component } = event;
  const length = propertyOf(component, 'dtend') === null ? [] : [property('duration', 'duration', [lengthText(span)])];
  return replaced(
    component,
    [...SERIES_ONLY, 'dtstart', ...(length.length === 0 ? [] : ['dtend', 'duration'])],
    [timeProperty('dtstart', start), timeProperty('recurrence-id', id), ...length],
  );
}

const lengthText = ({ days, seconds }: EventFacts['span']): string => (days > 0 ? `P${days}D` : `PT${seconds}S`);

/** A series that takes place at other times forgets the occurrences that differed. */
function wholeChanged(item: CalendarItem, event: Component, draft: EventDraft, moved: boolean): CalendarItem {
  const kept = moved ? [] : item.overrides.map(({ component }) => component);
  const whole = moved ? replaced(event, ['rdate', 'exdate'], []) : event;
  const calendar = withZone(item.calendar, draft.start);
  return withEvents(item, [whole, ...kept], calendar);
}

function occurrenceChanged(
  item: CalendarItem,
  event: Component,
  draft: EventDraft,
  recurrenceId: number,
): CalendarItem {
  const like = item.main?.start ?? null;
  const others = item.overrides.filter((one) => recurrenceWall(one, like) !== recurrenceId);
  const events = [item.main, ...others].filter((one) => one !== null).map(({ component }) => component);
  return withEvents(item, [...events, event], withZone(item.calendar, draft.start));
}

function withoutOccurrence(item: CalendarItem, main: EventFacts, recurrenceId: number): CalendarItem {
  const others = item.overrides.filter((one) => recurrenceWall(one, main.start) !== recurrenceId);
  const exception = timeProperty('exdate', seriesTime(item, recurrenceId));
  const series = { ...main.component, properties: [...main.component.properties, exception] };
  return withEvents(item, [series, ...others.map(({ component }) => component)], item.calendar);
}
