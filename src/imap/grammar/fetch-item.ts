/**
 * FETCH items (RFC 9051 §6.4.5): parsing them, and the labels they carry in answers (§7.5.2), where the section is
 * repeated as it was asked for and a partial only by its start. Knows no message.
 */
import { ProtocolViolation, unreachable } from '../../observe/failure.ts';
import { MIME_DEPTH } from '../../wire/limits.ts';
import type { FetchItem, Partial, PlainFetchItem, Section, SectionText } from './ast.ts';
import { ASTRING, isAllText } from './char-class.ts';
import type { Cursor } from './cursor.ts';

const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const LESS = 0x3c;
const GREATER = 0x3e;
const DOT = 0x2e;
const OPEN = 0x28;

const plain = (item: PlainFetchItem): FetchItem => ({ item });

const PLAIN_ITEMS = new Map<string, FetchItem>(
  (
    [
      'BODY',
      'BODYSTRUCTURE',
      'EMAILID',
      'ENVELOPE',
      'FLAGS',
      'INTERNALDATE',
      'MODSEQ',
      'RFC822',
      'RFC822.HEADER',
      'RFC822.SIZE',
      'RFC822.TEXT',
      'SAVEDATE',
      'THREADID',
      'UID',
    ] satisfies PlainFetchItem[]
  ).map((name) => [name, plain(name)]),
);

const FAST = [plain('FLAGS'), plain('INTERNALDATE'), plain('RFC822.SIZE')];
const MACROS = new Map<string, readonly FetchItem[]>([
  ['FAST', FAST],
  ['ALL', [...FAST, plain('ENVELOPE')]],
  ['FULL', [...FAST, plain('ENVELOPE'), plain('BODY')]],
]);

const SECTION_TEXTS = new Map<string, SectionText>(
  (['HEADER', 'HEADER.FIELDS', 'HEADER.FIELDS.NOT', 'TEXT', 'MIME'] satisfies SectionText[]).map((name) => [
    name,
    name,
  ]),
);

/** A macro, one item, or a list of items. Each item is kept once, in the order asked. */
export function parseFetchItems(cursor: Cursor): readonly FetchItem[] {
  if (cursor.peek() !== OPEN) {
    for (const [name, items] of MACROS) if (cursor.acceptKeyword(name)) return items;
    return [parseItem(cursor)];
  }
  const items: FetchItem[] = [];
  const seen = new Set<string>();
  cursor.list('items to fetch', () => {
    const item = parseItem(cursor);
    const label = printFetchItem(item);
    if (!seen.has(label)) items.push(item);
    seen.add(label);
  });
  return items;
}

function parseItem(cursor: Cursor): FetchItem {
  const name = itemName(cursor);
  if (cursor.accept(OPEN_BRACKET)) {
    switch (name) {
      case 'BODY':
      case 'BODY.PEEK': {
        const section = parseSection(cursor);
        return { item: 'BODY[]', peek: name === 'BODY.PEEK', section, partial: parsePartial(cursor) };
      }
      case 'BINARY':
      case 'BINARY.PEEK': {
        const part = parsePart(cursor);
        cursor.expect(CLOSE_BRACKET, '"]"');
        return { item: 'BINARY[]', peek: name === 'BINARY.PEEK', part, partial: parsePartial(cursor) };
      }
      case 'BINARY.SIZE': {
        const part = parsePart(cursor);
        cursor.expect(CLOSE_BRACKET, '"]"');
        return { item: 'BINARY.SIZE[]', part };
      }
      default:
        throw new ProtocolViolation(`${cursor.command}: only BODY and BINARY take a section`);
    }
  }
  if (name === 'PREVIEW') return { item: 'PREVIEW', lazy: parsePreviewModifier(cursor) };
  const item = PLAIN_ITEMS.get(name);
  if (item === undefined) throw new ProtocolViolation(`${cursor.command}: there is no such item to fetch`);
  return item;
}

