/** Above the rows: the folder or search and how it is shown; once something is chosen, what can be done with it. */
import {
  Archive,
  ArchiveRestore,
  Ellipsis,
  Flag,
  FolderInput,
  ListChecks,
  ListFilter,
  Mail as MailSign,
  MailOpen,
  OctagonAlert,
  Trash2,
  X,
} from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '../../ui/button.tsx';
import { Menu, MenuItem, MenuSection, MenuSeparator } from '../../ui/menu.tsx';
import { useActions } from '../actions/actions-context.tsx';
import { useFolderName, useMail } from '../mail-context.tsx';
import { ALL, isEmpty, NONE } from '../selection.ts';
import { QUICK_FILTERS } from './shown-list.ts';
import styles from './list-pane.module.css';

export function ListHeader(): ReactNode {
  const { selection } = useMail();
  return isEmpty(selection) ? <Heading /> : <ChosenHeading />;
}

function Heading(): ReactNode {
  const { t } = useTranslation('mail');
  const { store, spec, place, folder, quickFilter, setQuickFilter, isConversations, setConversations, setSelection } =
    useMail();
  const folderName = useFolderName();
  const total = spec === null ? null : store.list(spec).total;
  const title = place.search !== null ? t('list.results') : folder === null ? '' : folderName(folder);
  const things = spec?.isCollapsed === true ? 'conversations' : 'messages';
  const counts = [
    total === null ? '' : t(`count.${things}`, { count: total }),
    place.search === null && folder !== null && folder.unreadEmails > 0 && folder.role !== 'drafts'
      ? t('list.unread', { count: folder.unreadEmails })
      : '',
    quickFilter === 'all' ? '' : t(`list.filters.${quickFilter}`),
  ].filter((text) => text !== '');
  return (
    <div className={styles.header}>
      <div className={styles.title}>
        <h1>{title}</h1>
        <p>{counts.join(' · ')}</p>
      </div>
      <IconButton
        label={t('list.chooseAll')}
        shortcut="* a"
        icon={<ListChecks size={18} />}
        isDisabled={total === 0}
        onPress={() => setSelection(ALL)}
      />
      <Menu
        label={t('list.view')}
        placement="bottom end"
        trigger={
          <IconButton label={t('list.view')} icon={<ListFilter size={18} />} aria-pressed={quickFilter !== 'all'} />
        }
      >
        <MenuSection
          label={t('list.filter')}
          selectionMode="single"
          disallowEmptySelection
          selectedKeys={[quickFilter]}
          onSelectionChange={(keys) => {
            const chosen = QUICK_FILTERS.find((one) => keys === 'all' || keys.has(one));
            if (chosen !== undefined) setQuickFilter(chosen);
          }}
        >
          {QUICK_FILTERS.map((one) => (
            <MenuItem key={one} id={one} label={t(`list.filters.${one}`)} />
          ))}
        </MenuSection>
        <MenuSection
          label={t('list.show')}
          selectionMode="single"
          disallowEmptySelection
          selectedKeys={[isConversations ? 'conversations' : 'messages']}
          onSelectionChange={(keys) => setConversations(keys === 'all' || keys.has('conversations'))}
        >
          <MenuItem id="conversations" label={t('list.conversations')} />
          <MenuItem id="messages" label={t('list.messages')} />
        </MenuSection>
      </Menu>
    </div>
  );
}

function ChosenHeading(): ReactNode {
  const { t } = useTranslation('mail');
  const { store, spec, folder, selection, setSelection } = useMail();
  const actions = useActions();
  const count = selection.isAll && spec !== null ? (store.list(spec).total ?? 0) : selection.ids.size;
  const isUnread = [...selection.ids].some((id) => store.email(id)?.keywords['$seen'] !== true) || selection.isAll;
  const isJunk = folder?.role === 'junk';
  const may = !store.isReadOnly;
  return (
    <div className={`${styles.header} ${styles.chosen}`} role="toolbar" aria-label={t('list.chosenTools')}>
      <IconButton
        label={t('list.chooseNone')}
        shortcut="Esc"
        icon={<X size={18} />}
        onPress={() => setSelection(NONE)}
      />
      <div className={styles.title} role="status">
        {t('list.selected', { count })}
      </div>
      {may && (
        <div className={styles.tools}>
          {folder?.role !== 'archive' && (
            <IconButton
              label={t('actions.archive')}
              shortcut="e"
              icon={<Archive size={18} />}
              onPress={() => actions.archive()}
            />
          )}
          <IconButton
            label={t(folder?.role === 'trash' ? 'actions.destroy' : 'actions.delete')}
            shortcut="#"
            icon={<Trash2 size={18} />}
            onPress={() => actions.remove()}
          />
          <IconButton
            label={t('actions.move')}
            shortcut="v"
            icon={<FolderInput size={18} />}
            onPress={() => actions.pick('move')}
          />
          <Menu
            label={t('actions.more')}
            placement="bottom end"
            trigger={<IconButton label={t('actions.more')} icon={<Ellipsis size={18} />} />}
          >
            <MenuItem
              label={t('actions.markRead')}
              shortcut="Shift+I"
              icon={<MailOpen size={16} />}
              isDisabled={!isUnread}
              onAction={() => actions.mark('read')}
            />
            <MenuItem
              label={t('actions.markUnread')}
              shortcut="Shift+U"
              icon={<MailSign size={16} />}
              onAction={() => actions.mark('unread')}
            />
            <MenuItem
              label={t('actions.flag')}
              shortcut="s"
              icon={<Flag size={16} />}
              onAction={() => actions.mark('flag')}
            />
            <MenuItem label={t('actions.unflag')} icon={<Flag size={16} />} onAction={() => actions.mark('unflag')} />
            <MenuSeparator />
            <MenuItem
              label={t('actions.copy')}
              icon={<FolderInput size={16} />}
              onAction={() => actions.pick('copy')}
            />
            <MenuItem
              label={t(isJunk ? 'actions.notJunk' : 'actions.junk')}
              shortcut="!"
              icon={isJunk ? <ArchiveRestore size={16} /> : <OctagonAlert size={16} />}
              onAction={() => actions.junk(!isJunk)}
            />
          </Menu>
        </div>
      )}
    </div>
  );
}
