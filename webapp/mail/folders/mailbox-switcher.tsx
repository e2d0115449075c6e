/** Which mailbox is open, when there are several: the person's own, and those shared with him. */
import { Check, ChevronsUpDown } from 'lucide-react';
import type { ReactNode } from 'react';
import { Button } from 'react-aria-components/Button';
import { useTranslation } from 'react-i18next';
import { useJmap, useOwnAccount } from '../../jmap/mailbox.tsx';
import { CAPABILITIES } from '../../jmap/session.ts';
import { Avatar } from '../../ui/avatar.tsx';
import { Menu, MenuItem } from '../../ui/menu.tsx';
import { useMail } from '../mail-context.tsx';
import styles from './folder-pane.module.css';

export function MailboxSwitcher(): ReactNode {
  const { t } = useTranslation('mail');
  const { session } = useJmap();
  const own = useOwnAccount();
  const { store, go } = useMail();
  const accounts = Object.entries(session.accounts).filter(
    ([, account]) => account.accountCapabilities[CAPABILITIES.mail] !== undefined,
  );
  if (accounts.length < 2) return null;
  const here = session.accounts[store.accountId];
  const name = here?.name ?? '';
  return (
    <div className={styles.switcher}>
      <Menu
        label={t('mailboxes.label')}
        trigger={
          <Button className={styles.switch} aria-label={t('mailboxes.switch', { name })}>
            <Avatar name={name} address={name} size={28} />
            <span className={styles.name}>
              {name}
              {store.isReadOnly && <small>{t('mailboxes.readOnly')}</small>}
            </span>
            <ChevronsUpDown size={16} aria-hidden />
          </Button>
        }
      >
        {accounts.map(([id, account]) => (
          <MenuItem
            key={id}
            id={id}
            label={account.isReadOnly ? `${account.name} · ${t('mailboxes.readOnly')}` : account.name}
            icon={id === store.accountId ? <Check size={16} /> : <span style={{ width: 16 }} />}
            onAction={() => go({ account: id === own ? null : id, folder: 'inbox', item: null, search: null })}
          />
        ))}
      </Menu>
    </div>
  );
}
