/**
 * CalendarEvent/query: which events, or which occurrences of them, lie within a window of time or hold a text. With
 * `expandRecurrences` a series gives an id for each occurrence; that needs both ends of the window.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { attendeesOf } from '../../../calendar/attendees.ts';
import type { OpenCalendar, StoredItem } from '../../../calendar/calendar-folder.ts';
import type { Component } from '../../../calendar/jcal-model.ts';
import { textOf } from '../../../calendar/jcal-model.ts';
import { ENDLESS, type Occurrence, occurrencesOf, wholeOf } from '../../../calendar/occurrences.ts';
import { DAY, readWall } from '../../../calendar/wall-time.ts';
import { momentOf, type Zone } from '../../../calendar/zones.ts';
import type { MethodArguments } from '../arguments.ts';
import { isArray, isObject, type JsonObject, property } from '../json.ts';
import { MethodError } from '../method-error.ts';
import { eventId } from './event-ids.ts';
import { zoneOf } from './calendar-parts.ts';

/** Told to clients as `maxExpandedQueryDuration`: a year and what a view shows around it. */
export const EXPANDED_DAYS = 400;
/** Occurrences that one query gathers. */
export const QUERY_OCCURRENCES = 10_000;
const TEXT_CHARACTERS = 500;
/** Milliseconds of work after which others come first. */
const TURN_MS = 4;

export const QUERY_ARGUMENTS = [
  'accountId',
  'filter',
  'sort',
  'position',
  'limit',
  'calculateTotal',
  'expandRecurrences',
  'timeZone',
];

export interface EventFilter {
  readonly from: number;
  readonly before: number;
  /** Lower case; all of it has to be there. */
  readonly words: readonly string[];
  readonly uid: string | null;
  readonly hasBothEnds: boolean;
}

export interface FoundEvents {
  readonly ids: readonly string[];
  readonly total: number;
  readonly position: number;
}

/** @throws MethodError */
export async function queryEvents(calendar: OpenCalendar, args: MethodArguments): Promise<FoundEvents> {
  const zone = zoneOf(args);
  const filter = readFilter(args.object('filter') ?? {}, zone);
  const isDescending = readSort(args);
  const expands = args.flag('expandRecurrences');
  if (expands && (!filter.hasBothEnds || filter.before - filter.from > EXPANDED_DAYS * DAY))
    throw new MethodError(
      'expandDurationTooLarge',
      `to expand, give after and before at most ${EXPANDED_DAYS} days apart`,
      { maxDuration: `P${EXPANDED_DAYS}D` },
    );
  const found: Array<{ readonly id: string; readonly begins: number }> = [];
  let turn = performance.now();
  for await (const stored of calendar.within(filter.from, filter.before)) {
    for (const { id, begins } of matches(stored, filter, zone, expands)) {
      found.push({ id, begins });
      if (found.length > QUERY_OCCURRENCES)
        throw new MethodError('requestTooLarge', `more than ${QUERY_OCCURRENCES} occurrences; ask for less time`);
    }
    if (performance.now() - turn < TURN_MS) continue;
    await nextTurn();
    turn = performance.now();
  }
  found.sort((a, b) => (isDescending ? b.begins - a.begins : a.begins - b.begins) || (a.id < b.id ? -1 : 1));
  const given = args.whole('position', Number.MIN_SAFE_INTEGER, 0);
  const position = given < 0 ? Math.max(0, found.length + given) : given;
  const limit = args.whole('limit', 0, Number.MAX_SAFE_INTEGER);
  const ids = found.slice(position, position + limit).map(({ id }) => id);
  return { ids, total: found.length, position };
}

function matches(
  { item }: StoredItem,
  filter: EventFilter,
  zone: Zone,
  expands: boolean,
): ReadonlyArray<{ readonly id: string; readonly begins: number }> {
  if (filter.uid !== null && item.uid !== filter.uid) return [];
  const isMeant = ({ event }: Occurrence): boolean => hasWords(event.component, filter.words);
  if (!expands) {
    const whole = wholeOf(item, zone);
    if (whole === null || !isMeant(whole)) return [];
    if (filter.hasBothEnds && occurrencesOf(item, filter, zone).length === 0) return [];
    return [{ id: item.id, begins: whole.begins }];
  }
  return occurrencesOf(item, filter, zone)
    .filter(isMeant)
    .map(({ recurrenceId, begins }) => ({ id: eventId(item.id, recurrenceId), begins }));
}

function hasWords(event: Component, words: readonly string[]): boolean {
  if (words.length === 0) return true;
  const people = attendeesOf(event).map(({ name, address }) => `${name ?? ''} ${address}`);
  const text = [textOf(event, 'summary'), textOf(event, 'description'), textOf(event, 'location'), ...people]
    .join('\n')
    .toLowerCase();
  return words.every((word) => text.includes(word));
}

function readFilter(filter: JsonObject, zone: Zone): EventFilter {
  const unknown = Object.keys(filter).find((name) => !['after', 'before', 'text', 'uid'].includes(name));
  if (unknown !== undefined)
    throw new MethodError(
      'unsupportedFilter',
      `${unknown.slice(0, 100)} is no filter here: after, before, text, uid are`,
    );
  const moment = (name: string): number | null => {
    const value = property(filter, name) ?? null;
    if (value === null) return null;
    const time = typeof value === 'string' ? readWall(value) : null;
    if (time === null || time.isDate)
      throw new MethodError('invalidArguments', `${name} must be a local date and time`);
    return time.isUtc ? time.wall : momentOf(zone, time.wall);
  };
  const text = property(filter, 'text') ?? '';
  const uid = property(filter, 'uid') ?? null;
  if (typeof text !== 'string' || text.length > TEXT_CHARACTERS)
    throw new MethodError('invalidArguments', `text must be a string of ${TEXT_CHARACTERS} characters at most`);
  if (uid !== null && typeof uid !== 'string') throw new MethodError('invalidArguments', 'uid must be a string');
  const from = moment('after');
  const before = moment('before');
  return {
    from: from ?? 0,
    before: before ?? ENDLESS + 1,
    words: text.toLowerCase().split(/\s+/).filter(Boolean),
    uid,
    hasBothEnds: from !== null && before !== null,
  };
}

/** True: the last first. By start is the only order there is. */
function readSort(args: MethodArguments): boolean {
  const [first, ...others] = args.list('sort') ?? [];
  if (first === undefined) return false;
  if (others.length > 0 || isArray(first) || !isObject(first) || property(first, 'property') !== 'start')
    throw new MethodError('unsupportedSort', 'events are sorted by start');
  return property(first, 'isAscending') === false;
}
