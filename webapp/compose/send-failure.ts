/** Why a message did not go out, in words, and at which field they belong. Pure. */
import { ConnectionLost, MethodRefused, RequestRefused, SetRefused } from '../jmap/errors.ts';
import type { StoredDraft } from './draft-saver.ts';

/** The submission was refused (RFC 8621 §7.5); the message is a draft now. */
export class SendRefused extends Error {
  readonly stored: StoredDraft;
  readonly type: string;
  /** Recipients or properties that are at fault. */
  readonly named: readonly string[];

  constructor(stored: StoredDraft, type: string, description: string, named: readonly string[]) {
    super(description);
    this.name = 'SendRefused';
    this.stored = stored;
    this.type = type;
    this.named = named;
  }
}

export interface FailureWords {
  readonly field: 'from' | 'to' | 'attachments' | 'message';
  /** Key in compose.json, under `failure`. */
  readonly key:
    | 'recipients'
    | 'noRecipients'
    | 'tooManyRecipients'
    | 'from'
    | 'tooLarge'
    | 'quota'
    | 'rate'
    | 'blob'
    | 'connection'
    | 'other';
  readonly named: readonly string[];
  /** The server's own words: they name the limit. */
  readonly reason: string;
}

export function failureWords(error: unknown): FailureWords {
  const reason = error instanceof Error ? error.message : String(error);
  if (error instanceof ConnectionLost) return { field: 'message', key: 'connection', named: [], reason };
  const named = error instanceof SendRefused ? error.named : error instanceof SetRefused ? error.properties : [];
  if (error instanceof RequestRefused && error.status === 413)
    return { field: 'attachments', key: 'tooLarge', named, reason };
  if (!(error instanceof SendRefused || error instanceof MethodRefused))
    return { field: 'message', key: 'other', named, reason };
  switch (error.type) {
    case 'invalidRecipients':
      return { field: 'to', key: 'recipients', named, reason };
    case 'noRecipients':
      return { field: 'to', key: 'noRecipients', named, reason };
    case 'tooManyRecipients':
      return { field: 'to', key: 'tooManyRecipients', named, reason };
    case 'forbiddenFrom':
    case 'forbiddenMailFrom':
    case 'forbiddenToSend':
      return { field: 'from', key: 'from', named, reason };
    case 'tooLarge':
      return { field: 'attachments', key: 'tooLarge', named, reason };
    case 'blobNotFound':
      return { field: 'attachments', key: 'blob', named, reason };
    case 'overQuota':
      return { field: 'message', key: 'quota', named, reason };
    case 'rateLimit':
      return { field: 'message', key: 'rate', named, reason };
    case 'invalidProperties': {
      const field = named.some((name) => ['to', 'cc', 'bcc'].includes(name)) ? 'to' : 'message';
      return { field, key: 'other', named: [], reason };
    }
    default:
      return { field: 'message', key: 'other', named: [], reason };
  }
}
