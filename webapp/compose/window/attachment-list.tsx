/** The files of a message: name, size, how far they are; cancel, another try, remove. */
import { FileText, ImageIcon, Mail, RotateCw, X } from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useJmap } from '../../jmap/mailbox.tsx';
import type { Attachment } from '../message.ts';
import { sizeText } from '../size-text.ts';
import type { Attachments } from '../use-attachments.ts';
import styles from './attachment-list.module.css';

export function AttachmentList(props: {
  readonly list: readonly Attachment[];
  readonly attachments: Attachments;
  readonly error: string | undefined;
}): ReactNode {
  const { list, attachments, error } = props;
  const { t } = useTranslation('compose');
  // Pictures of the text are seen there; one that did not get up is told of here.
  const shown = list.filter(({ inline, state }) => inline === null || state.kind === 'failed');
  if (shown.length === 0 && error === undefined) return null;
  return (
    <div className={styles.area}>
      <ul className={styles.list} aria-label={t('attachments.label')}>
        {shown.map((one) => (
          <AttachmentChip key={one.key} attachment={one} attachments={attachments} />
        ))}
      </ul>
      {error !== undefined && (
        <p role="alert" className={styles.error}>
          {error}
        </p>
      )}
    </div>
  );
}

function AttachmentChip(props: { readonly attachment: Attachment; readonly attachments: Attachments }): ReactNode {
  const { attachment, attachments } = props;
  const { t, i18n } = useTranslation('compose');
  const { client } = useJmap();
  const { key, name, type, size, state } = attachment;
  const shownName = name === '' ? t('attachments.unnamed') : name;
  const Icon = type.startsWith('image/') ? ImageIcon : type === 'message/rfc822' ? Mail : FileText;
  const isUploading = state.kind === 'uploading';
  return (
    <li className={state.kind === 'failed' ? `${styles.chip} ${styles.failed}` : styles.chip}>
      <Icon size={18} aria-hidden className={styles.icon} />
      <span className={styles.words}>
        {state.kind === 'there' ? (
          <a
            className={styles.name}
            href={client.downloadUrl(state.accountId, state.blobId, name, type === '' ? undefined : type)}
            download={name}
            title={shownName}
          >
            {shownName}
          </a>
        ) : (
          <span className={styles.name} title={shownName}>
            {shownName}
          </span>
        )}
        <span className={styles.size}>{state.kind === 'failed' ? state.reason : sizeText(size, i18n.language)}</span>
      </span>
      {isUploading && (
        <progress
          className={styles.progress}
          max={1}
          value={state.part}
          aria-label={t('attachments.progress', { name: shownName })}
        />
      )}
      {state.kind === 'failed' && (
        <button
          type="button"
          className={styles.button}
          aria-label={t('attachments.retry', { name: shownName })}
          onClick={() => attachments.retry(key)}
        >
          <RotateCw size={15} aria-hidden />
        </button>
      )}
      <button
        type="button"
        className={styles.button}
        aria-label={t(isUploading ? 'attachments.cancel' : 'attachments.remove', { name: shownName })}
        onClick={() => attachments.remove(key)}
      >
        <X size={15} aria-hidden />
      </button>
    </li>
  );
}
