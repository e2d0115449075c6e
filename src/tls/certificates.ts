/**
 * Certificates by name, for every listener: SNI, wildcards, a default, hot reload when a file changes. Connections
 * that are open keep what they have; the next handshake takes the new certificate, no restart.
 *
 * TLS 1.2 and 1.3 with forward secrecy and AEAD only, no compression, no renegotiation (RFC 9325 §3, §4); session
 * tickets under one key for all listeners of the process; ALPN names checked when the client sends some (RFC 7301).
 */
import { createPrivateKey, constants, randomBytes, X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { createSecureContext, type SecureContext, type SecureContextOptions, type TLSSocketOptions } from 'node:tls';
import { Failure } from '../observe/failure.ts';
import type { Log } from '../observe/log.ts';
import { isNamedBy } from './certificate-name.ts';
import { cmsSigned, type Signer } from './cms-signature.ts';

export interface CertificateSource {
  /** PEM: the certificate, then intermediates. */
  readonly certificateFile: string;
  /** PEM; the same file is allowed. */
  readonly keyFile: string;
}

/** IANA's names (RFC 2595 for imap and pop3). SMTP has none. */
export type AlpnProtocol = 'imap' | 'pop3';

export interface TlsRequest {
  /** X509CertificateName: the certificate for clients that name no host. Null or unknown: the first source's. */
  readonly certificateName?: string | null;
  readonly alpn?: AlpnProtocol;
  /**
   * `<I>issuer<S>subject` (TlsCertificateName of a receive connector): this one, whatever host the client names.
   * Empty, or no longer there: as if it were not given.
   */
  readonly tlsCertificateName?: string;
}

export interface KnownCertificate {
  readonly certificate: X509Certificate;
  /** DNS names, lower case. */
  readonly names: readonly string[];
}

export interface CertificateStore {
  /**
   * For `Connection.startTls` and `new TLSSocket`. Ask for every connection: the answer is cheap and always holds the
   * current certificates.
   */
  socketOptions(request?: TlsRequest): TLSSocketOptions;
  /** For `tls.createServer` and, from `onReload`, `server.setSecureContext`. */
  secureContextOptions(certificateName?: string | null): SecureContextOptions;
  /** `content` within a signature of the certificate that a client naming this host gets (RFC 5652), DER. */
  signed(content: Buffer, serverName: string | null): Buffer;
  /** The certificate that a client naming this host gets. */
  certificateFor(serverName: string | null): X509Certificate;
  /** The certificate that has this name, a wildcard counted; null: clients asking for it get the default one. */
  covering(serverName: string): KnownCertificate | null;
  /** Every certificate there is, the default one first. */
  known(): readonly KnownCertificate[];
  /** Reads changed files now. A file that cannot be used is logged and the old certificate stays. True: something changed. */
  reload(): Promise<boolean>;
  onReload(listener: () => void): () => void;
  close(): void;
}

/** RFC 9325 §4.2: ECDHE with AEAD; the TLS 1.3 suites are OpenSSL's own. */
const CIPHERS = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
].join(':');
const TICKET_KEY_BYTES = 48;
/** A new file counts within a second, as every setting does. */
const RELOAD_CHECK_MS = 1000;

interface Loaded {
  readonly source: CertificateSource;
  /** Times and sizes of the files as read; a difference means "read again". */
  readonly stamp: string;
  readonly options: SecureContextOptions;
  readonly context: SecureContext;
  readonly signer: Signer;
  readonly certificate: X509Certificate;
  readonly names: readonly string[];
}

/**
 * @param options.sources the first one is the default
 * @throws Failure UNAVAILABLE naming the file that cannot be used
 */
