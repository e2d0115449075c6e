/** What the server takes, as the session says it (RFC 8620 §2, RFC 8621 §1.3). Pure. */
import * as v from 'valibot';
import { CAPABILITIES, type Session } from '../jmap/session.ts';

export interface SendLimits {
  /** Octets of one file. */
  readonly maxUpload: number;
  /** Octets of all files of a message, before they are encoded. */
  readonly maxAttachments: number;
  /** Seconds; 0: nothing can be put off. */
  readonly maxDelayedSend: number;
}

const mailSchema = v.looseObject({ maxSizeAttachmentsPerEmail: v.optional(v.number()) });
const submissionSchema = v.looseObject({
  maxDelayedSend: v.optional(v.number()),
  /** Of Penfold: octets of a whole message that this mailbox may send. */
  maxSizeMessage: v.optional(v.number()),
});
/** Base64 with its line ends: 78 octets for 57 (RFC 2045 §6.8). */
const ENCODED = 78 / 57;
/** For the header and the text. */
const BESIDES = 16 * 1024;

export function sendLimits(session: Session, accountId: string): SendLimits {
  const of = session.accounts[accountId]?.accountCapabilities ?? {};
  const mail = v.safeParse(mailSchema, of[CAPABILITIES.mail]);
  const submission = v.safeParse(submissionSchema, of[CAPABILITIES.submission]);
  const message = submission.success ? (submission.output.maxSizeMessage ?? Infinity) : Infinity;
  return {
    maxUpload: session.capabilities[CAPABILITIES.core].maxSizeUpload,
    maxAttachments: Math.min(
      mail.success ? (mail.output.maxSizeAttachmentsPerEmail ?? Infinity) : Infinity,
      Math.max(0, Math.floor((message - BESIDES) / ENCODED)),
    ),
    maxDelayedSend: submission.success ? (submission.output.maxDelayedSend ?? 0) : 0,
  };
}
