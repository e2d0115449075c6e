/** New mail is told to screen readers, and the title counts what is unread. */
import { type ReactNode, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { isUnread, nameOf } from './conversation.ts';
import { withRole } from './folders/folder-tree.ts';
import { useFolderName, useMail } from './mail-context.tsx';

export function ArrivalNews(): ReactNode {
  const { t } = useTranslation('mail');
  const { t: tApp } = useTranslation('app');
  const { store, mailboxes, folder, place } = useMail();
  const folderName = useFolderName();
  const [said, setSaid] = useState('');
  const inbox = withRole(mailboxes, 'inbox');
  const unread = inbox?.unreadEmails ?? 0;
  const where = place.search !== null ? t('list.results') : folder === null ? '' : folderName(folder);
  const product = tApp('product');
  useEffect(() => {
    document.title = [unread > 0 ? `(${unread})` : '', where, where === '' ? '' : '–', product]
      .filter((word) => word !== '')
      .join(' ');
    return () => {
      document.title = product;
    };
  }, [unread, where, product]);
  const inboxId = inbox?.id ?? null;
  useEffect(
    () =>
      store.onArrival((emails) => {
        const arrived = emails.filter(
          (email) => inboxId !== null && email.mailboxIds[inboxId] === true && isUnread(email),
        );
        const [first] = arrived;
        if (first === undefined) return;
        const from = first.from?.[0];
        const words = {
          from: from === undefined ? t('row.noSender') : nameOf(from),
          subject: first.subject ?? t('row.noSubject'),
        };
        setSaid(arrived.length === 1 ? t('arrival.one', words) : t('arrival.several', { count: arrived.length }));
      }),
    [store, inboxId, t],
  );
  return (
    <div className="visually-hidden" role="status" aria-live="polite">
      {said}
    </div>
  );
}
