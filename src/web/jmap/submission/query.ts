/** Filters and order of EmailSubmission/query (RFC 8621 §7.3). Pure. */
import { isArray, isObject, isStrings, type Json, type JsonObject, property } from '../json.ts';
import { MethodError } from '../method-error.ts';
import type { Submission } from './submissions.ts';

type Fits = (submission: Submission, undoStatus: string) => boolean;
const FILTER_DEPTH = 16;
const FILTERS = 100;

/** @throws MethodError unsupportedFilter, invalidArguments */
export function readSubmissionFilter(filter: JsonObject | null): Fits {
  return filter === null ? () => true : readOne(filter, FILTER_DEPTH);
}

function readOne(filter: JsonObject, depth: number): Fits {
  const operator = property(filter, 'operator');
  if (operator === undefined) return readCondition(filter);
  const conditions = property(filter, 'conditions');
  if (!isArray(conditions) || !conditions.every(isObject)) throw invalid('conditions is a list of filters');
  if (depth === 0 || conditions.length > FILTERS)
    throw new MethodError(
      'unsupportedFilter',
      `filters nest ${FILTER_DEPTH} deep and have ${FILTERS} conditions at most`,
    );
  const inner = conditions.map((one) => readOne(one, depth - 1));
  switch (operator) {
    case 'AND':
      return (...facts) => inner.every((fits) => fits(...facts));
    case 'OR':
      return (...facts) => inner.some((fits) => fits(...facts));
    case 'NOT':
      return (...facts) => !inner.some((fits) => fits(...facts));
    default:
      throw invalid('operator is AND, OR or NOT');
  }
}

function readCondition(condition: JsonObject): Fits {
  const terms = Object.entries(condition).map(([name, value]): Fits => {
    switch (name) {
      case 'identityIds':
        return among(name, value, ({ memo }) => memo.identityId);
      case 'emailIds':
        return among(name, value, ({ memo }) => memo.emailId);
      case 'threadIds':
        return among(name, value, ({ memo }) => memo.threadId);
      case 'undoStatus':
        return (_submission, undoStatus) => undoStatus === value;
      case 'before': {
        const at = time(name, value);
        return ({ mail }) => mail.facts.releaseAt < at;
      }
      case 'after': {
        const at = time(name, value);
        return ({ mail }) => mail.facts.releaseAt >= at;
      }
      default:
        throw new MethodError('unsupportedFilter', `the condition ${name.slice(0, 100)} is not supported`);
    }
  });
  return (...facts) => terms.every((fits) => fits(...facts));
}

function among(name: string, value: Json | undefined, of: (submission: Submission) => string): Fits {
  if (!isStrings(value)) throw invalid(`${name} is a list of ids`);
  const wanted = new Set(value);
  return (submission) => wanted.has(of(submission));
}

function time(name: string, value: Json | undefined): number {
  const at = typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(at)) throw invalid(`${name} is a UTCDate`);
  return at;
}

export type SubmissionOrder = (a: Submission, b: Submission) => number;

/** Newest first when nothing is said. @throws MethodError unsupportedSort */
export function readSubmissionSort(sort: readonly Json[] | null): SubmissionOrder {
  const orders = (sort ?? []).map((comparator): SubmissionOrder => {
    const name = isObject(comparator) ? property(comparator, 'property') : undefined;
    const ascending = isObject(comparator) ? (property(comparator, 'isAscending') ?? true) : true;
    const sign = ascending === true ? 1 : -1;
    switch (name) {
      case 'emailId':
        return (a, b) => sign * order(a.memo.emailId, b.memo.emailId);
      case 'threadId':
        return (a, b) => sign * order(a.memo.threadId, b.memo.threadId);
      // The RFC says sentAt; the property is sendAt.
      case 'sentAt':
      case 'sendAt':
        return (a, b) => sign * (a.mail.facts.releaseAt - b.mail.facts.releaseAt);
      default:
        throw new MethodError('unsupportedSort', 'submissions are sorted by emailId, threadId and sentAt');
    }
  });
  const last: SubmissionOrder = (a, b) => b.mail.facts.releaseAt - a.mail.facts.releaseAt || order(a.id, b.id);
  return (a, b) => {
    for (const compare of [...orders, last]) {
      const difference = compare(a, b);
      if (difference !== 0) return difference;
    }
    return 0;
  };
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const invalid = (text: string): MethodError => new MethodError('invalidArguments', `filter: ${text}`);
