/**
 * Whether a password is right, at one price for everybody: who has no verifier, or does not exist, is checked against
 * one that nothing matches. A right password is remembered for minutes as a keyed hash that includes the verifier, so
 * that a mail program reconnecting every few seconds costs nothing and a changed password is forgotten by itself.
 */
import { createHmac, randomBytes } from 'node:crypto';
import type { Credentials } from '../directory/model.ts';
import { type Argon2, capped, matches, nodeArgon2, parseVerifier, unmatchable } from './argon2id.ts';
import { preparedPassword } from './prepared.ts';

export const REMEMBERED_MS = 5 * 60_000;
export const REMEMBERED = 20_000;

export interface PasswordCheckOptions {
  readonly hash?: Argon2;
  /** ms, never going back. */
  readonly now?: () => number;
}

export class PasswordCheck {
  readonly #hash: Argon2;
  readonly #now: () => number;
  /** Known to this process only: what is in memory helps nobody who reads it later. */
  readonly #key = randomBytes(32);
  readonly #nobody = unmatchable();
  /** Keyed hash → when it is forgotten; oldest first. */
  readonly #right = new Map<string, number>();
  /** Checks under way: sixteen connections of one mail program cost one. */
  readonly #pending = new Map<string, Promise<boolean>>();

  constructor(options: PasswordCheckOptions = {}) {
    this.#hash = capped(options.hash ?? nodeArgon2);
    this.#now = options.now ?? (() => performance.now());
  }

  /**
   * `subject` names whom it is about: an account, or what was typed for one.
   * @throws Failure UNAVAILABLE when too many wait
   */
  async isRight(subject: string, credentials: Credentials | null, password: string): Promise<boolean> {
    const key = createHmac('sha256', this.#key)
      .update(`${subject}\0${credentials?.argon2id ?? ''}\0`)
      .update(password)
      .digest('base64');
    const until = this.#right.get(key);
    if (until !== undefined) {
      if (until > this.#now()) return true;
      this.#right.delete(key);
    }
    const pending = this.#pending.get(key);
    if (pending !== undefined) return pending;
    const check = this.#verify(credentials, password);
    this.#pending.set(key, check);
    try {
      const right = await check;
      if (right) this.#remember(key);
      return right;
    } finally {
      this.#pending.delete(key);
    }
  }

  async #verify(credentials: Credentials | null, password: string): Promise<boolean> {
    const verifier = credentials === null ? null : parseVerifier(credentials.argon2id);
    const prepared = preparedPassword(password);
    const right = await matches(verifier ?? this.#nobody, Buffer.from(prepared ?? password, 'utf8'), this.#hash);
    return right && verifier !== null && prepared !== null;
  }

  #remember(key: string): void {
    this.#right.set(key, this.#now() + REMEMBERED_MS);
    if (this.#right.size <= REMEMBERED) return;
    const oldest = this.#right.keys().next();
    if (oldest.done !== true) this.#right.delete(oldest.value);
  }
}
