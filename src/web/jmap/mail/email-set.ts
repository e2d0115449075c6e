/**
 * Changing Emails (RFC 8621 §4.6): keywords and Mailboxes by patch, and removal. Keywords go to every message of an
 * Email; Mailboxes are added by COPY and taken away by moving on, so that the Email keeps its id all along. What a call
 * asks of hundreds of Emails is planned in one turn and carried out with one commit for each kind of change.
 */
import type { Mailbox } from '../../../store/api.ts';
import type { FolderId } from '../../../store/model.ts';
import { Failure } from '../../../observe/failure.ts';
import { isObject, type Json, type JsonObject, property } from '../json.ts';
import { SetError, setErrorOf } from '../method-error.ts';
import type { IdOf, Outcome } from '../set-call.ts';
import { contentOf, folderOf, mailboxIdOf } from './ids.ts';
import { flagsOfKeywords, isKeyword, keywordsOfEmail } from './keywords.ts';
import type { MailView, Placement } from './mail-view.ts';

/** What is done to one message. Equal steps on several messages of a folder are one commit. */
type Step =
  | {
      readonly kind: 'flags';
      readonly op: 'add' | 'remove';
      readonly flags: number;
      readonly keywords: readonly string[];
    }
  | { readonly kind: 'copy' | 'move'; readonly to: FolderId }
  | { readonly kind: 'expunge' };

interface PlannedStep {
  readonly id: string;
  readonly folder: FolderId;
  readonly uid: number;
  readonly step: Step;
}

/** Keywords first: the copies made behind them have them then. Moves behind copies, whose source they may be. */
const ORDER: readonly Step['kind'][] = ['flags', 'copy', 'move', 'expunge'];

/** @throws what is no matter of one Email */
export async function changeEmails(view: MailView, patches: ReadonlyMap<string, Json>, idOf: IdOf): Promise<Outcome> {
  const failed = new Map<string, JsonObject>();
  const steps: PlannedStep[] = [];
  // In one turn: rows do not move meanwhile.
  const contents = new Set([...patches.keys()].map((id) => contentOf(idOf(id)) ?? 0));
  const placements = view.placements(contents);
  for (const [id, patch] of patches) {
    try {
      const places = placements.get(contentOf(idOf(id)) ?? 0);
      if (places === undefined) throw new SetError('notFound', 'there is no such Email');
      steps.push(...planned(view, id, places, patch, idOf));
    } catch (error) {
      const facts = setErrorOf(error);
      if (facts === null) throw error;
      failed.set(id, facts);
    }
  }
  for (const group of grouped(steps)) {
    const [first] = group;
    const still = group.filter(({ id }) => !failed.has(id));
    if (first === undefined || still.length === 0) continue;
    const uids = Uint32Array.from(still, ({ uid }) => uid).toSorted();
    try {
      await carryOutStep(view.mailbox, first.folder, uids, first.step);
    } catch (error) {
      const facts = stepError(first.step, error);
      if (facts === null) throw error;
      for (const { id } of still) failed.set(id, facts);
    }
  }
  return { failed };
}

function planned(
  view: MailView,
  id: string,
  places: readonly Placement[],
  patch: Json,
  idOf: IdOf,
): readonly PlannedStep[] {
  if (!isObject(patch)) throw new SetError('invalidPatch', 'a patch is an object');
  const unknown = Object.keys(patch).find((key) => !/^(keywords|mailboxIds)(\/|$)/.test(key));
  if (unknown !== undefined)
    throw new SetError('invalidProperties', `${unknown.slice(0, 100)} cannot be changed`, { properties: [unknown] });
  const keywords = patched(Object.keys(keywordsOfEmail(places)), patch, 'keywords', (key) => {
    if (!isKeyword(key))
      throw new SetError('invalidProperties', `"${key.slice(0, 100)}" is no keyword`, { properties: ['keywords'] });
    return key.toLowerCase();
  });
  const present = places.map((place) => mailboxIdOf(place.view.folder.id));
  const mailboxes = patched(present, patch, 'mailboxIds', idOf);
  if (mailboxes?.size === 0)
    throw new SetError('invalidProperties', 'an Email is in one Mailbox at least', { properties: ['mailboxIds'] });
  const folders = mailboxes === null ? null : new Set([...mailboxes].map((mailbox) => mailFolder(view, mailbox)));
  return [
    ...(keywords === null ? [] : places.flatMap((place) => flagSteps(id, place, keywords))),
    ...(folders === null ? [] : folderSteps(id, places, folders)),
  ];
}

