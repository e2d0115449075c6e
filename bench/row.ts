/** What a row of design.md §9 is: a title, a budget and a way to measure it on one peer. */
import type { BenchCorpus } from './corpus.ts';
import { RawImap } from './client/imap.ts';
import type { Peer } from './peers/peer.ts';

export interface Bench {
  readonly peer: Peer;
  readonly corpus: BenchCorpus;
  /** Messages in the large INBOX of user 0. */
  readonly count: number;
}

export interface Row {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  /** Ratio ours ÷ theirs as speed that design.md §9 asks for. Null: an absolute bound, see `bound`. */
  readonly budget: number | null;
  /** Absolute bound of our figure, for rows where smaller is better. */
  readonly bound?: number;
  readonly smallerIsBetter?: boolean;
  /** At most this many rounds (slow rows). */
  readonly rounds?: number;
  /** Once per peer before its first round. */
  prepare?(bench: Bench): Promise<void>;
  /** One figure: speed, or time / memory when smaller is better. */
  measure(bench: Bench, round: number): Promise<number>;
}

/** Connection of user `index`, in the clear or TLS. */
export function logOn(bench: Bench, index = 0, secure = false): Promise<RawImap> {
  const user = bench.peer.users[index];
  if (user === undefined) throw new Error(`no bench user ${index}`);
  return RawImap.logOn(secure ? bench.peer.imaps : bench.peer.imap, user.name, user.password);
}

/** Runs `work` on a connection with the large INBOX selected. */
export async function inBox<T>(bench: Bench, work: (client: RawImap) => Promise<T>, secure = false): Promise<T> {
  const client = await logOn(bench, 0, secure);
  try {
    await client.ok('SELECT INBOX');
    return await work(client);
  } finally {
    client.close();
  }
}
