/** What can be done with what is open. */
import {
  Archive,
  ArchiveRestore,
  ArrowLeft,
  Ellipsis,
  Flag,
  FolderInput,
  Mail as MailSign,
  OctagonAlert,
  Printer,
  Rows3,
  Trash2,
} from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '../../ui/button.tsx';
import { Menu, MenuItem, MenuSeparator } from '../../ui/menu.tsx';
import { useActions } from '../actions/actions-context.tsx';
import { isFlagged } from '../conversation.ts';
import { useLayout } from '../layout.ts';
import { useMail } from '../mail-context.tsx';
import type { Email } from '../methods.ts';
import styles from './reading-pane.module.css';

export function ReadingTools({ emails }: { readonly emails: readonly Email[] }): ReactNode {
  const { t } = useTranslation('mail');
  const { store, folder, place, go } = useMail();
  const actions = useActions();
  const layout = useLayout();
  const here = folder === null ? emails : emails.filter((email) => email.mailboxIds[folder.id] === true);
  const row = (here.length === 0 ? emails : here).at(-1);
  if (row === undefined) return null;
  const targets = { rows: [row.id], isAll: false };
  const isJunk = folder?.role === 'junk';
  const flagged = emails.some(isFlagged);
  const may = !store.isReadOnly;
  return (
    <div className={styles.tools} role="toolbar" aria-label={t('reading.tools')}>
      {layout === 'one' && (
        <IconButton label={t('reading.back')} icon={<ArrowLeft size={20} />} onPress={() => go({ item: null })} />
      )}
      {may && (
        <>
          {folder?.role !== 'archive' && (
            <IconButton
              label={t('actions.archive')}
              shortcut="e"
              icon={<Archive size={18} />}
              onPress={() => actions.archive(targets)}
            />
          )}
          <IconButton
            label={t(folder?.role === 'trash' && place.search === null ? 'actions.destroy' : 'actions.delete')}
            shortcut="#"
            icon={<Trash2 size={18} />}
            onPress={() => actions.remove(targets)}
          />
          <IconButton
            label={t(isJunk ? 'actions.notJunk' : 'actions.junk')}
            shortcut="!"
            icon={isJunk ? <ArchiveRestore size={18} /> : <OctagonAlert size={18} />}
            onPress={() => actions.junk(!isJunk, targets)}
          />
          <span className={styles.divider} />
          <IconButton
            label={t('actions.move')}
            shortcut="v"
            icon={<FolderInput size={18} />}
            onPress={() => actions.pick('move', targets)}
          />
          <IconButton
            label={t('actions.markUnread')}
            shortcut="Shift+U"
            icon={<MailSign size={18} />}
            onPress={() => {
              actions.mark('unread', targets);
              if (layout === 'one') go({ item: null });
            }}
          />
          <IconButton
            label={t(flagged ? 'actions.unflag' : 'actions.flag')}
            shortcut="s"
            icon={<Flag size={18} className={flagged ? styles.flagged : undefined} />}
            onPress={() => actions.mark(flagged ? 'unflag' : 'flag', targets)}
          />
        </>
      )}
      <span className={styles.gap} />
      <Menu
        label={t('actions.more')}
        placement="bottom end"
        trigger={<IconButton label={t('actions.more')} icon={<Ellipsis size={18} />} />}
      >
        {may && (
          <MenuItem
            label={t('actions.copy')}
            icon={<FolderInput size={16} />}
            onAction={() => actions.pick('copy', targets)}
          />
        )}
        {emails.length > 1 && (
          <MenuItem
            label={t('reading.expandAll')}
            shortcut=";"
            icon={<Rows3 size={16} />}
            onAction={() => document.dispatchEvent(new CustomEvent('penfold:expand-all'))}
          />
        )}
        <MenuSeparator />
        <MenuItem label={t('reading.print')} icon={<Printer size={16} />} onAction={() => window.print()} />
      </Menu>
    </div>
  );
}
