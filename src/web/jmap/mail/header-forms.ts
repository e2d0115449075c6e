/**
 * Header fields in the forms of RFC 8621 §4.1.2: raw, text, addresses, grouped addresses, message ids, date, URLs; and
 * the property names that ask for them (`header:List-Id:asText:all`, §4.1.3). Pure functions over header bytes.
 */
import type { Buffer } from 'node:buffer';
import { type Address, parseAddressList } from '../../../message/address-list.ts';
import { parseDate } from '../../../message/date.ts';
import { decodeWords } from '../../../message/encoded-word.ts';
import { decodeText } from '../../../message/charset.ts';
import { findFields, readFields, FIELD_STRIDE } from '../../../message/headers.ts';
import { messageIds } from '../../../message/message-id.ts';
import type { Json } from '../json.ts';
import { MethodError } from '../method-error.ts';

export type HeaderForm = 'Raw' | 'Text' | 'Addresses' | 'GroupedAddresses' | 'MessageIds' | 'Date' | 'URLs';

export interface HeaderWish {
  /** As the client wrote it: the name of the property. */
  readonly property: string;
  /** Lower case. */
  readonly field: string;
  readonly form: HeaderForm;
  readonly all: boolean;
}

const FORMS: readonly HeaderForm[] = ['Raw', 'Text', 'Addresses', 'GroupedAddresses', 'MessageIds', 'Date', 'URLs'];
const ADDRESSES = [
  'from',
  'sender',
  'reply-to',
  'to',
  'cc',
  'bcc',
  'resent-from',
  'resent-sender',
  'resent-reply-to',
  'resent-to',
  'resent-cc',
  'resent-bcc',
];
const DATES = ['date', 'resent-date'];
const MESSAGE_IDS = ['message-id', 'in-reply-to', 'references', 'resent-message-id'];
const URLS = ['list-help', 'list-unsubscribe', 'list-subscribe', 'list-post', 'list-owner', 'list-archive'];
const TEXTS = ['subject', 'comments', 'keywords', 'list-id'];
const KNOWN = new Set([
  ...ADDRESSES,
  ...DATES,
  ...MESSAGE_IDS,
  ...URLS,
  ...TEXTS,
  'received',
  'return-path',
  'resent-message-id',
]);

/** §4.1.2: which forms a field may be asked for in; fields that no RFC defines may have every form. */
function allows(form: HeaderForm, field: string): boolean {
  if (form === 'Raw' || !KNOWN.has(field)) return true;
  switch (form) {
    case 'Text':
      return TEXTS.includes(field);
    case 'Addresses':
    case 'GroupedAddresses':
      return ADDRESSES.includes(field);
    case 'MessageIds':
      return MESSAGE_IDS.includes(field);
    case 'Date':
      return DATES.includes(field);
    case 'URLs':
      return URLS.includes(field);
  }
}

/** Null: the property is no header wish. @throws MethodError invalidArguments */
export function headerWish(property: string): HeaderWish | null {
  if (!property.startsWith('header:')) return null;
  const [, name = '', ...rest] = property.split(':');
  const all = rest.at(-1) === 'all';
  const forms = all ? rest.slice(0, -1) : rest;
  const form = forms.length === 0 ? 'Raw' : FORMS.find((one) => `as${one}` === forms[0]);
  const field = name.toLowerCase();
  if (form === undefined || forms.length > 1 || !/^[!-9;-~]{1,100}$/.test(name))
    throw new MethodError('invalidArguments', `"${property.slice(0, 150)}" is no header property`);
  if (!allows(form, field))
    throw new MethodError('invalidArguments', `${name} cannot be given as${form} (RFC 8621 §4.1.2)`);
  return { property, field, form, all };
}

/** The value of a wish: the last field of that name, or with `all` every one (§4.1.3). */
export function headerValue(header: Buffer, { field, form, all }: HeaderWish): Json {
  const values = findFields(header, field).map(({ valueStart, end }) => header.subarray(valueStart, end));
  if (all) return values.map((value) => inForm(value, form));
  const last = values.at(-1);
  return last === undefined ? null : inForm(last, form);
}

