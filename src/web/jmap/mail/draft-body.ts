/**
 * The body of an Email that a client creates (RFC 8621 §4.6): a tree of parts as `bodyStructure` gives it, or one made
 * of `textBody`, `htmlBody` and `attachments` the way mail programs do. Checks everything that can be checked without
 * reading a blob. Pure.
 */
import { isArray, isObject, isStrings, type Json, type JsonObject, property } from '../json.ts';
import { SetError } from '../method-error.ts';
import { settable } from './settable-header.ts';
import { type WrittenField, writtenFields, writtenText } from './header-writing.ts';

/** Parts of one message, multiparts included; more than any honest mail has, and what parsers here read. */
export const DRAFT_PARTS = 1000;
const DRAFT_DEPTH = 32;
const NAME_CHARACTERS = 1000;

interface DraftPartFacts {
  /** Lower case `type/subtype`. */
  readonly type: string;
  readonly name: string | null;
  readonly disposition: string | null;
  /** Content-ID without angle brackets. */
  readonly cid: string | null;
  /** Content-Language, Content-Location and what the client names itself. */
  readonly fields: readonly WrittenField[];
}

export type DraftPart =
  | (DraftPartFacts & { readonly kind: 'multipart'; readonly children: readonly DraftPart[] })
  | (DraftPartFacts & { readonly kind: 'text'; readonly text: string })
  | (DraftPartFacts & { readonly kind: 'blob'; readonly blobId: string; readonly charset: string | null });

const PART_PROPERTIES = new Set([
  'partId',
  'blobId',
  'size',
  'name',
  'type',
  'charset',
  'disposition',
  'cid',
  'language',
  'location',
  'subParts',
]);
/** Written from properties of their own. */
const OWN_FIELDS = ['content-type', 'content-disposition', 'content-id', 'content-transfer-encoding'];

/** Fields of a message; in a part they would say nothing. */
const OF_THE_EMAIL = ['from', 'sender', 'to', 'cc', 'bcc', 'reply-to', 'date', 'references', 'message-id', 'subject'];

/** The part for an Email without any body property: an empty text. */
const EMPTY: DraftPart = {
  kind: 'text',
  type: 'text/plain',
  name: null,
  disposition: null,
  cid: null,
  fields: [],
  text: '',
};

/** @throws SetError invalidProperties */
export function readBody(record: JsonObject): DraftPart {
  const values = readBodyValues(property(record, 'bodyValues') ?? null);
  const reader = new PartReader(values);
  const structure = property(record, 'bodyStructure') ?? null;
  const [text, html, attachments] = ['textBody', 'htmlBody', 'attachments'].map((name) =>
    list(name, property(record, name) ?? null),
  );
  if (structure !== null) {
    if ((text ?? html ?? attachments) !== null)
      throw bad('bodyStructure', 'bodyStructure stands alone, without textBody, htmlBody and attachments');
    return reader.read('bodyStructure', structure, 0);
  }
  const textPart = onlyPart(reader, 'textBody', text ?? null, 'text/plain');
  const htmlPart = onlyPart(reader, 'htmlBody', html ?? null, 'text/html');
  const others = (attachments ?? []).map((one) => reader.read('attachments', one, 0));
  return assembled(textPart, htmlPart, others);
}

function onlyPart(reader: PartReader, name: string, parts: readonly Json[] | null, type: string): DraftPart | null {
  if (parts === null) return null;
  const [only] = parts;
  if (only === undefined || parts.length > 1) throw bad(name, `${name} is a list of exactly one part`);
  const part = reader.read(name, only, 0, type);
  if (part.type !== type) throw bad(name, `the part of ${name} is of type ${type}`);
  return part;
}

/** What belongs to the HTML (`cid`, inline) goes beside it, the rest behind the text (RFC 2387, RFC 2046 §5.1.4). */
function assembled(text: DraftPart | null, html: DraftPart | null, others: readonly DraftPart[]): DraftPart {
  const isOfHtml = ({ cid, disposition }: DraftPart): boolean => cid !== null && disposition !== 'attachment';
  const embedded = html === null ? [] : others.filter(isOfHtml);
  const attached = html === null ? others : others.filter((part) => !isOfHtml(part));
  const htmlTree = html === null || embedded.length === 0 ? html : multipart('related', [html, ...embedded]);
  const body =
    text !== null && htmlTree !== null ? multipart('alternative', [text, htmlTree]) : (text ?? htmlTree ?? null);
  if (attached.length === 0) return body ?? EMPTY;
  return multipart('mixed', body === null ? attached : [body, ...attached]);
}

const multipart = (subtype: string, children: readonly DraftPart[]): DraftPart => ({
  kind: 'multipart',
  type: `multipart/${subtype}`,
  name: null,
  disposition: null,
  cid: null,
  fields: [],
  children,
});

function readBodyValues(json: Json): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  if (json === null) return values;
  if (!isObject(json)) throw bad('bodyValues', 'bodyValues maps part ids to objects');
  for (const [partId, one] of Object.entries(json)) {
    const value = isObject(one ?? null) && isObject(one) ? property(one, 'value') : undefined;
    if (typeof value !== 'string' || !isObject(one)) throw bad('bodyValues', 'a body value is an object with a value');
    if ((property(one, 'isEncodingProblem') ?? false) !== false || (property(one, 'isTruncated') ?? false) !== false)
      throw bad(
        'bodyValues',
        'a body value that is given is whole and sound: isTruncated, isEncodingProblem are false',
      );
    values.set(partId, value);
  }
  return values;
}