/** Letters, digits and dots: an item ends at `[` although that is an atom character. */
function itemName(cursor: Cursor): string {
  let name = '';
  for (;;) {
    const byte = cursor.peek();
    const letter = (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
    if (!letter && !(byte >= 0x30 && byte <= 0x39) && byte !== DOT) break;
    cursor.accept(byte);
    name += String.fromCharCode(byte);
    if (name.length > 20) break;
  }
  if (name === '') throw cursor.fail('an item to fetch');
  return name.toUpperCase();
}

/** RFC 8970 §3.2: `PREVIEW (LAZY)`. `PREVIEW` may be followed by the next item, so only a space and `(` count. */
function parsePreviewModifier(cursor: Cursor): boolean {
  return cursor.acceptText(' (LAZY)');
}

/** RFC 9051 §9 section, behind its `[`. */
function parseSection(cursor: Cursor): Section {
  const part: number[] = [];
  let text: SectionText = 'ALL';
  let fields: readonly string[] = [];
  while (cursor.peek() !== CLOSE_BRACKET) {
    if (isDigit(cursor.peek())) {
      pushPart(cursor, part);
      if (cursor.peek() === CLOSE_BRACKET) break;
      cursor.expect(DOT, '"." or "]" in the section');
      continue;
    }
    const name = itemName(cursor);
    const known = SECTION_TEXTS.get(name);
    if (known === undefined) throw new ProtocolViolation(`${cursor.command}: there is no such section`);
    if (known === 'MIME' && part.length === 0) {
      throw new ProtocolViolation(`${cursor.command}: MIME needs a part number before it`);
    }
    text = known;
    if (known === 'HEADER.FIELDS' || known === 'HEADER.FIELDS.NOT') fields = parseFieldNames(cursor);
    break;
  }
  cursor.expect(CLOSE_BRACKET, '"]"');
  return { part, text, fields };
}

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;

function pushPart(cursor: Cursor, part: number[]): void {
  part.push(cursor.nzNumber('a part number'));
  if (part.length > MIME_DEPTH) throw new ProtocolViolation(`${cursor.command}: more than ${MIME_DEPTH} part numbers`);
}

function parsePart(cursor: Cursor): number[] {
  const part: number[] = [];
  while (isDigit(cursor.peek())) {
    pushPart(cursor, part);
    if (!cursor.accept(DOT)) break;
  }
  return part;
}

function parseFieldNames(cursor: Cursor): string[] {
  const fields: string[] = [];
  cursor.space('a list of header fields');
  cursor.list('names of header fields', () => {
    const name = cursor.astring('the name of a header field').toString('latin1');
    if (/[^\x21-\x7e]|:/.test(name) || name === '') throw cursor.fail('the name of a header field before this point');
    fields.push(name);
  });
  return fields;
}

function parsePartial(cursor: Cursor): Partial | null {
  if (!cursor.accept(LESS)) return null;
  const offset = cursor.number('the first octet', Number.MAX_SAFE_INTEGER);
  cursor.expect(DOT, '"." and the number of octets');
  const length = cursor.number('the number of octets', Number.MAX_SAFE_INTEGER);
  if (length === 0) throw new ProtocolViolation(`${cursor.command}: the number of octets cannot be 0`);
  cursor.expect(GREATER, '">"');
  return { offset, length };
}

// ---------------------------------------------------------------------------------------------------------- labels

const fieldName = (name: string): string =>
  isAllText(name, ASTRING) ? name : `"${name.replaceAll(/["\\]/g, String.raw`\$&`)}"`;

export function printSection(section: Section): string {
  const part = section.part.join('.');
  if (section.text === 'ALL') return `[${part}]`;
  const fields = section.fields.length === 0 ? '' : ` (${section.fields.map(fieldName).join(' ')})`;
  return `[${part === '' ? '' : `${part}.`}${section.text}${fields}]`;
}

/** The name an item has in the FETCH answer: `BODY[1.MIME]<1024>`, without PEEK and without the asked length. */
export function fetchLabel(item: FetchItem): string {
  switch (item.item) {
    case 'BODY[]':
      return `BODY${printSection(item.section)}${item.partial === null ? '' : `<${item.partial.offset}>`}`;
    case 'BINARY[]':
      return `BINARY[${item.part.join('.')}]${item.partial === null ? '' : `<${item.partial.offset}>`}`;
    case 'BINARY.SIZE[]':
      return `BINARY.SIZE[${item.part.join('.')}]`;
    default:
      return item.item;
  }
}

/** The item as a client would ask for it. */
export function printFetchItem(item: FetchItem): string {
  switch (item.item) {
    case 'BODY[]':
      return `BODY${item.peek ? '.PEEK' : ''}${printSection(item.section)}${printPartial(item.partial)}`;
    case 'BINARY[]':
      return `BINARY${item.peek ? '.PEEK' : ''}[${item.part.join('.')}]${printPartial(item.partial)}`;
    case 'BINARY.SIZE[]':
      return fetchLabel(item);
    case 'PREVIEW':
      return item.lazy ? 'PREVIEW (LAZY)' : 'PREVIEW';
    case 'BODY':
    case 'BODYSTRUCTURE':
    case 'EMAILID':
    case 'ENVELOPE':
    case 'FLAGS':
    case 'INTERNALDATE':
    case 'MODSEQ':
    case 'RFC822':
    case 'RFC822.HEADER':
    case 'RFC822.SIZE':
    case 'RFC822.TEXT':
    case 'SAVEDATE':
    case 'THREADID':
    case 'UID':
      return item.item;
    default:
      return unreachable(item);
  }
}

const printPartial = (partial: Partial | null): string =>
  partial === null ? '' : `<${partial.offset}.${partial.length}>`;
