/**
 * The way into writing: `useComposer()` opens a window on a new message, an answer, a draft. The windows themselves come
 * when the first one is opened. Stands above the pages, so that a message stays while one reads on.
 */
import {
  createContext,
  lazy,
  type ReactNode,
  Suspense,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useState,
} from 'react';
import { useJmap } from '../jmap/mailbox.tsx';
import { ownAccount } from '../jmap/session.ts';
import { openDrafts } from './open-drafts.ts';
import type { ComposerRequest, OpenedComposer } from './request.ts';

const ComposerWindows = lazy(() => import('./composer-windows.tsx'));

export type { ComposerRequest } from './request.ts';

const ComposerContext = createContext<((request: ComposerRequest) => void) | null>(null);

export function ComposerProvider({ children }: { readonly children: ReactNode }): ReactNode {
  const accountId = ownAccount(useJmap().session);
  const [opened, setOpened] = useState<readonly OpenedComposer[]>(() => askedFor(accountId));
  const open = useCallback((request: ComposerRequest) => {
    setOpened((all) => {
      const next = (all.at(-1)?.key ?? 0) + 1;
      const same = all.find(({ key }) => isOpen(key, request));
      // It comes to the front: the newest call for attention wins.
      if (same !== undefined) return all.map((one) => (one === same ? { ...one, calls: one.calls + 1 } : one));
      if (request.kind === 'draft') openDrafts.set(next, request);
      return [...all, { key: next, calls: 0, request }];
    });
  }, []);
  useEffect(() => {
    const address = new URL(window.location.href);
    if (!address.searchParams.has(MAILTO)) return;
    address.searchParams.delete(MAILTO);
    window.history.replaceState(window.history.state, '', address);
  }, []);
  const close = useCallback((key: number) => setOpened((all) => all.filter((one) => one.key !== key)), []);
  const windows = useMemo(
    () => opened.length > 0 && <ComposerWindows opened={opened} onClose={close} />,
    [opened, close],
  );
  return (
    <ComposerContext value={open}>
      {children}
      <Suspense fallback={null}>{windows}</Suspense>
    </ComposerContext>
  );
}

/** Where a browser or a desktop hands over links of mail: `/mail?mailto=mailto%3A…`. */
const MAILTO = 'mailto';

function askedFor(accountId: string | null): readonly OpenedComposer[] {
  const href = new URLSearchParams(window.location.search).get(MAILTO);
  if (href === null || accountId === null) return [];
  return [{ key: 1, calls: 0, request: { accountId, kind: 'mailto', href } }];
}

/** The same function for as long as the person is signed in. */
export function useComposer(): (request: ComposerRequest) => void {
  const open = useContext(ComposerContext);
  if (open === null) throw new Error('useComposer outside of ComposerProvider');
  return open;
}

function isOpen(key: number, request: ComposerRequest): boolean {
  if (request.kind !== 'draft') return false;
  const draft = openDrafts.get(key);
  return draft?.accountId === request.accountId && draft.emailId === request.emailId;
}
