/** A composition in its window: what it tells the person, and what the page tells it. */
import { useEffect, useState, useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';
import { useJmap, useStateChange } from '../jmap/mailbox.tsx';
import { useToast } from '../ui/toasts.tsx';
import { Composition, type CompositionState } from './composition.ts';
import { openDrafts } from './open-drafts.ts';
import type { Prepared } from './prepare.ts';
import { useKnownAddresses } from './use-known-addresses.ts';

const DISCARD_MS = 8_000;

export function useComposition(
  prepared: Prepared,
  window: { readonly key: number; readonly onAway: (isAway: boolean) => void; readonly onClose: () => void },
): readonly [Composition, CompositionState] {
  const { client } = useJmap();
  const { t, i18n } = useTranslation('compose');
  const toast = useToast();
  const { noteSent } = useKnownAddresses();
  const [composition] = useState(
    () =>
      new Composition(client, {
        message: prepared.message,
        stored: prepared.stored,
        undoSeconds: prepared.settings.undoSendSeconds,
      }),
  );
  const state = useSyncExternalStore(composition.subscribe, composition.state);

  useEffect(() => {
    const at = new Intl.DateTimeFormat(i18n.language, { dateStyle: 'medium', timeStyle: 'short' });
    composition.listen({
      away: window.onAway,
      closed: window.onClose,
      sent: ({ message, sendAt, undoSeconds, undo, gone }) => {
        noteSent(message);
        const mayUndo = sendAt !== null || undoSeconds > 0;
        toast({
          text: sendAt === null ? t('sent.done') : t('sent.scheduled', { date: at.format(sendAt) }),
          ...(mayUndo ? { action: { label: t('sent.undo'), run: undo } } : {}),
          ...(undoSeconds > 0 ? { forMs: undoSeconds * 1000 } : {}),
          onGone: gone,
        });
      },
      undoFailed: (reason) =>
        toast({ text: reason === null ? t('sent.tooLate') : t('sent.undoFailed', { reason }), isError: true }),
      discarded: (undo, gone) =>
        toast({
          text: t('draft.discarded'),
          forMs: DISCARD_MS,
          action: { label: t('draft.undo'), run: undo },
          onGone: gone,
        }),
      kept: () => toast({ text: t('draft.kept') }),
    });
  });

  const { key } = window;
  useEffect(() => {
    // A save gives the draft another id.
    const note = (): void => {
      if (composition.stored !== null) openDrafts.set(key, composition.stored);
    };
    note();
    const stop = composition.subscribe(note);
    return () => {
      stop();
      openDrafts.delete(key);
    };
  }, [composition, key]);
  useEffect(() => {
    // What is not stored yet is lost with the page: the browser asks.
    const ask = (event: BeforeUnloadEvent): void => {
      if (composition.isUnsaved) event.preventDefault();
    };
    const again = (): void => composition.retry();
    globalThis.addEventListener('beforeunload', ask);
    globalThis.addEventListener('online', again);
    return () => {
      globalThis.removeEventListener('beforeunload', ask);
      globalThis.removeEventListener('online', again);
    };
  }, [composition]);
  useStateChange(({ accountId, states }) => {
    if ('Email' in states) void composition.look(accountId);
  });
  return [composition, state];
}
