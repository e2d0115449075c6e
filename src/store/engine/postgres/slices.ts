/** Parts of many stored byte strings with one query: how contents, parse results and texts are read. */
import type { Buffer } from 'node:buffer';
import type { Connections } from './connections.ts';
import { numbers } from './copy-out.ts';

/** Octets [skip, skip + take) of the row with this key, to be put at `at`. */
export interface Slice {
  /** Number and part of a content; kind and start of packed bytes. */
  readonly key: readonly [number, number];
  readonly skip: number;
  readonly take: number;
  readonly at: number;
}

const KEYS = { content: ['number', 'part'], packed: ['kind', 'start'] } as const;

/** @throws Error when a row is missing or shorter than asked */
export async function readSlices(
  connections: Connections,
  table: keyof typeof KEYS,
  mailbox: number,
  slices: readonly Slice[],
  target: Buffer,
): Promise<void> {
  if (slices.length === 0) return;
  const [first, second] = KEYS[table];
  const column = (type: 'bigint' | 'int', of: (slice: Slice) => number): string => numbers(slices.map(of), type);
  const wanted = [
    column('bigint', ({ key }) => key[0]),
    column('bigint', ({ key }) => key[1]),
    column('int', ({ skip }) => skip + 1),
    column('int', ({ take }) => take),
    column('int', ({ at }) => at),
  ];
  let copied = 0;
  await connections.copyOut(
    `SELECT w.at, substring(t.data FROM w.skip FOR w.take)
     FROM unnest(${wanted.join(', ')}) AS w(first, second, skip, take, at)
     JOIN penfold_mail.${table} t ON t.mailbox = ${mailbox} AND t.${first} = w.first AND t.${second} = w.second`,
    ([at, bytes]) => {
      if (at !== undefined && bytes !== undefined) copied += bytes.copy(target, at.readInt32BE(0));
    },
  );
  const octets = slices.reduce((sum, { take }) => sum + take, 0);
  if (copied !== octets) throw new Error(`${table} of mailbox ${mailbox}: ${octets - copied} octets are missing`);
}
