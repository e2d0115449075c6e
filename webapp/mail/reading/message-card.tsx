/** One message of a conversation: closed a line, open its head, body, attachments and what can be done with it. */
import { useQuery } from '@tanstack/react-query';
import { Forward, Paperclip, Reply, ReplyAll } from 'lucide-react';
import { lazy, type ReactNode, type Ref, Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useComposer } from '../../compose/composer.tsx';
import { Avatar } from '../../ui/avatar.tsx';
import { Button, IconButton } from '../../ui/button.tsx';
import { Failed, Loading, Notice } from '../../ui/state.tsx';
import { isDraft, isUnread, nameOf } from '../conversation.ts';
import { listDate, wholeDate } from '../dates.ts';
import { useMail } from '../mail-context.tsx';
import { MessageFrame } from '../message-frame.tsx';
import { viewGet } from '../message-view.ts';
import { type Email, HEAD_PROPERTIES, headGet, PART_PROPERTIES } from '../methods.ts';
import { alwaysShowPicturesOf, showsPicturesOf } from '../remote-pictures.ts';
import { Attachments } from './attachments.tsx';
import { MessageDetails, Recipients } from './message-details.tsx';
import { MessageMenu } from './message-menu.tsx';
import styles from './reading-pane.module.css';

const Invitation = lazy(() => import('../../calendar/invitation.tsx'));

export interface MessageCardProps {
  readonly email: Email;
  readonly isOpen: boolean;
  readonly isLast: boolean;
  readonly isAlone: boolean;
  readonly onToggle: () => void;
  readonly ref: Ref<HTMLElement> | undefined;
}

export function MessageCard({ email, isOpen, isLast, isAlone, onToggle, ref }: MessageCardProps): ReactNode {
  const { t, i18n } = useTranslation('mail');
  const { store } = useMail();
  const openComposer = useComposer();
  const [hasDetails, setDetails] = useState(false);
  const from = email.from?.[0] ?? null;
  const name = from === null ? t('row.noSender') : nameOf(from);
  const may = !store.isReadOnly;
  const write = (kind: 'reply' | 'replyAll' | 'forward' | 'draft'): void =>
    openComposer({ accountId: store.accountId, kind, emailId: email.id });
  const date = (
    <time className={styles.date} dateTime={email.receivedAt} title={wholeDate(email.receivedAt, i18n.language)}>
      {listDate(email.receivedAt, i18n.language)}
    </time>
  );
  if (!isOpen) {
    return (
      <article ref={ref} className={styles.card} aria-label={t('reading.message', { from: name })}>
        <button type="button" className={styles.closed} aria-expanded={false} onClick={onToggle}>
          <Avatar name={from === null ? '' : nameOf(from)} address={from?.email ?? '?'} size={28} />
          <span className={isUnread(email) ? styles.unread : undefined}>{name}</span>
          <span className={styles.preview}>{email.preview}</span>
          {email.hasAttachment && <Paperclip size={15} role="img" aria-label={t('row.attachment')} />}
          {date}
        </button>
      </article>
    );
  }
  return (
    <article ref={ref} className={styles.card} aria-label={t('reading.message', { from: name })}>
      <header className={styles.head}>
        <Avatar name={from === null ? '' : nameOf(from)} address={from?.email ?? '?'} size={40} />
        <div className={styles.who}>
          <div className={styles.from}>
            <strong>{name}</strong>
            {from !== null && from.email !== name && <span className={styles.address}>{`<${from.email}>`}</span>}
            {isDraft(email) && <span className={styles.draft}>{t('row.draft')}</span>}
          </div>
          <Recipients email={email} isOpen={hasDetails} onToggle={() => setDetails(!hasDetails)} />
        </div>
        <div className={styles.headTools}>
          {date}
          {may && !isDraft(email) && (
            <IconButton label={t('actions.reply')} icon={<Reply size={18} />} onPress={() => write('reply')} />
          )}
          <MessageMenu email={email} onClose={isAlone ? null : onToggle} />
        </div>
      </header>
      <MessageContent email={email} hasDetails={hasDetails} />
      {may && isDraft(email) && (
        <footer className={styles.answers}>
          <Button kind="primary" onPress={() => write('draft')}>
            {t('actions.continueDraft')}
          </Button>
        </footer>
      )}
      {may && !isDraft(email) && isLast && (
        <footer className={styles.answers}>
          <Button onPress={() => write('reply')}>
            <Reply size={16} aria-hidden />
            {t('actions.reply')}
          </Button>
          <Button onPress={() => write('replyAll')}>
            <ReplyAll size={16} aria-hidden />
            {t('actions.replyAll')}
          </Button>
          <Button onPress={() => write('forward')}>
            <Forward size={16} aria-hidden />
            {t('actions.forward')}
          </Button>
        </footer>
      )}
    </article>
  );
}

