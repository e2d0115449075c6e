/**
 * A signature with its content inside (RFC 5652 §5, SignedData), made with a server certificate: configuration
 * profiles for Apple's devices. Knows the format; which certificate signs is the caller's matter.
 */
import './reflect-metadata.ts';
import { createHash, createPrivateKey, sign, X509Certificate } from 'node:crypto';
import {
  Attribute,
  CertificateChoices,
  CertificateSet,
  CMSVersion,
  ContentInfo,
  DigestAlgorithmIdentifier,
  DigestAlgorithmIdentifiers,
  EncapsulatedContent,
  EncapsulatedContentInfo,
  id_contentType,
  id_data,
  id_messageDigest,
  id_signedData,
  IssuerAndSerialNumber,
  SignatureAlgorithmIdentifier,
  SignedData,
  SignerIdentifier,
  SignerInfo,
  SignerInfos,
} from '@peculiar/asn1-cms';
import {
  AsnConvert,
  AsnObjectIdentifierConverter,
  AsnOctetStringConverter,
  AsnUTCTimeConverter,
  OctetString,
} from '@peculiar/asn1-schema';
import { Certificate } from '@peculiar/asn1-x509';
import { Failure } from '../observe/failure.ts';

const SHA256 = '2.16.840.1.101.3.4.2.1';
const RSA = '1.2.840.113549.1.1.1';
const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2';
const ALGORITHMS: ReadonlyMap<string, string> = new Map([
  ['rsa', RSA],
  ['ec', ECDSA_WITH_SHA256],
]);
const SIGNING_TIME = '1.2.840.113549.1.9.5';
const SET = 0x31;

export interface Signer {
  /** The certificate, then its chain. */
  readonly chainPem: string;
  readonly keyPem: string;
}

/** DER. @throws Failure CANNOT for a key that is neither RSA nor EC */
export function cmsSigned(content: Buffer, { chainPem, keyPem }: Signer, now: Date = new Date()): Buffer {
  const key = createPrivateKey(keyPem);
  const algorithm = ALGORITHMS.get(key.asymmetricKeyType ?? '');
  if (algorithm === undefined) throw new Failure('CANNOT', `a key of type ${key.asymmetricKeyType} cannot sign here`);
  const chain = certificatesOf(chainPem);
  const [own] = chain;
  if (own === undefined) throw new Failure('CANNOT', 'there is no certificate to sign with');
  const digestAlgorithm = new DigestAlgorithmIdentifier({ algorithm: SHA256 });
  const attributes = sorted([
    attribute(id_contentType, AsnObjectIdentifierConverter.toASN(id_data).toBER()),
    attribute(SIGNING_TIME, AsnUTCTimeConverter.toASN(now).toBER()),
    attribute(
      id_messageDigest,
      AsnOctetStringConverter.toASN(arrayBuffer(createHash('sha256').update(content).digest())).toBER(),
    ),
  ]);
  const signed = new SignedData({
    version: CMSVersion.v1,
    digestAlgorithms: new DigestAlgorithmIdentifiers([digestAlgorithm]),
    encapContentInfo: new EncapsulatedContentInfo({
      eContentType: id_data,
      eContent: new EncapsulatedContent({ single: new OctetString(arrayBuffer(content)) }),
    }),
    certificates: new CertificateSet(chain.map((certificate) => new CertificateChoices({ certificate }))),
    signerInfos: new SignerInfos([
      new SignerInfo({
        version: CMSVersion.v1,
        sid: new SignerIdentifier({
          issuerAndSerialNumber: new IssuerAndSerialNumber({
            issuer: own.tbsCertificate.issuer,
            serialNumber: own.tbsCertificate.serialNumber,
          }),
        }),
        digestAlgorithm,
        signedAttrs: attributes.map(({ value }) => value),
        signatureAlgorithm: new SignatureAlgorithmIdentifier({
          algorithm,
          ...(algorithm === RSA ? { parameters: null } : {}),
        }),
        signature: new OctetString(arrayBuffer(sign('sha256', setOf(attributes.map(({ der }) => der)), key))),
      }),
    ]),
  });
  return Buffer.from(
    AsnConvert.serialize(new ContentInfo({ contentType: id_signedData, content: AsnConvert.serialize(signed) })),
  );
}

function certificatesOf(chainPem: string): Certificate[] {
  const blocks = chainPem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => AsnConvert.parse(new X509Certificate(block).raw, Certificate));
}

interface EncodedAttribute {
  readonly value: Attribute;
  readonly der: Buffer;
}

function attribute(attrType: string, value: ArrayBuffer): EncodedAttribute {
  const made = new Attribute({ attrType, attrValues: [value] });
  return { value: made, der: Buffer.from(AsnConvert.serialize(made)) };
}

/** DER orders the members of a SET OF by their encoding (X.690 §11.6): signed and sent must be the same. */
const sorted = (attributes: readonly EncodedAttribute[]): readonly EncodedAttribute[] =>
  attributes.toSorted((a, b) => Buffer.compare(a.der, b.der));

/** What is signed has the tag of a SET, not the [0] it is sent with (RFC 5652 §5.4). */
function setOf(members: readonly Buffer[]): Buffer {
  const body = Buffer.concat(members);
  const head = body.length < 128 ? [SET, body.length] : [SET, 0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from(head), body]);
}

function arrayBuffer(bytes: Uint8Array): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.length);
  new Uint8Array(copy).set(bytes);
  return copy;
}
