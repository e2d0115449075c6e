/** A transport for a spool that never sends. */
import type { Transport } from '../../src/transport/api.ts';

export const nowhere: Transport = {
  route: () => Promise.resolve({ kind: 'unknown' }),
  begin: () => {
    throw new Error('nothing is sent here');
  },
  usage: () => Promise.resolve(null),
};
