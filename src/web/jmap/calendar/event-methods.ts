/** CalendarEvent/get, /query, /changes, /set (ADR 12 §2), after the standard methods of RFC 8620 §5. */
import { stateText } from '../../../calendar/calendar-folder.ts';
import { MethodArguments } from '../arguments.ts';
import type { JmapContext } from '../capability.ts';
import type { Method } from '../dispatch.ts';
import type { Json, JsonObject } from '../json.ts';
import { accountOf, writableAccountOf } from '../mail/context.ts';
import { MethodError, setErrorOf } from '../method-error.ts';
import { JMAP_LIMITS } from '../request.ts';
import { actorOf, type CalendarParts, readerOf, zoneOf } from './calendar-parts.ts';
import { eventChanges, GET_ARGUMENTS, getEvents } from './event-get.ts';
import { QUERY_ARGUMENTS, queryEvents } from './event-query.ts';
import { changeEvent, createEvent, destroyEvent, type EventWriter } from './event-set.ts';
import { CALENDAR, CALENDAR_EVENT } from './names.ts';

const SET_ARGUMENTS = ['accountId', 'ifInState', 'create', 'update', 'destroy', 'sendSchedulingMessages'];

export function eventMethods({ calendars, desk }: CalendarParts): readonly Method<JmapContext>[] {
  return [
    {
      name: `${CALENDAR_EVENT}/get`,
      capability: CALENDAR,
      run: async ({ context, args: given }) => {
        const args = new MethodArguments(given, GET_ARGUMENTS);
        const account = await accountOf(context, args);
        return calendars.read(account.mailbox, (calendar) =>
          getEvents(calendar, args, zoneOf(args), readerOf(account)),
        );
      },
    },
    {
      name: `${CALENDAR_EVENT}/query`,
      capability: CALENDAR,
      run: async ({ context, args: given }) => {
        const args = new MethodArguments(given, QUERY_ARGUMENTS);
        const account = await accountOf(context, args);
        return calendars.read(account.mailbox, async (calendar) => {
          const queryState = stateText(calendar.state);
          const { ids, position, total } = await queryEvents(calendar, args);
          return {
            accountId: args.id('accountId'),
            queryState,
            canCalculateChanges: false,
            position,
            ids,
            ...(args.flag('calculateTotal') ? { total } : {}),
          };
        });
      },
    },
    {
      name: `${CALENDAR_EVENT}/changes`,
      capability: CALENDAR,
      run: async ({ context, args: given }) => {
        const args = new MethodArguments(given, ['accountId', 'sinceState', 'maxChanges']);
        const account = await accountOf(context, args);
        return calendars.read(account.mailbox, (calendar) => eventChanges(calendar, args));
      },
    },
    {
      name: `${CALENDAR_EVENT}/set`,
      capability: CALENDAR,
      run: async ({ context, args: given, createdIds }) => {
        const args = new MethodArguments(given, SET_ARGUMENTS);
        const account = await writableAccountOf(context, args);
        const state = (): Promise<string> =>
          calendars.read(account.mailbox, ({ state: now }) => Promise.resolve(stateText(now)));
        const writer = {
          desk,
          actor: actorOf(context, account),
          person: readerOf(account),
          sends: args.flag('sendSchedulingMessages'),
        };
        return setEvents(args, createdIds, writer, state);
      },
    },
  ];
}

async function setEvents(
  args: MethodArguments,
  createdIds: Map<string, string>,
  writer: EventWriter,
  state: () => Promise<string>,
): Promise<JsonObject> {
  const create = args.object('create') ?? {};
  const update = args.object('update') ?? {};
  const destroy = args.ids('destroy') ?? [];
  const objects = Object.keys(create).length + Object.keys(update).length + destroy.length;
  if (objects > JMAP_LIMITS.maxObjectsInSet)
    throw new MethodError('requestTooLarge', `at most ${JMAP_LIMITS.maxObjectsInSet} records a call`);
  const oldState = await state();
  const ifInState = args.optionalText('ifInState');
  if (ifInState !== null && ifInState !== oldState)
    throw new MethodError('stateMismatch', 'the calendar has changed since that state');
  const idOf = (id: string): string => (id.startsWith('#') ? (createdIds.get(id.slice(1)) ?? id) : id);
  const created: Record<string, JsonObject> = {};
  const notCreated: Record<string, JsonObject> = {};
  for (const [creation, json] of Object.entries(create)) {
    await attempt(notCreated, creation, async () => {
      const made = await createEvent(writer, json ?? null);
      created[creation] = made;
      if (typeof made['id'] === 'string') createdIds.set(creation, made['id']);
    });
  }
  const updated: Record<string, Json> = {};
  const notUpdated: Record<string, JsonObject> = {};
  for (const [id, patch] of Object.entries(update)) {
    await attempt(notUpdated, id, async () => {
      updated[id] = await changeEvent(writer, idOf(id), patch ?? null);
    });
  }
  const destroyed: string[] = [];
  const notDestroyed: Record<string, JsonObject> = {};
  for (const id of destroy.map(idOf)) {
    await attempt(notDestroyed, id, async () => {
      await destroyEvent(writer, id);
      destroyed.push(id);
    });
  }
  const newState = await state();
  return {
    accountId: args.id('accountId'),
    oldState,
    newState,
    created,
    updated,
    destroyed,
    notCreated,
    notUpdated,
    notDestroyed,
  };
}

async function attempt(failed: Record<string, JsonObject>, id: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const facts = setErrorOf(error);
    if (facts === null) throw error;
    failed[id] = facts;
  }
}
