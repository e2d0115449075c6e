/** Making, naming, moving and deleting folders; a folder with messages in it only after a question. */
import { type ReactNode, useEffect, useState } from 'react';
import { Form } from 'react-aria-components/Form';
import { useTranslation } from 'react-i18next';
import { allSet } from '../../jmap/client.ts';
import { Button } from '../../ui/button.tsx';
import { Confirm, Dialog } from '../../ui/dialog.tsx';
import { TextField } from '../../ui/field.tsx';
import { useToast } from '../../ui/toasts.tsx';
import { useFolderName, useMail } from '../mail-context.tsx';
import { type Mailbox, mailboxSet } from '../methods.ts';
import FolderPicker from './folder-picker.tsx';
import { withDescendants, withRole } from './folder-tree.ts';

export type FolderQuestion =
  | { readonly kind: 'create'; readonly parent: Mailbox | null }
  | { readonly kind: 'rename' | 'move' | 'delete'; readonly folder: Mailbox }
  /** Dropped onto another one: nothing is left to ask. */
  | { readonly kind: 'place'; readonly folderId: string; readonly parent: Mailbox };

type FolderChange = Readonly<Record<string, unknown>>;

export default function FolderDialogs(props: {
  readonly question: FolderQuestion;
  readonly onClose: () => void;
}): ReactNode {
  const { question, onClose } = props;
  const { t } = useTranslation('mail');
  const { store, mailboxes, folder: shown, go } = useMail();
  const folderName = useFolderName();
  const toast = useToast();
  const set = async (change: FolderChange): Promise<void> => {
    allSet(await store.client.call(mailboxSet, { accountId: store.accountId, ...change }));
    await store.loadMailboxes();
  };
  const inBackground = (change: FolderChange, said: string): void => {
    set(change).then(
      () => toast({ text: said }),
      (reason: unknown) =>
        toast({
          text: t('actions.failed', { reason: reason instanceof Error ? reason.message : String(reason) }),
          isError: true,
        }),
    );
  };
  const placed = (folder: Mailbox, parent: Mailbox | null): void => {
    const words = { name: folderName(folder), parent: parent === null ? '' : folderName(parent) };
    inBackground(
      { update: { [folder.id]: { parentId: parent?.id ?? null } } },
      t(parent === null ? 'folder.movedToTop' : 'folder.moved', words),
    );
  };

  const dropped = question.kind === 'place' ? question : null;
  useEffect(() => {
    if (dropped === null) return;
    const folder = mailboxes.find(({ id }) => id === dropped.folderId);
    if (folder !== undefined && folder.parentId !== dropped.parent.id) placed(folder, dropped.parent);
    onClose();
    // Once for each drop.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [dropped]);

  switch (question.kind) {
    case 'place':
      return null;
    case 'create':
      return (
        <NameDialog
          title={
            question.parent === null
              ? t('folder.create')
              : t('folder.createIn', { parent: folderName(question.parent) })
          }
          name=""
          action={t('folder.createAction')}
          onName={(name) => set({ create: { new: { name, parentId: question.parent?.id ?? null } } })}
          onClose={onClose}
        />
      );
    case 'rename':
      return (
        <NameDialog
          title={t('folder.renameTitle', { name: question.folder.name })}
          name={question.folder.name}
          action={t('folder.rename')}
          onName={(name) => set({ update: { [question.folder.id]: { name } } })}
          onClose={onClose}
        />
      );
    case 'move': {
      const within = withDescendants(mailboxes, question.folder.id);
      const targets = mailboxes.filter(({ id, myRights }) => myRights.mayCreateChild && !within.has(id));
      return (
        <FolderPicker
          title={t('folder.moveTitle', { name: folderName(question.folder) })}
          folders={targets}
          top={question.folder.parentId === null ? null : t('folder.top')}
          onPick={(parent) => {
            placed(question.folder, parent);
            onClose();
          }}
          onClose={onClose}
        />
      );
    }
    case 'delete': {
      const { folder } = question;
      const trash = withRole(mailboxes, 'trash');
      const isInTrash = trash !== null && withDescendants(mailboxes, trash.id).has(folder.id);
      const ids = [...withDescendants(mailboxes, folder.id)].reverse();
      const count = mailboxes.reduce((sum, { id, totalEmails }) => sum + (ids.includes(id) ? totalEmails : 0), 0);
      return (
        <Confirm
          isOpen
          isDangerous
          title={t('folder.deleteTitle', { name: folderName(folder) })}
          text={
            <>
              {t(count === 0 ? 'folder.deleteEmpty' : 'folder.deleteText', { count })}
              {ids.length > 1 && ` ${t('folder.deleteWithin', { count: ids.length - 1 })}`}
              {isInTrash ? '' : ` ${t('folder.deleteHint')}`}
            </>
          }
          action={t('folder.delete')}
          onConfirm={() => {
            if (shown !== null && ids.includes(shown.id)) go({ folder: 'inbox', item: null }, { replace: true });
            inBackground(
              { destroy: ids, onDestroyRemoveEmails: true },
              t('folder.deleted', { name: folderName(folder) }),
            );
          }}
          onClose={onClose}
        />
      );
    }
  }
}

function NameDialog(props: {
  readonly title: string;
  readonly name: string;
  readonly action: string;
  readonly onName: (name: string) => Promise<void>;
  readonly onClose: () => void;
}): ReactNode {
  const { title, action, onName, onClose } = props;
  const { t } = useTranslation('mail');
  const { t: tApp } = useTranslation('app');
  const [name, setName] = useState(props.name);
  const [wrong, setWrong] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const submit = (): void => {
    const wanted = name.trim();
    if (wanted === '') setWrong(t('folder.nameMissing'));
    else if (wanted.includes('/')) setWrong(t('folder.nameSlash'));
    else {
      setBusy(true);
      onName(wanted)
        .then(onClose, (reason: unknown) => setWrong(reason instanceof Error ? reason.message : String(reason)))
        .finally(() => setBusy(false));
    }
  };
  return (
    <Dialog title={title} isOpen onClose={onClose}>
      <Form
        style={{ display: 'grid', gap: 16 }}
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <TextField
          label={t('folder.name')}
          value={name}
          onChange={(value) => {
            setName(value);
            setWrong(null);
          }}
          {...(wrong === null ? {} : { error: wrong })}
          validationBehavior="aria"
          // The dialog was opened to type here.
          // oxlint-disable-next-line jsx-a11y/no-autofocus
          autoFocus
        />
        <div style={{ display: 'flex', justifyContent: 'end', gap: 8 }}>
          <Button onPress={onClose}>{tApp('cancel')}</Button>
          <Button type="submit" kind="primary" isDisabled={isBusy}>
            {action}
          </Button>
        </div>
      </Form>
    </Dialog>
  );
}
