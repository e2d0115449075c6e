/**
 * Who is signed in to the web app: rows of the directory, so that every front end knows them, they can be listed and
 * ended, and what ends a password or an account ends them in the same transaction. Tokens come as SHA-256 only: who
 * reads the directory cannot sign in with what he reads.
 */
import type { AccountId } from './model.ts';

const DAY_MS = 86_400_000;

/** Not used for so long: over. */
export const WEB_SESSION_IDLE_MS = 14 * DAY_MS;
/** Over however much it is used. */
export const WEB_SESSION_LIFE_MS = 30 * DAY_MS;
/** Of one account; a further sign-in ends the one that was not used longest. */
export const WEB_SESSIONS_PER_ACCOUNT = 50;
/** Characters kept of what a browser says it is. */
export const USER_AGENT_CHARACTERS = 256;

export interface WebSession {
  readonly id: string;
  readonly account: AccountId;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** Minutes behind: noted now and then, many at a time (last-use.ts). */
  readonly lastUsedAt: number;
  readonly userAgent: string;
  readonly clientAddress: string;
  /** The browser keeps the cookie when it is closed. */
  readonly isRemembered: boolean;
}

/**
 * What a cookie is compared with. A new token is offered beside the one in force and replaces it when the browser comes
 * with it: an answer that was lost on the way signs nobody out.
 */
export interface WebSessionTokens {
  readonly token: Uint8Array;
  /** When it came into force. */
  readonly tokenAt: number;
  readonly offered: Uint8Array | null;
  readonly offeredAt: number;
  /** The one before, for requests that were on their way. */
  readonly former: Uint8Array | null;
  readonly formerUntil: number;
}

export interface NewWebSession {
  readonly account: AccountId;
  readonly token: Uint8Array;
  readonly userAgent: string;
  readonly clientAddress: string;
  readonly isRemembered: boolean;
}

export interface WebSessions {
  /** Read afresh, the last used first; without those that are over. */
  webSessions(account: AccountId): Promise<readonly WebSession[]>;
  /** As known to this process, those that are over included: what each request asks. */
  webSessionTokens(account: AccountId): Promise<ReadonlyArray<WebSession & WebSessionTokens>>;
  /** Sign-in. @throws Failure NONEXISTENT (account) */
  addWebSession(session: NewWebSession): Promise<WebSession>;
  /** False: another one was offered behind `unlessSince`, or the session is gone. */
  offerWebSessionToken(session: WebSession, token: Uint8Array, unlessSince: number): Promise<boolean>;
  /** The browser has come with the offered token; the one before holds until then. */
  adoptWebSessionToken(session: WebSession, token: Uint8Array, formerUntil: number): Promise<void>;
  /** Sign-out, by who has signed in. */
  signOut(session: WebSession): Promise<void>;
  /** By a person who looks at a list: these, or all of the account when missing. How many ended. */
  endWebSessions(account: AccountId, ids?: readonly string[]): Promise<number>;
}

/** When it is over if nobody uses it any more. */
export const webSessionExpiry = ({ createdAt, lastUsedAt }: Pick<WebSession, 'createdAt' | 'lastUsedAt'>): number =>
  Math.min(createdAt + WEB_SESSION_LIFE_MS, lastUsedAt + WEB_SESSION_IDLE_MS);
