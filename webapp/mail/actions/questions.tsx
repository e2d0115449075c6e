/** What is asked before an action: where to, and whether something may be gone for good. */
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Confirm } from '../../ui/dialog.tsx';
import FolderPicker from '../folders/folder-picker.tsx';
import { useFolderName, useMail } from '../mail-context.tsx';
import type { Mailbox } from '../methods.ts';
import type { Targets } from './targets.ts';

export type Question =
  | { readonly kind: 'move' | 'copy'; readonly targets: Targets }
  | { readonly kind: 'destroy'; readonly targets: Targets }
  | { readonly kind: 'empty'; readonly folder: Mailbox };

export default function Questions(props: {
  readonly question: Question;
  readonly onClose: () => void;
  readonly onPick: (kind: 'move' | 'copy', to: Mailbox, targets: Targets) => void;
  readonly onDestroy: (targets: Targets) => void;
  readonly onEmpty: (folder: Mailbox) => void;
}): ReactNode {
  const { question, onClose, onPick, onDestroy, onEmpty } = props;
  const { t } = useTranslation('mail');
  const { mailboxes, folder, store, spec } = useMail();
  const folderName = useFolderName();
  switch (question.kind) {
    case 'move':
    case 'copy':
      return (
        <FolderPicker
          title={t(`picker.${question.kind}`)}
          folders={mailboxes.filter(({ id, myRights }) => myRights.mayAddItems && id !== folder?.id)}
          onPick={(to) => {
            onClose();
            if (to !== null) onPick(question.kind, to, question.targets);
          }}
          onClose={onClose}
        />
      );
    case 'destroy': {
      const { rows, isAll } = question.targets;
      const count = isAll && spec !== null ? (store.list(spec).total ?? rows.length) : rows.length;
      return (
        <Confirm
          isOpen
          isDangerous
          title={t('destroy.title')}
          text={t('destroy.text', { count })}
          action={t('destroy.action')}
          onConfirm={() => onDestroy(question.targets)}
          onClose={onClose}
        />
      );
    }
    case 'empty':
      return (
        <Confirm
          isOpen
          isDangerous
          title={t('empty.title', { folder: folderName(question.folder) })}
          text={t('empty.text', { count: question.folder.totalEmails })}
          action={t('empty.action')}
          onConfirm={() => onEmpty(question.folder)}
          onClose={onClose}
        />
      );
  }
}
