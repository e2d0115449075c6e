/**
 * An Email as a client gives it to be created (RFC 8621 §4.6), read and checked as a whole: header fields, body, and
 * where it goes. What the client left out and a message has to have is filled in here. Reads no blob, stores nothing.
 */
import { randomUUID } from 'node:crypto';
import { isObject, type Json, type JsonObject, property } from '../json.ts';
import { SetError } from '../method-error.ts';
import { type DraftPart, readBody } from './draft-body.ts';
import { type WrittenField, writtenFields } from './header-writing.ts';
import { isKeyword } from './keywords.ts';
import { settable } from './settable-header.ts';

/** Where a new Email goes and how it is marked; the same for creation, copy and import. */
export interface Destination {
  readonly mailboxIds: readonly string[];
  /** Lower case. */
  readonly keywords: readonly string[];
  /** Seconds since 1970; null: the client does not say. */
  readonly receivedAt: number | null;
}

export interface EmailDraft extends Destination {
  readonly fields: readonly WrittenField[];
  readonly body: DraftPart;
}

const DESTINATION = ['mailboxIds', 'keywords', 'receivedAt'];
const BODY = ['bodyStructure', 'bodyValues', 'textBody', 'htmlBody', 'attachments'];
/** Fields by the names and in the order in which people expect them. */
const ORDER = [
  'Date',
  'From',
  'Sender',
  'Reply-To',
  'To',
  'Cc',
  'Bcc',
  'Subject',
  'Message-ID',
  'In-Reply-To',
  'References',
];

/** Options: what is put in where the client says nothing. */
export interface DraftDefaults {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Domain of a Message-ID. */
  readonly domain: string;
}

/** @throws SetError invalidProperties */
export function readDraft(json: Json, defaults: DraftDefaults): EmailDraft {
  if (!isObject(json)) throw new SetError('invalidProperties', 'an Email is an object');
  const destination = readDestination(json);
  const fields = readFields(json);
  const body = readBody(json);
  const own = new Set(fields.map(({ name }) => name.toLowerCase()));
  const twice = body.fields.find(({ name }) => own.has(name.toLowerCase()));
  if (twice !== undefined)
    throw new SetError('invalidProperties', `the field ${twice.name} stands on the Email and on its bodyStructure`, {
      properties: ['bodyStructure'],
    });
  const added: WrittenField[] = [];
  if (!own.has('date'))
    added.push({ name: 'Date', value: new Date(defaults.now).toUTCString().replace('GMT', '+0000') });
  if (!own.has('message-id')) added.push({ name: 'Message-ID', value: `<${randomUUID()}@${defaults.domain}>` });
  return { ...destination, body, fields: inOrder([...fields, ...added]) };
}

function readFields(json: JsonObject): readonly WrittenField[] {
  const fields: WrittenField[] = [];
  const given = new Map<string, string>();
  for (const [key, value] of Object.entries(json)) {
    if (DESTINATION.includes(key) || BODY.includes(key)) continue;
    const wish = settable(key);
    if (wish === null)
      throw new SetError('invalidProperties', `an Email has no "${key.slice(0, 100)}" that could be set`, {
        properties: [key],
      });
    const other = given.get(wish.field);
    if (other !== undefined)
      throw new SetError('invalidProperties', `${other} and ${key} are the same header field`, {
        properties: [other, key],
      });
    if (wish.field.startsWith('content-') || wish.field === 'mime-version')
      throw new SetError('invalidProperties', `${wish.field} belongs to a part of the body`, { properties: [key] });
    given.set(wish.field, key);
    fields.push(...writtenFields(nameOf(key, wish.field), wish, value ?? null));
  }
  return fields;
}

const nameOf = (key: string, field: string): string =>
  ORDER.find((name) => name.toLowerCase() === field) ?? key.split(':')[1] ?? field;

function inOrder(fields: readonly WrittenField[]): readonly WrittenField[] {
  const rank = ({ name }: WrittenField): number => {
    const at = ORDER.indexOf(name);
    return at < 0 ? ORDER.length : at;
  };
  return fields.toSorted((a, b) => rank(a) - rank(b));
}

/** @throws SetError invalidProperties, tooManyMailboxes, tooManyKeywords */
export function readDestination(json: JsonObject): Destination {
  const mailboxIds = trueKeys(json, 'mailboxIds');
  if (mailboxIds === null || mailboxIds.length === 0)
    throw new SetError('invalidProperties', 'an Email is in one Mailbox at least', { properties: ['mailboxIds'] });
  const keywords = trueKeys(json, 'keywords') ?? [];
  const wrong = keywords.find((keyword) => !isKeyword(keyword));
  if (wrong !== undefined)
    throw new SetError('invalidProperties', `"${wrong.slice(0, 100)}" is no keyword`, { properties: ['keywords'] });
  const received = property(json, 'receivedAt') ?? null;
  return {
    mailboxIds: [...new Set(mailboxIds)],
    keywords: [...new Set(keywords.map((keyword) => keyword.toLowerCase()))],
    receivedAt: received === null ? null : utcSeconds(received),
  };
}

/** RFC 8620 §1.4 UTCDate. */
function utcSeconds(value: Json): number {
  const at =
    typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(value)
      ? Date.parse(value)
      : Number.NaN;
  if (Number.isNaN(at))
    throw new SetError('invalidProperties', 'receivedAt is a UTCDate such as 2026-11-30T12:00:00Z', {
      properties: ['receivedAt'],
    });
  return Math.floor(at / 1000);
}

function trueKeys(json: JsonObject, name: string): readonly string[] | null {
  const value = property(json, name) ?? null;
  if (value === null) return null;
  if (!isObject(value) || Object.values(value).some((one) => one !== true))
    throw new SetError('invalidProperties', `${name} maps to true`, { properties: [name] });
  return Object.keys(value);
}
