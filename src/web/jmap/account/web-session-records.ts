/** WebSession: where a person is signed in to the web app. Destroying one ends it; making one is signing in. */
import type { Directory } from '../../../directory/api.ts';
import { type WebSession, webSessionExpiry } from '../../../directory/web-session.ts';
import { SetError } from '../method-error.ts';
import { checkOwner, type OwnRecord, type OwnType } from './own-records.ts';

export function webSessionRecords(directory: Directory): OwnType {
  return {
    type: 'WebSession',
    properties: [
      'id',
      'isPresent',
      'createdAt',
      'lastUsedAt',
      'expiresAt',
      'clientAddress',
      'userAgent',
      'isRemembered',
    ],
    change: 'web-session',
    records: async (user, present) =>
      (await directory.webSessions(user.id)).map((session) => recordOf(session, session.id === present)),
    create: () => Promise.reject(new SetError('forbidden', 'a session begins with signing in')),
    update: () => Promise.reject(new SetError('forbidden', 'a session is as it is; destroy it to end it')),
    destroy: async (context, id) => {
      checkOwner(context);
      const { user } = context;
      const actor = { user: user.userPrincipalName, via: 'web', command: 'WebSession/set' } as const;
      if ((await directory.as(actor).endWebSessions(user.id, [id])) === 0)
        throw new SetError('notFound', 'there is no such session; it may have ended already');
    },
  };
}

const recordOf = (session: WebSession, isPresent: boolean): OwnRecord => ({
  id: session.id,
  isPresent,
  createdAt: new Date(session.createdAt).toISOString(),
  lastUsedAt: new Date(session.lastUsedAt).toISOString(),
  expiresAt: new Date(webSessionExpiry(session)).toISOString(),
  clientAddress: session.clientAddress,
  userAgent: session.userAgent,
  isRemembered: session.isRemembered,
});
