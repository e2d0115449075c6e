/** One row: a message, or a conversation by its newest one; bones while it is not loaded. */
import { Archive, Check, Flag, Forward, MailOpen, Mail as MailSign, Paperclip, Reply, Trash2 } from 'lucide-react';
import { type CSSProperties, type DragEvent, memo, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Avatar } from '../../ui/avatar.tsx';
import { type Conversation, factsOf, isUnread, liesIn, nameOf, peopleOf, type RowFacts } from '../conversation.ts';
import { listDate } from '../dates.ts';
import { useFolderName } from '../mail-context.tsx';
import type { Email, Snippet } from '../methods.ts';
import type { ListSpec } from '../store/list-spec.ts';
import type { MailStore } from '../store/mail-store.ts';
import { markedText } from './marked-text.ts';
import styles from './list-pane.module.css';

export interface RowEvents {
  open(id: string): void;
  choose(id: string, how: 'toggle' | 'range' | 'rangeToo'): void;
  act(id: string, kind: 'flag' | 'unflag' | 'read' | 'unread' | 'archive' | 'delete'): void;
  drag(id: string, event: DragEvent): void;
}

export interface MessageRowProps {
  readonly id: string | null;
  readonly store: MailStore;
  readonly spec: ListSpec;
  readonly index: number;
  readonly start: number;
  readonly isOpen: boolean;
  readonly isChosen: boolean;
  readonly isCursor: boolean;
  readonly snippet: Snippet | null;
  readonly showsRecipients: boolean;
  readonly hears: { readonly current: RowEvents };
}

/** Every row is as high as the others: so the scrollbar is right from the beginning. */
export const ROW_HEIGHT = 76;

export const rowElementId = (id: string): string => `row-${id}`;

/** The conversation of a row as the folder shows it: without what was thrown away, unless it is shown there. */
function conversationOf(store: MailStore, spec: ListSpec, latest: Email): Conversation {
  if (!spec.isCollapsed) return { latest, emails: [latest], count: 1 };
  const out = (store.mailboxes ?? []).filter(
    ({ id, role }) => (role === 'trash' || role === 'junk') && id !== spec.mailboxId,
  );
  const ids = store.thread(latest.threadId) ?? [latest.id];
  const emails: Email[] = [];
  let unknown = 0;
  for (const id of ids) {
    const email = store.email(id);
    if (email === null) unknown += 1;
    else if (!out.some((mailbox) => email.mailboxIds[mailbox.id] === true)) emails.push(email);
  }
  return { latest, emails, count: emails.length + unknown };
}

export function MessageRow(props: MessageRowProps): ReactNode {
  const { id, store, spec, index, start, isOpen, isChosen, isCursor, snippet, showsRecipients, hears } = props;
  const folderName = useFolderName();
  const email = id === null ? null : store.email(id);
  const place = { transform: `translateY(${start}px)`, height: ROW_HEIGHT };
  if (id === null || email === null) return <Bones index={index} place={place} />;
  const conversation = conversationOf(store, spec, email);
  const where =
    spec.mailboxId === null ? (store.mailboxes ?? []).find((mailbox) => liesIn(email, mailbox.id)) : undefined;
  const names = [
    styles.row,
    conversation.emails.some(isUnread) ? styles.unread : '',
    isOpen ? styles.open : '',
    isCursor ? styles.cursor : '',
  ].join(' ');
  return (
    // Keys are the grid's: it has the focus and says which row is the active one.
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
      role="row"
      id={rowElementId(id)}
      aria-rowindex={index + 1}
      aria-selected={isChosen}
      aria-current={isOpen ? 'true' : undefined}
      className={names}
      style={place}
      draggable={!store.isReadOnly}
      onDragStart={(event) => hears.current.drag(id, event)}
      onClick={(event) => {
        if (event.shiftKey) hears.current.choose(id, event.ctrlKey || event.metaKey ? 'rangeToo' : 'range');
        else if (event.ctrlKey || event.metaKey) hears.current.choose(id, 'toggle');
        else hears.current.open(id);
      }}
    >
      <RowContent
        conversation={conversation}
        isChosen={isChosen}
        isReadOnly={store.isReadOnly}
        snippet={snippet}
        showsRecipients={showsRecipients}
        where={where === undefined ? null : folderName(where)}
        hears={hears}
      />
    </div>
  );
}

