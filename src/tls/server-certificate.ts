/**
 * A server's certificate from the organization's authority: made when missing, renewed before it expires or when the
 * server's names changed, at start and by schedule. The certificate store sees the new file by itself.
 */
import { X509Certificate } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import path from 'node:path';
import type { Log } from '../observe/log.ts';
import type { Authority } from './authority.ts';
import { CERTIFICATE_FILE_MODE, KEY_FILE_MODE, readIfThere, writeWhole } from './key-file.ts';

const DAY_MS = 86_400_000;
/** Apple accepts 398 days at most for what it did not install itself. */
export const LEAF_DAYS = 397;
export const RENEW_BEFORE_DAYS = 30;
const RENEWAL_CHECK_MS = DAY_MS / 2;

export interface ServerCertificateOptions {
  readonly authority: Authority;
  /** Holds `server.pem` and `server.key`; made when missing. */
  readonly directory: string;
  /** A domain the authority permits. */
  readonly fqdn: string;
  /** More host names and addresses, beside fqdn, this machine's name, localhost and the loopback addresses. */
  readonly names?: readonly string[];
  readonly log: Log;
  /** For tests. */
  readonly now?: () => Date;
}

export interface ServerCertificateFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
  /** True when this call made a new one. */
  readonly renewed: boolean;
}

/** @throws Failure CANNOT when the authority may not vouch for one of the names */
export async function ensureServerCertificate(options: ServerCertificateOptions): Promise<ServerCertificateFiles> {
  const now = (options.now ?? (() => new Date()))();
  const certificateFile = path.join(options.directory, 'server.pem');
  const keyFile = path.join(options.directory, 'server.key');
  const names = leafNames(options);
  const certificatePem = await readIfThere(certificateFile);
  const keyPem = await readIfThere(keyFile);
  const why = certificatePem === null || keyPem === null ? 'missing' : whyRenew(certificatePem, names, options, now);
  if (why === null) return { certificateFile, keyFile, renewed: false };
  await mkdir(options.directory, { recursive: true, mode: 0o700 });
  const issued = await options.authority.issue({ names, days: LEAF_DAYS });
  await writeWhole(keyFile, issued.keyPem, KEY_FILE_MODE);
  await writeWhole(certificateFile, issued.chainPem, CERTIFICATE_FILE_MODE);
  options.log.info({ names, reason: why, file: certificateFile }, 'server certificate issued');
  return { certificateFile, keyFile, renewed: true };
}

/** Looks twice a day; a failure is logged and tried again. Returns the way to stop. */
export function scheduleRenewal(options: ServerCertificateOptions): () => void {
  const timer = setInterval(() => {
    ensureServerCertificate(options).catch((error: unknown) => {
      options.log.error({ error }, 'server certificate could not be renewed');
    });
  }, RENEWAL_CHECK_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** Everything this server may be called. This machine's own name only where the authority may vouch for it. */
function leafNames({ authority, fqdn, names = [] }: ServerCertificateOptions): readonly string[] {
  const host = hostname();
  const all = [fqdn, ...names, ...(authority.permits(host) ? [host] : []), 'localhost', '127.0.0.1', '::1'];
  return [...new Set(all.map((name) => name.toLowerCase()))];
}

function whyRenew(
  certificatePem: string,
  names: readonly string[],
  { authority }: ServerCertificateOptions,
  now: Date,
): string | null {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(certificatePem);
  } catch {
    // Whatever the file held, a certificate of ours takes its place; the reason is logged.
    return 'unreadable';
  }
  if (!certificate.verify(authority.certificate.publicKey)) return 'signed by another authority';
  if (certificate.validToDate.getTime() - now.getTime() < RENEW_BEFORE_DAYS * DAY_MS) return 'expires soon';
  const missing = names.find((name) =>
    isIP(name) === 0
      ? certificate.checkHost(name, { wildcards: false }) === undefined
      : certificate.checkIP(name) === undefined,
  );
  return missing === undefined ? null : `lacks ${missing}`;
}
