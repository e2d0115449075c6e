/** To whom a message went: in a line, and on demand every address and what is known of its way. */
import { ChevronDown, ChevronUp } from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useComposer } from '../../compose/composer.tsx';
import { nameOf } from '../conversation.ts';
import { fileSize, wholeDate } from '../dates.ts';
import { useMail } from '../mail-context.tsx';
import type { Address, Email, MessageHead } from '../methods.ts';
import type { MessageView } from '../message-view.ts';
import styles from './reading-pane.module.css';

const NAMES_SHOWN = 4;

export function Recipients(props: {
  readonly email: Email;
  readonly isOpen: boolean;
  readonly onToggle: () => void;
}): ReactNode {
  const { email, isOpen, onToggle } = props;
  const { t } = useTranslation('mail');
  const { store } = useMail();
  const own = store.client.session.username.toLowerCase();
  const names = (email.to ?? []).map((address) =>
    address.email.toLowerCase() === own ? t('reading.me') : nameOf(address),
  );
  const more = names.length - NAMES_SHOWN;
  const text =
    names.length === 0
      ? t('row.noRecipients')
      : `${names.slice(0, NAMES_SHOWN).join(', ')}${more > 0 ? ` ${t('reading.more', { count: more })}` : ''}`;
  return (
    <button type="button" className={styles.to} aria-expanded={isOpen} onClick={onToggle}>
      <span>{t('reading.to', { names: text })}</span>
      {isOpen ? <ChevronUp size={14} aria-hidden /> : <ChevronDown size={14} aria-hidden />}
      <span className="visually-hidden">{t('reading.details')}</span>
    </button>
  );
}

export function MessageDetails(props: {
  readonly email: Email;
  readonly head: MessageHead;
  readonly view: MessageView;
}): ReactNode {
  const { email, head, view } = props;
  const { t, i18n } = useTranslation('mail');
  const lines = [
    ['from', head.from],
    ['sender', head.sender],
    ['replyTo', head.replyTo],
    ['to', head.to],
    ['cc', head.cc],
    ['bcc', head.bcc],
  ] as const;
  const checks = view.authentication?.results ?? [];
  return (
    <dl className={styles.details}>
      {lines.map(([name, addresses]) =>
        addresses === null || addresses.length === 0 ? null : (
          <div key={name}>
            <dt>{t(`reading.head.${name}`)}</dt>
            <dd>
              <Addresses addresses={addresses} />
            </dd>
          </div>
        ),
      )}
      <div>
        <dt>{t('reading.head.sent')}</dt>
        <dd>{wholeDate(head.sentAt ?? email.receivedAt, i18n.language)}</dd>
      </div>
      <div>
        <dt>{t('reading.head.received')}</dt>
        <dd>{wholeDate(email.receivedAt, i18n.language)}</dd>
      </div>
      <div>
        <dt>{t('reading.head.size')}</dt>
        <dd>{fileSize(email.size, i18n.language)}</dd>
      </div>
      {checks.length > 0 && (
        <div>
          <dt>{t('reading.head.checks')}</dt>
          <dd>{checks.map(({ method, result }) => `${method.toUpperCase()} ${result}`).join(' · ')}</dd>
        </div>
      )}
      {(head.messageId?.length ?? 0) > 0 && (
        <div>
          <dt>{t('reading.head.messageId')}</dt>
          <dd>
            <code>{head.messageId?.[0]}</code>
          </dd>
        </div>
      )}
    </dl>
  );
}

function Addresses({ addresses }: { readonly addresses: readonly Address[] }): ReactNode {
  const { t } = useTranslation('mail');
  const { store } = useMail();
  const openComposer = useComposer();
  return addresses.map((address, at) => (
    <span key={`${address.email} ${address.name ?? ''}`}>
      {at > 0 && ', '}
      {store.isReadOnly ? (
        `${nameOf(address)} <${address.email}>`
      ) : (
        <button
          type="button"
          className={styles.link}
          title={t('reading.writeTo', { name: nameOf(address) })}
          onClick={() => openComposer({ accountId: store.accountId, kind: 'new', to: [address] })}
        >
          {nameOf(address) === address.email ? address.email : `${nameOf(address)} <${address.email}>`}
        </button>
      )}
    </span>
  ));
}
