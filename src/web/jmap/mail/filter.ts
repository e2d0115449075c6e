/**
 * Filters of Email/query (RFC 8621 §4.4.1) as searches of the store. What a filter says about Mailboxes and threads is
 * decided over the rows here; the rest is the store's search, which answers completely. Pure.
 */
import { FLAGGED, ANSWERED, DRAFT, SEEN } from '../../../store/model.ts';
import type { SearchQuery } from '../../../store/search/query.ts';
import { isArray, isObject, isStrings, type Json, type JsonObject, property } from '../json.ts';
import { MethodError } from '../method-error.ts';
import { folderOf } from './ids.ts';
import { isKeyword } from './keywords.ts';

/** Conditions of one filter; more would be a way to make the server work for nothing. */
export const FILTER_CONDITIONS = 100;
const FILTER_DEPTH = 16;
const TEXT_CHARACTERS = 1000;

/** What is known of one folder while its search is made. */
export interface FolderFacts {
  readonly id: number;
  /** Messages whose conversation has the keyword on all of its Emails, or on one at least. */
  threads(keyword: string, on: 'all' | 'some'): SearchQuery;
  /** Messages with something attached (RFC 8621 §4.1.4). */
  withAttachment(): Promise<SearchQuery>;
}

/** The search to be run in one folder: a condition on Mailboxes is true or false there. */
export type FilterFor = (folder: FolderFacts) => Promise<SearchQuery> | SearchQuery;

const NOTHING: SearchQuery = { kind: 'not', term: { kind: 'all' } };
const ALL: SearchQuery = { kind: 'all' };
const FLAGS: Readonly<Record<string, number | undefined>> = {
  $seen: SEEN,
  $answered: ANSWERED,
  $flagged: FLAGGED,
  $draft: DRAFT,
};

/** @throws MethodError unsupportedFilter, invalidArguments */
export function readFilter(filter: JsonObject | null): FilterFor {
  if (filter === null) return () => ALL;
  const budget = { left: FILTER_CONDITIONS };
  return readOne(filter, FILTER_DEPTH, budget);
}

function readOne(filter: JsonObject, depth: number, budget: { left: number }): FilterFor {
  const operator = property(filter, 'operator');
  if (operator === undefined) return readCondition(filter, budget);
  const conditions = property(filter, 'conditions');
  if (!isArray(conditions) || !conditions.every(isObject)) throw invalid('conditions', 'a list of filters');
  if (depth === 0) throw new MethodError('unsupportedFilter', `filters nest ${FILTER_DEPTH} deep at most`);
  const inner = conditions.map((one) => readOne(one, depth - 1, budget));
  const at = async (folder: FolderFacts): Promise<readonly SearchQuery[]> => {
    const queries: SearchQuery[] = [];
    for (const one of inner) queries.push(await one(folder));
    return queries;
  };
  switch (operator) {
    case 'AND':
      return async (folder) => all(await at(folder));
    case 'OR':
      return async (folder) => any(await at(folder));
    case 'NOT':
      return async (folder) => not(any(await at(folder)));
    default:
      throw invalid('operator', 'AND, OR or NOT');
  }
}

function readCondition(condition: JsonObject, budget: { left: number }): FilterFor {
  const terms = Object.entries(condition).map(([name, value]) => {
    budget.left -= 1;
    if (budget.left < 0)
      throw new MethodError('unsupportedFilter', `a filter has at most ${FILTER_CONDITIONS} conditions`);
    return readTerm(name, value ?? null);
  });
  return async (folder) => {
    const queries: SearchQuery[] = [];
    for (const term of terms) queries.push(typeof term === 'function' ? await term(folder) : term);
    return all(queries);
  };
}

/* What is true or false for a whole folder is worked out here, so that a folder that cannot match is not searched. */

export const isNothing = (query: SearchQuery): boolean => query.kind === 'not' && query.term.kind === 'all';

function all(terms: readonly SearchQuery[]): SearchQuery {
  if (terms.some(isNothing)) return NOTHING;
  const left = terms.filter(({ kind }) => kind !== 'all');
  const [only] = left;
  return only === undefined ? ALL : left.length === 1 ? only : { kind: 'and', terms: left };
}

