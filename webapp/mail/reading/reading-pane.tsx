/** What is read: a conversation from its oldest message to its newest, or one message; and what can be done with it. */
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from '../../ui/button.tsx';
import { Empty, Failed, Loading } from '../../ui/state.tsx';
import { isUnread } from '../conversation.ts';
import { useMail } from '../mail-context.tsx';
import type { Email } from '../methods.ts';
import type { MailStore } from '../store/mail-store.ts';
import { openAtFirst, stretches } from './conversation-folds.ts';
import { MessageCard } from './message-card.tsx';
import { ReadingTools } from './reading-tools.tsx';
import styles from './reading-pane.module.css';

/** What is only passed by with the arrow keys stays unread. */
const READ_AFTER_MS = 800;
/** What is left to be seen above the message that reading begins with. */
const MARGIN = 64;

export default function ReadingPane(): ReactNode {
  const { t } = useTranslation('mail');
  const { store, place, mailboxes } = useMail();
  const item = place.item ?? '';
  const isThread = store.thread(item) !== null || item.startsWith('T');
  const opening = useOpened(store, item, isThread);
  const trash = mailboxes.filter(
    ({ role, id }) => (role === 'trash' || role === 'junk') && id !== hereOf(mailboxes, place.folder),
  );
  const all = isThread ? store.emailsOf(item) : [store.email(item)].filter((email) => email !== null);
  // What was thrown away of a conversation is not read again with the rest, but where it lies.
  const kept = all.filter((email) => !trash.some(({ id }) => email.mailboxIds[id] === true));
  const emails = kept.length === 0 ? all : kept;
  if (emails.length === 0) {
    if (opening.isError) return <Failed error={opening.error} onRetry={() => void opening.refetch()} />;
    if (opening.isPending) return <Loading />;
    return <Empty title={t('reading.gone')} text={t('reading.goneHint')} />;
  }
  return <Conversation key={`${store.accountId} ${item}`} emails={emails} isThread={isThread} />;
}

const hereOf = (
  mailboxes: ReadonlyArray<{ readonly id: string; readonly role: string | null }>,
  name: string,
): string | null => mailboxes.find(({ id, role }) => id === name || role === name)?.id ?? null;

/** Brings in what the address names; what changes later comes by push. */
function useOpened(store: MailStore, item: string, isThread: boolean): UseQueryResult {
  return useQuery({
    queryKey: [store.accountId, 'Opened', item, store.beginnings],
    queryFn: async () => {
      await (isThread ? store.openThread(item) : store.openEmails([item]));
      return item;
    },
    gcTime: 0,
  });
}

function Conversation({
  emails,
  isThread,
}: {
  readonly emails: readonly Email[];
  readonly isThread: boolean;
}): ReactNode {
  const { t } = useTranslation('mail');
  const { go } = useMail();
  const [opened, setOpened] = useState(() =>
    openAtFirst(emails.map((email) => ({ id: email.id, isUnread: isUnread(email) }))),
  );
  const [isUnfolded, setUnfolded] = useState(false);
  const scroller = useRef<HTMLDivElement>(null);
  const first = useRef<HTMLElement>(null);
  const ids = emails.map(({ id }) => id);
  const names = ids.join(' ');
  const last = emails.at(-1);
  useReadAfterAMoment(emails, opened);

  // Mail that comes while the conversation is read is open at once.
  const [known, setKnown] = useState(names);
  if (known !== names) {
    const old = new Set(known.split(' '));
    setKnown(names);
    setOpened(new Set([...opened, ...ids.filter((id) => !old.has(id))]));
  }

  // The first message that is open is where reading begins.
  const [beginsAt] = useState(() => emails.find(({ id }) => opened.has(id))?.id ?? null);
  useEffect(() => {
    const card = first.current;
    if (card?.previousElementSibling?.tagName === 'ARTICLE' && scroller.current !== null)
      scroller.current.scrollTop = card.offsetTop - MARGIN;
  }, []);

  useEffect(() => {
    const expand = (): void => {
      setUnfolded(true);
      const all = names.split(' ');
      setOpened((before) => new Set(before.size === all.length ? all.slice(-1) : all));
    };
    document.addEventListener('penfold:expand-all', expand);
    return () => document.removeEventListener('penfold:expand-all', expand);
  }, [names]);

  const toggle = (id: string): void =>
    setOpened((before) => {
      const after = new Set(before);
      if (!after.delete(id)) after.add(id);
      return after;
    });
  if (last === undefined) return null;
  const subject = emails[0]?.subject ?? '';
  return (
    <div className={styles.pane}>
      <ReadingTools emails={emails} />
      {/* Long mail is scrolled by keyboard, too. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div ref={scroller} className={styles.scroller} tabIndex={0} role="region" aria-label={t('panes.reading')}>
        <h2 className={styles.subject}>{subject === '' ? t('row.noSubject') : subject}</h2>
        {!isThread && <WholeConversation email={last} onOpen={(item) => go({ item }, { replace: true })} />}
        {stretches(ids, opened, isUnfolded).map((stretch) => {
          if (stretch.kind === 'folded')
            return (
              <button
                key={`folded ${stretch.ids[0] ?? ''}`}
                type="button"
                className={styles.folded}
                onClick={() => setUnfolded(true)}
              >
                {t('reading.older', { count: stretch.ids.length })}
              </button>
            );
          const email = emails.find(({ id }) => id === stretch.id);
          return email === undefined ? null : (
            <MessageCard
              key={email.id}
              ref={email.id === beginsAt ? first : undefined}
              email={email}
              isOpen={opened.has(email.id)}
              isLast={email === last}
              isAlone={emails.length === 1}
              onToggle={() => toggle(email.id)}
            />
          );
        })}
      </div>
    </div>
  );
}

/** A single message of a longer conversation: the way to the rest. */
function WholeConversation(props: { readonly email: Email; readonly onOpen: (threadId: string) => void }): ReactNode {
  const { email, onOpen } = props;
  const { t } = useTranslation('mail');
  const { store } = useMail();
  const { threadId } = email;
  const count = store.thread(threadId)?.length ?? 0;
  useEffect(() => {
    if (store.thread(threadId) === null) store.openThread(threadId).catch(() => {});
  }, [store, threadId]);
  if (count < 2) return null;
  return (
    <div className={styles.whole}>
      <Button kind="quiet" onPress={() => onOpen(threadId)}>
        {t('reading.whole', { count })}
      </Button>
    </div>
  );
}

/** Once for each message: what the person marks unread again stays so. */
function useReadAfterAMoment(emails: readonly Email[], opened: ReadonlySet<string>): void {
  const { store, folder } = useMail();
  const done = useRef(new Set<string>());
  const may = !store.isReadOnly && folder?.myRights.maySetSeen !== false;
  const unread = emails
    .filter((email) => isUnread(email) && opened.has(email.id))
    .map(({ id }) => id)
    .join(' ');
  useEffect(() => {
    const ids = unread.split(' ').filter((id) => id !== '' && !done.current.has(id));
    if (ids.length === 0 || !may) return;
    const timer = setTimeout(() => {
      for (const id of ids) done.current.add(id);
      // Not worth a word: it stays unread, and is tried again when it is opened again.
      store.change(new Map(ids.map((id) => [id, { keywords: { $seen: true } }]))).catch(() => {});
    }, READ_AFTER_MS);
    return () => clearTimeout(timer);
  }, [unread, may, store]);
}
