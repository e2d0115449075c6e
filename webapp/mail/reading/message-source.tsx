/** A message as it came, or its header fields. */
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { RequestRefused } from '../../jmap/errors.ts';
import { OWN_REQUEST } from '../../jmap/session.ts';
import { CopyButton } from '../../ui/copy-button.tsx';
import { Dialog } from '../../ui/dialog.tsx';
import { Failed, Loading } from '../../ui/state.tsx';
import { fileSize } from '../dates.ts';
import { useMail } from '../mail-context.tsx';
import { type Email, headersGet } from '../methods.ts';
import styles from './reading-pane.module.css';

/** Of a longer message the beginning is shown: a browser stands still over the rest, and it can be downloaded. */
const SOURCE_BYTES = 1_000_000;

export default function MessageSource(props: {
  readonly email: Email;
  readonly what: 'source' | 'headers';
  readonly onClose: () => void;
}): ReactNode {
  const { email, what, onClose } = props;
  const { t, i18n } = useTranslation('mail');
  const { store } = useMail();
  const { accountId, client } = store;
  const text = useQuery({
    queryKey: [accountId, 'MessageSource', email.id, what],
    queryFn: async () => {
      if (what === 'source')
        return beginningOf(client.downloadUrl(accountId, email.blobId, 'message.eml', 'text/plain'));
      const { list } = await client.call(headersGet, { accountId, ids: [email.id], properties: ['id', 'headers'] });
      return (list[0]?.headers ?? []).map(({ name, value }) => `${name}:${value}`).join('\n');
    },
  });
  const shown = text.data;
  return (
    <Dialog title={t(`reading.${what}`)} isOpen isWide onClose={onClose}>
      {text.isError ? (
        <Failed error={text.error} onRetry={() => void text.refetch()} />
      ) : shown === undefined ? (
        <Loading />
      ) : (
        <>
          {what === 'source' && email.size > SOURCE_BYTES && (
            <p>{t('reading.sourceCut', { size: fileSize(SOURCE_BYTES, i18n.language) })}</p>
          )}
          <div className={styles.copy}>
            <CopyButton text={shown} />
          </div>
          {/* Long text is scrolled by keyboard. */}
          {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
          <pre className={styles.source} tabIndex={0}>
            {shown}
          </pre>
        </>
      )}
    </Dialog>
  );
}

/** @throws RequestRefused */
async function beginningOf(url: string): Promise<string> {
  const answer = await fetch(url, { headers: OWN_REQUEST });
  if (!answer.ok || answer.body === null) throw new RequestRefused(answer.status, answer.statusText);
  const reader = answer.body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  for (let taken = 0; taken < SOURCE_BYTES; ) {
    const { done, value } = await reader.read();
    if (done) break;
    const part = value.subarray(0, SOURCE_BYTES - taken);
    taken += part.length;
    text += decoder.decode(part, { stream: true });
  }
  await reader.cancel();
  return text;
}
