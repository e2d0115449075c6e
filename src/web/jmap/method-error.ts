/** Errors of one method call (RFC 8620 §3.6.2, §5; RFC 8621) and of one record of a /set (§5.3). Pure. */
import { Failure, type FailureCode } from '../../observe/failure.ts';
import type { JsonObject } from './json.ts';

export type MethodErrorType =
  | 'accountNotFound'
  | 'accountNotSupportedByMethod'
  | 'accountReadOnly'
  | 'anchorNotFound'
  | 'cannotCalculateChanges'
  | 'expandDurationTooLarge'
  | 'cmdletFailed'
  | 'confirmationNeeded'
  | 'forbidden'
  | 'fromAccountNotFound'
  | 'invalidArguments'
  | 'invalidResultReference'
  | 'rateLimit'
  | 'requestTooLarge'
  | 'serverFail'
  | 'serverUnavailable'
  | 'stateMismatch'
  | 'tooManyChanges'
  | 'unknownMethod'
  | 'unsupportedFilter'
  | 'unsupportedSort';

export class MethodError extends Error {
  readonly type: MethodErrorType;
  readonly facts: JsonObject;

  /** `message` is for a person who writes a client: what was wrong, which limit. */
  constructor(type: MethodErrorType, message: string, facts: JsonObject = {}) {
    super(message);
    this.name = 'MethodError';
    this.type = type;
    this.facts = facts;
  }
}

const METHOD_ERROR_OF: Readonly<Partial<Record<FailureCode, MethodErrorType>>> = {
  AUTHORIZATIONFAILED: 'forbidden',
  CANNOT: 'invalidArguments',
  CLIENTBUG: 'invalidArguments',
  CONTACTADMIN: 'forbidden',
  INUSE: 'serverUnavailable',
  LIMIT: 'requestTooLarge',
  NONEXISTENT: 'accountNotFound',
  NOPERM: 'forbidden',
  TOOBIG: 'requestTooLarge',
  UNAVAILABLE: 'serverUnavailable',
};

/** Arguments of the `error` response. What is a bug keeps its text to the log. */
export function methodErrorOf(error: unknown): JsonObject {
  if (error instanceof MethodError) return { type: error.type, description: error.message, ...error.facts };
  if (error instanceof Failure)
    return { type: METHOD_ERROR_OF[error.code] ?? 'serverFail', description: error.message };
  return { type: 'serverFail', description: 'an internal error; see the log of the server' };
}

export type SetErrorType =
  | 'alreadyExists'
  | 'blobNotFound'
  | 'cannotUnsend'
  | 'forbidden'
  | 'forbiddenFrom'
  | 'forbiddenMailFrom'
  | 'forbiddenToSend'
  | 'invalidEmail'
  | 'invalidPatch'
  | 'invalidProperties'
  | 'invalidRecipients'
  | 'mailboxHasChild'
  | 'mailboxHasEmail'
  | 'noRecipients'
  | 'notFound'
  | 'overQuota'
  | 'rateLimit'
  | 'serverFail'
  | 'singleton'
  | 'tooLarge'
  | 'tooManyKeywords'
  | 'tooManyMailboxes'
  | 'tooManyRecipients'
  | 'willDestroy';

/** Why one record was not created, updated or destroyed. */
export class SetError extends Error {
  readonly type: SetErrorType;
  readonly facts: JsonObject;

  constructor(type: SetErrorType, message: string, facts: JsonObject = {}) {
    super(message);
    this.name = 'SetError';
    this.type = type;
    this.facts = facts;
  }
}

const SET_ERROR_OF: Readonly<Partial<Record<FailureCode, SetErrorType>>> = {
  ALREADYEXISTS: 'alreadyExists',
  CANNOT: 'invalidProperties',
  EXPUNGEISSUED: 'notFound',
  NONEXISTENT: 'notFound',
  NOPERM: 'forbidden',
  OVERQUOTA: 'overQuota',
  TOOBIG: 'tooLarge',
};

/** Null: no matter of this record; the whole call fails. */
export function setErrorOf(error: unknown): JsonObject | null {
  if (error instanceof SetError) return { type: error.type, description: error.message, ...error.facts };
  if (!(error instanceof Failure)) return null;
  const type = SET_ERROR_OF[error.code];
  return type === undefined ? null : { type, description: error.message };
}
