/** From, To, Cc, Bcc, Subject. */
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ownAccount } from '../../jmap/session.ts';
import { useJmap } from '../../jmap/mailbox.tsx';
import { isDeliverable, keyOf, writtenAddress } from '../fields/address-list.ts';
import { RecipientsField } from '../fields/recipients-field.tsx';
import { type Message, recipientsOfMessage, type Sender } from '../message.ts';
import type { FailureWords } from '../send-failure.ts';
import { useKnownAddresses } from '../use-known-addresses.ts';
import styles from './header-fields.module.css';

export type ExtraField = 'cc' | 'bcc';

export interface HeaderFieldsProps {
  readonly message: Message;
  readonly senders: readonly Sender[];
  readonly change: (patch: (message: Message) => Partial<Message>) => void;
  readonly failure: FailureWords | null;
  readonly failureText: string | undefined;
  /** Fields that are there although they are empty. */
  readonly shown: ReadonlySet<ExtraField>;
  readonly onShow: (field: ExtraField) => void;
  readonly isToFocused: boolean;
  readonly focused: ExtraField | null;
}

export function HeaderFields(props: HeaderFieldsProps): ReactNode {
  const { message, senders, change, failure, failureText, shown, onShow, isToFocused, focused } = props;
  const { t } = useTranslation('compose');
  const { suggest } = useKnownAddresses();
  const refused = new Set(failure?.key === 'recipients' ? failure.named.map((email) => email.toLowerCase()) : []);
  const hasWrong = recipientsOfMessage(message).some(({ email }) => !isDeliverable(email));
  const field = (name: 'to' | ExtraField, isFocused: boolean, children?: ReactNode): ReactNode => (
    <RecipientsField
      label={t(`fields.${name}`)}
      addresses={message[name]}
      onChange={(addresses) => change(() => ({ [name]: addresses }))}
      suggest={suggest}
      refused={refused}
      error={
        name === 'to'
          ? failure?.field === 'to'
            ? failureText
            : hasWrong
              ? t('recipients.mend')
              : undefined
          : undefined
      }
      isFocused={isFocused}
    >
      {children}
    </RecipientsField>
  );
  const hidden = (['cc', 'bcc'] as const).filter((name) => message[name].length === 0 && !shown.has(name));
  return (
    <div className={styles.fields}>
      {senders.length > 1 && (
        <FromField
          sender={message.sender}
          senders={senders}
          onChange={(sender) => change(() => ({ sender }))}
          error={failure?.field === 'from' ? failureText : undefined}
        />
      )}
      {field(
        'to',
        isToFocused,
        hidden.length > 0 && (
          <span className={styles.more}>
            {hidden.map((name) => (
              <button
                key={name}
                type="button"
                className={styles.show}
                aria-keyshortcuts={`Control+Shift+${name === 'cc' ? 'C' : 'B'}`}
                onClick={() => onShow(name)}
              >
                {t(`fields.${name}`)}
              </button>
            ))}
          </span>
        ),
      )}
      {!hidden.includes('cc') && field('cc', focused === 'cc')}
      {!hidden.includes('bcc') && field('bcc', focused === 'bcc')}
      <input
        className={styles.subject}
        aria-label={t('fields.subject')}
        placeholder={t('fields.subject')}
        value={message.subject}
        onChange={(event) => {
          const subject = event.target.value;
          change(() => ({ subject }));
        }}
      />
    </div>
  );
}

function FromField(props: {
  readonly sender: Sender;
  readonly senders: readonly Sender[];
  readonly onChange: (sender: Sender) => void;
  readonly error: string | undefined;
}): ReactNode {
  const { sender, senders, onChange, error } = props;
  const { t } = useTranslation('compose');
  const { session } = useJmap();
  const own = ownAccount(session);
  const valueOf = ({ accountId, identityId }: Sender): string => `${accountId}/${identityId}`;
  return (
    <label className={styles.from}>
      <span className={styles.label}>{t('fields.from')}</span>
      {/* The browser's own list: long ones, phones and readers of screens know it best. */}
      <select
        className={styles.select}
        value={valueOf(sender)}
        aria-invalid={error !== undefined}
        onChange={(event) => {
          const chosen = senders.find((one) => valueOf(one) === event.target.value);
          if (chosen !== undefined) onChange(chosen);
        }}
      >
        {senders.map((one) => (
          <option key={valueOf(one)} value={valueOf(one)}>
            {writtenAddress(one)}
            {one.accountId !== own && isTwice(senders, one) ? ` · ${session.accounts[one.accountId]?.name ?? ''}` : ''}
          </option>
        ))}
      </select>
      {error !== undefined && (
        <span role="alert" className={styles.error}>
          {error}
        </span>
      )}
    </label>
  );
}

/** The same address in two mailboxes: which of them keeps the copy is said. */
const isTwice = (senders: readonly Sender[], sender: Sender): boolean =>
  senders.filter((one) => keyOf(one) === keyOf(sender)).length > 1;

/** Cc and Bcc as one asks for them. */
export function useExtraFields(): {
  readonly shown: ReadonlySet<ExtraField>;
  readonly focused: ExtraField | null;
  readonly show: (field: ExtraField) => void;
} {
  const [shown, setShown] = useState<ReadonlySet<ExtraField>>(new Set());
  const [focused, setFocused] = useState<ExtraField | null>(null);
  return {
    shown,
    focused,
    show: (field) => {
      setShown((before) => new Set([...before, field]));
      setFocused(field);
    },
  };
}
