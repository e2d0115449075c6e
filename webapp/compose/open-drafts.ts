/** Which draft each window stands on: it is another one after each save, and must not be opened twice. */
import type { StoredDraft } from './draft-saver.ts';

export const openDrafts = new Map<number, StoredDraft>();
