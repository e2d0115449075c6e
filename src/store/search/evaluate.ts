/**
 * Evaluates a search query (RFC 9051 §6.4.4) over one folder: what costs least first, and each term sees only the
 * candidates that the terms before it left. Columns cost a nanosecond a message, fragments and texts a microsecond
 * or more and a read.
 */
import { unreachable } from '../../observe/failure.ts';
import { isColumnTerm, selectByColumns } from './column-terms.ts';
import { isFragmentField, selectByFragment } from './fragment-terms.ts';
import { foldNeedle } from './needle.ts';
import type { SearchQuery } from './query.ts';
import { type Selection, join, without } from './selection.ts';
import type { SearchRun } from './search-run.ts';
import { selectByHeaderField, selectByText } from './text-terms.ts';

/** Those of `selection` that match. Depth of recursion is that of the query, which its parser bounds. */
export async function evaluate(run: SearchRun, query: SearchQuery, selection: Selection): Promise<Selection> {
  if (selection.length === 0) return selection;
  if (isColumnTerm(query)) {
    const { candidates } = run;
    const found = selectByColumns(query, candidates.view, candidates.uids, candidates.rows(), selection, run.now);
    if (run.slice.due()) await run.slice.pause();
    return found;
  }
  switch (query.kind) {
    case 'and': {
      let left = selection;
      for (const term of byCost(query.terms)) left = await evaluate(run, term, left);
      return left;
    }
    case 'or': {
      let found: Selection = new Uint32Array(0);
      let left = selection;
      for (const term of byCost(query.terms)) {
        const more = await evaluate(run, term, left);
        found = join(found, more);
        left = without(left, more);
      }
      return found;
    }
    case 'not':
      return without(selection, await evaluate(run, query.term, selection));
    case 'header': {
      const needle = foldNeedle(query.text);
      const name = query.name.toLowerCase();
      /* A fragment does not tell an empty field from a missing one. */
      if (needle.length > 0 && isFragmentField(name)) return selectByFragment(run, name, needle, selection);
      return selectByHeaderField(run, name, needle, selection);
    }
    case 'body':
      return selectByText(run, 'body', foldNeedle(query.text), selection);
    case 'text': {
      const needle = foldNeedle(query.text);
      const inHeader = await selectByText(run, 'header', needle, selection);
      return join(inHeader, await selectByText(run, 'body', needle, without(selection, inHeader)));
    }
    default:
      return unreachable(query);
  }
}

function byCost(terms: readonly SearchQuery[]): readonly SearchQuery[] {
  return [...terms].sort((a, b) => cost(a) - cost(b));
}

/** Relative cost of a term a message: columns, fragments, header texts, body texts, both. */
function cost(query: SearchQuery): number {
  switch (query.kind) {
    case 'header':
      return query.text !== '' && isFragmentField(query.name.toLowerCase()) ? 1 : 2;
    case 'body':
      return 3;
    case 'text':
      return 4;
    case 'not':
      return cost(query.term);
    case 'and':
    case 'or':
      return query.terms.reduce((most, term) => Math.max(most, cost(term)), 0);
    default:
      return 0;
  }
}
