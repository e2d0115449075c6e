/** Keys (ECDSA P-256) and the forms that certificates of our own authorities have in common. */
import './reflect-metadata.ts';
import { createPrivateKey, randomBytes, webcrypto } from 'node:crypto';
import type * as x509 from '@peculiar/x509';

export const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** What is kept of an authority; the key is the secret. */
export interface AuthorityPem {
  readonly certificatePem: string;
  readonly keyPem: string;
}

export interface IssuedCertificate {
  /** The certificate, then the authority's: what a server sends. */
  readonly chainPem: string;
  readonly keyPem: string;
}

export const newKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);

/** RFC 5280 §4.1.2.2: positive, at most 20 octets; 127 random bits. */
export function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

export const pem = (certificate: x509.X509Certificate): string => `${certificate.toString('pem').trim()}\n`;

export async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = await webcrypto.subtle.exportKey('pkcs8', key);
  const text = createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' }).export({
    type: 'pkcs8',
    format: 'pem',
  });
  return text.toString();
}

export const importKey = (pkcs8: Buffer): Promise<webcrypto.CryptoKey> =>
  webcrypto.subtle.importKey('pkcs8', new Uint8Array(pkcs8), ALGORITHM, false, ['sign']);
