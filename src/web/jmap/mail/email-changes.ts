/**
 * What happened to Emails since a state (RFC 8620 §5.2, RFC 8621 §4.3), out of MODSEQs: rows say what came and what
 * changed; what is in recoverable items and nowhere else was deleted. What has left recoverable items since then for
 * good cannot be named any more, and the client has to begin anew (`cannotCalculateChanges`).
 */
import { MethodError } from '../method-error.ts';
import { emailIdOf, mailboxIdOf, threadIdOf } from './ids.ts';
import type { MailView } from './mail-view.ts';
import { readState, type MailState, stateOf, stateText } from './state.ts';

export interface Changes {
  readonly oldState: string;
  readonly newState: string;
  readonly hasMoreChanges: boolean;
  readonly created: readonly string[];
  readonly updated: readonly string[];
  readonly destroyed: readonly string[];
}

/** @throws MethodError cannotCalculateChanges: not one of our states, or one from the future */
export function stateFrom(text: string, now: MailState): MailState {
  const state = readState(text);
  if (state === null || state.modSeq > now.modSeq)
    throw new MethodError('cannotCalculateChanges', 'this state is not known here; begin anew');
  return state;
}

/** @throws MethodError cannotCalculateChanges, tooManyChanges */
export async function emailChanges(view: MailView, sinceText: string, most: number): Promise<Changes> {
  const now = stateOf(view, view.mailbox.folders());
  const since = stateFrom(sinceText, now);
  const touched = new Set<number>();
  const present = new Set<number>();
  for (const { columns } of view.views.values()) {
    for (let row = 0; row < columns.length; row += 1) {
      present.add(columns.content[row]!);
      if (columns.modSeq[row]! > since.modSeq) touched.add(columns.content[row]!);
    }
  }
  const deleted = await deletedSince(view, since);
  const created: string[] = [];
  const updated: string[] = [];
  for (const content of touched) (content > since.content ? created : updated).push(emailIdOf(content));
  const destroyed: string[] = [];
  for (const content of deleted) {
    if (present.has(content)) {
      // One of several places is gone: its Mailboxes have changed.
      if (!touched.has(content) && content <= since.content) updated.push(emailIdOf(content));
    } else if (content <= since.content) destroyed.push(emailIdOf(content));
  }
  return atMost({ since: sinceText, now: stateText(now), created, updated, destroyed }, most);
}

/** Contents that came into recoverable items since then. */
async function deletedSince({ mailbox }: MailView, since: MailState): Promise<ReadonlySet<number>> {
  const deleted = new Set<number>();
  for (const folder of mailbox.folders()) {
    if (folder.kind !== 'recoverable') continue;
    const items = await mailbox.view(folder.id);
    try {
      const gone = await items.expungedSince(since.modSeq);
      if (gone === null || gone.length > 0)
        throw new MethodError('cannotCalculateChanges', 'deleted messages have gone for good since then; begin anew');
      const { columns } = items;
      for (let row = 0; row < columns.length; row += 1)
        if (columns.modSeq[row]! > since.modSeq) deleted.add(columns.content[row]!);
    } finally {
      items.close();
    }
  }
  return deleted;
}

/** RFC 8621 §3.2: a thread has changed when an Email of it came or went. */
export async function threadChanges(view: MailView, sinceText: string, most: number): Promise<Changes> {
  const emails = await emailChanges(view, sinceText, Number.MAX_SAFE_INTEGER);
  if (emails.destroyed.length > 0)
    throw new MethodError('cannotCalculateChanges', 'which conversations the deleted messages belonged to is not kept');
  const since = stateFrom(sinceText, stateOf(view, view.mailbox.folders()));
  const before = new Set<number>();
  const now = new Set<number>();
  const touched = new Set<number>();
  for (const { columns } of view.views.values()) {
    for (let row = 0; row < columns.length; row += 1) {
      const thread = columns.thread[row]!;
      now.add(thread);
      if (columns.content[row]! > since.content) touched.add(thread);
      else before.add(thread);
    }
  }
  const ids = (keep: (thread: number) => boolean): string[] => [...touched].filter(keep).map(threadIdOf);
  return atMost(
    {
      since: sinceText,
      now: emails.newState,
      created: ids((thread) => !before.has(thread)),
      updated: ids((thread) => before.has(thread)),
      destroyed: [],
    },
    most,
  );
}

/** RFC 8621 §2.2. Which folders are gone is not kept: then the client has to begin anew. */
export function mailboxChanges(
  view: MailView,
  sinceText: string,
  most: number,
): Changes & { readonly onlyCounts: boolean } {
  const now = stateOf(view, view.mailbox.folders());
  const since = stateFrom(sinceText, now);
  const changed = [...view.views.values()].filter(({ folder }) => folder.highestModSeq > since.modSeq);
  if (since.folders !== now.folders)
    throw new MethodError('cannotCalculateChanges', 'folders have come or gone since then; begin anew');
  const updated = changed.map(({ folder }) => mailboxIdOf(folder.id));
  const changes = atMost({ since: sinceText, now: stateText(now), created: [], updated, destroyed: [] }, most);
  return { ...changes, onlyCounts: false };
}

function atMost(
  all: {
    readonly since: string;
    readonly now: string;
    readonly created: readonly string[];
    readonly updated: readonly string[];
    readonly destroyed: readonly string[];
  },
  most: number,
): Changes {
  const { created, updated, destroyed } = all;
  // A state in between would have to be one that the mailbox was in: there is none to be had, so it is all or nothing.
  if (created.length + updated.length + destroyed.length > most)
    throw new MethodError('cannotCalculateChanges', `more than ${most} changes since then; begin anew`);
  return { oldState: all.since, newState: all.now, hasMoreChanges: false, created, updated, destroyed };
}
