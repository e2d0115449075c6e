/**
 * The authority that signs for servers of the organization only (design.md §6): no client trusts it, and it names
 * servers by their id in the directory, never by host. ECDSA P-256; leaves live for days (docs/adr/0009).
 * Knows certificates; where the key is kept is not its business.
 */
import './reflect-metadata.ts';
import { createPrivateKey, type webcrypto, X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { type ServerId, serverId } from '../directory/model.ts';
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

const DAY_MS = 86_400_000;
export const SERVER_AUTHORITY_DAYS = 3650;
/** Long enough to outlive a directory that is away for some days: servers renew theirs every day. */
export const SERVER_LEAF_DAYS = 7;
/** Certificates begin in the past: a server whose clock is behind by less takes them. */
export const SERVER_CLOCK_SKEW_MS = DAY_MS;
const SERVER_URI = 'urn:penfold:server:';

export interface ServerAuthority {
  readonly certificate: X509Certificate;
  readonly certificatePem: string;
  issue(server: ServerId): Promise<IssuedCertificate>;
}

/** Whoever has its key can speak as any server of the organization. */
export async function makeServerAuthority(organization: string, now: Date = new Date()): Promise<AuthorityPem> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: [`${organization} server authority`] }, { O: [organization] }],
    notBefore: new Date(now.getTime() - SERVER_CLOCK_SKEW_MS),
    notAfter: new Date(now.getTime() + SERVER_AUTHORITY_DAYS * DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificatePem: pem(certificate), keyPem: await exportKey(keys.privateKey) };
}

/** @throws Failure CORRUPTION when certificate and key do not fit together */
export async function openServerAuthority(
  { certificatePem, keyPem }: AuthorityPem,
  now: () => Date = () => new Date(),
): Promise<ServerAuthority> {
  let certificate: X509Certificate;
  let signingKey: webcrypto.CryptoKey;
  try {
    certificate = new X509Certificate(certificatePem);
    const key = createPrivateKey(keyPem);
    if (!certificate.checkPrivateKey(key)) throw new Error('the key is not the certificate’s');
    signingKey = await importKey(key.export({ type: 'pkcs8', format: 'der' }));
  } catch (cause) {
    throw new Failure('CORRUPTION', 'certificate and key of the server authority do not fit together', { cause });
  }
  const issuer = new x509.X509Certificate(certificatePem);
  return {
    certificate,
    certificatePem,
    issue: (server) => issueLeaf(server, issuer, signingKey, now()),
  };
}

async function issueLeaf(
  server: ServerId,
  issuer: x509.X509Certificate,
  signingKey: webcrypto.CryptoKey,
  now: Date,
): Promise<IssuedCertificate> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [{ CN: [`server ${server}`] }],
    issuer: issuer.subjectName,
    notBefore: new Date(now.getTime() - SERVER_CLOCK_SKEW_MS),
    notAfter: new Date(Math.min(now.getTime() + SERVER_LEAF_DAYS * DAY_MS, issuer.notAfter.getTime())),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      new x509.SubjectAlternativeNameExtension([{ type: 'url', value: `${SERVER_URI}${server}` }]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return { chainPem: pem(certificate) + pem(issuer), keyPem: await exportKey(keys.privateKey) };
}

/**
 * The server that a certificate speaks for: signed by one of `trusted`, in force, of a server.
 * The handshake has shown that the peer has its key. Null: of nobody; `why` is for the log.
 */
export function serverOfCertificate(
  certificate: X509Certificate,
  trusted: readonly X509Certificate[],
  now: Date,
): { readonly server: ServerId } | { readonly server: null; readonly why: string } {
  const refused = (why: string) => ({ server: null, why });
  const issuer = trusted.find((one) => certificate.checkIssued(one) && certificate.verify(one.publicKey));
  if (issuer === undefined) return refused('it is signed by another authority');
  for (const one of [certificate, issuer]) {
    if (now < one.validFromDate) return refused(`it is valid from ${one.validFrom} on: compare the clocks`);
    if (now > one.validToDate) return refused(`it expired on ${one.validTo}`);
  }
  // OpenSSL writes whatever else stands there, or would need quoting, in other words than ours.
  const named = /^URI:urn:penfold:server:([0-9a-zA-Z-]+)$/.exec(certificate.subjectAltName ?? '')?.[1];
  if (certificate.ca || named === undefined) return refused('it is not of a server');
  return { server: serverId(named) };
}
