/** The calendar's JMAP methods as the app calls them (urn:penfold:params:jmap:calendar, docs/adr/0013-calendar-items.md). */
import * as v from 'valibot';
import { getAnswer, method, queryAnswer, setAnswer } from '../jmap/method.ts';

const participantSchema = v.object({
  name: v.string(),
  email: v.string(),
  roles: v.record(v.string(), v.boolean()),
  participationStatus: v.string(),
  scheduleStatus: v.optional(v.array(v.string())),
});
export type Participant = v.InferOutput<typeof participantSchema>;

const ruleSchema = v.looseObject({
  frequency: v.string(),
  interval: v.optional(v.number()),
  count: v.optional(v.number()),
  until: v.optional(v.string()),
});

const eventSchema = v.object({
  id: v.string(),
  baseEventId: v.nullable(v.string()),
  title: v.string(),
  description: v.string(),
  start: v.string(),
  timeZone: v.nullable(v.string()),
  duration: v.string(),
  showWithoutTime: v.boolean(),
  utcStart: v.string(),
  utcEnd: v.string(),
  status: v.picklist(['confirmed', 'tentative', 'cancelled']),
  freeBusyStatus: v.string(),
  locations: v.nullable(v.record(v.string(), v.object({ name: v.string() }))),
  virtualLocations: v.nullable(v.record(v.string(), v.object({ name: v.string(), uri: v.string() }))),
  participants: v.nullable(v.record(v.string(), participantSchema)),
  recurrenceRules: v.nullable(v.array(ruleSchema)),
  isRecurring: v.boolean(),
  isOrigin: v.boolean(),
  participationStatus: v.nullable(v.string()),
});
export type CalendarEvent = v.InferOutput<typeof eventSchema>;

export const eventQuery = method('CalendarEvent/query', 'calendar', queryAnswer);
export const eventGet = method('CalendarEvent/get', 'calendar', getAnswer(eventSchema));
export const eventSet = method('CalendarEvent/set', 'calendar', setAnswer);
export const eventRespond = method(
  'CalendarEvent/respond',
  'calendar',
  v.object({ id: v.string(), participationStatus: v.string(), unreachedParticipants: v.array(v.string()) }),
);
export const eventOfEmail = method(
  'CalendarEvent/ofEmail',
  'calendar',
  v.object({
    list: v.array(
      v.object({
        emailId: v.string(),
        method: v.string(),
        eventId: v.nullable(v.string()),
        event: v.nullable(eventSchema),
        sent: v.nullable(eventSchema),
        comment: v.nullable(v.string()),
        isOutdated: v.boolean(),
      }),
    ),
  }),
);

export type Answer = 'accepted' | 'tentative' | 'declined';

export const locationOf = ({ locations }: CalendarEvent): string =>
  Object.values(locations ?? {})
    .map(({ name }) => name)
    .join(', ');

export const peopleOf = ({ participants }: CalendarEvent): readonly Participant[] => Object.values(participants ?? {});
