/** Compares what clients were told with what is in the mailboxes. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Cluster, Person } from './cluster.ts';
import type { Ledger } from './ledger.ts';
import { imapGreeted } from './talk.ts';
import { FRONT_ENDS } from './topology.ts';

/** A mailbox that was just unreachable may need a moment; a message that was acknowledged may be on its way. */
const PATIENCE_MS = 30_000;
const AGAIN_MS = 500;

interface Found {
  readonly token: string;
  readonly flags: string;
}

/** Everything that is not as it was told, in words; empty when all is well. */
export async function differences(
  cluster: Cluster,
  ledger: Ledger,
  ca: string,
  patienceMs = PATIENCE_MS,
): Promise<readonly string[]> {
  const all = await Promise.all(cluster.people.map((person) => ofOne(person, ledger, ca, patienceMs)));
  return all.flat();
}

async function ofOne(person: Person, ledger: Ledger, ca: string, patienceMs: number): Promise<readonly string[]> {
  const giveUp = performance.now() + patienceMs;
  let last: readonly string[] = [];
  do {
    last = await compared(person, ledger, ca).catch((error: unknown) => [`${person.address}: ${String(error)}`]);
    if (last.length > 0) await pause(AGAIN_MS);
  } while (last.length > 0 && performance.now() < giveUp);
  return last;
}

async function compared(person: Person, ledger: Ledger, ca: string): Promise<readonly string[]> {
  const found = Map.groupBy(await read(person, ca), ({ token }) => token);
  const wrong: string[] = [];
  for (const { token, by, fate, flagged } of ledger.of(person)) {
    const copies = found.get(token) ?? [];
    found.delete(token);
    const told = `${person.address}: ${token} by ${by}, ${fate}`;
    if (copies.length > 1) wrong.push(`${told}: there ${copies.length} times`);
    if (fate === 'acknowledged' && copies.length === 0) wrong.push(`${told}: lost`);
    if (fate === 'refused' && copies.length > 0) wrong.push(`${told}: there all the same`);
    const isFlagged = copies.some(({ flags }) => flags.includes('\\Flagged'));
    if (flagged === 'acknowledged' && copies.length > 0 && !isFlagged) wrong.push(`${told}: its flag is lost`);
    if (flagged === 'not asked' && isFlagged) wrong.push(`${told}: a flag that nobody set`);
  }
  for (const token of found.keys()) wrong.push(`${person.address}: ${token} was sent to somebody else`);
  return wrong;
}

async function read(person: Person, ca: string): Promise<readonly Found[]> {
  const [frontEnd] = FRONT_ENDS;
  if (frontEnd === undefined) throw new Error('no front end');
  const imap = await imapGreeted(frontEnd, ca);
  try {
    for (const line of [`LOGIN ${person.address} "${person.password}"`, 'EXAMINE INBOX']) {
      const { status } = await imap.command(line);
      if (!status.startsWith('OK')) throw new Error(status);
    }
    const { status, untagged } = await imap.command('UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])');
    if (!status.startsWith('OK')) throw new Error(status);
    return untagged.flatMap((answer) => {
      const text = answer.toString('latin1');
      const [token] = /token-[0-9a-f]{18}/.exec(text) ?? [];
      return token === undefined ? [] : [{ token, flags: /FLAGS \(([^)]*)\)/.exec(text)?.[1] ?? '' }];
    });
  } finally {
    imap.hangUp();
  }
}
