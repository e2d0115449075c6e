/** Fills the large INBOX of user 0, in one order on every peer, so that all hold the same messages under the same UIDs. */
import { RawImap } from './client/imap.ts';
import type { BenchCorpus } from './corpus.ts';
import type { Peer } from './peers/peer.ts';

const IN_FLIGHT = 64;

/** Messages per second, or null when a kept directory held them already. */
export async function load(peer: Peer, corpus: BenchCorpus, count: number): Promise<number | null> {
  const user = peer.users[0];
  if (user === undefined) throw new Error('a peer has at least one user');
  const client = await RawImap.logOn(peer.imap, user.name, user.password);
  const status = await client.ok('STATUS INBOX (MESSAGES)');
  const present = Number(/MESSAGES (\d+)/.exec(status.tail)?.[1]);
  if (present >= count) {
    client.close();
    return null;
  }
  const started = performance.now();
  const capability = await client.ok('CAPABILITY');
  const multiple = / MULTIAPPEND/i.test(capability.tail);
  for (let at = present; at < count; at += IN_FLIGHT) {
    const batch = Array.from({ length: Math.min(IN_FLIGHT, count - at) }, (_, i) => corpus.message(at + i));
    if (multiple) await client.multiAppend('INBOX', batch);
    else await client.pipelinedAppend('INBOX', batch);
  }
  client.close();
  return (count - present) / ((performance.now() - started) / 1000);
}
