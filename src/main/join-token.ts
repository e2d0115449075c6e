/**
 * What lets one more machine into the organization: the directory's URL and a key that opens the sealing key. The key
 * is in the token only, what it opens is in the directory only, until the token is used, has expired or another one is
 * made. There is one at a time.
 *
 * A token is as secret as the directory's password, which it holds. It goes into a file and is never logged.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import * as v from 'valibot';
import type { Directory } from '../directory/api.ts';
import { Failure } from '../observe/failure.ts';
import type { Log } from '../observe/log.ts';
import { seal, SEALING_KEY_BYTES, unseal } from '../tls/seal.ts';

const PREFIX = 'penfold-join-1.';
const SECRET_NAME = 'join-token';
export const JOIN_TOKEN_MS = 60 * 60_000;
export const LONGEST_JOIN_TOKEN_MS = 7 * 24 * 60 * 60_000;
/** A running server takes an expired one out of the directory so soon. */
export const SWEEP_MS = 60_000;
/** Longer ones are no tokens, whatever they hold. */
const TOKEN_LENGTH = 8192;

export interface JoinToken {
  readonly id: string;
  readonly url: string;
  readonly key: Uint8Array;
}

const tokenSchema = v.strictObject({ id: v.pipe(v.string(), v.uuid()), url: v.string(), key: v.string() });
const recordSchema = v.strictObject({ id: v.string(), expires: v.number(), sealed: v.string() });
type TokenRecord = v.InferOutput<typeof recordSchema>;

type Secrets = Pick<Directory, 'organizationSecret' | 'setOrganizationSecret'>;

/** The one before it does not count any more. @throws Failure CANNOT */
export async function makeJoinToken(
  directory: Secrets,
  given: { readonly sealingKey: Uint8Array; readonly url: string; readonly lifeMs: number; readonly now?: number },
): Promise<string> {
  const { lifeMs, url, now = Date.now() } = given;
  if (lifeMs < 1 || lifeMs > LONGEST_JOIN_TOKEN_MS) throw new Failure('CANNOT', 'a join token lives at most 7 days');
  const id = randomUUID();
  const key = randomBytes(SEALING_KEY_BYTES);
  const expires = now + lifeMs;
  const sealed = seal(key, purposeOf(id, expires), given.sealingKey);
  await write(directory, { id, expires, sealed: Buffer.from(sealed).toString('base64') });
  const text = JSON.stringify({ id, url, key: key.toString('base64') });
  return `${PREFIX}${Buffer.from(text).toString('base64url')}`;
}

/** @throws Failure CANNOT */
export function parseJoinToken(text: string): JoinToken {
  const word = text.trim();
  try {
    if (!word.startsWith(PREFIX) || word.length > TOKEN_LENGTH) throw new Error('it begins otherwise, or is too long');
    const parsed: unknown = JSON.parse(Buffer.from(word.slice(PREFIX.length), 'base64url').toString());
    const { id, url, key } = v.parse(tokenSchema, parsed);
    return { id, url, key: Buffer.from(key, 'base64') };
  } catch {
    // The cause would show parts of it.
    throw new Failure('CANNOT', 'this is no join token, or not the whole of one; make one: penfold server join-token');
  }
}

/** What the token opens, left as it is. @throws Failure EXPIRED for one that does not count (any more) */
export async function openJoinToken(directory: Secrets, token: JoinToken, now = Date.now()): Promise<Uint8Array> {
  const record = await read(directory);
  if (record?.id !== token.id)
    throw new Failure(
      'EXPIRED',
      'this join token was used, has expired, or a later one took its place; make a new one: penfold server join-token',
    );
  if (record.expires <= now)
    throw new Failure(
      'EXPIRED',
      `this join token expired at ${new Date(record.expires).toISOString()}; make a new one: penfold server join-token`,
    );
  return unseal(token.key, purposeOf(record.id, record.expires), Buffer.from(record.sealed, 'base64'));
}

/** Uses it up: of two that try at once one succeeds. @throws Failure EXPIRED */
export async function redeemJoinToken(directory: Secrets, token: JoinToken, now = Date.now()): Promise<Uint8Array> {
  const claim = `join-claim.${token.id}`;
  const mine = randomBytes(16);
  const first = await directory.setOrganizationSecret(claim, mine, true);
  if (first === null || !mine.equals(first))
    throw new Failure(
      'EXPIRED',
      'this join token is being used by another server; make a new one: penfold server join-token',
    );
  try {
    // Looked at again under the claim: the one before may have used it up and gone.
    const opened = await openJoinToken(directory, token, now);
    await directory.setOrganizationSecret(SECRET_NAME, null);
    return opened;
  } finally {
    await directory.setOrganizationSecret(claim, null);
  }
}

/** So that an expired one opens nothing for those who read the directory, either. Returns the way to stop. */
export function sweepJoinTokens(directory: Secrets, log: Log): () => void {
  const timer = setInterval(() => {
    removeExpired(directory).catch((error: unknown) => log.warn({ error }, 'expired join tokens were not looked for'));
  }, SWEEP_MS);
  timer.unref();
  return () => clearInterval(timer);
}

export async function removeExpired(directory: Secrets, now = Date.now()): Promise<void> {
  const record = await read(directory);
  if (record !== null && record.expires <= now) await directory.setOrganizationSecret(SECRET_NAME, null);
}

/** The time stands in it, so that nobody makes it longer in the directory. */
const purposeOf = (id: string, expires: number): string => `join-token ${id} ${expires}`;

async function read(directory: Secrets): Promise<TokenRecord | null> {
  const bytes = await directory.organizationSecret(SECRET_NAME);
  return bytes === null ? null : v.parse(recordSchema, JSON.parse(Buffer.from(bytes).toString()));
}

async function write(directory: Secrets, record: TokenRecord): Promise<void> {
  await directory.setOrganizationSecret(SECRET_NAME, Buffer.from(JSON.stringify(record)));
}
