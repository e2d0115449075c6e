/**
 * Header fields out of the forms of RFC 8621 §4.1.2, the way back of header-forms.ts: values of a client's Email into
 * bytes that can stand in a header. What cannot be written without saying something else is refused. Pure.
 */
import { addrSpec, encodedWords, phrase } from '../../../message/encode-words.ts';
import { isArray, isObject, isStrings, type Json, property } from '../json.ts';
import { SetError } from '../method-error.ts';
import type { HeaderForm, HeaderWish } from './header-forms.ts';

export interface WrittenField {
  readonly name: string;
  /** ASCII, folded; what stands behind the colon and a space. */
  readonly value: string;
}

/** RFC 5322 §2.1.1: a line of a header has at most 998 octets; what needs more is refused, it is no header any more. */
const LINE_OCTETS = 998;
const FOLD_AT = 76;
/** Octets of one field; a list of ten thousand addresses fits. */
export const FIELD_OCTETS = 512 * 1024;

/** Null value: no such field. @throws SetError invalidProperties */
export function writtenFields(name: string, wish: HeaderWish, value: Json): readonly WrittenField[] {
  // An empty list of addresses or ids says the same as none at all.
  if (value === null || (isArray(value) && value.length === 0)) return [];
  const values = wish.all ? value : [value];
  if (!isArray(values)) throw wrong(wish.property, 'a list');
  return values.map((one) => {
    const written = inForm(wish.property, wish.form, one);
    if (written.length > FIELD_OCTETS) throw wrong(wish.property, `at most ${FIELD_OCTETS} octets`);
    if (written.split('\r\n').some((line) => line.length + name.length + 2 > LINE_OCTETS))
      throw wrong(wish.property, `free of words longer than ${LINE_OCTETS} octets`);
    return { name, value: written };
  });
}

function inForm(name: string, form: HeaderForm, value: Json): string {
  switch (form) {
    case 'Raw':
      return rawValue(name, value);
    case 'Text':
      return textValue(name, value);
    case 'Addresses':
      return addressList(name, value);
    case 'GroupedAddresses':
      return groupList(name, value);
    case 'MessageIds':
      return idList(name, value);
    case 'Date':
      return dateValue(name, value);
    case 'URLs':
      return urlList(name, value);
  }
}

/** §4.1.2.1: bytes as they will stand there. Line ends only where a fold is. */
function rawValue(name: string, value: Json): string {
  if (typeof value !== 'string') throw wrong(name, 'a string');
  const folded = value.replaceAll(/\r?\n(?=[ \t])/g, '\r\n').replace(/^ /, '');
  if (!/^(?:[\t\x20-\x7e]|\r\n(?=[ \t]))*$/.test(folded)) throw wrong(name, 'ASCII without control characters');
  return folded;
}

function textValue(name: string, value: Json): string {
  if (typeof value !== 'string') throw wrong(name, 'a string');
  return writtenText(value);
}

/** An unstructured value; white space of any kind within it is a space. */
export function writtenText(value: string): string {
  const text = value.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  const plain = /^[\x20-\x7e]*$/.test(text) && !text.includes('=?') && !/\S{900}/.test(text);
  return plain ? foldedText(text) : encodedWords(text);
}

/** Breaks stand in front of white space, which stays (RFC 5322 §2.2.3), and never leave a line empty. */
function foldedText(text: string): string {
  const lines: string[] = [];
  let line = '';
  for (const [word] of text.matchAll(/\s*\S+/g)) {
    if (line !== '' && line.length + word.length > FOLD_AT) {
      lines.push(line);
      line = '';
    }
    line += word;
  }
  return [...lines, line].join('\r\n');
}

function addressList(name: string, value: Json): string {
  if (!isArray(value)) throw wrong(name, 'a list of addresses');
  return value.map((one) => address(name, one)).join(',\r\n ');
}

