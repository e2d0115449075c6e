/**
 * What is typed into the search box, read: words, "phrases", operators (`from:ana`), `-` for not, OR between
 * alternatives; and the same as a filter of Email/query (RFC 8621 §4.4.1). What cannot be read as an operator is
 * looked for as text, so that nothing typed is ever refused. Pure.
 */
import type { Mailbox } from './methods.ts';
import type { EmailFilter } from './store/list-spec.ts';

export const OPERATORS = [
  'from',
  'to',
  'cc',
  'bcc',
  'subject',
  'body',
  'in',
  'has',
  'is',
  'before',
  'after',
  'larger',
  'smaller',
] as const;
export type Operator = (typeof OPERATORS)[number];

export interface Term {
  /** Null: looked for everywhere in the message. */
  readonly operator: Operator | null;
  readonly value: string;
  readonly isNot: boolean;
}

export interface ParsedSearch {
  /** All have to hold; within one, any. */
  readonly groups: ReadonlyArray<readonly Term[]>;
  /** Named by `in:`. */
  readonly folders: readonly string[];
}

const TOKEN = /(-?)(?:([A-Za-z]+):)?(?:"([^"]*)"?|(\S+))/gu;

export function parseSearch(text: string): ParsedSearch {
  const groups: Term[][] = [];
  let joins = false;
  for (const match of text.matchAll(TOKEN)) {
    const [whole, minus = '', name = '', phrase, word = ''] = match;
    if (whole === 'OR' && groups.length > 0) {
      joins = true;
      continue;
    }
    const term = readTerm(minus === '-', name, phrase ?? word, phrase !== undefined);
    if (term === null) continue;
    const last = groups.at(-1);
    if (joins && last !== undefined) last.push(term);
    else groups.push([term]);
    joins = false;
  }
  const folders = groups.flat().filter(({ operator }) => operator === 'in');
  return { groups, folders: folders.map(({ value }) => value) };
}

function readTerm(isNot: boolean, name: string, value: string, isPhrase: boolean): Term | null {
  const operator = OPERATORS.find((one) => one === name.toLowerCase()) ?? null;
  if (name !== '' && (operator === null || !isReadable(operator, value))) {
    // "Re:", "https://…", "before:soon": words like any others.
    return { operator: null, value: `${name}:${value}`, isNot };
  }
  if (value === '' || (value === '-' && !isPhrase)) return null;
  return { operator, value, isNot };
}

const HAS = ['attachment', 'attachments'];
const IS = ['unread', 'read', 'flagged', 'starred', 'unflagged', 'answered', 'replied', 'unanswered', 'draft'] as const;

function isReadable(operator: Operator, value: string): boolean {
  switch (operator) {
    case 'has':
      return HAS.includes(value.toLowerCase());
    case 'is':
      return IS.some((one) => one === value.toLowerCase());
    case 'before':
    case 'after':
      return readDay(value) !== null;
    case 'larger':
    case 'smaller':
      return readSize(value) !== null;
    case 'from':
    case 'to':
    case 'cc':
    case 'bcc':
    case 'subject':
    case 'body':
    case 'in':
      return value.trim() !== '';
  }
}

/** `2026-11-30`, `2026/11/30`, `2026-11`, `2026`, or days, weeks, months, years ago: `7d`, `2w`, `3m`, `1y`. */
export function readDay(text: string, now = new Date()): Date | null {
  const ago = /^(\d{1,4})([dwmy])$/i.exec(text);
  if (ago !== null) {
    const count = Number(ago[1]);
    const day = new Date(now.getFullYear(), now.getMonth(), now.getDate());
    switch (ago[2]?.toLowerCase()) {
      case 'd':
        day.setDate(day.getDate() - count);
        break;
      case 'w':
        day.setDate(day.getDate() - 7 * count);
        break;
      case 'm':
        day.setMonth(day.getMonth() - count);
        break;
      default:
        day.setFullYear(day.getFullYear() - count);
    }
    return day;
  }
  const parts = /^(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?$/.exec(text);
  if (parts === null) return null;
  const [year, month, date] = [Number(parts[1]), Number(parts[2] ?? 1), Number(parts[3] ?? 1)];
  const day = new Date(year, month - 1, date);
  return day.getFullYear() === year && day.getMonth() === month - 1 && day.getDate() === date ? day : null;
}

const FACTORS: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9 };

