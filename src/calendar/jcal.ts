/**
 * iCalendar (RFC 5545) as plain data: jCal (RFC 7265) read by ical.js and checked into types, so that nothing behind
 * this file meets the library's objects. Reading is forgiving: a content line that is no good costs itself, not the
 * event. Pure.
 */
import ICAL from 'ical.js';
import { isScalar, type JCalValue, type Property, type Component } from './jcal-model.ts';

/** Characters of an iCalendar text that are read: ical.js works in one go, and the event loop waits so long. */
export const ICALENDAR_CHARACTERS = 256 * 1024;
/** Content lines longer than this hold files or styled texts; they are left out. */
const LINE_CHARACTERS = 64 * 1024;
/** Components within one another; RFC 5545 knows three. */
const DEPTH = 6;
/** Components and properties of one text. */
const NODES = 20_000;

export class BadCalendar extends Error {}

/** The calendar objects of a text. @throws BadCalendar it is none, or too large */
export function readICalendar(text: string): readonly Component[] {
  if (text.length > ICALENDAR_CHARACTERS * 4) throw new BadCalendar('the text is too long');
  const lines = contentLines(text);
  const joined = lines.join('\r\n');
  if (joined.length > ICALENDAR_CHARACTERS) throw new BadCalendar('the text is too long');
  const found = parsed(joined) ?? parsed(lines.filter(isReadable).join('\r\n'));
  if (found === null) throw new BadCalendar('the text is no iCalendar');
  const budget = { nodes: NODES };
  // One object, or a list of them: the first item of an object is its name.
  const objects = typeof found[0] === 'string' ? [found] : found;
  return objects
    .map((object) => componentOf(object, DEPTH, budget))
    .filter((component) => component?.name === 'vcalendar')
    .filter((component) => component !== null);
}

function contentLines(text: string): string[] {
  const unfolded = text.replace(/^\uFEFF/, '').replaceAll(/(?:\r\n|\r|\n)[ \t]/g, '');
  const lines: string[] = [];
  let inside = false;
  for (const line of unfolded.split(/\r\n|\r|\n/)) {
    // What stands around the object: text of a mail, empty lines.
    if (/^BEGIN:VCALENDAR\s*$/i.test(line)) inside = true;
    if (inside && line.trim() !== '' && line.length <= LINE_CHARACTERS) lines.push(line.trimEnd());
    if (/^END:VCALENDAR\s*$/i.test(line)) inside = false;
  }
  return lines;
}

function parsed(text: string): readonly unknown[] | null {
  try {
    const json: unknown = ICAL.parse(text);
    return Array.isArray(json) && json.length > 0 ? json : null;
  } catch {
    return null;
  }
}

function isReadable(line: string): boolean {
  if (/^(BEGIN|END):/i.test(line)) return true;
  try {
    ICAL.parse.property(line);
    return true;
  } catch {
    return false;
  }
}

function componentOf(json: unknown, depth: number, budget: { nodes: number }): Component | null {
  if (!Array.isArray(json) || depth === 0) return null;
  const [name, properties, components]: readonly unknown[] = json;
  if (typeof name !== 'string' || !Array.isArray(properties) || !Array.isArray(components)) return null;
  budget.nodes -= properties.length + components.length;
  if (budget.nodes < 0) throw new BadCalendar('the calendar holds too much');
  return {
    name,
    properties: properties.map(propertyOf).filter((property) => property !== null),
    components: components
      .map((component) => componentOf(component, depth - 1, budget))
      .filter((component) => component !== null),
  };
}

function propertyOf(json: unknown): Property | null {
  if (!Array.isArray(json)) return null;
  const [name, parameters, type, ...values]: readonly unknown[] = json;
  if (typeof name !== 'string' || typeof type !== 'string' || typeof parameters !== 'object' || parameters === null)
    return null;
  const read = new Map<string, string | readonly string[]>();
  for (const [key, value] of Object.entries(parameters)) {
    const checked: unknown = value;
    if (typeof checked === 'string') read.set(key, checked);
    else if (Array.isArray(checked)) read.set(key, checked.map(String));
  }
  return { name, parameters: read, type, values: values.map(valueOf).filter((value) => value !== null) };
}

function valueOf(json: unknown): JCalValue | null {
  if (isScalar(json)) return json;
  if (Array.isArray(json)) return json.filter(isScalar);
  if (typeof json !== 'object' || json === null) return null;
  const members = new Map<string, JCalValue>();
  for (const [key, value] of Object.entries(json)) {
    const read = valueOf(value);
    if (read !== null) members.set(key, read);
  }
  return members;
}

/** iCalendar text with its lines folded, CRLF at the end. */
export function writeICalendar(calendar: Component): string {
  return `${ICAL.stringify(jsonOf(calendar))}\r\n`;
}

function jsonOf({ name, properties, components }: Component): unknown[] {
  return [
    name,
    properties.map((property) => [
      property.name,
      Object.fromEntries(property.parameters),
      property.type,
      ...property.values.map(jsonValueOf),
    ]),
    components.map(jsonOf),
  ];
}

function jsonValueOf(value: JCalValue): unknown {
  return value instanceof Map ? Object.fromEntries([...value].map(([key, inner]) => [key, jsonValueOf(inner)])) : value;
}