function any(terms: readonly SearchQuery[]): SearchQuery {
  if (terms.some(({ kind }) => kind === 'all')) return ALL;
  const left = terms.filter((term) => !isNothing(term));
  const [only] = left;
  return only === undefined ? NOTHING : left.length === 1 ? only : { kind: 'or', terms: left };
}

const not = (term: SearchQuery): SearchQuery => (isNothing(term) ? ALL : { kind: 'not', term });

function readTerm(name: string, value: Json): SearchQuery | FilterFor {
  switch (name) {
    case 'inMailbox': {
      const wanted = typeof value === 'string' ? folderOf(value) : null;
      return (folder) => (folder.id === wanted ? ALL : NOTHING);
    }
    case 'inMailboxOtherThan': {
      if (!isStrings(value)) throw invalid(name, 'a list of ids');
      const not = new Set<number | null>(value.map(folderOf));
      return (folder) => (not.has(folder.id) ? NOTHING : ALL);
    }
    case 'before':
      return { kind: 'received', from: -Infinity, before: seconds(name, value) };
    case 'after':
      return { kind: 'received', from: seconds(name, value), before: Infinity };
    case 'minSize':
      return { kind: 'larger', octets: whole(name, value) - 1 };
    case 'maxSize':
      return { kind: 'smaller', octets: whole(name, value) };
    case 'hasKeyword':
      return keyword(name, value);
    case 'notKeyword':
      return { kind: 'not', term: keyword(name, value) };
    case 'allInThreadHaveKeyword':
    case 'someInThreadHaveKeyword':
    case 'noneInThreadHaveKeyword': {
      if (typeof value !== 'string' || !isKeyword(value)) throw invalid(name, 'a keyword');
      const lower = value.toLowerCase();
      if (name === 'allInThreadHaveKeyword') return (folder) => folder.threads(lower, 'all');
      if (name === 'someInThreadHaveKeyword') return (folder) => folder.threads(lower, 'some');
      return (folder) => not(folder.threads(lower, 'some'));
    }
    case 'hasAttachment': {
      if (typeof value !== 'boolean') throw invalid(name, 'true or false');
      return async (folder) => (value ? folder.withAttachment() : not(await folder.withAttachment()));
    }
    case 'text':
      return { kind: 'text', text: text(name, value) };
    case 'from':
    case 'to':
    case 'cc':
    case 'bcc':
    case 'subject':
      return { kind: 'header', name, text: text(name, value) };
    case 'body':
      return { kind: 'body', text: text(name, value) };
    case 'header': {
      const [field, wanted = ''] = isStrings(value) ? value : [];
      if (field === undefined || (isStrings(value) && value.length > 2)) throw invalid(name, 'a name and maybe a text');
      return { kind: 'header', name: text(name, field), text: text(name, wanted, 0) };
    }
    default:
      throw new MethodError('unsupportedFilter', `the condition ${name.slice(0, 100)} is not supported`);
  }
}

function keyword(name: string, value: Json): SearchQuery {
  if (typeof value !== 'string' || !isKeyword(value)) throw invalid(name, 'a keyword');
  const lower = value.toLowerCase();
  const mask = Object.hasOwn(FLAGS, lower) ? FLAGS[lower] : undefined;
  return mask === undefined ? { kind: 'keyword', name: lower } : { kind: 'flags', mask };
}

function seconds(name: string, value: Json): number {
  const at = typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(at)) throw invalid(name, 'a UTCDate such as 2026-11-30T12:00:00Z');
  return Math.floor(at / 1000);
}

function whole(name: string, value: Json): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw invalid(name, 'a whole number');
  return value;
}

function text(name: string, value: Json, least = 1): string {
  if (typeof value !== 'string' || value.length < least || value.length > TEXT_CHARACTERS)
    throw invalid(name, `a text of ${least} to ${TEXT_CHARACTERS} characters`);
  return value;
}

const invalid = (name: string, wanted: string): MethodError =>
  new MethodError('invalidArguments', `filter: ${name} must be ${wanted}`, { arguments: ['filter'] });
