/**
 * Passwords for programs: made by the server, shown once, good for some protocols and never for the sign-in page. One
 * can be taken away without changing the others. Stored as verifiers, like the account's own.
 */
import type { AccountId, Credentials } from './model.ts';

export type AppPasswordProtocol = 'IMAP' | 'POP' | 'SMTP' | 'JMAP';
export const APP_PASSWORD_PROTOCOLS: readonly AppPasswordProtocol[] = ['IMAP', 'POP', 'SMTP', 'JMAP'];

export const APP_PASSWORDS_PER_ACCOUNT = 25;
export const APP_PASSWORD_NAME_CHARACTERS = 64;

export interface AppPassword {
  readonly id: string;
  readonly account: AccountId;
  /** What its owner calls it; unique among his, without case. */
  readonly name: string;
  readonly protocols: readonly AppPasswordProtocol[];
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** Null: never. Minutes behind (last-use.ts). */
  readonly lastUsedAt: number | null;
}

/** How a logon is checked. `selector` is the part of the password that says which one it is; unique in an account. */
export interface AppPasswordVerifier {
  readonly selector: string;
  readonly credentials: Credentials;
}

export interface NewAppPassword extends AppPasswordVerifier {
  readonly account: AccountId;
  readonly name: string;
  readonly protocols: readonly AppPasswordProtocol[];
}

export interface AppPasswords {
  /** Read afresh, in the order they were made. */
  appPasswords(account: AccountId): Promise<readonly AppPassword[]>;
  /** As known to this process: what a logon asks. */
  appPasswordVerifiers(account: AccountId): Promise<ReadonlyArray<AppPassword & AppPasswordVerifier>>;
  /** @throws Failure CANNOT (no password of its own, name, protocols, too many), ALREADYEXISTS (name, selector) */
  addAppPassword(given: NewAppPassword): Promise<AppPassword>;
  /** @throws Failure NONEXISTENT */
  changeAppPassword(account: AccountId, id: string, change: { readonly name: string }): Promise<AppPassword>;
  /** @throws Failure NONEXISTENT */
  removeAppPassword(account: AccountId, id: string): Promise<void>;
}
