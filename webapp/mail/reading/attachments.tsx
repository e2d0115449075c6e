/** Files that came with a message: what they are, how large, to be downloaded; pictures can be looked at here. */
import {
  Download,
  File as FileSign,
  FileArchive,
  FileImage,
  FileMusic,
  FileText,
  FileVideoCamera,
  type LucideIcon,
  Mail as MailSign,
} from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Dialog } from '../../ui/dialog.tsx';
import { fileSize } from '../dates.ts';
import { useMail } from '../mail-context.tsx';
import type { Attachment } from '../message-view.ts';
import { kindOf, type FileKind, isPreviewed } from './file-kind.ts';
import styles from './attachments.module.css';

const ICONS: Readonly<Record<FileKind, LucideIcon>> = {
  picture: FileImage,
  text: FileText,
  archive: FileArchive,
  sound: FileMusic,
  film: FileVideoCamera,
  message: MailSign,
  other: FileSign,
};

export function Attachments({ attachments }: { readonly attachments: readonly Attachment[] }): ReactNode {
  const { t, i18n } = useTranslation('mail');
  const { store } = useMail();
  const [shown, setShown] = useState<Attachment | null>(null);
  if (attachments.length === 0) return null;
  const total = attachments.reduce((sum, { size }) => sum + size, 0);
  const nameOf = ({ name, type }: Attachment): string =>
    name ?? t(kindOf(type) === 'message' ? 'attachments.message' : 'attachments.unnamed');
  const hrefOf = (file: Attachment): string =>
    store.client.downloadUrl(store.accountId, file.blobId, nameOf(file), file.type);
  return (
    <section className={styles.section} aria-label={t('attachments.label')}>
      <h3 className={styles.heading}>
        {t('attachments.count', { count: attachments.length })}
        <span>{fileSize(total, i18n.language)}</span>
      </h3>
      <ul className={styles.files}>
        {attachments.map((file) => {
          const Icon = ICONS[kindOf(file.type)];
          const name = nameOf(file);
          return (
            <li key={file.blobId} className={styles.file}>
              {isPreviewed(file) ? (
                <button
                  type="button"
                  className={styles.picture}
                  onClick={() => setShown(file)}
                  aria-label={t('attachments.look', { name })}
                >
                  <img src={hrefOf(file)} alt="" loading="lazy" />
                </button>
              ) : (
                <span className={styles.sign}>
                  <Icon size={24} aria-hidden />
                </span>
              )}
              <span className={styles.name}>
                <span title={name}>{name}</span>
                <small>{fileSize(file.size, i18n.language)}</small>
              </span>
              <a
                className={styles.download}
                href={hrefOf(file)}
                download={name}
                aria-label={t('attachments.download', { name })}
              >
                <Download size={18} aria-hidden />
              </a>
            </li>
          );
        })}
      </ul>
      {shown !== null && (
        <Dialog title={nameOf(shown)} isOpen isWide onClose={() => setShown(null)}>
          <img className={styles.large} src={hrefOf(shown)} alt={nameOf(shown)} />
        </Dialog>
      )}
    </section>
  );
}
