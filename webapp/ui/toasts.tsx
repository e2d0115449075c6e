/**
 * Short news at the foot of the page: what was done, with a way back where there is one; what failed. Told to screen
 * readers; stays while the pointer or focus is on it.
 */
import { X } from 'lucide-react';
import { createContext, type ReactNode, useCallback, useContext, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import styles from './toasts.module.css';

export interface Toast {
  readonly text: string;
  readonly isError?: boolean;
  /** Way back, or on. */
  readonly action?: { readonly label: string; readonly run: () => void };
  /** Milliseconds; the usual time when missing. */
  readonly forMs?: number;
  /** Told when it is gone without its action. */
  readonly onGone?: () => void;
}

interface Shown extends Toast {
  readonly id: number;
}

const SHOWN_MS = 6_000;
const MOST = 3;

const ToastContext = createContext<((toast: Toast) => void) | null>(null);

export function ToastProvider({ children }: { readonly children: ReactNode }): ReactNode {
  const { t } = useTranslation('app');
  const [toasts, setToasts] = useState<readonly Shown[]>([]);
  const next = useRef(0);
  const timers = useRef(new Map<number, number>());
  const present = useRef<Shown[]>([]);
  const remove = useCallback((shown: Shown, isGone: boolean) => {
    if (!present.current.includes(shown)) return;
    present.current = present.current.filter((one) => one !== shown);
    clearTimeout(timers.current.get(shown.id));
    timers.current.delete(shown.id);
    setToasts((all) => all.filter(({ id }) => id !== shown.id));
    if (isGone) shown.onGone?.();
  }, []);
  const wait = useCallback(
    (shown: Shown) => {
      clearTimeout(timers.current.get(shown.id));
      timers.current.set(
        shown.id,
        window.setTimeout(() => remove(shown, true), shown.forMs ?? SHOWN_MS),
      );
    },
    [remove],
  );
  const show = useMemo(
    () => (toast: Toast) => {
      next.current += 1;
      const shown: Shown = { ...toast, id: next.current };
      present.current.push(shown);
      // Those that make room are told so: some do what they announced only when nobody has taken it back.
      for (const old of present.current.slice(0, -MOST)) remove(old, true);
      setToasts((all) => [...all, shown]);
      wait(shown);
    },
    [remove, wait],
  );
  return (
    <ToastContext value={show}>
      {children}
      <div className={styles.region} role="status" aria-live="polite">
        {toasts.map((one) => (
          <div
            key={one.id}
            className={one.isError === true ? `${styles.toast} ${styles.error}` : styles.toast}
            onPointerEnter={() => clearTimeout(timers.current.get(one.id))}
            onPointerLeave={() => wait(one)}
            onFocus={() => clearTimeout(timers.current.get(one.id))}
            onBlur={() => wait(one)}
          >
            <span>{one.text}</span>
            {one.action !== undefined && (
              <button
                type="button"
                className={styles.action}
                onClick={() => {
                  one.action?.run();
                  remove(one, false);
                }}
              >
                {one.action.label}
              </button>
            )}
            <button type="button" className={styles.action} aria-label={t('dismiss')} onClick={() => remove(one, true)}>
              <X size={16} aria-hidden />
            </button>
          </div>
        ))}
      </div>
    </ToastContext>
  );
}

export function useToast(): (toast: Toast) => void {
  const show = useContext(ToastContext);
  if (show === null) throw new Error('useToast outside of ToastProvider');
  return show;
}
