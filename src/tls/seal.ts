/**
 * Secrets at rest where others may read the bytes: AES-256-GCM (NIST SP 800-38D) under a key of their own, derived
 * from the sealing key by HKDF (RFC 5869) with a salt of each seal, bound to what the secret is for.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { Failure } from '../observe/failure.ts';

export const SEALING_KEY_BYTES = 32;
const FORM = 1;
const SALT_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + SALT_BYTES + NONCE_BYTES;

export const newSealingKey = (): Uint8Array => randomBytes(SEALING_KEY_BYTES);

/** `purpose`: a secret that was sealed for one thing opens for no other. */
export function seal(sealingKey: Uint8Array, purpose: string, secret: Uint8Array): Uint8Array {
  const salt = randomBytes(SALT_BYTES);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', keyFor(sealingKey, salt, purpose), nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(purpose));
  const sealed = Buffer.concat([cipher.update(secret), cipher.final()]);
  return Buffer.concat([Buffer.of(FORM), salt, nonce, sealed, cipher.getAuthTag()]);
}

/** @throws Failure CORRUPTION when it was sealed with another key or for something else, or was changed */
export function unseal(sealingKey: Uint8Array, purpose: string, sealed: Uint8Array): Uint8Array {
  try {
    const bytes = Buffer.from(sealed);
    if (bytes.length < HEAD_BYTES + TAG_BYTES || bytes[0] !== FORM) throw new Error('the form is not known');
    const salt = bytes.subarray(1, 1 + SALT_BYTES);
    const nonce = bytes.subarray(1 + SALT_BYTES, HEAD_BYTES);
    const key = keyFor(sealingKey, salt, purpose);
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(purpose));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    return Buffer.concat([decipher.update(bytes.subarray(HEAD_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch (cause) {
    throw new Failure('CORRUPTION', `the secret ${purpose} does not open with the key of this server`, { cause });
  }
}

function keyFor(sealingKey: Uint8Array, salt: Uint8Array, purpose: string): Buffer {
  if (sealingKey.length !== SEALING_KEY_BYTES) throw new Error(`a sealing key has ${SEALING_KEY_BYTES} bytes`);
  return Buffer.from(hkdfSync('sha256', sealingKey, salt, `penfold secret ${purpose}`, 32));
}
