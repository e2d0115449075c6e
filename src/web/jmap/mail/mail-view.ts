/**
 * A mailbox as JMAP sees it for the length of one request: every mail folder with its rows, Emails by content, one
 * state string. Recoverable items, calendar and contacts are no mail. Rows live in memory; looking through 100,000 of
 * them takes a few milliseconds, so nothing is kept between requests that could be out of step.
 */
import type { FolderView, Mailbox } from '../../../store/api.ts';
import type { Folder, FolderId } from '../../../store/model.ts';
import { NumberSet } from './number-set.ts';

/** One message of an Email in one folder. */
export interface Placement {
  readonly view: FolderView;
  readonly uid: number;
  readonly row: number;
}

export class MailView {
  readonly mailbox: Mailbox;
  readonly views: ReadonlyMap<FolderId, FolderView>;

  private constructor(mailbox: Mailbox, views: ReadonlyMap<FolderId, FolderView>) {
    this.mailbox = mailbox;
    this.views = views;
  }

  /** Close it. @throws Failure */
  static async open(mailbox: Mailbox): Promise<MailView> {
    const views = new Map<FolderId, FolderView>();
    try {
      for (const folder of mailbox.folders()) if (isMail(folder)) views.set(folder.id, await mailbox.view(folder.id));
      return new MailView(mailbox, views);
    } catch (error) {
      for (const view of views.values()) view.close();
      throw error;
    }
  }

  close(): void {
    for (const view of this.views.values()) view.close();
  }

  /** Where each of these Emails lies; what is nowhere is missing. One pass over all rows, whatever their number. */
  placements(contents: ReadonlySet<number>): ReadonlyMap<number, Placement[]> {
    return this.#gather(contents, (view) => view.columns.content);
  }

  /** The same by conversation. */
  placementsOfThreads(threads: ReadonlySet<number>): ReadonlyMap<number, Placement[]> {
    return this.#gather(threads, (view) => view.columns.thread);
  }

  #gather(numbers: ReadonlySet<number>, column: (view: FolderView) => Uint32Array): Map<number, Placement[]> {
    const found = new Map<number, Placement[]>();
    if (numbers.size === 0) return found;
    const wanted = new NumberSet(numbers);
    for (const view of this.views.values()) {
      const { length, uid } = view.columns;
      const values = column(view);
      for (let row = 0; row < length; row += 1) {
        const value = values[row]!;
        if (!wanted.has(value)) continue;
        const placement = { view, uid: uid[row]!, row };
        const others = found.get(value);
        if (others === undefined) found.set(value, [placement]);
        else others.push(placement);
      }
    }
    return found;
  }
}

export const isMail = (folder: Folder): boolean => folder.kind === 'mail';
