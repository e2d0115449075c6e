/**
 * Ids of events: the name of the item, as links have it; an occurrence of a series adds its start
 * (`…_20261123T140000`). Links may also name an occurrence by an alias, which is an id as well. Pure.
 */
import { occurrenceName, readOccurrenceName } from '../../../calendar/occurrences.ts';

/** calendarItemId of message/render/icalendar.ts: 22 characters of base64url, underscores among them. */
const NAME_CHARACTERS = 22;

export interface EventId {
  readonly name: string;
  /** Wall time; null: the whole item. */
  readonly recurrenceId: number | null;
}

export const eventId = (name: string, recurrenceId: number | null): string =>
  recurrenceId === null ? name : `${name}_${occurrenceName(recurrenceId)}`;

/** Null: it is none of ours. */
export function readEventId(id: string): EventId | null {
  const name = id.slice(0, NAME_CHARACTERS);
  const rest = id.slice(NAME_CHARACTERS);
  if (name.length < NAME_CHARACTERS) return null;
  if (rest === '') return { name, recurrenceId: null };
  const recurrenceId = rest.startsWith('_') ? readOccurrenceName(rest.slice(1)) : null;
  return recurrenceId === null ? null : { name, recurrenceId };
}
