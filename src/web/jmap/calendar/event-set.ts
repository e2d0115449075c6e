/**
 * CalendarEvent/set: a person's own events, whole or one occurrence of them (by its id); of other people's events the
 * alerts and "free or busy". With `sendSchedulingMessages` those who are asked hear of it by mail.
 */
import { type EventDraft, transparency, withAlerts } from '../../../calendar/event-draft.ts';
import type { Actor, EventDesk, ScheduledChange } from '../../../calendar/event-desk.ts';
import { isOwn, type Person } from '../../../calendar/itip.ts';
import { replaced } from '../../../calendar/jcal-model.ts';
import { isObject, type Json, type JsonObject } from '../json.ts';
import { SetError } from '../method-error.ts';
import { readEventId } from './event-ids.ts';
import { EDITABLE, patched, readDraft } from './event-input.ts';
import { eventObject } from './event-object.ts';

export interface EventWriter {
  readonly desk: EventDesk;
  readonly actor: Actor;
  readonly person: Person;
  readonly sends: boolean;
}

/** What the server has set. @throws SetError, Failure */
export async function createEvent({ desk, actor, sends }: EventWriter, json: Json): Promise<JsonObject> {
  if (!isObject(json)) throw new SetError('invalidProperties', 'an event is an object');
  const { '@type': type, ...given } = json;
  if (type !== undefined && type !== 'Event')
    throw new SetError('invalidProperties', 'only events are kept here', { properties: ['@type'] });
  return answered(await desk.create(actor, readDraft(patched({}, given), null), sends));
}

/** @throws SetError, Failure */
export async function changeEvent(writer: EventWriter, id: string, patch: Json): Promise<JsonObject | null> {
  const read = readEventId(id);
  if (read === null) throw new SetError('notFound', 'there is no such event');
  if (!isObject(patch)) throw new SetError('invalidPatch', 'a patch is an object');
  const { desk, actor, person, sends } = writer;
  const { name, recurrenceId } = read;
  if (isAboutMe(patch) && (await isOthers(writer, name))) {
    await annotate(writer, name, patch);
    return null;
  }
  const change = await desk.change(
    actor,
    name,
    recurrenceId,
    (occurrence, item): EventDraft => {
      const now = eventObject({ id, item, occurrence, person });
      const editable = Object.fromEntries(EDITABLE.map((key) => [key, now[key]]));
      const status = occurrence.event.component.properties.find((one) => one.name === 'status')?.values[0];
      // The status that is written, not the one that a missing answer makes of it.
      const plain = { ...editable, status: typeof status === 'string' ? status.toLowerCase() : 'confirmed' };
      return readDraft(patched(plain, patch), occurrence.start.zone);
    },
    sends,
  );
  const answer = answered(change);
  return Object.keys(answer).length > 1 ? answer : null;
}

/** @throws SetError, Failure */
export async function destroyEvent({ desk, actor, sends }: EventWriter, id: string): Promise<void> {
  const read = readEventId(id);
  if (read === null) throw new SetError('notFound', 'there is no such event');
  await desk.remove(actor, read.name, read.recurrenceId, sends);
}

const answered = ({ id, unreached }: ScheduledChange): JsonObject => ({
  id,
  ...(unreached.length === 0 ? {} : { unreachedParticipants: unreached }),
});

const ABOUT_ME = new Set(['alerts', 'freeBusyStatus']);
const isAboutMe = (patch: JsonObject): boolean =>
  Object.keys(patch).length > 0 && Object.keys(patch).every((path) => ABOUT_ME.has(path.split('/')[0] ?? ''));

async function isOthers({ desk, actor, person }: EventWriter, name: string): Promise<boolean> {
  const item = await desk.item(actor, name);
  return item !== null && !isOwn(item, person);
}

async function annotate({ desk, actor, person }: EventWriter, name: string, patch: JsonObject): Promise<void> {
  await desk.annotate(actor, name, (event, item) => {
    const occurrence = { recurrenceId: null, event, start: event.start, begins: 0, ends: 0 };
    const now = eventObject({ id: name, item, occurrence, person });
    const wanted = patched({ alerts: now.alerts, freeBusyStatus: now.freeBusyStatus }, patch);
    const { alerts, isFree } = readDraft({ ...wanted, start: SOME_TIME }, null);
    return withAlerts(replaced(event.component, ['transp'], [transparency(isFree)]), alerts);
  });
}
/** Readers of drafts want a start. */
const SOME_TIME = '2000-01-01T00:00:00';
