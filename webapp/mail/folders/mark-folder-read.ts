/** Marks all of a folder as read, whether it is open or not. */
import { useTranslation } from 'react-i18next';
import { useToast } from '../../ui/toasts.tsx';
import { perform } from '../actions/perform.ts';
import { useMail } from '../mail-context.tsx';
import type { Mailbox } from '../methods.ts';

export function useMarkFolderRead(): (folder: Mailbox) => void {
  const { t } = useTranslation('mail');
  const { store } = useMail();
  const toast = useToast();
  const failed = (reason: unknown): void =>
    toast({
      text: t('actions.failed', { reason: reason instanceof Error ? reason.message : String(reason) }),
      isError: true,
    });
  const mark = async (folder: Mailbox): Promise<void> => {
    const spec = {
      filter: { inMailbox: folder.id, notKeyword: '$seen' },
      mailboxId: folder.id,
      isCollapsed: false,
    };
    const ids = await store.idsOf(spec);
    const { done, undo } = perform(store, spec, { kind: 'read' }, ids);
    await done;
    toast({
      text: t('actions.done.read', { things: t('count.messages', { count: ids.length }) }),
      action: { label: t('actions.undo'), run: () => void undo?.().catch(failed) },
    });
  };
  return (folder) => void mark(folder).catch(failed);
}
