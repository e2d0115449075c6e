/** Which folders hide what is within them; kept in this browser for each mailbox. */
import { useCallback, useState } from 'react';
import * as v from 'valibot';

const keyOf = (accountId: string): string => `penfold.mail.closed.${accountId}`;

function stored(accountId: string): ReadonlySet<string> {
  try {
    return new Set(v.parse(v.array(v.string()), JSON.parse(localStorage.getItem(keyOf(accountId)) ?? '[]')));
  } catch {
    return new Set();
  }
}

export function useClosedFolders(accountId: string): {
  readonly closed: ReadonlySet<string>;
  readonly toggle: (id: string) => void;
} {
  const [state, setState] = useState(() => ({ accountId, closed: stored(accountId) }));
  const closed = state.accountId === accountId ? state.closed : stored(accountId);
  const toggle = useCallback(
    (id: string) => {
      const after = new Set(stored(accountId));
      if (!after.delete(id)) after.add(id);
      localStorage.setItem(keyOf(accountId), JSON.stringify([...after]));
      setState({ accountId, closed: after });
    },
    [accountId],
  );
  return { closed, toggle };
}