/** \Deleted is IMAP's matter and stays as it is. */
function flagSteps(id: string, place: Placement, wanted: ReadonlySet<string>): readonly PlannedStep[] {
  const now = new Set(Object.keys(keywordsOfEmail([place])));
  const changes = [
    ['add', flagsOfKeywords([...wanted].filter((keyword) => !now.has(keyword)))],
    ['remove', flagsOfKeywords([...now].filter((keyword) => !wanted.has(keyword)))],
  ] as const;
  return changes
    .filter(([, { flags, keywords }]) => flags !== 0 || keywords.length > 0)
    .map(([op, change]) => stepAt(id, place, { kind: 'flags', op, ...change }));
}

/** One that leaves goes to a new place itself: a move needs no room and keeps the quota. */
function folderSteps(id: string, places: readonly Placement[], wanted: ReadonlySet<FolderId>): readonly PlannedStep[] {
  const present = new Set(places.map((place) => place.view.folder.id));
  const leaving = places.filter((place) => !wanted.has(place.view.folder.id));
  const [source] = places;
  const steps: PlannedStep[] = [];
  for (const to of [...wanted].filter((folder) => !present.has(folder))) {
    const mover = leaving.shift();
    if (mover !== undefined) steps.push(stepAt(id, mover, { kind: 'move', to }));
    else if (source !== undefined) steps.push(stepAt(id, source, { kind: 'copy', to }));
  }
  return [...steps, ...leaving.map((place) => stepAt(id, place, { kind: 'expunge' }))];
}

const stepAt = (id: string, { view, uid }: Placement, step: Step): PlannedStep => ({
  id,
  folder: view.folder.id,
  uid,
  step,
});

function grouped(steps: readonly PlannedStep[]): readonly PlannedStep[][] {
  const groups = new Map<string, PlannedStep[]>();
  for (const kind of ORDER) {
    for (const one of steps) {
      if (one.step.kind !== kind) continue;
      const key = JSON.stringify([one.folder, one.step]);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [one]);
      else group.push(one);
    }
  }
  return [...groups.values()];
}

async function carryOutStep(mailbox: Mailbox, folder: FolderId, uids: Uint32Array, step: Step): Promise<void> {
  switch (step.kind) {
    case 'flags':
      await mailbox.setFlags(folder, uids, step);
      break;
    case 'copy':
      await mailbox.copy(folder, uids, step.to);
      break;
    case 'move':
      await mailbox.move(folder, uids, step.to);
      break;
    case 'expunge':
      await mailbox.expunge(folder, uids);
      break;
  }
}

function stepError(step: Step, error: unknown): JsonObject | null {
  if (step.kind === 'flags' && error instanceof Failure && error.code === 'LIMIT')
    return { type: 'tooManyKeywords', description: error.message };
  return setErrorOf(error);
}

/** The set after the patch, whole (`keywords`) or by path (`keywords/$seen`); null: it says nothing of it. */
function patched(
  now: readonly string[],
  patch: JsonObject,
  name: string,
  checked: (key: string) => string,
): ReadonlySet<string> | null {
  const whole = property(patch, name);
  const paths = Object.keys(patch).filter((key) => key.startsWith(`${name}/`));
  if (whole === undefined && paths.length === 0) return null;
  if (whole !== undefined && paths.length > 0)
    throw new SetError('invalidPatch', `${name} is given as a whole and in part`);
  if (whole !== undefined) {
    // Null is the default: no keywords, and no Mailbox, which is refused further on.
    const given = whole ?? {};
    if (!isObject(given) || Object.values(given).some((value) => value !== true))
      throw new SetError('invalidProperties', `${name} maps to true`, { properties: [name] });
    return new Set(Object.keys(given).map(checked));
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

function mailFolder(view: MailView, id: string): FolderId {
  const number = folderOf(id);
  if (number === null || !view.views.has(number))
    throw new SetError('invalidProperties', 'there is no such Mailbox', { properties: ['mailboxIds'] });
  return number;
}

/** To recoverable items, from every Mailbox: one commit a folder, however many there are. */
export async function destroyEmails(view: MailView, ids: readonly string[]): Promise<Outcome> {
  const failed = new Map<string, JsonObject>();
  const found = view.placements(new Set(ids.map((id) => contentOf(id) ?? 0)));
  const steps: PlannedStep[] = [];
  for (const id of ids) {
    const places = found.get(contentOf(id) ?? 0);
    if (places === undefined) failed.set(id, { type: 'notFound', description: 'there is no such Email' });
    else steps.push(...places.map((place) => stepAt(id, place, { kind: 'expunge' })));
  }
  for (const group of grouped(steps)) {
    const [first] = group;
    if (first !== undefined)
      await view.mailbox.expunge(first.folder, Uint32Array.from(group, ({ uid }) => uid).toSorted());
  }
  return { failed };
}
