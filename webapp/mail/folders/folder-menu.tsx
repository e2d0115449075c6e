/** What can be done with a folder. */
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { FolderInput, FolderPlus, MailOpen, PenLine, Trash2 } from 'lucide-react';
import { MenuItem, MenuSeparator } from '../../ui/menu.tsx';
import { useActions } from '../actions/actions-context.tsx';
import type { Mailbox } from '../methods.ts';
import type { FolderQuestion } from './folder-dialogs.tsx';
import { useMarkFolderRead } from './mark-folder-read.ts';

export function FolderMenuItems(props: {
  readonly folder: Mailbox;
  readonly onAsk: (question: FolderQuestion) => void;
}): ReactNode {
  const { folder, onAsk } = props;
  const { t } = useTranslation('mail');
  const actions = useActions();
  const markRead = useMarkFolderRead();
  const { myRights: may } = folder;
  const canEmpty = (folder.role === 'trash' || folder.role === 'junk') && may.mayRemoveItems;
  return (
    <>
      <MenuItem
        label={t('folder.markRead')}
        icon={<MailOpen size={16} />}
        isDisabled={!may.maySetSeen || folder.unreadEmails === 0}
        onAction={() => markRead(folder)}
      />
      {canEmpty && (
        <MenuItem
          label={t(`folder.empty.${folder.role === 'junk' ? 'junk' : 'trash'}`)}
          icon={<Trash2 size={16} />}
          isDisabled={folder.totalEmails === 0}
          isDangerous
          onAction={() => actions.empty(folder)}
        />
      )}
      <MenuSeparator />
      <MenuItem
        label={t('folder.createWithin')}
        icon={<FolderPlus size={16} />}
        isDisabled={!may.mayCreateChild}
        onAction={() => onAsk({ kind: 'create', parent: folder })}
      />
      <MenuItem
        label={t('folder.rename')}
        shortcut="F2"
        icon={<PenLine size={16} />}
        isDisabled={!may.mayRename}
        onAction={() => onAsk({ kind: 'rename', folder })}
      />
      <MenuItem
        label={t('folder.move')}
        icon={<FolderInput size={16} />}
        isDisabled={!may.mayRename}
        onAction={() => onAsk({ kind: 'move', folder })}
      />
      <MenuItem
        label={t('folder.delete')}
        icon={<Trash2 size={16} />}
        isDisabled={!may.mayDelete}
        isDangerous
        onAction={() => onAsk({ kind: 'delete', folder })}
      />
    </>
  );
}
