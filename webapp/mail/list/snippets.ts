/** Where the words looked for stand in the messages found (RFC 8621 §5), for the rows in sight. */
import { useEffect, useState } from 'react';
import type { Snippet } from '../methods.ts';
import { snippetGet } from '../methods.ts';
import type { ListSpec } from '../store/list-spec.ts';
import type { MailStore } from '../store/mail-store.ts';

/** `ids` null: nothing is being looked for. */
export function useSnippets(
  store: MailStore,
  spec: ListSpec,
  ids: readonly string[] | null,
): ReadonlyMap<string, Snippet> {
  const [snippets, setSnippets] = useState<ReadonlyMap<string, Snippet>>(new Map());
  const missing = ids?.filter((id) => !snippets.has(id)).join(' ') ?? '';
  useEffect(() => {
    if (missing === '') return;
    let isOver = false;
    store.client
      .call(snippetGet, { accountId: store.accountId, filter: spec.filter, emailIds: missing.split(' ') })
      .then(
        ({ list }) => {
          if (!isOver) setSnippets((before) => new Map([...before, ...list.map((one) => [one.emailId, one] as const)]));
        },
        // The rows show the beginning of the message instead.
        () => {},
      );
    return () => {
      isOver = true;
    };
  }, [missing, store, spec.filter]);
  return snippets;
}
