/** Writes about web sessions, app passwords and preferences, and the audit entries they have to leave. */
import type { Directory } from '../../src/directory/api.ts';
import { type AuditWorld, changed, created, removed, type Step } from './directory-audit-steps.ts';
import { credentials } from './directory-fixture.ts';

/** Reads, sign-ins, tokens and notes of last use: no admin's change, and too often for the log (the server's own has them). */
export type SignInBookkeeping =
  | 'webSessions'
  | 'webSessionTokens'
  | 'addWebSession'
  | 'offerWebSessionToken'
  | 'adoptWebSessionToken'
  | 'signOut'
  | 'appPasswords'
  | 'appPasswordVerifiers'
  | 'lastUses'
  | 'noteUses'
  | 'preferences';

type Names = 'endWebSessions' | 'addAppPassword' | 'changeAppPassword' | 'removeAppPassword' | 'setPreferences';

/** Before the account that they are about is removed. */
export function signInWrites(world: AuditWorld): { readonly [K in Names]: Step } {
  const theAppPassword = async (directory: Directory) => {
    const made = (await directory.appPasswords(world.the('ann').id)).at(-1);
    if (made === undefined) throw new Error('the step before made one');
    return made;
  };
  return {
    endWebSessions: {
      run: async (as) => {
        await as.addWebSession({
          account: world.the('ann').id,
          token: new Uint8Array(32).fill(1),
          userAgent: 'Browser/1',
          clientAddress: '192.0.2.1',
          isRemembered: false,
        });
        await as.endWebSessions(world.the('ann').id);
      },
      leaves: [removed('WebSession', 'ann', { ClientAddress: '192.0.2.1', UserAgent: 'Browser/1' }, true)],
    },
    addAppPassword: {
      run: async (as) => {
        const { id } = world.the('ann');
        await as.changeAccount(id, { credentials: credentials(4) });
        await as.addAppPassword({
          account: id,
          name: 'Phone',
          protocols: ['IMAP', 'SMTP'],
          selector: 'abcd',
          credentials: credentials(5),
        });
      },
      leaves: [
        changed('Mailbox', 'ann', {}, { Password: '*****' }),
        created('AppPassword', 'ann', { Name: 'Phone', Protocols: 'IMAP, SMTP', Password: '*****' }),
      ],
    },
    changeAppPassword: {
      run: async (as) =>
        as.changeAppPassword(world.the('ann').id, (await theAppPassword(as)).id, { name: 'Old phone' }),
      leaves: [changed('AppPassword', 'ann', { Name: 'Phone' }, { Name: 'Old phone' })],
    },
    removeAppPassword: {
      run: async (as) => as.removeAppPassword(world.the('ann').id, (await theAppPassword(as)).id),
      leaves: [removed('AppPassword', 'ann', { Name: 'Old phone', Protocols: 'IMAP, SMTP' })],
    },
    setPreferences: {
      run: async (as) => {
        const signatures = [{ id: 'a', name: 'Work', text: 'secret@1', html: '<b>secret@2</b>' }];
        await as.setPreferences(world.the('ann').id, { language: 'es', signatures });
      },
      leaves: [
        changed(
          'Preferences',
          'ann',
          { language: '', signatures: '' },
          { language: '"es"', signatures: 'Work (23 characters)' },
        ),
      ],
    },
  };
}
