/**
 * Time zones: wall time into moments and back (RFC 5545 §3.3.5). A TZID is looked for among the names of IANA (as they
 * are, or at the end of a longer name that programs make of them), among those of Windows, and last among the VTIMEZONE
 * components of its calendar: a zone that has a name in the database changes with the database, not with what some
 * program knew years ago. Pure, but for the zone database of the runtime.
 */
import { WINDOWS_ZONES } from './windows-zones.ts';
import { DAY } from './wall-time.ts';

export interface Zone {
  /** IANA name, or `/` and the TZID of a zone that only its calendar knows (RFC 8984 §4.7.2). */
  readonly name: string;
  /** Seconds east of UTC at a moment (seconds since 1970). */
  offsetAt(moment: number): number;
}

/**
 * A wall time that is there twice means the first one; one that is not there counts on with the offset before the gap
 * (RFC 5545 §3.3.5).
 */
export function momentOf(zone: Zone, wall: number): number {
  const before = zone.offsetAt(wall - DAY);
  const after = zone.offsetAt(wall + DAY);
  if (before === after || zone.offsetAt(wall - before) === before) return wall - before;
  return zone.offsetAt(wall - after) === after ? wall - after : wall - before;
}

export const wallOf = (zone: Zone, moment: number): number => moment + zone.offsetAt(moment);

export const UTC: Zone = { name: 'Etc/UTC', offsetAt: () => 0 };

/** Offsets change at whole quarters of an hour, so that one answer serves for all of it. */
const QUARTER = 900;
/** Answers kept of one zone. */
const OFFSETS = 20_000;
/** Names kept, those that mean nothing too: the names come from strangers. */
const NAMES = 2000;
const NAME_CHARACTERS = 100;

class DatabaseZone implements Zone {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat;
  readonly #offsets = new Map<number, number>();

  /** @throws RangeError there is no such zone */
  constructor(name: string) {
    this.#format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
    // The name as it is written in the database, not an older or newer one of the same zone.
    const { timeZone } = this.#format.resolvedOptions();
    this.name = timeZone.toLowerCase() === name.toLowerCase() ? timeZone : name;
  }

  offsetAt(moment: number): number {
    const quarter = Math.floor(moment / QUARTER);
    const known = this.#offsets.get(quarter);
    if (known !== undefined) return known;
    if (this.#offsets.size >= OFFSETS) this.#offsets.clear();
    const offset = this.#ask(quarter * QUARTER);
    this.#offsets.set(quarter, offset);
    return offset;
  }

  #ask(moment: number): number {
    const text = this.#format.format(moment * 1000);
    const found = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(text);
    if (found?.[1] === undefined) return 0;
    const [, sign, hours = '0', minutes = '0', seconds = '0'] = found;
    return (sign === '-' ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds));
  }
}

const zones = new Map<string, Zone | null>();

/** A zone of the database by its IANA name. Null: there is none. */
function databaseZone(name: string): Zone | null {
  const key = name.toLowerCase();
  const known = zones.get(key);
  if (known !== undefined) return known;
  // Not offsets such as +01:00, which the runtime would take as well.
  let zone: Zone | null = null;
  if (/^[a-z][\w+-]*(?:\/[\w+-]+){0,2}$/i.test(name)) {
    try {
      zone = /^(?:(?:Etc\/)?(?:UTC|UCT|GMT|Zulu|Universal)|Z)$/i.test(name) ? UTC : new DatabaseZone(name);
    } catch {
      zone = null;
    }
  }
  if (zones.size >= NAMES) zones.clear();
  zones.set(key, zone);
  return zone;
}

/** By the name a calendar gives it: IANA, an IANA name behind a maker's prefix, Windows. Null: not known. */
export function zoneNamed(tzid: string): Zone | null {
  const name = tzid.trim();
  if (name.length > NAME_CHARACTERS) return null;
  const windows = WINDOWS_ZONES.get(name.toLowerCase());
  if (windows !== undefined) return databaseZone(windows);
  const direct = databaseZone(name.replaceAll(' ', '_'));
  if (direct !== null) return direct;
  const parts = name.split('/').filter((part) => part !== '');
  for (const count of [3, 2]) {
    const zone = parts.length > count - 1 && parts.length > 2 ? databaseZone(parts.slice(-count).join('/')) : null;
    if (zone !== null) return zone;
  }
  return null;
}
