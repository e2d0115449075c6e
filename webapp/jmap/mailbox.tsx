/**
 * The signed-in person's JMAP for React: the client, push, and the rule that query keys begin with
 * [account id, data type], so that a pushed change of a type makes exactly the queries on it fresh.
 */
import { useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef, useState } from 'react';
import { JmapClient } from './client.ts';
import { Push, type StateChange } from './push.ts';
import { ownAccount, type Session, WEBSOCKET } from './session.ts';

type ChangeListener = (change: StateChange) => void;

interface Jmap {
  readonly client: JmapClient;
  readonly session: Session;
  readonly isConnected: boolean;
  /** Tries to connect again at once. */
  readonly reconnect: () => void;
  /** For pages that do better than fetching again. Returns the way to stop. */
  readonly onChange: (listener: ChangeListener) => () => void;
}

const JmapContext = createContext<Jmap | null>(null);

export function JmapProvider(props: {
  readonly session: Session;
  readonly onSignedOut: () => void;
  readonly onSessionChange: () => void;
  readonly children: ReactNode;
}): ReactNode {
  const { session, onSignedOut, onSessionChange, children } = props;
  const queries = useQueryClient();
  const [isConnected, setConnected] = useState(true);
  const listeners = useRef(new Set<ChangeListener>());
  const push = useRef<Push | null>(null);
  const client = useMemo(
    () => new JmapClient(session, { onSignedOut, onSessionChange }),
    [session, onSignedOut, onSessionChange],
  );
  const webSocketUrl = session.capabilities[WEBSOCKET].url;
  useEffect(() => {
    const opened = new Push(webSocketUrl, {
      onChange: (change) => {
        for (const listener of listeners.current) listener(change);
        // What is being fetched this moment is fresh when it comes.
        for (const type of Object.keys(change.states))
          void queries.invalidateQueries(
            { queryKey: [change.accountId, type], predicate: ({ state }) => state.dataUpdatedAt > 0 },
            { cancelRefetch: true },
          );
      },
      onGap: () => void queries.invalidateQueries(),
      onConnected: setConnected,
      onDoubt: onSessionChange,
    });
    push.current = opened;
    const online = (): void => opened.retry();
    window.addEventListener('online', online);
    return () => {
      window.removeEventListener('online', online);
      opened.close();
    };
  }, [webSocketUrl, queries, onSessionChange]);
  const value = useMemo<Jmap>(
    () => ({
      client,
      session,
      isConnected,
      reconnect: () => push.current?.retry(),
      onChange: (listener) => {
        listeners.current.add(listener);
        return () => void listeners.current.delete(listener);
      },
    }),
    [client, session, isConnected],
  );
  return <JmapContext value={value}>{children}</JmapContext>;
}

export function useJmap(): Jmap {
  const jmap = useContext(JmapContext);
  if (jmap === null) throw new Error('useJmap outside of JmapProvider');
  return jmap;
}

/** For pages that only exist for people with a mailbox. */
export function useOwnAccount(): string {
  const account = ownAccount(useJmap().session);
  if (account === null) throw new Error('this page needs a mailbox');
  return account;
}

/** Hears every pushed change while the component is there. */
export function useStateChange(listener: ChangeListener): void {
  const { onChange } = useJmap();
  const latest = useRef(listener);
  useEffect(() => {
    latest.current = listener;
  });
  useEffect(() => onChange((change) => latest.current(change)), [onChange]);
}
