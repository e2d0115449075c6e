/** Completion of addresses: people one has written to, read from Sent once and counted on. */
import { useQuery } from '@tanstack/react-query';
import { useCallback, useMemo } from 'react';
import type { JmapClient } from '../jmap/client.ts';
import { useJmap } from '../jmap/mailbox.tsx';
import { ownAccount } from '../jmap/session.ts';
import { STORAGE_PREFIX } from './fields/address-storage.ts';
import type { Address } from './fields/address-list.ts';
import {
  NOBODY,
  readRemembered,
  remember,
  type Remembered,
  suggestions,
  writtenRemembered,
} from './fields/known-addresses.ts';
import { type Message, recipientsOfMessage } from './message.ts';
import { emailQuery, recipientsGet, rolesGet } from './methods.ts';

export interface KnownAddresses {
  readonly suggest: (typed: string, taken: ReadonlySet<string>) => readonly Address[];
  readonly noteSent: (message: Message) => void;
}

/** Messages that are looked at for a beginning, the newest first. */
const SENT_MESSAGES = 500;

export function useKnownAddresses(): KnownAddresses {
  const { client, session } = useJmap();
  const accountId = ownAccount(session);
  const known = useQuery({
    // No data type of JMAP in the key: what is remembered here changes by what is sent here.
    queryKey: [accountId, 'penfold.known-addresses'],
    queryFn: () => (accountId === null ? NOBODY : knownOf(client, accountId)),
    staleTime: 'static',
  });
  const noteSent = useCallback(
    (message: Message) => {
      if (accountId === null) return;
      const now = Date.now();
      store(
        accountId,
        remember(
          stored(accountId),
          [{ sentAt: now, recipients: recipientsOfMessage(message) }],
          new Date(now).toISOString(),
        ),
      );
      void known.refetch();
    },
    [accountId, known],
  );
  const remembered = known.data ?? NOBODY;
  const suggest = useCallback(
    (typed: string, taken: ReadonlySet<string>) => suggestions(typed, remembered, { taken, now: Date.now() }),
    [remembered],
  );
  return useMemo(() => ({ suggest, noteSent }), [suggest, noteSent]);
}

const stored = (accountId: string): Remembered => readRemembered(localStorage.getItem(STORAGE_PREFIX + accountId));

function store(accountId: string, remembered: Remembered): void {
  try {
    localStorage.setItem(STORAGE_PREFIX + accountId, writtenRemembered(remembered));
  } catch {
    // The browser keeps nothing more: completion knows them for as long as the page is open.
  }
}

/** What was sent since the last look, by any program, is counted in. */
async function knownOf(client: JmapClient, accountId: string): Promise<Remembered> {
  const before = stored(accountId);
  const { list: folders } = await client.call(rolesGet, { accountId, ids: null, properties: ['id', 'role'] });
  const sent = folders.find(({ role }) => role === 'sent');
  if (sent === undefined) return before;
  const { list } = await client.together(async (call) => {
    const query = call(emailQuery, {
      accountId,
      filter: { inMailbox: sent.id, ...(before.until === '' ? {} : { after: before.until }) },
      sort: [{ property: 'receivedAt', isAscending: false }],
      limit: SENT_MESSAGES,
    });
    const get = call(recipientsGet, {
      accountId,
      '#ids': query.ref('/ids'),
      properties: ['id', 'receivedAt', 'to', 'cc', 'bcc'],
    });
    const [, answer] = await Promise.all([query.answer, get.answer]);
    return answer;
  });
  const messages = list.map(({ receivedAt, to, cc, bcc }) => ({
    sentAt: Date.parse(receivedAt),
    recipients: [...to, ...cc, ...bcc],
  }));
  // `after` holds what came at that moment, too.
  const fresh = messages.filter(({ sentAt }) => before.until === '' || sentAt > Date.parse(before.until));
  const until = fresh.reduce((latest, { sentAt }) => Math.max(latest, sentAt), Date.parse(before.until) || 0);
  const after = remember(before, fresh, until === 0 ? before.until : new Date(until).toISOString());
  store(accountId, after);
  return after;
}
