/** What a checked client does at random, and what it may conclude from the answer. */
import { setTimeout as after } from 'node:timers/promises';
import { type CheckedClient, normalized, Violation } from './client.ts';

/** Repeatable numbers in [0, 1): mulberry32. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const FLAGS = ['\\Seen', '\\Answered', '\\Flagged', '\\Draft', '$Work', '$Later'];
const OTHER = 'Archive';
/** Messages above and below which the mix of actions pushes back. */
const FEW = 60;
const MANY = 250;

export interface Player {
  readonly client: CheckedClient;
  readonly random: () => number;
  appends: number;
}

/** One random step; resolves when it is answered. @throws Violation */
export async function act(player: Player): Promise<void> {
  const { client, random } = player;
  const count = client.slots.length;
  const dice = random();
  if (count < FEW || dice < 0.12) return append(player);
  if (count > MANY && dice < 0.5) return dice < 0.3 ? expunge(player) : copyOrMove(player, 'MOVE');
  if (dice < 0.3) return fetch(player);
  if (dice < 0.42) return fetchByUid(player);
  if (dice < 0.62) return store(player);
  if (dice < 0.68) return search(player);
  if (dice < 0.75) return copyOrMove(player, dice < 0.71 ? 'COPY' : 'MOVE');
  if (dice < 0.82) return expunge(player);
  if (dice < 0.92) return expectOk(await client.idle(after(5 + random() * 30)));
  if (dice < 0.97) return expectOk(await client.send('NOOP'));
  return reselect(player);
}

async function append({ client, random, appends }: Player): Promise<void> {
  const subject = `${client.name}-${appends}-${Math.floor(random() * 1e9)}`;
  const message = Buffer.from(`From: ${client.name}@example.org\r\nSubject: ${subject}\r\n\r\nbody of ${subject}\r\n`);
  const flags = some(random, FLAGS).join(' ');
  const answer = await client.send(`APPEND INBOX (${flags})`, message);
  const uid = Number(/\[APPENDUID \d+ (\d+)\]/.exec(answer)?.[1]);
  if (Number.isNaN(uid)) throw new Violation(`${client.name}: APPEND answered ${answer}`);
  if (client.truth.appended.has(uid)) throw new Violation(`UID ${uid} was given twice`);
  client.truth.appended.add(uid);
  const before = client.truth.subjects.get(uid);
  if (before !== undefined && before !== subject)
    throw new Violation(`UID ${uid} is «${before}», was appended «${subject}»`);
  client.truth.subjects.set(uid, subject);
}

async function fetch({ client, random }: Player): Promise<void> {
  const first = pick(random, client.slots.length);
  const last = Math.min(client.slots.length, first + Math.floor(random() * 40));
  const items = random() < 0.4 ? '(UID FLAGS BODY.PEEK[HEADER.FIELDS (Subject)])' : '(UID FLAGS MODSEQ)';
  expectOk(await client.send(`FETCH ${first}:${last} ${items}`));
}

async function fetchByUid({ client, random }: Player): Promise<void> {
  const uids = someUids(client, random);
  if (uids.length === 0) return;
  const items = random() < 0.3 ? '(FLAGS BODY[])' : '(FLAGS MODSEQ)';
  expectOk(await client.send(`UID FETCH ${uids.join(',')} ${items}`));
}

async function store({ client, random }: Player): Promise<void> {
  const uids = someUids(client, random);
  if (uids.length === 0) return;
  const op = ['+', '-', ''][Math.floor(random() * 3)] ?? '';
  const flags = [...some(random, FLAGS), ...(random() < 0.3 ? ['\\Deleted'] : [])];
  const silent = random() < 0.5;
  const byNumber = random() < 0.4;
  const text = `FLAGS${silent ? '.SILENT' : ''} (${flags.join(' ')})`;
  // What is not echoed the client works out itself, before the answer, which may hold later news.
  if (silent) {
    for (const uid of uids) {
      const known = client.known.get(uid);
      if (known !== undefined && known.flags !== null) known.flags = applied(known.flags, op, flags);
    }
  }
  const set = byNumber ? uids.map((uid) => client.slots.indexOf(uid) + 1) : uids;
  expectOk(await client.send(`${byNumber ? '' : 'UID '}STORE ${set.join(',')} ${op}${text}`));
}

async function search({ client, random }: Player): Promise<void> {
  if (random() < 0.5) {
    expectOk(await client.send('UID SEARCH DELETED'));
    for (const [i, uid] of client.found.entries()) {
      if (i > 0 && uid <= (client.found[i - 1] ?? 0)) throw new Violation('UID SEARCH is not in ascending order');
    }
    return;
  }
  expectOk(await client.send('SEARCH UNDELETED'));
  if (client.found.some((number) => number < 1 || number > client.slots.length)) {
    throw new Violation(`${client.name}: SEARCH names a number above EXISTS`);
  }
}

async function copyOrMove({ client, random }: Player, verb: 'COPY' | 'MOVE'): Promise<void> {
  const uids = someUids(client, random).slice(0, 8);
  if (uids.length === 0) return;
  const target = random() < 0.3 ? 'INBOX' : OTHER;
  const answer = await client.send(`UID ${verb} ${uids.join(',')} ${target}`);
  expectOk(answer);
  const pair = /\[COPYUID \d+ (\S+) (\S+)\]/.exec(answer);
  if (pair !== null && size(pair[1] ?? '') !== size(pair[2] ?? '')) throw new Violation(`uneven ${answer}`);
}

async function expunge({ client, random }: Player): Promise<void> {
  const uids = someUids(client, random);
  if (uids.length > 0) {
    // Not silent: the answer tells the client what else was changed.
    expectOk(await client.send(`UID STORE ${uids.join(',')} +FLAGS (\\Deleted)`));
  }
  expectOk(await client.send(random() < 0.5 || uids.length === 0 ? 'EXPUNGE' : `UID EXPUNGE ${uids.join(',')}`));
}

async function reselect({ client, random }: Player): Promise<void> {
  client.known.clear();
  expectOk(await client.send(random() < 0.5 ? 'SELECT INBOX (CONDSTORE)' : 'SELECT INBOX'));
  if (client.slots.length > 0) expectOk(await client.send('FETCH 1:* (UID FLAGS)'));
}

/** NO is right only where a message is gone; BAD never, as every number was within EXISTS. */
function expectOk(answer: string): void {
  if (answer.startsWith('OK') || answer.startsWith('NO [EXPUNGEISSUED]')) return;
  if (answer.startsWith('NO [MODIFIED')) return;
  throw new Violation(`answered ${answer}`);
}

function someUids(client: CheckedClient, random: () => number): number[] {
  const uids = client.slots.filter((uid) => uid !== null);
  return uids.filter(() => random() < Math.min(0.5, 6 / Math.max(1, uids.length)));
}

const pick = (random: () => number, count: number): number => 1 + Math.floor(random() * count);
const some = <T>(random: () => number, from: readonly T[]): T[] => from.filter(() => random() < 0.3);

export function applied(now: string, op: string, flags: readonly string[]): string {
  const set = new Set(op === '' ? [] : now.split(' '));
  for (const flag of flags) {
    if (op === '-') set.delete(flag);
    else set.add(flag);
  }
  return normalized([...set].join(' '));
}

/** How many numbers `1:3,7` names. */
function size(set: string): number {
  return set.split(',').reduce((sum, range) => {
    const [first = 0, last = first] = range.split(':').map(Number);
    return sum + last - first + 1;
  }, 0);
}
