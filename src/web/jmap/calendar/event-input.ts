/** What clients write of an event (RFC 8984), checked: every property that may be set, within its bounds. Pure. */
import type { DraftParticipant, DraftTime, EventDraft } from '../../../calendar/event-draft.ts';
import { mailAddressOf } from '../../../calendar/attendees.ts';
import { type RecurrenceRule, ruleOfJs } from '../../../calendar/recurrence-rule.ts';
import { DAY, readDuration, readWall, type Span } from '../../../calendar/wall-time.ts';
import { UTC, type Zone, zoneNamed } from '../../../calendar/zones.ts';
import { parseAddress } from '../../../smtp/grammar/address.ts';
import { isArray, isObject, type Json, type JsonObject, property } from '../json.ts';
import { SetError } from '../method-error.ts';

export const EDITABLE = [
  'title',
  'description',
  'start',
  'timeZone',
  'duration',
  'showWithoutTime',
  'status',
  'freeBusyStatus',
  'privacy',
  'locations',
  'participants',
  'recurrenceRules',
  'alerts',
] as const;

export const TITLE_CHARACTERS = 1000;
export const DESCRIPTION_CHARACTERS = 20_000;
export const LOCATION_CHARACTERS = 2000;
/** People that one event can ask; the limits of mail hold besides. */
export const PARTICIPANTS = 500;
export const ALERTS = 10;
const RULES = 1;
/** About ten years. */
const LONGEST_DAYS = 3660;

const invalid = (name: string, what: string): SetError =>
  new SetError('invalidProperties', `${name} ${what}`, { properties: [name] });

function text(object: JsonObject, name: string, most: number): string {
  const value = property(object, name) ?? '';
  if (typeof value !== 'string') throw invalid(name, 'must be a string');
  if (value.length > most) throw invalid(name, `has ${most} characters at most`);
  // RFC 5545 §3.1: other control characters have no place in a content line.
  return value.replaceAll(/(?![\n\t])\p{Cc}/gu, '').toWellFormed();
}

function oneOf<T extends string>(object: JsonObject, name: string, values: Readonly<Record<string, T>>, missing: T): T {
  const value = property(object, name) ?? null;
  if (value === null) return missing;
  const found = typeof value === 'string' && Object.hasOwn(values, value) ? values[value] : undefined;
  if (found === undefined) throw invalid(name, `must be one of ${Object.keys(values).join(', ')}`);
  return found;
}

/** `known`: the zone that the event has now, which may be one that only its calendar knows. @throws SetError */
export function readDraft(object: JsonObject, known: Zone | null): EventDraft {
  const start = startOf(object, known);
  return {
    title: text(object, 'title', TITLE_CHARACTERS).replaceAll('\n', ' '),
    description: text(object, 'description', DESCRIPTION_CHARACTERS),
    location: locationOf(object),
    start,
    span: spanOf(object, start),
    status: oneOf(
      object,
      'status',
      { confirmed: 'CONFIRMED', tentative: 'TENTATIVE', cancelled: 'CANCELLED' },
      'CONFIRMED',
    ),
    isFree: oneOf(object, 'freeBusyStatus', { free: 'free', busy: 'busy' }, 'busy') === 'free',
    privacy: oneOf(object, 'privacy', { public: 'PUBLIC', private: 'PRIVATE', secret: 'CONFIDENTIAL' }, 'PUBLIC'),
    rules: rulesOf(object, start),
    participants: participantsOf(object),
    alerts: alertsOf(object),
  };
}

function startOf(object: JsonObject, known: Zone | null): DraftTime {
  const start = property(object, 'start');
  const time = typeof start === 'string' ? readWall(start) : null;
  if (time === null || time.isUtc || time.isDate) throw invalid('start', 'must be a time such as 2026-11-23T14:00:00');
  const isDate = property(object, 'showWithoutTime') ?? false;
  if (typeof isDate !== 'boolean') throw invalid('showWithoutTime', 'must be true or false');
  if (isDate) {
    if (time.wall % DAY !== 0) throw invalid('start', 'must be midnight for an event without time');
    return { wall: time.wall, isDate: true, zone: null };
  }
  const name = property(object, 'timeZone') ?? null;
  if (name === null) return { wall: time.wall, isDate: false, zone: null };
  const zone = typeof name !== 'string' ? null : name === known?.name ? known : zoneNamed(name);
  if (zone === null) throw invalid('timeZone', 'must be a time zone of the IANA database');
  return { wall: time.wall, isDate: false, zone };
}

function spanOf(object: JsonObject, { isDate }: DraftTime): Span {
  const value = property(object, 'duration') ?? null;
  const span =
    value === null ? { days: isDate ? 1 : 0, seconds: 0 } : typeof value === 'string' ? readDuration(value) : null;
  if (span === null || span.days < 0 || span.seconds < 0) throw invalid('duration', 'must be a duration such as PT1H');
  if (span.days + span.seconds / DAY > LONGEST_DAYS) throw invalid('duration', `is ${LONGEST_DAYS} days at most`);
  if (isDate && (span.seconds % DAY !== 0 || span.days + span.seconds === 0))
    throw invalid('duration', 'must be whole days for an event without time');
  return isDate ? { days: span.days + span.seconds / DAY, seconds: 0 } : span;
}

