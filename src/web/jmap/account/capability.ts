/** `urn:penfold:params:jmap:account`: what people set and see of their own account (ADR 12 §2). Needs no mailbox. */
import type { Authenticator } from '../../../auth/api.ts';
import { PASSWORD_LENGTH } from '../../../auth/password-policy.ts';
import type { CredentialsOptions } from '../../../auth/verifiers.ts';
import type { Directory } from '../../../directory/api.ts';
import { APP_PASSWORD_PROTOCOLS, APP_PASSWORDS_PER_ACCOUNT } from '../../../directory/app-password.ts';
import { SIGNATURES, UNDO_SEND_SECONDS } from '../../../directory/preferences.ts';
import type { Capability } from '../capability.ts';
import { accountSettings } from './account-settings.ts';
import { appPasswordRecords } from './app-password-records.ts';
import { ACCOUNT, ownDirectoryType, ownMethods } from './own-records.ts';
import { passwordChange } from './password-change.ts';
import { webSessionRecords } from './web-session-records.ts';

export interface AccountCapabilityOptions {
  readonly directory: Directory;
  readonly authenticator: Authenticator;
  /** For tests. */
  readonly credentials?: CredentialsOptions;
}

export function accountCapability(options: AccountCapabilityOptions): Capability {
  const { directory, credentials } = options;
  const types = [accountSettings(directory), appPasswordRecords(directory, credentials), webSessionRecords(directory)];
  return {
    uri: ACCOUNT,
    describe: async () => ({}),
    describeAccount: async ({ owner }, user) =>
      owner.id === user.id
        ? {
            minPasswordLength: PASSWORD_LENGTH,
            maxAppPasswords: APP_PASSWORDS_PER_ACCOUNT,
            appPasswordProtocols: [...APP_PASSWORD_PROTOCOLS],
            maxSignatures: SIGNATURES,
            maxUndoSendSeconds: UNDO_SEND_SECONDS,
          }
        : null,
    methods: [...types.flatMap(ownMethods), passwordChange(options)],
    withoutMailbox: true,
    directoryTypes: types.map(ownDirectoryType),
  };
}
