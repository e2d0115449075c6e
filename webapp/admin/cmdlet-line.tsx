/** The line that does the same in the shell, to be copied. */
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { CopyButton } from '../ui/copy-button.tsx';
import styles from './cmdlet-line.module.css';

export function CmdletLine({ line }: { readonly line: string }): ReactNode {
  const { t } = useTranslation('admin');
  return (
    <div className={styles.line} role="group" aria-label={t('line')}>
      <code>{line}</code>
      <CopyButton text={line} label={t('copyLine')} />
    </div>
  );
}