function rulesOf(object: JsonObject, start: DraftTime): readonly RecurrenceRule[] {
  const list = property(object, 'recurrenceRules') ?? [];
  if (!isArray(list) || list.length > RULES)
    throw invalid('recurrenceRules', `must be a list of ${RULES} rule at most`);
  return list.map((json) => {
    const rule = isObject(json) ? ruleOfJs((name) => property(json, name)) : null;
    if (rule === null) throw invalid('recurrenceRules', 'holds a rule that is none (RFC 8984 §4.3.3)');
    // A date includes its day, whatever the time.
    return rule.until !== null && start.isDate ? { ...rule, until: rule.until + DAY - 1 - (rule.until % DAY) } : rule;
  });
}

function locationOf(object: JsonObject): string {
  const locations = property(object, 'locations') ?? {};
  if (!isObject(locations)) throw invalid('locations', 'must be an object');
  const names = Object.values(locations).map((one) => {
    if (!isObject(one ?? null) || !isObject(one)) throw invalid('locations', 'must map ids to locations');
    return text(one, 'name', LOCATION_CHARACTERS).replaceAll('\n', ' ');
  });
  const joined = names.filter((name) => name !== '').join(', ');
  if (joined.length > LOCATION_CHARACTERS) throw invalid('locations', `have ${LOCATION_CHARACTERS} characters at most`);
  return joined;
}

function participantsOf(object: JsonObject): readonly DraftParticipant[] {
  const map = property(object, 'participants') ?? {};
  if (!isObject(map)) throw invalid('participants', 'must be an object');
  const found = new Map<string, DraftParticipant>();
  for (const one of Object.values(map)) {
    if (!isObject(one)) throw invalid('participants', 'must map ids to participants');
    const roles = property(one, 'roles') ?? {};
    if (!isObject(roles)) throw invalid('participants', 'must have roles as an object');
    const address = addressOf(one);
    const name = property(one, 'name') ?? '';
    if (typeof name !== 'string' || name.length > 200)
      throw invalid('participants', 'have names of 200 characters at most');
    // The organizer is whose calendar it is; he need not be named.
    if (property(roles, 'owner') === true && property(roles, 'attendee') !== true) continue;
    found.set(address, {
      address,
      name: name === '' ? null : name.replaceAll(/[\p{Cc}"]/gu, ' ').trim(),
      role: roleOf(roles),
    });
  }
  if (found.size > PARTICIPANTS) throw invalid('participants', `are ${PARTICIPANTS} at most`);
  return [...found.values()];
}

function addressOf(participant: JsonObject): string {
  const sendTo = property(participant, 'sendTo') ?? {};
  const imip = isObject(sendTo) ? property(sendTo, 'imip') : undefined;
  const given = property(participant, 'email') ?? imip;
  const address = typeof given === 'string' ? mailAddressOf(given) : '';
  if (parseAddress(address) === null) throw invalid('participants', 'need an email address each');
  return address;
}

function roleOf(roles: JsonObject): DraftParticipant['role'] {
  if (property(roles, 'chair') === true) return 'CHAIR';
  if (property(roles, 'optional') === true) return 'OPT-PARTICIPANT';
  return property(roles, 'informational') === true ? 'NON-PARTICIPANT' : 'REQ-PARTICIPANT';
}

function alertsOf(object: JsonObject): EventDraft['alerts'] {
  const map = property(object, 'alerts') ?? {};
  if (!isObject(map) || Object.keys(map).length > ALERTS)
    throw invalid('alerts', `must be an object of ${ALERTS} at most`);
  return Object.values(map).map((one) => {
    const trigger = isObject(one) ? property(one, 'trigger') : undefined;
    const offset = isObject(trigger) ? property(trigger, 'offset') : undefined;
    const span = typeof offset === 'string' ? readDuration(offset) : null;
    if (!isObject(trigger) || span === null) throw invalid('alerts', 'need a trigger with an offset such as -PT15M');
    return { offset: span, relativeToEnd: property(trigger, 'relativeTo') === 'end' };
  });
}

/** The object with a patch (RFC 8620 §5.3) applied. @throws SetError invalidPatch, invalidProperties */
export function patched(object: JsonObject, patch: JsonObject): JsonObject {
  let result = object;
  for (const [path, value] of Object.entries(patch)) {
    const steps = path.split('/').map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
    const [first = ''] = steps;
    if (!EDITABLE.some((name) => name === first))
      throw new SetError('invalidProperties', `${first.slice(0, 100)} cannot be changed`, { properties: [first] });
    if (steps.some((step) => step === '__proto__')) throw new SetError('invalidPatch', 'no such path');
    result = placed(result, steps, value ?? null);
  }
  return result;
}

function placed(object: JsonObject, [step = '', ...rest]: readonly string[], value: Json): JsonObject {
  if (rest.length === 0) {
    const { [step]: _, ...others } = object;
    return value === null ? others : { ...others, [step]: value };
  }
  const inner = property(object, step);
  if (!isObject(inner)) throw new SetError('invalidPatch', `there is nothing at ${step.slice(0, 100)}`);
  return { ...object, [step]: placed(inner, rest, value) };
}

/** For asking in a reader's time: an IANA name, UTC when missing. Null: no zone. */
export function readerZone(name: string | null): Zone | null {
  return name === null ? UTC : zoneNamed(name);
}