export async function loadCertificates(options: {
  readonly sources: readonly CertificateSource[];
  readonly log: Log;
  /** False: files are looked at only on `reload()`. */
  readonly watch?: boolean;
}): Promise<CertificateStore> {
  const ticketKeys = randomBytes(TICKET_KEY_BYTES);
  let loaded = await Promise.all(options.sources.map((source) => load(source, ticketKeys)));
  const listeners = new Set<() => void>();
  let byName = indexed(loaded);
  let reloading: Promise<boolean> | null = null;
  /** Complaints are logged once per state of the files. */
  const complained = new Map<CertificateSource, string>();

  const first = (): Loaded => {
    const [one] = loaded;
    if (one === undefined) throw new Failure('UNAVAILABLE', 'there is no TLS certificate');
    return one;
  };
  first();
  const pick = (name: string | null | undefined): Loaded =>
    (name === null || name === undefined || name === '' ? undefined : match(byName, name)) ?? first();

  const called = (typed = ''): Loaded | undefined =>
    typed === '' ? undefined : loaded.find((one) => isNamedBy(one.certificate, typed));

  async function reloadOne(old: Loaded): Promise<Loaded> {
    let stamp = 'unreadable';
    try {
      stamp = await stampOf(old.source);
      if (stamp === old.stamp) return old;
      const fresh = await load(old.source, ticketKeys);
      complained.delete(old.source);
      options.log.info({ file: old.source.certificateFile, names: fresh.names }, 'certificate reloaded');
      return fresh;
    } catch (error) {
      if (complained.get(old.source) !== stamp) {
        complained.set(old.source, stamp);
        options.log.error({ error, file: old.source.certificateFile }, 'certificate cannot be used; the old one stays');
      }
      return old;
    }
  }

  async function reload(): Promise<boolean> {
    const fresh = await Promise.all(loaded.map(reloadOne));
    const changed = fresh.some((one, at) => one !== loaded[at]);
    if (!changed) return false;
    loaded = fresh;
    byName = indexed(loaded);
    for (const listener of listeners) listener();
    return true;
  }

  const reloadOnce = (): Promise<boolean> => {
    reloading ??= reload().finally(() => {
      reloading = null;
    });
    return reloading;
  };

  const timer = setInterval(() => {
    reloadOnce().catch((error: unknown) => options.log.error({ error }, 'certificates could not be looked at'));
  }, RELOAD_CHECK_MS);
  timer.unref();
  if (options.watch === false) clearInterval(timer);

  return {
    socketOptions: (request = {}) => ({
      isServer: true,
      secureContext: (called(request.tlsCertificateName) ?? pick(request.certificateName)).context,
      SNICallback: (name, done) => {
        const chosen = called(request.tlsCertificateName) ?? pick(serverNameOf(name) ?? request.certificateName);
        done(null, chosen.context);
      },
      ...(request.alpn === undefined ? {} : { ALPNProtocols: [request.alpn] }),
    }),
    secureContextOptions: (name) => pick(name).options,
    signed: (content, name) => cmsSigned(content, pick(name === null ? null : serverNameOf(name)).signer),
    certificateFor: (name) => pick(name === null ? null : serverNameOf(name)).certificate,
    covering: (name) => match(byName, serverNameOf(name) ?? '') ?? null,
    known: () => loaded,
    reload: reloadOnce,
    onReload: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => {
      clearInterval(timer);
      listeners.clear();
    },
  };
}

/** Outlook sends a trailing dot in SNI. */
const serverNameOf = (name: string): string | null => name.toLowerCase().replace(/\.$/, '') || null;

async function stampOf(source: CertificateSource): Promise<string> {
  const files = await Promise.all([stat(source.certificateFile), stat(source.keyFile)]);
  return files.map((file) => `${file.mtimeMs}/${file.size}/${file.ino}`).join(' ');
}

async function load(source: CertificateSource, ticketKeys: Buffer): Promise<Loaded> {
  try {
    const stamp = await stampOf(source);
    const [cert, key] = await Promise.all([readFile(source.certificateFile), readFile(source.keyFile)]);
    const certificate = new X509Certificate(cert);
    if (!certificate.checkPrivateKey(createPrivateKey(key)))
      throw new Error(`${source.keyFile} is not the key of ${source.certificateFile}`);
    const options: SecureContextOptions = {
      cert,
      key,
      minVersion: 'TLSv1.2',
      ciphers: CIPHERS,
      honorCipherOrder: true,
      sessionIdContext: 'penfold',
      ticketKeys,
      secureOptions:
        constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_COMPRESSION | constants.SSL_OP_CIPHER_SERVER_PREFERENCE,
    };
    const context = createSecureContext(options);
    const signer = { chainPem: cert.toString(), keyPem: key.toString() };
    return { source, stamp, options, context, signer, certificate, names: namesOf(certificate) };
  } catch (cause) {
    throw new Failure('UNAVAILABLE', `the certificate ${source.certificateFile} cannot be used`, { cause });
  }
}

/** DNS names of the subject alternative name; the common name only where there is none (RFC 9525 §6.3 ignores it). */
function namesOf(certificate: X509Certificate): readonly string[] {
  const names: string[] = [];
  for (const entry of (certificate.subjectAltName ?? '').split(', ')) {
    const [kind, value] = entry.split(':');
    if (kind === 'DNS' && value !== undefined) names.push(value.toLowerCase());
  }
  return names;
}

/** An earlier source wins where two have one name. */
function indexed(loaded: readonly Loaded[]): ReadonlyMap<string, Loaded> {
  const byName = new Map<string, Loaded>();
  for (const one of loaded) for (const name of one.names) if (!byName.has(name)) byName.set(name, one);
  return byName;
}

/** Exact, then a wildcard for exactly one label (RFC 9525 §6.3). */
function match(byName: ReadonlyMap<string, Loaded>, name: string): Loaded | undefined {
  const lower = name.toLowerCase();
  const dot = lower.indexOf('.');
  return byName.get(lower) ?? (dot > 0 ? byName.get(`*${lower.slice(dot)}`) : undefined);
}
