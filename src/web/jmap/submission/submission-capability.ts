/** `urn:ietf:params:jmap:submission` (RFC 8621 §1.3.2) as a capability of the web host. */
import { maxSendSize } from '../../../smtp/server/submission-limits.ts';
import { MAX_DELAYED_SEND } from '../../../transport/held/held-mail.ts';
import { MESSAGE_BYTES } from '../../../wire/limits.ts';
import type { Capability } from '../capability.ts';
import { SUBMISSION } from '../mail/names.ts';
import { SUBMISSION_EXTENSIONS } from './envelope.ts';
import { identitiesOf, stateOfIdentities } from './identities.ts';
import { identityMethods } from './identity-methods.ts';
import { submissionMethods } from './submission-methods.ts';
import type { SubmissionParts } from './submitting.ts';

export function submissionCapability(parts: SubmissionParts): Capability {
  return {
    uri: SUBMISSION,
    describe: () => Promise.resolve({}),
    describeAccount: async ({ owner, isReadOnly }, user) =>
      owner.mailbox === null || isReadOnly
        ? null
        : {
            maxDelayedSend: MAX_DELAYED_SEND,
            submissionExtensions: { ...SUBMISSION_EXTENSIONS },
            // Of Penfold: octets of a whole message, so that a client can say so before anything is uploaded.
            maxSizeMessage: Math.min(await maxSendSize(parts.directory, user), MESSAGE_BYTES),
          },
    methods: [...identityMethods(parts), ...submissionMethods(parts)],
    directoryTypes: [
      {
        type: 'Identity',
        concerns: ({ kind, id }, { owner }, user) =>
          (kind === 'account' && (id === null || id === owner.id)) ||
          (kind === 'permission' && (id === null || id === owner.id || id === user.id)) ||
          (kind === 'preferences' && (id === null || id === user.id)),
        state: async ({ owner }, user) => stateOfIdentities(await identitiesOf(parts.directory, user, owner)),
      },
    ],
  };
}
