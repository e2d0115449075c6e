/** What a server offers, from its answer to EHLO or LHLO (RFC 5321 §4.1.1.1). Pure. */
import type { Reply } from './reply.ts';

export interface Capabilities {
  readonly pipelining: boolean;
  readonly chunking: boolean;
  readonly eightBitMime: boolean;
  readonly smtpUtf8: boolean;
  readonly dsn: boolean;
  readonly startTls: boolean;
  /** Octets a message may have (RFC 1870 §4); Infinity: offered without a limit; null: SIZE is not offered. */
  readonly size: number | null;
  /** SASL mechanisms, in capitals (RFC 4954 §3). */
  readonly auth: readonly string[];
  readonly xforward: boolean;
}

export const NO_CAPABILITIES: Capabilities = {
  pipelining: false,
  chunking: false,
  eightBitMime: false,
  smtpUtf8: false,
  dsn: false,
  startTls: false,
  size: null,
  auth: [],
  xforward: false,
};

/** The first line is the name of the server; keywords come in any case. */
export function parseCapabilities({ lines }: Reply): Capabilities {
  const words = new Map<string, readonly string[]>();
  for (const line of lines.slice(1)) {
    const [keyword = '', ...parameters] = line.trim().toUpperCase().split(/ +/);
    words.set(keyword, parameters);
  }
  return {
    pipelining: words.has('PIPELINING'),
    chunking: words.has('CHUNKING'),
    eightBitMime: words.has('8BITMIME'),
    smtpUtf8: words.has('SMTPUTF8'),
    dsn: words.has('DSN'),
    startTls: words.has('STARTTLS'),
    size: sizeOf(words.get('SIZE')),
    auth: words.get('AUTH') ?? [],
    xforward: words.has('XFORWARD'),
  };
}

/** RFC 1870 §4: no number and 0 mean that no fixed limit is known. */
function sizeOf(parameters: readonly string[] | undefined): number | null {
  if (parameters === undefined) return null;
  const [text = '0'] = parameters;
  return /^\d{1,20}$/.test(text) && Number(text) > 0 ? Number(text) : Infinity;
}
