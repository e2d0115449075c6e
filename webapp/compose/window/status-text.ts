/** What the window says of its draft, and of a send that failed. */
import type { TFunction } from 'i18next';
import type { SaveState } from '../draft-saver.ts';
import type { FailureWords } from '../send-failure.ts';

export function statusText(state: SaveState, isSending: boolean, t: TFunction, language: string): string {
  if (isSending) return t('send.busy');
  switch (state.kind) {
    case 'unchanged':
      return '';
    case 'waiting':
    case 'saving':
      return t('draft.saving');
    case 'saved':
      return t('draft.saved', { time: new Intl.DateTimeFormat(language, { timeStyle: 'short' }).format(state.at) });
    case 'failed':
      return t('draft.notSaved');
  }
}

export const failureText = ({ key, named, reason }: FailureWords, t: TFunction): string =>
  t(`failure.${key}`, { named: named.join(', '), reason });
