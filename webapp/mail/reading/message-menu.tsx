/** What can be done with one message of a conversation; its source and headers as they came. */
import {
  Code,
  Download,
  Ellipsis,
  Forward,
  FolderInput,
  ListTree,
  Mail as MailSign,
  Paperclip,
  ReplyAll,
  Trash2,
  X,
} from 'lucide-react';
import { lazy, type ReactNode, Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useComposer } from '../../compose/composer.tsx';
import { IconButton } from '../../ui/button.tsx';
import { Menu, MenuItem, MenuSeparator } from '../../ui/menu.tsx';
import { useActions } from '../actions/actions-context.tsx';
import { useMail } from '../mail-context.tsx';
import type { Email } from '../methods.ts';

const MessageSource = lazy(() => import('./message-source.tsx'));

export function MessageMenu(props: { readonly email: Email; readonly onClose: (() => void) | null }): ReactNode {
  const { email, onClose } = props;
  const { t } = useTranslation('mail');
  const { store } = useMail();
  const actions = useActions();
  const openComposer = useComposer();
  const [source, setSource] = useState<'source' | 'headers' | null>(null);
  const targets = { rows: [email.id], isAll: false, isSingle: true };
  const may = !store.isReadOnly;
  const { accountId } = store;
  const fileName = `${
    (email.subject ?? '')
      .replaceAll(/[\\/:*?"<>|\p{Cc}]+/gu, ' ')
      .trim()
      .slice(0, 80) || 'message'
  }.eml`;
  return (
    <>
      <Menu
        label={t('reading.messageMenu')}
        placement="bottom end"
        trigger={<IconButton label={t('reading.messageMenu')} icon={<Ellipsis size={18} />} />}
      >
        {may && (
          <>
            <MenuItem
              label={t('actions.replyAll')}
              icon={<ReplyAll size={16} />}
              onAction={() => openComposer({ accountId, kind: 'replyAll', emailId: email.id })}
            />
            <MenuItem
              label={t('actions.forward')}
              icon={<Forward size={16} />}
              onAction={() => openComposer({ accountId, kind: 'forward', emailId: email.id })}
            />
            <MenuItem
              label={t('actions.forwardAsAttachment')}
              icon={<Paperclip size={16} />}
              onAction={() => openComposer({ accountId, kind: 'forwardAsAttachment', emailIds: [email.id] })}
            />
            <MenuSeparator />
            <MenuItem
              label={t('actions.markUnread')}
              icon={<MailSign size={16} />}
              onAction={() => actions.mark('unread', targets)}
            />
            <MenuItem
              label={t('actions.move')}
              icon={<FolderInput size={16} />}
              onAction={() => actions.pick('move', targets)}
            />
            <MenuItem
              label={t('actions.deleteMessage')}
              icon={<Trash2 size={16} />}
              onAction={() => actions.remove(targets)}
            />
            <MenuSeparator />
          </>
        )}
        <MenuItem label={t('reading.headers')} icon={<ListTree size={16} />} onAction={() => setSource('headers')} />
        <MenuItem label={t('reading.source')} icon={<Code size={16} />} onAction={() => setSource('source')} />
        <MenuItem
          label={t('reading.download')}
          icon={<Download size={16} />}
          href={store.client.downloadUrl(accountId, email.blobId, fileName, 'message/rfc822')}
          download={fileName}
        />
        {onClose !== null && <MenuItem label={t('reading.close')} icon={<X size={16} />} onAction={onClose} />}
      </Menu>
      {source !== null && (
        <Suspense fallback={null}>
          <MessageSource email={email} what={source} onClose={() => setSource(null)} />
        </Suspense>
      )}
    </>
  );
}