class PartReader {
  readonly #values: ReadonlyMap<string, string>;
  #count = 0;

  constructor(values: ReadonlyMap<string, string>) {
    this.#values = values;
  }

  /** `type`: what it is when the client does not say. @throws SetError */
  read(name: string, json: Json, depth: number, type = 'text/plain'): DraftPart {
    this.#count += 1;
    if (this.#count > DRAFT_PARTS) throw bad(name, `a message has at most ${DRAFT_PARTS} parts`);
    if (depth > DRAFT_DEPTH) throw bad(name, `parts nest ${DRAFT_DEPTH} deep at most`);
    if (!isObject(json)) throw bad(name, 'a part is an object');
    const facts = this.#facts(name, json, type);
    const [partId, blobId, charset] = ['partId', 'blobId', 'charset'].map((key) => text(name, json, key));
    const subParts = property(json, 'subParts') ?? null;
    if (facts.type.startsWith('multipart/')) {
      if ((partId ?? blobId ?? null) !== null) throw bad(name, 'a multipart has subParts and no content of its own');
      if (!isArray(subParts) || subParts.length === 0) throw bad(name, 'a multipart has a list of subParts');
      return { ...facts, kind: 'multipart', children: subParts.map((one) => this.read(name, one, depth + 1)) };
    }
    if (subParts !== null && !(isArray(subParts) && subParts.length === 0))
      throw bad(name, 'only a multipart has subParts');
    if (typeof partId === 'string' && typeof blobId === 'string') throw bad(name, 'a part has a partId or a blobId');
    if (typeof blobId === 'string')
      return { ...facts, kind: 'blob', blobId, charset: charsetOf(name, charset ?? null) };
    const value = typeof partId === 'string' ? this.#values.get(partId) : undefined;
    if (value === undefined) throw bad(name, 'a part has a blobId, or a partId that stands in bodyValues');
    if (!facts.type.startsWith('text/')) throw bad(name, 'a part with a partId is text');
    if ((charset ?? null) !== null || (property(json, 'size') ?? null) !== null)
      throw bad(name, 'a part with a partId has no charset and no size of its own');
    return { ...facts, kind: 'text', text: value };
  }

  #facts(name: string, json: JsonObject, missingType: string): DraftPartFacts {
    const type = (text(name, json, 'type') ?? missingType).toLowerCase();
    if (!/^[a-z0-9!#$&^_.+-]{1,127}\/[a-z0-9!#$&^_.+-]{1,127}$/.test(type)) throw bad(name, 'type is a media type');
    const disposition = text(name, json, 'disposition')?.toLowerCase() ?? null;
    if (disposition !== null && !/^[a-z0-9!#$&^_.+-]{1,60}$/.test(disposition))
      throw bad(name, 'disposition is a word such as attachment or inline');
    const cid = text(name, json, 'cid');
    if (cid !== null && !/^[\x21-\x3b=\x3f-\x7e]{1,900}$/.test(cid))
      throw bad(name, 'cid is a message id without angle brackets');
    const fileName = text(name, json, 'name');
    if (fileName !== null && (fileName.length > NAME_CHARACTERS || /\p{Cc}/u.test(fileName)))
      throw bad(name, `name has at most ${NAME_CHARACTERS} characters and no control characters`);
    return { type, name: fileName === '' ? null : fileName, disposition, cid, fields: fieldsOf(name, json) };
  }
}

function fieldsOf(name: string, json: JsonObject): readonly WrittenField[] {
  const fields: WrittenField[] = [];
  const language = property(json, 'language') ?? null;
  if (language !== null) {
    if (!isStrings(language) || !language.every((tag) => /^[A-Za-z0-9-]{1,60}$/.test(tag)))
      throw bad(name, 'language is a list of language tags');
    if (language.length > 0) fields.push({ name: 'Content-Language', value: language.join(', ') });
  }
  const location = text(name, json, 'location');
  if (location !== null) fields.push({ name: 'Content-Location', value: writtenText(location) });
  for (const [key, value] of Object.entries(json)) {
    if (PART_PROPERTIES.has(key)) continue;
    const wish = settable(key);
    if (wish === null || !key.startsWith('header:'))
      throw bad(name, `a part has no "${key.slice(0, 100)}" that could be set`);
    if (OWN_FIELDS.includes(wish.field)) throw bad(name, `${wish.field} is written from the part's other properties`);
    if (OF_THE_EMAIL.includes(wish.field)) throw bad(name, `${wish.field} belongs to the Email, not to a part`);
    if (fields.some((field) => field.name.toLowerCase() === wish.field))
      throw bad(name, `the field ${wish.field} is given twice`);
    fields.push(...writtenFields(key.split(':')[1] ?? '', wish, value ?? null));
  }
  return fields;
}

function text(name: string, json: JsonObject, key: string): string | null {
  const value = property(json, key) ?? null;
  if (value !== null && typeof value !== 'string') throw bad(name, `${key} is a string or null`);
  return value;
}

function charsetOf(name: string, charset: string | null): string | null {
  if (charset !== null && !/^[A-Za-z0-9!#$%&+^_`{}~.:()-]{1,60}$/.test(charset))
    throw bad(name, 'charset is the name of one');
  return charset;
}

function list(name: string, value: Json): readonly Json[] | null {
  if (value !== null && !isArray(value)) throw bad(name, `${name} is a list of parts`);
  return value;
}

const bad = (name: string, says: string): SetError => new SetError('invalidProperties', says, { properties: [name] });
