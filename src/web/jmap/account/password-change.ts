/**
 * Password/change: the current password once more, by the same door and throttle as every logon, then a new one. The
 * sessions in other browsers end, this one goes on, app passwords stay.
 */
import type { Authenticator } from '../../../auth/api.ts';
import { credentialsOfAccount } from '../../../auth/app-passwords.ts';
import { checkNewPassword } from '../../../auth/password-policy.ts';
import type { CredentialsOptions } from '../../../auth/verifiers.ts';
import type { Directory } from '../../../directory/api.ts';
import { Failure } from '../../../observe/failure.ts';
import { MethodArguments } from '../arguments.ts';
import type { JmapContext } from '../capability.ts';
import type { Method } from '../dispatch.ts';
import { MethodError } from '../method-error.ts';
import { ACCOUNT, ownAccount } from './own-records.ts';

export interface PasswordChangeOptions {
  readonly directory: Directory;
  readonly authenticator: Authenticator;
  /** For tests. */
  readonly credentials?: CredentialsOptions;
}

export function passwordChange(options: PasswordChangeOptions): Method<JmapContext> {
  const { directory } = options;
  return {
    name: 'Password/change',
    capability: ACCOUNT,
    run: async ({ context, args: given }) => {
      const args = new MethodArguments(given, ['accountId', 'currentPassword', 'newPassword']);
      const accountId = ownAccount(args, context);
      const { user, webSession } = context;
      if (context.appPassword !== null)
        throw new MethodError('forbidden', 'An app password cannot change your password. Sign in with your own.');
      const [current, next] = [args.optionalText('currentPassword') ?? '', args.optionalText('newPassword') ?? ''];
      await checkCurrent(options, context, current);
      if (next === current) throw notAcceptable('The new password is the one you have.');
      checkPolicy(next, [user.alias, user.userPrincipalName, user.displayName]);
      const credentials = await credentialsOfAccount(directory, user.id, next, options.credentials);
      const actor = { user: user.userPrincipalName, via: 'web', command: 'Password/change' } as const;
      const keep = webSession === null ? {} : { keepWebSession: webSession };
      await directory.as(actor).changeAccount(user.id, { credentials, ...keep });
      return { accountId };
    },
  };
}

/** @throws MethodError forbidden; `reason` says which field it is about */
async function checkCurrent(
  { authenticator }: PasswordChangeOptions,
  { user, remoteAddress }: JmapContext,
  current: string,
): Promise<void> {
  try {
    const { account } = await authenticator.password(user.userPrincipalName, current, {
      protocol: 'web',
      remoteAddress,
      encrypted: true,
      channelBinding: null,
    });
    if (account.id !== user.id) throw new Error('a logon name led to another account than its own');
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    switch (error.code) {
      case 'AUTHENTICATIONFAILED':
      case 'AUTHORIZATIONFAILED':
        throw new MethodError('forbidden', 'Your current password is wrong.', { reason: 'currentPassword' });
      case 'LIMIT':
        throw new MethodError('forbidden', error.message, { reason: 'lockedOut' });
      default:
        throw error;
    }
  }
}

const notAcceptable = (text: string): MethodError =>
  new MethodError('invalidArguments', text, { arguments: ['newPassword'] });

function checkPolicy(password: string, names: readonly string[]): void {
  try {
    checkNewPassword(password, { names });
  } catch (error) {
    throw error instanceof Failure ? notAcceptable(error.message) : error;
  }
}
