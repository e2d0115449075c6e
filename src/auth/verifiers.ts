/**
 * What is stored of a password: an argon2id verifier for PLAIN and LOGIN, and the SCRAM-SHA-256 keys
 * (RFC 5802 §3, RFC 7677 §4: at least 4096 iterations).
 */
import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import type { Credentials, ScramVerifier } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';
import { PASSWORD_BYTES } from '../wire/limits.ts';
import { type Argon2, type Argon2Parameters, capped, makeVerifier, nodeArgon2 } from './argon2id.ts';
import { preparedPassword } from './prepared.ts';

/**
 * Clients compute this on every logon, phones too. Stolen keys of weak passwords fall to guessing at this price, which
 * is why argon2id stands beside them and the directory file is closed to others.
 */
export const SCRAM_ITERATIONS = 15_000;
export const SCRAM_SALT_BYTES = 16;
export const SCRAM_KEY_BYTES = 32;

const derive = promisify(pbkdf2);
const sharedHash = capped(nodeArgon2);

export interface CredentialsOptions {
  readonly hash?: Argon2;
  readonly parameters?: Argon2Parameters;
  readonly iterations?: number;
  /** Of the SCRAM keys; random when missing. */
  readonly salt?: Uint8Array;
}

/** @throws Failure CANNOT when the password is empty, too long, or holds what cannot be typed reliably */
export async function makeCredentials(password: string, options: CredentialsOptions = {}): Promise<Credentials> {
  const prepared = preparedPassword(password);
  if (prepared === null) throw new Failure('CANNOT', 'The password holds a character that passwords cannot have.');
  const bytes = Buffer.from(prepared, 'utf8');
  if (bytes.length < 1 || bytes.length > PASSWORD_BYTES || bytes.includes(0))
    throw new Failure('CANNOT', `The password must be 1–${PASSWORD_BYTES} bytes.`);
  const [argon2id, scramSha256] = await Promise.all([
    makeVerifier(bytes, options.hash ?? sharedHash, options.parameters),
    makeScramVerifier(bytes, options.iterations ?? SCRAM_ITERATIONS, options.salt ?? randomBytes(SCRAM_SALT_BYTES)),
  ]);
  bytes.fill(0);
  return { argon2id, scramSha256 };
}

async function makeScramVerifier(password: Uint8Array, iterations: number, salt: Uint8Array): Promise<ScramVerifier> {
  const salted = await derive(password, salt, iterations, SCRAM_KEY_BYTES, 'sha256');
  const clientKey = hmac(salted, 'Client Key');
  const storedKey = createHash('sha256').update(clientKey).digest();
  const serverKey = hmac(salted, 'Server Key');
  return { iterations, salt, storedKey, serverKey };
}

/** HMAC-SHA-256. */
export const hmac = (key: Uint8Array, data: string | Uint8Array): Buffer =>
  createHmac('sha256', key).update(data).digest();
