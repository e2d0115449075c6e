/** CalendarEvent/get and /changes: events by id, single occurrences and names out of links among them. */
import type { OpenCalendar } from '../../../calendar/calendar-folder.ts';
import { readState, stateText } from '../../../calendar/calendar-folder.ts';
import type { CalendarItem } from '../../../calendar/item.ts';
import type { Person } from '../../../calendar/itip.ts';
import { type Occurrence, occurrenceAt, wholeOf } from '../../../calendar/occurrences.ts';
import { occurrenceIds } from '../../../calendar/scheduling-part.ts';
import { recurrenceWall } from '../../../calendar/occurrences.ts';
import type { Zone } from '../../../calendar/zones.ts';
import type { MethodArguments } from '../arguments.ts';
import type { Json, JsonObject } from '../json.ts';
import { MethodError } from '../method-error.ts';
import { JMAP_LIMITS } from '../request.ts';
import { readEventId } from './event-ids.ts';
import { EVENT_PROPERTIES, eventObject, type EventProperty } from './event-object.ts';

export const GET_ARGUMENTS = ['accountId', 'ids', 'properties', 'timeZone'];

/** @throws MethodError */
export async function getEvents(
  calendar: OpenCalendar,
  args: MethodArguments,
  zone: Zone,
  person: Person,
): Promise<JsonObject> {
  const properties = wantedProperties(args);
  const named = args.ids('ids');
  const ids = named ?? (await everyId(calendar));
  if (ids.length > JMAP_LIMITS.maxObjectsInGet)
    throw new MethodError('requestTooLarge', `name at most ${JMAP_LIMITS.maxObjectsInGet} ids`);
  const list: JsonObject[] = [];
  const notFound: string[] = [];
  for (const id of new Set(ids)) {
    const source = await occurrenceOfId(calendar, id, zone);
    if (source === null) notFound.push(id);
    else list.push(picked(eventObject({ id, ...source, person }), properties));
  }
  return { accountId: args.id('accountId'), state: stateText(calendar.state), list, notFound };
}

function wantedProperties(args: MethodArguments): ReadonlySet<string> | null {
  const names = args.strings('properties');
  const known: readonly string[] = EVENT_PROPERTIES;
  const unknown = names?.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new MethodError('invalidArguments', `an event has no property ${unknown.slice(0, 100)}`, {
      arguments: ['properties'],
    });
  return names === null ? null : new Set([...names, 'id']);
}

const picked = (object: Readonly<Record<EventProperty, Json>>, names: ReadonlySet<string> | null): JsonObject =>
  names === null ? object : Object.fromEntries(Object.entries(object).filter(([name]) => names.has(name)));

async function everyId(calendar: OpenCalendar): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const { item } of calendar.within(0, Infinity)) ids.push(item.id);
  return ids;
}

/** Null: there is none of this id. */
export async function occurrenceOfId(
  calendar: OpenCalendar,
  id: string,
  zone: Zone,
): Promise<{ readonly item: CalendarItem; readonly occurrence: Occurrence } | null> {
  const read = readEventId(id);
  const stored = read === null ? null : await calendar.find(read.name);
  if (read === null || stored === null) return null;
  const { item } = stored;
  const recurrenceId = read.recurrenceId ?? (read.name === item.id ? null : aliased(item, read.name));
  const occurrence = recurrenceId === null ? wholeOf(item, zone) : occurrenceAt(item, recurrenceId, zone);
  return occurrence === null ? null : { item, occurrence };
}

/** Which occurrence a name out of a link means; null: none that differs (any more). */
function aliased(item: CalendarItem, name: string): number | null {
  const override = item.overrides.find(({ component }) => occurrenceIds([component], item.uid).includes(name));
  return override === undefined ? null : recurrenceWall(override, item.main?.start ?? null);
}

/** RFC 8620 §5.2. @throws MethodError cannotCalculateChanges */
export async function eventChanges(calendar: OpenCalendar, args: MethodArguments): Promise<JsonObject> {
  const sinceText = args.optionalText('sinceState') ?? '';
  const most = args.whole('maxChanges', 1, Number.MAX_SAFE_INTEGER);
  const since = readState(sinceText);
  const now = calendar.state;
  if (since === null || since.uidValidity !== now.uidValidity || since.modSeq > now.modSeq)
    throw new MethodError('cannotCalculateChanges', 'this state is not known here; begin anew');
  const created: string[] = [];
  const updated: string[] = [];
  let replaced = 0;
  for await (const { item, firstUid, uid } of calendar.since(since)) {
    if (firstUid >= since.uidNext) created.push(item.id);
    else updated.push(item.id);
    if (firstUid < since.uidNext && uid >= since.uidNext) replaced += 1;
  }
  const removed = await calendar.removedSince(since);
  const destroyed = removed.filter(({ firstUid }) => firstUid < since.uidNext).map(({ item }) => item.id);
  const gone = await calendar.goneSince(since);
  const left = gone?.filter((uid) => uid < since.uidNext).length ?? Infinity;
  // A message that left was the old form of a changed event, or an event; one of those that was purged has no name now.
  if (left > replaced + destroyed.length)
    throw new MethodError('cannotCalculateChanges', 'removed events have gone for good since then; begin anew');
  if (created.length + updated.length + destroyed.length > most)
    throw new MethodError('cannotCalculateChanges', `more than ${most} changes since then; begin anew`);
  return {
    accountId: args.id('accountId'),
    oldState: sinceText,
    newState: stateText(now),
    hasMoreChanges: false,
    created,
    updated,
    destroyed: [...new Set(destroyed)],
  };
}
