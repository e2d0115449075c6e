/**
 * argon2id in the PHC string form, computed on Node's thread pool with a cap on how many run at once and how many
 * wait: 19 MiB and 20 ms each, they would otherwise starve disk reads and be a way to exhaust the server.
 */
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { Failure } from '../observe/failure.ts';

/** RFC 9106 §4 names; memory in KiB. */
export interface Argon2Parameters {
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
}

/** 19 MiB, 2 passes, 1 lane: the smallest set OWASP recommends; 15–20 ms on one core. */
export const ARGON2_PARAMETERS: Argon2Parameters = { memory: 19 * 1024, passes: 2, parallelism: 1 };
const TAG_BYTES = 32;
const SALT_BYTES = 16;
/** Verifiers that ask for more than this are damaged, or somebody wants to stop the server. */
const MEMORY_MAX = 1024 * 1024;
const PASSES_MAX = 64;
const PARALLELISM_MAX = 16;

/** At least one of libuv's four threads stays free for files. */
export const ARGON2_AT_ONCE = Math.max(1, Math.min(3, availableParallelism()));
/** At some 70 a second and core, who stands behind this many would wait for seconds. */
export const ARGON2_WAITING = 256;

export interface Argon2Input extends Argon2Parameters {
  readonly password: Uint8Array;
  readonly salt: Uint8Array;
  readonly tagBytes: number;
}

/** What computes; tests count its calls. */
export type Argon2 = (input: Argon2Input) => Promise<Uint8Array>;

export const nodeArgon2: Argon2 = ({ password, salt, memory, passes, parallelism, tagBytes }) =>
  new Promise((resolve, reject) => {
    argon2(
      'argon2id',
      { message: password, nonce: salt, memory, passes, parallelism, tagLength: tagBytes },
      (error, tag) => (error === null ? resolve(tag) : reject(error)),
    );
  });

/** `hash` with at most `atOnce` running and `waiting` behind them. @throws Failure UNAVAILABLE beyond that */
export function capped(hash: Argon2, atOnce = ARGON2_AT_ONCE, waiting = ARGON2_WAITING): Argon2 {
  let running = 0;
  const queue: Array<() => void> = [];
  return async (input) => {
    if (running >= atOnce) {
      if (queue.length >= waiting)
        throw new Failure('UNAVAILABLE', 'The server is busy with other logons. Try again in a moment.');
      // The turn is handed over by the one that ends: `running` does not change.
      await new Promise<void>((resolve) => queue.push(resolve));
    } else running += 1;
    try {
      return await hash(input);
    } finally {
      const next = queue.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}

interface Verifier extends Argon2Parameters {
  readonly salt: Uint8Array;
  readonly tag: Uint8Array;
}

const PHC = /^\$argon2id\$v=19\$m=(\d{1,8}),t=(\d{1,4}),p=(\d{1,3})\$([A-Za-z0-9+/]{11,88})\$([A-Za-z0-9+/]{16,172})$/;

/** Null when the string is no argon2id verifier or asks for absurd work. */
export function parseVerifier(text: string): Verifier | null {
  const match = PHC.exec(text);
  if (match === null) return null;
  const [memory, passes, parallelism] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const sane =
    parallelism >= 1 &&
    parallelism <= PARALLELISM_MAX &&
    memory >= 8 * parallelism &&
    memory <= MEMORY_MAX &&
    passes >= 1 &&
    passes <= PASSES_MAX;
  if (!sane) return null;
  return {
    memory,
    passes,
    parallelism,
    salt: Buffer.from(match[4] ?? '', 'base64'),
    tag: Buffer.from(match[5] ?? '', 'base64'),
  };
}

const unpadded = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replace(/=+$/, '');

export async function makeVerifier(
  password: Uint8Array,
  hash: Argon2,
  parameters = ARGON2_PARAMETERS,
): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const tag = await hash({ ...parameters, password, salt, tagBytes: TAG_BYTES });
  const { memory, passes, parallelism } = parameters;
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(salt)}$${unpadded(tag)}`;
}

/** One argon2 run whatever the outcome; compared in constant time. */
export async function matches(verifier: Verifier, password: Uint8Array, hash: Argon2): Promise<boolean> {
  const { salt, tag, memory, passes, parallelism } = verifier;
  const computed = await hash({ password, salt, memory, passes, parallelism, tagBytes: tag.length });
  return computed.length === tag.length && timingSafeEqual(computed, tag);
}

/** A verifier nobody knows a password for: what unknown users are checked against, at the price of a real one. */
export function unmatchable(parameters = ARGON2_PARAMETERS): Verifier {
  return { ...parameters, salt: randomBytes(SALT_BYTES), tag: randomBytes(TAG_BYTES) };
}
