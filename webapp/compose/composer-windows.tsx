/** The windows in which messages are written: side by side at the foot of the page; on a narrow screen one, all of it. */
import { type ReactNode, useEffect, useState, useSyncExternalStore } from 'react';
import { FailureBoundary } from '../ui/failure-boundary.tsx';
import type { OpenedComposer } from './request.ts';
import { ComposerWindow } from './window/composer-window.tsx';
import styles from './window/window.module.css';

const NARROW = '(max-width: 767px)';
/** A window and the space beside it. */
const WINDOW_PIXELS = 600;

export type View = 'docked' | 'minimized' | 'full';

export default function ComposerWindows(props: {
  readonly opened: readonly OpenedComposer[];
  readonly onClose: (key: number) => void;
}): ReactNode {
  const { opened, onClose } = props;
  const isNarrow = useIsNarrow();
  const [views, setViews] = useState<ReadonlyMap<number, View>>(new Map());
  /** The last one that was asked for stands in front. */
  const [front, setFront] = useState(0);
  const calls = opened.map(({ key, calls: count }) => `${key}:${count}`).join(' ');

  useEffect(() => {
    const newest = opened.at(-1);
    if (newest === undefined) return;
    setFront(newest.key);
    setViews((present) => {
      const next = new Map(present);
      next.set(newest.key, 'docked');
      // What no longer fits beside each other is minimized, the oldest first.
      const room = Math.max(1, Math.floor(window.innerWidth / WINDOW_PIXELS));
      const docked = opened.filter(({ key }) => (next.get(key) ?? 'docked') === 'docked');
      for (const { key } of docked.slice(0, Math.max(0, docked.length - room))) next.set(key, 'minimized');
      for (const { key } of opened) if (key !== newest.key && next.get(key) === 'full') next.set(key, 'minimized');
      return next;
    });
    // The list itself changes with every window that is closed, too.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [calls]);

  const setView = (key: number, view: View): void => {
    setViews((present) => new Map(present).set(key, view));
    if (view !== 'minimized') setFront(key);
  };
  return (
    <div className={styles.dock}>
      {opened.map((one) => (
        <FailureBoundary key={one.key}>
          <ComposerWindow
            opened={one}
            view={isNarrow ? 'full' : (views.get(one.key) ?? 'docked')}
            isNarrow={isNarrow}
            isCovered={isNarrow && front !== one.key && opened.some(({ key }) => key === front)}
            onView={(view) => setView(one.key, view)}
            onClose={() => onClose(one.key)}
          />
        </FailureBoundary>
      ))}
    </div>
  );
}

function useIsNarrow(): boolean {
  return useSyncExternalStore(
    (changed) => {
      const query = window.matchMedia(NARROW);
      query.addEventListener('change', changed);
      return () => query.removeEventListener('change', changed);
    },
    () => window.matchMedia(NARROW).matches,
  );
}
