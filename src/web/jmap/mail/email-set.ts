/**
 * Changing Emails (RFC 8621 §4.6): keywords and Mailboxes by patch, and removal. Keywords go to every message of an
 * Email; Mailboxes are added by COPY and taken away by moving on, so that the Email keeps its id all along.
 */
import type { Folder } from '../../../store/model.ts';
import { isObject, type Json, property } from '../json.ts';
import { SetError } from '../method-error.ts';
import { contentOf, folderOf, mailboxIdOf } from './ids.ts';
import { FLAG_KEYWORDS, isKeyword, keywordsOfEmail } from './keywords.ts';
import type { MailView, Placement } from './mail-view.ts';

/** @throws SetError, Failure */
export async function changeEmail(
  view: MailView,
  id: string,
  patch: Json,
  idOf: (id: string) => string,
): Promise<void> {
  if (!isObject(patch)) throw new SetError('invalidPatch', 'a patch is an object');
  const content = contentOf(id);
  const places = content === null ? undefined : view.placements(new Set<number>([content])).get(content);
  if (places === undefined) throw new SetError('notFound', 'there is no such Email');
  const keywords = patched(Object.keys(keywordsOfEmail(places)), patch, 'keywords', (key) => {
    if (!isKeyword(key)) throw new SetError('invalidProperties', `"${key.slice(0, 100)}" is no keyword`);
    return key.toLowerCase();
  });
  const present = new Set(places.map((place) => mailboxIdOf(place.view.folder.id)));
  const mailboxes = patched([...present], patch, 'mailboxIds', idOf);
  const unknown = Object.keys(patch).find((key) => !/^(keywords|mailboxIds)(\/|$)/.test(key));
  if (unknown !== undefined)
    throw new SetError('invalidProperties', `${unknown.slice(0, 100)} cannot be changed`, { properties: [unknown] });
  if (mailboxes?.size === 0)
    throw new SetError('invalidProperties', 'an Email is in one Mailbox at least', { properties: ['mailboxIds'] });
  const folders = mailboxes === null ? null : [...mailboxes].map((mailbox) => mailFolder(view, mailbox));
  // Keywords first: the copies made below have them then.
  if (keywords !== null) await setKeywords(view, places, keywords);
  if (folders !== null) await setFolders(view, places, folders);
}

/** The set after the patch, whole (`keywords`) or by path (`keywords/$seen`); null: it says nothing of it. */
function patched(
  now: readonly string[],
  patch: Readonly<Record<string, Json | undefined>>,
  name: string,
  checked: (key: string) => string,
): ReadonlySet<string> | null {
  const whole = property(patch, name);
  const paths = Object.keys(patch).filter((key) => key.startsWith(`${name}/`));
  if (whole === undefined && paths.length === 0) return null;
  if (whole !== undefined && paths.length > 0)
    throw new SetError('invalidPatch', `${name} is given as a whole and in part`);
  if (whole !== undefined) {
    if (!isObject(whole) || Object.values(whole).some((value) => value !== true))
      throw new SetError('invalidProperties', `${name} maps to true`, { properties: [name] });
    return new Set(Object.keys(whole).map(checked));
  }
  const result = new Set(now);
  for (const path of paths) {
    // RFC 6901 escapes within a patch's path.
    const key = checked(
      path
        .slice(name.length + 1)
        .replaceAll('~1', '/')
        .replaceAll('~0', '~'),
    );
    const value = patch[path];
    if (value === true) result.add(key);
    else if (value === null) result.delete(key);
    else throw new SetError('invalidPatch', `${path.slice(0, 100)} must be true or null`);
  }
  return result;
}

function mailFolder(view: MailView, id: string): Folder {
  const number = folderOf(id);
  const folder = number === null ? undefined : view.views.get(number)?.folder;
  if (folder === undefined)
    throw new SetError('invalidProperties', 'there is no such Mailbox', { properties: ['mailboxIds'] });
  return folder;
}

/** \Deleted is IMAP's matter and stays as it is. */
async function setKeywords(view: MailView, places: readonly Placement[], wanted: ReadonlySet<string>): Promise<void> {
  const flagsOf = (keywords: Iterable<string>): { flags: number; keywords: string[] } => {
    let flags = 0;
    const rest: string[] = [];
    for (const keyword of keywords) {
      const bit = FLAG_KEYWORDS.get(keyword);
      if (bit === undefined) rest.push(keyword);
      else flags |= bit;
    }
    return { flags, keywords: rest };
  };
  for (const place of places) {
    const now = new Set(Object.keys(keywordsOfEmail([place])));
    const add = flagsOf([...wanted].filter((keyword) => !now.has(keyword)));
    const remove = flagsOf([...now].filter((keyword) => !wanted.has(keyword)));
    const uids = Uint32Array.of(place.uid);
    const { id } = place.view.folder;
    if (add.flags !== 0 || add.keywords.length > 0) await view.mailbox.setFlags(id, uids, { op: 'add', ...add });
    if (remove.flags !== 0 || remove.keywords.length > 0)
      await view.mailbox.setFlags(id, uids, { op: 'remove', ...remove });
  }
}

async function setFolders(view: MailView, places: readonly Placement[], wanted: readonly Folder[]): Promise<void> {
  const ids = new Set(wanted.map(({ id }) => id));
  const leaving = places.filter((place) => !ids.has(place.view.folder.id));
  const present = new Set(places.map((place) => place.view.folder.id));
  const entering = wanted.filter(({ id }) => !present.has(id));
  const [source] = places;
  if (source === undefined) return;
  for (const { id } of entering) {
    // One that leaves goes there itself: a move needs no room and keeps the quota.
    const mover = leaving.shift();
    const from = mover ?? source;
    const uids = Uint32Array.of(from.uid);
    if (mover === undefined) await view.mailbox.copy(from.view.folder.id, uids, id);
    else await view.mailbox.move(from.view.folder.id, uids, id);
  }
  for (const place of leaving) await view.mailbox.expunge(place.view.folder.id, Uint32Array.of(place.uid));
}

export interface Destroyed {
  readonly destroyed: readonly string[];
  readonly notDestroyed: Readonly<Record<string, Json>>;
}

/** To recoverable items, from every Mailbox: one commit a folder, however many there are. */
export async function destroyEmails(
  view: MailView,
  ids: readonly string[],
  idOf: (id: string) => string,
): Promise<Destroyed> {
  const contents = new Map(ids.map((id) => [id, contentOf(idOf(id))]));
  const found = view.placements(new Set([...contents.values()].map((content) => content ?? 0)));
  const byFolder = new Map<Folder['id'], number[]>();
  const destroyed: string[] = [];
  const notDestroyed: Record<string, Json> = {};
  for (const [id, content] of contents) {
    const places = content === null ? undefined : found.get(content);
    if (places === undefined) {
      notDestroyed[id] = { type: 'notFound', description: 'there is no such Email' };
      continue;
    }
    destroyed.push(id);
    for (const place of places) {
      const uids = byFolder.get(place.view.folder.id) ?? [];
      byFolder.set(place.view.folder.id, uids);
      uids.push(place.uid);
    }
  }
  for (const [folder, uids] of byFolder)
    await view.mailbox.expunge(folder, Uint32Array.from(uids.toSorted((a, b) => a - b)));
  return { destroyed, notDestroyed };
}
