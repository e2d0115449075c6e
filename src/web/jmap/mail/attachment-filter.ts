/**
 * Which messages of a folder have something attached (`hasAttachment`, RFC 8621 §4.1.4, §4.4.1): read out of the parse
 * results, some thousand a turn. A filter by it costs as much as reading them; put conditions on dates beside it.
 */
import { readParts } from '../../../message/fragment.ts';
import type { FolderView, Mailbox } from '../../../store/api.ts';
import type { SearchQuery } from '../../../store/search/query.ts';
import { TimeSlice } from '../../../store/search/time-slice.ts';
import type { Part } from '../../../message/model.ts';
import { bodyTree, flatBody } from './body-parts.ts';
import { NumberSet } from './number-set.ts';
import { uidQuery } from './thread-keywords.ts';

/** Pictures that only serve the HTML count for nothing. */
export function hasAttachment(parts: readonly Part[]): boolean {
  const tree = bodyTree(parts);
  return tree !== null && flatBody(tree).attachments.some(({ part }) => part.disposition !== 'inline');
}

export async function attachmentQuery(mailbox: Mailbox, view: FolderView): Promise<SearchQuery> {
  const uids = view.columns.uid.slice(0, view.columns.length);
  const attached = new NumberSet();
  const slice = new TimeSlice();
  for await (const { first, count, bytes, pieces } of mailbox.fragments(view.folder.id, uids, ['details'])) {
    const { offsets, lengths } = pieces.details ?? { offsets: [], lengths: [] };
    for (let i = 0; i < count; i += 1)
      if ((lengths[i] ?? 0) > 0 && hasAttachment(readParts(bytes, offsets[i] ?? 0))) attached.add(uids[first + i]!);
    if (slice.due()) await slice.pause();
  }
  const { uid } = view.columns;
  return uidQuery(view, (row) => attached.has(uid[row]!));
}
