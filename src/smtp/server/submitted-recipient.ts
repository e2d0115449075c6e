/** What a person hears of a recipient who cannot get his message, by SMTP and by JMAP the same. Pure. */
import type { Route } from '../../transport/api.ts';
import { type Reply, reply } from '../grammar/reply.ts';

export function refusedRoute(kind: Exclude<Route['kind'], 'local'>): Reply {
  switch (kind) {
    case 'unknown':
      return reply(550, '5.1.1', 'there is no mailbox with this address');
    case 'disabled':
      return reply(550, '5.2.1', 'the mailbox takes no mail');
    case 'elsewhere':
      return reply(550, '5.7.1', 'this server does not send mail to other domains yet');
  }
}
