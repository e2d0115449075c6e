/** Files on their way into a message: progress, cancel, another try, and the limits before anything is sent. */
import { useCallback, useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { useJmap } from '../jmap/mailbox.tsx';
import { sizeText } from './size-text.ts';
import type { Attachment, AttachmentState, Message } from './message.ts';
import { sendLimits } from './send-limits.ts';

export interface Attachments {
  add(files: readonly File[]): void;
  /** Into the text: where each is shown until it is sent. */
  addPictures(pictures: ReadonlyArray<{ readonly file: File; readonly shownAt: string }>): void;
  retry(key: string): void;
  remove(key: string): void;
}

export function useAttachments(
  accountId: string,
  change: (patch: (message: Message) => Partial<Message>) => void,
): Attachments {
  const { client } = useJmap();
  const { t, i18n } = useTranslation('compose');
  const files = useRef(new Map<string, File>());
  const running = useRef(new Map<string, AbortController>());
  const account = useRef(accountId);
  useEffect(() => {
    account.current = accountId;
  }, [accountId]);
  useEffect(() => {
    const uploads = running.current;
    return () => {
      for (const upload of uploads.values()) upload.abort();
    };
  }, []);

  const setState = useCallback(
    (key: string, state: AttachmentState) =>
      change(({ attachments }) => ({
        attachments: attachments.map((one) => (one.key === key ? { ...one, state } : one)),
      })),
    [change],
  );
  const upload = useCallback(
    (key: string, file: File) => {
      const { maxUpload } = sendLimits(client.session, account.current);
      if (file.size > maxUpload) {
        const limit = sizeText(maxUpload, i18n.language);
        setState(key, { kind: 'failed', reason: t('attachments.tooLarge', { limit }) });
        return;
      }
      const controller = new AbortController();
      running.current.set(key, controller);
      const into = account.current;
      setState(key, { kind: 'uploading', part: 0 });
      client
        .upload(into, file, {
          signal: controller.signal,
          progress: (part) => setState(key, { kind: 'uploading', part }),
        })
        .then(
          ({ blobId }) => setState(key, { kind: 'there', accountId: into, blobId }),
          (reason: unknown) => {
            if (controller.signal.aborted) return;
            setState(key, { kind: 'failed', reason: reason instanceof Error ? reason.message : String(reason) });
          },
        )
        .finally(() => running.current.delete(key));
    },
    [client, i18n.language, setState, t],
  );
  const begin = useCallback(
    (added: ReadonlyArray<{ readonly file: File; readonly shownAt: string | null }>) => {
      const entries = added.map(({ file, shownAt }): Attachment => {
        const key = crypto.randomUUID();
        files.current.set(key, file);
        return {
          key,
          name: file.name,
          type: file.type,
          size: file.size,
          inline: shownAt === null ? null : { cid: `${crypto.randomUUID()}@penfold`, shownAt },
          state: { kind: 'uploading', part: 0 },
        };
      });
      change(({ attachments }) => ({ attachments: [...attachments, ...entries] }));
      for (const { key } of entries) {
        const file = files.current.get(key);
        if (file !== undefined) upload(key, file);
      }
    },
    [change, upload],
  );
  return {
    add: (list) => begin(list.map((file) => ({ file, shownAt: null }))),
    addPictures: begin,
    retry: (key) => {
      const file = files.current.get(key);
      if (file !== undefined) upload(key, file);
    },
    remove: (key) => {
      running.current.get(key)?.abort();
      files.current.delete(key);
      change(({ attachments }) => ({ attachments: attachments.filter((one) => one.key !== key) }));
    },
  };
}