interface RowContentProps {
  readonly conversation: Conversation;
  readonly isChosen: boolean;
  readonly isReadOnly: boolean;
  readonly snippet: Snippet | null;
  readonly showsRecipients: boolean;
  /** Name of the folder it lies in, where that is not the one that is shown. */
  readonly where: string | null;
  readonly hears: { readonly current: RowEvents };
}

/** Drawn again only when something of the conversation is another: rows move often, and change rarely. */
const RowContent = memo(
  function RowContent(props: RowContentProps): ReactNode {
    const facts = factsOf(props.conversation);
    return (
      <>
        <Mark {...props} />
        <Text {...props} facts={facts} />
        {!props.isReadOnly && <QuickActions id={props.conversation.latest.id} facts={facts} hears={props.hears} />}
      </>
    );
  },
  (before, after) =>
    before.isChosen === after.isChosen &&
    before.isReadOnly === after.isReadOnly &&
    before.snippet === after.snippet &&
    before.showsRecipients === after.showsRecipients &&
    before.where === after.where &&
    isSame(before.conversation, after.conversation),
);

const isSame = (one: Conversation, other: Conversation): boolean =>
  one.latest === other.latest &&
  one.count === other.count &&
  one.emails.length === other.emails.length &&
  one.emails.every((email, at) => email === other.emails[at]);

/** While the message is on its way. */
function Bones({ index, place }: { readonly index: number; readonly place: CSSProperties }): ReactNode {
  const { t } = useTranslation('app');
  return (
    <div role="row" aria-rowindex={index + 1} className={styles.row} style={place}>
      <div role="gridcell" className={styles.bones} aria-label={t('loading')}>
        <span className={styles.boneRound} />
        <span className={styles.placeholder}>
          <span className={styles.bone} style={{ width: `${40 + ((index * 7) % 25)}%` }} />
          <span className={styles.bone} style={{ width: `${60 + ((index * 13) % 35)}%` }} />
          <span className={styles.bone} style={{ width: `${50 + ((index * 17) % 40)}%` }} />
        </span>
      </div>
    </div>
  );
}

function Mark({ conversation, isChosen, showsRecipients, hears }: RowContentProps): ReactNode {
  const { latest } = conversation;
  const { t } = useTranslation('mail');
  const address = (showsRecipients ? latest.to?.[0] : latest.from?.[0]) ?? null;
  return (
    <div role="gridcell">
      <button
        type="button"
        tabIndex={-1}
        className={styles.mark}
        aria-label={t(isChosen ? 'list.unchoose' : 'list.choose')}
        onClick={(event) => {
          event.stopPropagation();
          hears.current.choose(latest.id, event.shiftKey ? 'range' : 'toggle');
        }}
      >
        <Avatar name={address === null ? '' : nameOf(address)} address={address?.email ?? '?'} />
        <span className={styles.box} aria-hidden>
          <Check size={18} style={{ opacity: isChosen ? 1 : 0.5 }} />
        </span>
      </button>
    </div>
  );
}

