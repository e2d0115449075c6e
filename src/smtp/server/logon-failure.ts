/** What a client hears of a logon that failed (RFC 4954 §6, RFC 5248 §2.4). Pure. */
import type { Failure } from '../../observe/failure.ts';
import { type Reply, reply } from '../grammar/reply.ts';

export function replyToLogonFailure(failure: Failure): Reply {
  switch (failure.code) {
    case 'AUTHORIZATIONFAILED':
      return reply(535, '5.7.1', failure.message);
    case 'CONTACTADMIN':
      return reply(525, '5.7.13', failure.message);
    case 'PRIVACYREQUIRED':
      return reply(538, '5.7.11', failure.message);
    case 'EXPIRED':
      return reply(432, '4.7.12', failure.message);
    case 'LIMIT':
    case 'UNAVAILABLE':
    case 'INUSE':
    case 'SERVERBUG':
      return reply(454, '4.7.0', failure.message);
    default:
      return reply(535, '5.7.8', failure.message);
  }
}