/** §4.1.2.3. What a person has half typed is kept too: a draft may hold it. */
function address(field: string, value: Json): string {
  if (!isObject(value)) throw wrong(field, 'a list of objects with name and email');
  const name = property(value, 'name') ?? null;
  const email = property(value, 'email');
  if (typeof email !== 'string' || (name !== null && typeof name !== 'string'))
    throw wrong(field, 'a list of objects with name and email');
  if (/[\p{Cc}<>]/u.test(email) || email.length > LINE_OCTETS / 2)
    throw wrong(field, 'free of control characters and angle brackets in addresses');
  const at = email.lastIndexOf('@');
  const spec = at < 0 ? addressWord(email.trim()) : addrSpec(email.slice(0, at).trim(), email.slice(at + 1).trim());
  // RFC 6532 lets UTF-8 stand in an address; everything else of the header is ASCII.
  return name === null || name.trim() === '' ? `<${spec}>` : `${phrase(name)} <${spec}>`;
}

const addressWord = (word: string): string =>
  /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~.\u0080-\u{10ffff}]*$/u.test(word) ? word : `"${word.replaceAll(/["\\]/g, '\\$&')}"`;

/** §4.1.2.4. */
function groupList(field: string, value: Json): string {
  if (!isArray(value) || value.length === 0) throw wrong(field, 'a list of groups');
  return value
    .map((group) => {
      const name = isObject(group) ? (property(group, 'name') ?? null) : 0;
      const addresses = isObject(group) ? property(group, 'addresses') : undefined;
      if ((name !== null && typeof name !== 'string') || !isArray(addresses))
        throw wrong(field, 'a list of objects with name and addresses');
      const list = addresses.map((one) => address(field, one)).join(',\r\n ');
      if (name === null && list === '') throw wrong(field, 'a list without empty groups that have no name');
      return name === null ? list : `${phrase(name)}: ${list};`;
    })
    .join(',\r\n ');
}

function idList(name: string, value: Json): string {
  if (!isStrings(value) || value.length === 0) throw wrong(name, 'a list of message ids');
  if (!value.every((id) => /^[\x21-\x3b=\x3f-\x7e]+$/.test(id)))
    throw wrong(name, 'a list of message ids without white space and angle brackets');
  return value.map((id) => `<${id}>`).join('\r\n ');
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** RFC 3339 into RFC 5322 §3.3; the offset is kept. */
function dateValue(name: string, value: Json): string {
  const parts =
    typeof value === 'string'
      ? /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(Z|([+-])([01]\d|2[0-3]):([0-5]\d))$/.exec(value)
      : null;
  const at = typeof value === 'string' && parts !== null ? Date.parse(value) : Number.NaN;
  if (parts === null || Number.isNaN(at)) throw wrong(name, 'a Date such as 2026-11-30T12:00:00+01:00');
  const [, , sign = '+', hours = '00', minutes = '00'] = parts;
  const offset = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
  const local = new Date(at + offset * 60_000);
  const two = (number: number): string => String(number).padStart(2, '0');
  const time = `${two(local.getUTCHours())}:${two(local.getUTCMinutes())}:${two(local.getUTCSeconds())}`;
  const day = `${DAYS[local.getUTCDay()]}, ${two(local.getUTCDate())} ${MONTHS[local.getUTCMonth()]}`;
  return `${day} ${String(local.getUTCFullYear()).padStart(4, '0')} ${time} ${sign}${hours}${minutes}`;
}

function urlList(name: string, value: Json): string {
  if (!isStrings(value) || value.length === 0) throw wrong(name, 'a list of URLs');
  if (!value.every((url) => /^[\x21-\x3b=\x3f-\x7e]{1,900}$/.test(url)))
    throw wrong(name, 'a list of URLs without white space and angle brackets');
  return value.map((url) => `<${url}>`).join(',\r\n ');
}

const wrong = (name: string, wanted: string): SetError =>
  new SetError('invalidProperties', `${name} must be ${wanted}`, { properties: [name] });
