/**
 * What a probe failed at: in words for an admin, and as a fault that a page can say in its reader's language. Pure.
 */

/** `answer`: the server refused in words of its protocol; `other`: none of these. */
export type ProbeFault =
  | { readonly kind: 'unresolved' | 'refused' | 'timeout' | 'closed' | 'other' }
  | { readonly kind: 'certificate-expired' | 'tls' }
  | { readonly kind: 'certificate-name'; readonly names: readonly string[] }
  | { readonly kind: 'certificate-authority' }
  | { readonly kind: 'answer'; readonly text: string };

export class ProbeError extends Error {
  override readonly name = 'ProbeError';
  readonly fault: ProbeFault;

  constructor(message: string, fault: ProbeFault = { kind: 'other' }, options?: { cause?: unknown }) {
    super(message, options);
    this.fault = fault;
  }
}

/** The server's own words of refusal. */
export const answered = (protocol: 'IMAP' | 'POP3' | 'SMTP', text: string): ProbeError =>
  new ProbeError(`${protocol} Error: ${text}`, { kind: 'answer', text });

/** What an error of a socket or of TLS comes to. */
export function faultOf(error: unknown): { readonly words: string; readonly fault: ProbeFault } {
  if (!(error instanceof Error)) return { words: String(error), fault: { kind: 'other' } };
  if (error.name === 'TimeoutError' || error.name === 'AbortError')
    return { words: 'no answer in time', fault: { kind: 'timeout' } };
  const code: unknown = Reflect.get(error, 'code');
  switch (code) {
    case 'ECONNREFUSED':
      return { words: 'nothing listens there (connection refused)', fault: { kind: 'refused' } };
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return { words: 'the name cannot be resolved', fault: { kind: 'unresolved' } };
    case 'ECONNRESET':
    case 'EPIPE':
      return { words: error.message, fault: { kind: 'closed' } };
    case 'ETIMEDOUT':
      return { words: 'no answer in time', fault: { kind: 'timeout' } };
    case 'CERT_HAS_EXPIRED':
      return { words: 'the certificate has expired', fault: { kind: 'certificate-expired' } };
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return {
        words: `the certificate is for another name (${error.message})`,
        fault: { kind: 'certificate-name', names: namesOf(error) },
      };
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return { words: `the certificate is not trusted (${error.message})`, fault: { kind: 'certificate-authority' } };
    default: {
      const words = error.message === '' ? String(code) : error.message;
      const isTls = typeof code === 'string' && /^(ERR_SSL_|ERR_TLS_|CERT_|EPROTO$)/.test(code);
      return { words, fault: { kind: isTls ? 'tls' : 'other' } };
    }
  }
}

/** Names of the certificate that did not fit (Node keeps it on the error). */
function namesOf(error: Error): readonly string[] {
  const certificate: unknown = Reflect.get(error, 'cert');
  const names: unknown =
    typeof certificate === 'object' && certificate !== null ? Reflect.get(certificate, 'subjectaltname') : undefined;
  return typeof names === 'string' ? names.split(', ').map((one) => one.replace(/^(DNS|IP Address):/, '')) : [];
}