/** `EmailHeader[]` (§4.1.3): every field in order, raw. */
export function allHeaders(header: Buffer): Json {
  const text = header.toString('latin1');
  const fields = readFields(text);
  const list: Json[] = [];
  for (let i = 0; i < fields.length; i += FIELD_STRIDE) {
    const valueStart = fields[i + 2]!;
    list.push({
      name: text.slice(fields[i + 1], valueStart - 1).trimEnd(),
      value: rawText(header.subarray(valueStart, fields[i + 3])),
    });
  }
  return list;
}

/** §4.1.2.1: as it is, octets that are no UTF-8 replaced, without the line end of the field. */
const rawText = (value: Buffer): string =>
  decodeText(value, 'utf-8')
    .replaceAll('\0', '')
    .replace(/\r?\n$/, '');

const unfolded = (value: Buffer): string =>
  value
    .toString('latin1')
    .replaceAll(/\r?\n(?=[ \t])/g, '')
    .trim();

/** §4.1.2.2: unfolded, decoded, NFC. */
const asText = (value: Buffer): string => decodeWords(unfolded(value), null).normalize('NFC').trim();

export function inForm(value: Buffer, form: HeaderForm): Json {
  switch (form) {
    case 'Raw':
      return rawText(value);
    case 'Text':
      return asText(value);
    case 'Addresses':
      return addressesOf(parseAddressList(unfolded(value)));
    case 'GroupedAddresses':
      return groupsOf(parseAddressList(unfolded(value)));
    case 'MessageIds': {
      const ids = messageIds(unfolded(value)).map((id) => id.replace(/^<|>$/g, ''));
      return ids.length === 0 ? null : ids;
    }
    case 'Date': {
      const date = parseDate(unfolded(value));
      return date === null ? null : isoWithZone(date.seconds, date.zone);
    }
    case 'URLs': {
      const urls = [...unfolded(value).matchAll(/<([^<>]{1,2000})>/g)].map(([, url = '']) => url.replaceAll(/\s/g, ''));
      return urls.length === 0 ? null : urls;
    }
  }
}

const decoded = (octets: string | null): string | null =>
  octets === null || octets === '' ? null : decodeWords(octets, null).normalize('NFC').trim() || null;

function emailAddress({ name, mailbox, host }: Address): Json {
  const local = decodeWords(mailbox ?? '', null);
  return { name: decoded(name), email: host === null || host === '' ? local : `${local}@${decodeWords(host, null)}` };
}

const isGroupStart = (address: Address): boolean => address.host === null && address.mailbox !== null;
const isGroupEnd = (address: Address): boolean => address.host === null && address.mailbox === null;

/** §4.1.2.3: groups are dissolved. */
export function addressesOf(list: readonly Address[]): Json {
  return list.filter((one) => !isGroupStart(one) && !isGroupEnd(one)).map(emailAddress);
}

/** §4.1.2.4: what stands outside of a group is a group without name. */
function groupsOf(list: readonly Address[]): Json {
  const groups: Array<{ readonly name: string | null; readonly addresses: Json[] }> = [];
  let loose = true;
  for (const address of list) {
    if (isGroupStart(address)) {
      groups.push({ name: decoded(address.mailbox), addresses: [] });
      loose = false;
    } else if (isGroupEnd(address)) {
      loose = true;
    } else {
      const last = groups.at(-1);
      if (last !== undefined && (!loose || last.name === null)) last.addresses.push(emailAddress(address));
      else groups.push({ name: null, addresses: [emailAddress(address)] });
    }
  }
  return groups.map(({ name, addresses }) => ({ name, addresses }));
}

/** RFC 3339 with the offset of the field. `zone` in minutes. */
function isoWithZone(seconds: number, zone: number): string {
  const local = new Date((seconds + zone * 60) * 1000).toISOString().slice(0, 19);
  if (zone === 0) return `${local}Z`;
  const minutes = Math.abs(zone);
  const two = (number: number): string => String(number).padStart(2, '0');
  return `${local}${zone < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