function Text(props: RowContentProps & { readonly facts: RowFacts }): ReactNode {
  const { isReadOnly, snippet, showsRecipients, conversation, facts, where, hears } = props;
  const { t, i18n } = useTranslation('mail');
  const { latest, count } = conversation;
  const people = peopleOf(conversation, showsRecipients);
  const isFound = snippet !== null;
  return (
    <div role="gridcell" className={isFound ? `${styles.text} ${styles.found}` : styles.text}>
      {facts.isUnread && <span className="visually-hidden">{t('row.unread')}</span>}
      <div className={styles.line}>
        <span className={styles.people}>
          {facts.hasDraft && <span className={styles.draft}>{t('row.draft')} </span>}
          {people.length === 0 && t(showsRecipients ? 'row.noRecipients' : 'row.noSender')}
          {people.map(({ name, isUnread }, at) => (
            <span key={name}>
              {at > 0 && ', '}
              {isUnread ? <b>{name}</b> : name}
            </span>
          ))}
        </span>
        {count > 1 && (
          <span className={styles.count}>
            <span aria-hidden>{count}</span>
            <span className="visually-hidden">{t('count.messages', { count })}</span>
          </span>
        )}
        {facts.isAnswered && <Reply size={15} role="img" aria-label={t('row.answered')} />}
        {facts.isForwarded && <Forward size={15} role="img" aria-label={t('row.forwarded')} />}
        {facts.hasAttachment && <Paperclip size={15} role="img" aria-label={t('row.attachment')} />}
        <time className={styles.date} dateTime={latest.receivedAt}>
          {listDate(latest.receivedAt, i18n.language)}
        </time>
      </div>
      <div className={styles.line}>
        <span className={styles.subject}>
          <Marked html={snippet?.subject ?? null} text={latest.subject ?? ''} none={t('row.noSubject')} />
        </span>
        {where !== null && <span className={styles.where}>{where}</span>}
        {!isReadOnly && (
          <button
            type="button"
            tabIndex={-1}
            className={facts.isFlagged ? `${styles.flag} ${styles.on}` : styles.flag}
            aria-label={t(facts.isFlagged ? 'actions.unflag' : 'actions.flag')}
            aria-pressed={facts.isFlagged}
            onClick={(event) => {
              event.stopPropagation();
              hears.current.act(latest.id, facts.isFlagged ? 'unflag' : 'flag');
            }}
          >
            <Flag size={15} aria-hidden />
          </button>
        )}
      </div>
      <div className={styles.line}>
        <span className={styles.preview}>
          <Marked html={snippet?.preview ?? null} text={latest.preview} none="" />
        </span>
      </div>
    </div>
  );
}

function Marked(props: { readonly html: string | null; readonly text: string; readonly none: string }): ReactNode {
  const { html, text, none } = props;
  if (html === null) return text === '' ? none : text;
  // Places in one text: there is nothing else to tell its pieces by.
  // oxlint-disable-next-line react/no-array-index-key
  return markedText(html).map((piece, at) => (piece.isMarked ? <mark key={at}>{piece.text}</mark> : piece.text));
}

function QuickActions(props: {
  readonly id: string;
  readonly facts: RowFacts;
  readonly hears: { readonly current: RowEvents };
}): ReactNode {
  const { id, facts, hears } = props;
  const { t } = useTranslation('mail');
  const buttons = [
    { kind: 'archive', label: t('actions.archive'), icon: <Archive size={16} aria-hidden /> },
    { kind: 'delete', label: t('actions.delete'), icon: <Trash2 size={16} aria-hidden /> },
    facts.isUnread
      ? { kind: 'read' as const, label: t('actions.markRead'), icon: <MailOpen size={16} aria-hidden /> }
      : { kind: 'unread' as const, label: t('actions.markUnread'), icon: <MailSign size={16} aria-hidden /> },
  ] as const;
  return (
    <div role="gridcell" className={styles.quick}>
      {buttons.map(({ kind, label, icon }) => (
        <button
          key={kind}
          type="button"
          tabIndex={-1}
          className={styles.quickButton}
          aria-label={label}
          title={label}
          onClick={(event) => {
            event.stopPropagation();
            hears.current.act(id, kind);
          }}
        >
          {icon}
        </button>
      ))}
    </div>
  );
}