/** What never changes of a message is asked for once: its id stands for its bytes. */
function MessageContent({ email, hasDetails }: { readonly email: Email; readonly hasDetails: boolean }): ReactNode {
  const { t } = useTranslation('mail');
  const { store } = useMail();
  const openComposer = useComposer();
  const sender = email.from?.[0]?.email ?? '';
  const [remotePictures, setRemotePictures] = useState(() => showsPicturesOf(sender));
  const { accountId, client } = store;
  const head = useQuery({
    queryKey: [accountId, 'Message', email.id],
    queryFn: async () =>
      (
        await client.call(headGet, {
          accountId,
          ids: [email.id],
          properties: HEAD_PROPERTIES,
          bodyProperties: PART_PROPERTIES,
        })
      ).list[0] ?? null,
  });
  const view = useQuery({
    queryKey: [accountId, 'MessageView', email.id, remotePictures],
    queryFn: async () => (await client.call(viewGet, { accountId, ids: [email.id], remotePictures })).list[0] ?? null,
    placeholderData: (before) => before,
  });
  if (view.isError) return <Failed error={view.error} onRetry={() => void view.refetch()} />;
  if (view.data === undefined)
    return (
      <div className={styles.loading}>
        <Loading />
      </div>
    );
  const shown = view.data;
  if (shown === null) return <Notice tone="warning">{t('reading.gone')}</Notice>;
  return (
    <>
      {hasDetails && head.data !== undefined && head.data !== null && (
        <MessageDetails email={email} head={head.data} view={shown} />
      )}
      {shown.reducedTo !== null && <Notice tone="warning">{t(`reading.reduced.${shown.reducedTo}`)}</Notice>}
      {shown.hasRemotePictures && !remotePictures && (
        <div className={styles.bar} role="note">
          <span>{t('reading.pictures.blocked')}</span>
          <Button kind="quiet" onPress={() => setRemotePictures(true)}>
            {t('reading.pictures.once')}
          </Button>
          {sender !== '' && (
            <Button
              kind="quiet"
              onPress={() => {
                alwaysShowPicturesOf(sender);
                setRemotePictures(true);
              }}
            >
              {t('reading.pictures.always', { sender })}
            </Button>
          )}
        </div>
      )}
      {shown.attachments.some(({ isInvitation }) => isInvitation) && (
        <Suspense fallback={null}>
          <Invitation accountId={accountId} emailId={email.id} />
        </Suspense>
      )}
      <div className={styles.body}>
        <MessageFrame
          view={shown}
          pictures={remotePictures}
          title={t('reading.body', { subject: email.subject ?? t('row.noSubject') })}
          onMailto={(href) => openComposer({ accountId, kind: 'mailto', href })}
          onKeyDown={handOn}
        />
        {shown.isTruncated && <Notice>{t('reading.truncated')}</Notice>}
      </div>
      <Attachments attachments={shown.attachments.filter(({ isInline }) => !isInline)} />
    </>
  );
}

/** Keys pressed in a message are keys of the page. */
function handOn(event: KeyboardEvent): void {
  const { key, shiftKey, ctrlKey, metaKey, altKey } = event;
  const again = new KeyboardEvent('keydown', {
    key,
    shiftKey,
    ctrlKey,
    metaKey,
    altKey,
    bubbles: true,
    cancelable: true,
  });
  if (!document.body.dispatchEvent(again)) event.preventDefault();
}
