/**
 * Where in the mail the person is, as the address says it: `/inbox/T12`, `/F7`, `/account/A3/sent`, with a search in
 * the query. Folders with a role have its name, so that links are the same in every mailbox. Pure.
 */

/** Recoverable items are no Mailbox. */
export const RECOVERABLE = 'recoverable';

export interface MailPlace {
  /** Null: the person's own mailbox. */
  readonly account: string | null;
  /** Role, id, or `recoverable`. */
  readonly folder: string;
  /** Id of a Thread or an Email; null: the list. */
  readonly item: string | null;
  /** As it was typed; null: no search. */
  readonly search: string | null;
  /** The search goes through all folders. */
  readonly everywhere: boolean;
}

/** `path` within the mail page: begins with a slash. */
export function readPlace(path: string, query: string): MailPlace {
  const steps = path
    .split('/')
    .filter((step) => step !== '')
    .map(decoded);
  const isOther = steps[0] === 'account';
  const account = isOther ? (steps[1] ?? null) : null;
  const [folder = 'inbox', item = null] = isOther ? steps.slice(2) : steps;
  const params = new URLSearchParams(query);
  const search = params.get('q');
  return {
    account,
    folder,
    item,
    search: search === null || search.trim() === '' ? null : search,
    everywhere: params.get('in') !== 'folder',
  };
}

export function placePath(place: MailPlace): string {
  const steps = [
    ...(place.account === null ? [] : ['account', place.account]),
    place.folder,
    ...(place.item === null ? [] : [place.item]),
  ];
  const params = new URLSearchParams();
  if (place.search !== null) {
    params.set('q', place.search);
    if (!place.everywhere) params.set('in', 'folder');
  }
  const query = params.toString();
  return `/${steps.map(encodeURIComponent).join('/')}${query === '' ? '' : `?${query}`}`;
}

function decoded(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    // A mistyped address names no folder, and the page says so.
    return step;
  }
}
