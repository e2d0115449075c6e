/** What stands where there is nothing yet, nothing at all, or something wrong; and small words about a state. */
import { CircleAlert, CircleCheck, Info, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from './button.tsx';
import styles from './state.module.css';

export function Loading(): ReactNode {
  const { t } = useTranslation('app');
  return (
    <div className={styles.panel} role="status">
      <div className={styles.spinner} aria-hidden />
      <span className="visually-hidden">{t('loading')}</span>
    </div>
  );
}

export function Empty(props: {
  readonly title: string;
  readonly text?: string;
  readonly icon?: ReactNode;
  readonly children?: ReactNode;
}): ReactNode {
  return (
    <div className={styles.panel}>
      {props.icon}
      <h2>{props.title}</h2>
      {props.text !== undefined && <p>{props.text}</p>}
      {props.children}
    </div>
  );
}

/** Something could not be loaded; what the server said, and another try. */
export function Failed({ error, onRetry }: { readonly error: unknown; readonly onRetry?: () => void }): ReactNode {
  const { t } = useTranslation('app');
  return (
    <div className={styles.panel} role="alert">
      <CircleAlert size={32} aria-hidden />
      <h2>{t('failure.title')}</h2>
      <p>{error instanceof Error ? error.message : String(error)}</p>
      {onRetry !== undefined && <Button onPress={onRetry}>{t('failure.retry')}</Button>}
    </div>
  );
}

export type Tone = 'info' | 'success' | 'warning' | 'error';
const ICONS = { info: Info, success: CircleCheck, warning: TriangleAlert, error: CircleAlert } as const;

export function Notice({ tone = 'info', children }: { readonly tone?: Tone; readonly children: ReactNode }): ReactNode {
  const Icon = ICONS[tone];
  return (
    <div className={`${styles.notice} ${styles[tone] ?? ''}`} role={tone === 'error' ? 'alert' : 'note'}>
      <Icon size={18} aria-hidden />
      <div>{children}</div>
    </div>
  );
}

export function Badge({ tone = 'info', children }: { readonly tone?: Tone; readonly children: ReactNode }): ReactNode {
  return <span className={`${styles.badge} ${styles[tone] ?? ''}`}>{children}</span>;
}
