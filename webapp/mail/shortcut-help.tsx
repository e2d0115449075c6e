/** All keys of the mail page, out of the table that acts on them. */
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Dialog } from '../ui/dialog.tsx';
import { SHORTCUTS } from './shortcuts.ts';
import styles from './shortcut-help.module.css';

const GROUPS = ['moving', 'messages', 'writing', 'going', 'other'] as const;
const SIGNS: Readonly<Record<string, string>> = {
  ArrowDown: '↓',
  ArrowUp: '↑',
  Escape: 'Esc',
  Delete: 'Del',
};

export default function ShortcutHelp({ onClose }: { readonly onClose: () => void }): ReactNode {
  const { t } = useTranslation('mail');
  return (
    <Dialog title={t('keys.title')} isOpen isWide onClose={onClose}>
      <div className={styles.groups}>
        {GROUPS.map((group) => (
          <section key={group}>
            <h3>{t(`keys.groups.${group}`)}</h3>
            <dl className={styles.keys}>
              {SHORTCUTS.filter((shortcut) => shortcut.group === group).map(({ command, keys }) => (
                <div key={command}>
                  <dt>
                    {keys.map((key, at) => (
                      <span key={key}>
                        {at > 0 && ` ${t('keys.or')} `}
                        {key.split(' ').map((one) => (
                          <kbd key={one}>{SIGNS[one] ?? one}</kbd>
                        ))}
                      </span>
                    ))}
                  </dt>
                  <dd>{t(`keys.commands.${command}`)}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
