/**
 * The organization's own certificate authority: ECDSA P-256, in two files, made once at setup. It signs server
 * certificates for clients until an admin brings public ones. The links between servers have one of their own
 * (server-authority.ts).
 */
import './reflect-metadata.ts';
import { createPrivateKey, type webcrypto, X509Certificate } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { isIP } from 'node:net';
import path from 'node:path';
import * as x509 from '@peculiar/x509';
import { Failure } from '../observe/failure.ts';
import {
  ALGORITHM,
  type AuthorityPem,
  exportKey,
  importKey,
  type IssuedCertificate,
  newKeys,
  pem,
  serialNumber,
} from './ecdsa.ts';
import { CERTIFICATE_FILE_MODE, KEY_FILE_MODE, readIfThere, writeWhole } from './key-file.ts';
import {
  NAME_CONSTRAINTS_OID,
  nameConstraints,
  parseNameConstraints,
  permits,
  PRIVATE_RANGES,
} from './name-constraints.ts';

const DAY_MS = 86_400_000;
export const AUTHORITY_DAYS = 3650;
/** Certificates begin in the past: clocks of clients are not all right. */
const CLOCK_SKEW_MS = 60 * 60_000;

export interface AuthorityOptions {
  /** Holds `ca.pem` and `ca.key`; made when missing. */
  readonly directory: string;
  /** Shown in lists of trusted authorities. */
  readonly organization: string;
  /**
   * Domains the authority may vouch for, names below them included; with `localhost` and private addresses. Counts
   * when the authority is made; an existing one keeps its own.
   */
  readonly domains: readonly string[];
  /** For tests. */
  readonly now?: () => Date;
}

export interface LeafRequest {
  /** Host names and addresses for the subject alternative name, the first host is the common name. */
  readonly names: readonly string[];
  readonly days: number;
}

export interface Authority {
  /** For clients to trust. */
  readonly certificatePem: string;
  readonly certificateFile: string;
  readonly certificate: X509Certificate;
  /** False: clients would refuse a certificate with this name (RFC 5280 §4.2.1.10). */
  permits(name: string): boolean;
  /** @throws Failure CANNOT for a name the authority does not permit */
  issue(request: LeafRequest): Promise<IssuedCertificate>;
}

/**
 * Loads the authority, or makes it.
 * @throws Failure CORRUPTION when its files do not fit together: never replaced silently, clients trust the old one
 */
export async function createAuthority(options: AuthorityOptions): Promise<Authority> {
  const now = options.now ?? (() => new Date());
  const { certificateFile, keyFile } = filesIn(options.directory);
  let certificatePem = await readIfThere(certificateFile);
  let keyPem = await readIfThere(keyFile);
  if (certificatePem === null && keyPem === null) {
    const made = await makeAuthority(options.organization, options.domains, now());
    await writeAuthority(options.directory, made);
    ({ certificatePem, keyPem } = made);
  }
  if (certificatePem === null && keyPem !== null) {
    throw new Failure('CORRUPTION', `${keyFile} is there but ${certificateFile} is not; restore it from a backup`);
  }
  if (certificatePem === null || keyPem === null)
    throw new Failure('CORRUPTION', `${certificateFile} is there but ${keyFile} is not; restore it from a backup`);
  return loadAuthority(certificatePem, keyPem, certificateFile, now);
}

const filesIn = (directory: string) => ({
  certificateFile: path.join(directory, 'ca.pem'),
  keyFile: path.join(directory, 'ca.key'),
});

/** For the other servers of the organization. Null: there is none in this folder. */
export async function readAuthority(directory: string): Promise<AuthorityPem | null> {
  const { certificateFile, keyFile } = filesIn(directory);
  const [certificatePem, keyPem] = [await readIfThere(certificateFile), await readIfThere(keyFile)];
  return certificatePem === null || keyPem === null ? null : { certificatePem, keyPem };
}

/** One that another server has made, or this one just now. */
export async function writeAuthority(directory: string, { certificatePem, keyPem }: AuthorityPem): Promise<void> {
  const { certificateFile, keyFile } = filesIn(directory);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  // The key first: a certificate without key would be taken for a damaged authority.
  await writeWhole(keyFile, keyPem, KEY_FILE_MODE);
  await writeWhole(certificateFile, certificatePem, CERTIFICATE_FILE_MODE);
}

async function loadAuthority(
  certificatePem: string,
  keyPem: string,
  certificateFile: string,
  now: () => Date,
): Promise<Authority> {
  let certificate: X509Certificate;
  let signingKey: webcrypto.CryptoKey;
  try {
    certificate = new X509Certificate(certificatePem);
    const key = createPrivateKey(keyPem);
    if (!certificate.checkPrivateKey(key)) throw new Error('the key is not the certificate’s');
    signingKey = await importKey(key.export({ type: 'pkcs8', format: 'der' }));
  } catch (cause) {
    throw new Failure('CORRUPTION', `${certificateFile} and its key do not fit together; restore them from a backup`, {
      cause,
    });
  }
  const issuer = new x509.X509Certificate(certificatePem);
  const constraints = issuer.getExtension(NAME_CONSTRAINTS_OID);
  const permitted = constraints === null ? null : parseNameConstraints(new Uint8Array(constraints.value));
  const mayName = (name: string): boolean => permitted === null || permits(permitted, name);
  return {
    certificatePem,
    certificateFile,
    certificate,
    permits: mayName,
    issue: async (request) => {
      const beyond = request.names.find((name) => !mayName(name));
      if (beyond !== undefined)
        throw new Failure(
          'CANNOT',
          `the authority in ${certificateFile} is limited to ${permitted?.dnsNames.join(', ') ?? ''} and private addresses; it cannot vouch for ${beyond}`,
        );
      return issueLeaf(request, issuer, signingKey, now());
    },
  };
}

async function makeAuthority(organization: string, domains: readonly string[], now: Date): Promise<AuthorityPem> {
  const keys = await newKeys();
  const dnsNames = [...new Set([...domains.map((name) => name.toLowerCase()), 'localhost'])];
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: [`${organization} mail CA`] }, { O: [organization] }],
    notBefore: new Date(now.getTime() - CLOCK_SKEW_MS),
    notAfter: new Date(now.getTime() + AUTHORITY_DAYS * DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      new x509.Extension(NAME_CONSTRAINTS_OID, true, nameConstraints(dnsNames, PRIVATE_RANGES)),
    ],
  });
  return { certificatePem: pem(certificate), keyPem: await exportKey(keys.privateKey) };
}

async function issueLeaf(
  request: LeafRequest,
  issuer: x509.X509Certificate,
  signingKey: webcrypto.CryptoKey,
  now: Date,
): Promise<IssuedCertificate> {
  if (request.names.length === 0) throw new Error('a certificate needs a name');
  // OpenSSL holds a common name that looks like a host against the DNS constraints: an address must not stand there.
  const commonName = request.names.find((name) => isIP(name) === 0) ?? 'mail server';
  const keys = await newKeys();
  const wanted = now.getTime() + request.days * DAY_MS;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [{ CN: [commonName] }],
    issuer: issuer.subjectName,
    notBefore: new Date(now.getTime() - CLOCK_SKEW_MS),
    notAfter: new Date(Math.min(wanted, issuer.notAfter.getTime())),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        request.names.map((name) => (isIP(name) === 0 ? { type: 'dns', value: name } : { type: 'ip', value: name })),
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return { chainPem: pem(certificate) + pem(issuer), keyPem: await exportKey(keys.privateKey) };
}