/** `500`, `200k`, `5M`, `1.5MB`. */
export function readSize(text: string): number | null {
  const match = /^(\d{1,12}(?:\.\d{1,3})?)([kmg]?)b?$/i.exec(text);
  if (match === null) return null;
  return Math.round(Number(match[1]) * (FACTORS[(match[2] ?? '').toLowerCase()] ?? 1));
}

export function searchFilter(
  { groups }: ParsedSearch,
  mailboxes: readonly Mailbox[],
  nameOf: (mailbox: Mailbox) => string = ({ name }) => name,
): EmailFilter {
  const conditions = groups.map((group): EmailFilter => {
    const any = group.map((term) => termFilter(term, mailboxes, nameOf));
    const [first] = any;
    return first !== undefined && any.length === 1 ? first : { operator: 'OR', conditions: any };
  });
  const [first] = conditions;
  return first !== undefined && conditions.length === 1 ? first : { operator: 'AND', conditions };
}

function termFilter(term: Term, mailboxes: readonly Mailbox[], nameOf: (mailbox: Mailbox) => string): EmailFilter {
  const filter = conditionOf(term, mailboxes, nameOf);
  return term.isNot ? { operator: 'NOT', conditions: [filter] } : filter;
}

function conditionOf(
  { operator, value }: Term,
  mailboxes: readonly Mailbox[],
  nameOf: (mailbox: Mailbox) => string,
): EmailFilter {
  switch (operator) {
    case null:
      return { text: value };
    case 'from':
    case 'to':
    case 'cc':
    case 'bcc':
    case 'subject':
    case 'body':
      return { [operator]: value };
    case 'in':
      return inFolder(value, mailboxes, nameOf);
    case 'has':
      return { hasAttachment: true };
    case 'is':
      return keyword(value.toLowerCase());
    case 'before':
      return { before: (readDay(value) ?? new Date()).toISOString() };
    case 'after':
      return { after: (readDay(value) ?? new Date()).toISOString() };
    case 'larger':
      return { minSize: (readSize(value) ?? 0) + 1 };
    case 'smaller':
      return { maxSize: readSize(value) ?? 0 };
  }
}

function keyword(value: string): EmailFilter {
  switch (value) {
    case 'unread':
      return { notKeyword: '$seen' };
    case 'read':
      return { hasKeyword: '$seen' };
    case 'unflagged':
      return { notKeyword: '$flagged' };
    case 'answered':
    case 'replied':
      return { hasKeyword: '$answered' };
    case 'unanswered':
      return { notKeyword: '$answered' };
    case 'draft':
      return { hasKeyword: '$draft' };
    default:
      return { hasKeyword: '$flagged' };
  }
}

/** By role, or by name in the person's language; a name that no folder has finds nothing. */
function inFolder(value: string, mailboxes: readonly Mailbox[], nameOf: (mailbox: Mailbox) => string): EmailFilter {
  const wanted = value.toLowerCase();
  if (wanted === 'anywhere' || wanted === 'all')
    return { operator: 'OR', conditions: mailboxes.map(({ id }) => ({ inMailbox: id })) };
  const found = mailboxes.filter(
    (mailbox) =>
      mailbox.role === wanted || mailbox.name.toLowerCase() === wanted || nameOf(mailbox).toLowerCase() === wanted,
  );
  const [first] = found;
  if (first !== undefined && found.length === 1) return { inMailbox: first.id };
  return { operator: 'OR', conditions: found.map(({ id }) => ({ inMailbox: id })) };
}

/** The text with one more term, for chips: put behind what is there, a replaced operator in its place. */
export function withTerm(text: string, term: string): string {
  const trimmed = text.trimEnd();
  return trimmed === '' ? term : `${trimmed} ${term}`;
}
