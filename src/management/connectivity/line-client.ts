/**
 * The client side of a line protocol for probes: connects, upgrades to TLS, sends a line, reads a line, each within
 * its time. Checks certificates unless told not to. Knows no protocol; not for mail traffic.
 */
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';

export interface ProbeTarget {
  readonly host: string;
  readonly port: number;
  /** Ssl: TLS from the first byte. Tls: STARTTLS or STLS. */
  readonly connectionType: 'Plaintext' | 'Ssl' | 'Tls';
  /** Name the certificate has to be for. */
  readonly serverName: string;
  /** TrustAnySSLCertificate. */
  readonly trustAny: boolean;
  /** PEM of authorities trusted beside the system's. */
  readonly authorities: readonly string[];
}

/** What went wrong, in words for an admin; `step` names where. */
export class ProbeError extends Error {
  override readonly name = 'ProbeError';
}

const LINE_BYTES = 64 * 1024;

export class LineClient {
  readonly #target: ProbeTarget;
  readonly #timeoutMs: number;
  #socket: Socket;
  #buffer = Buffer.alloc(0);
  #ended = false;
  #failure: Error | null = null;
  #wake: (() => void) | null = null;

  private constructor(target: ProbeTarget, timeoutMs: number, socket: Socket) {
    this.#target = target;
    this.#timeoutMs = timeoutMs;
    this.#socket = socket;
    this.#attach(socket);
  }

  /** @param timeoutMs for connecting and for each line @throws ProbeError */
  static async connect(target: ProbeTarget, timeoutMs: number): Promise<LineClient> {
    const where = `${target.host}:${target.port}`;
    const plain = connect({ host: target.host, port: target.port, noDelay: true });
    plain.on('error', () => {});
    try {
      await once(plain, 'connect', { signal: AbortSignal.timeout(timeoutMs) });
    } catch (error) {
      plain.destroy();
      throw new ProbeError(`cannot connect to ${where}: ${reason(error)}`, { cause: error });
    }
    const client = new LineClient(target, timeoutMs, plain);
    if (target.connectionType === 'Ssl') await client.startTls();
    return client;
  }

  /** @throws ProbeError that says what is wrong with the certificate */
  async startTls(): Promise<void> {
    const plain = this.#socket;
    plain.removeAllListeners();
    plain.on('error', () => {});
    if (this.#buffer.length > 0) throw new ProbeError('the server sent something before the TLS handshake');
    const { authorities, serverName, trustAny } = this.#target;
    const secure: TLSSocket = connectTls({
      socket: plain,
      servername: serverName,
      rejectUnauthorized: !trustAny,
      ...(authorities.length === 0 ? {} : { ca: [...authorities] }),
    });
    try {
      await once(secure, 'secureConnect', { signal: AbortSignal.timeout(this.#timeoutMs) });
    } catch (error) {
      secure.destroy();
      throw new ProbeError(`TLS with ${serverName} failed: ${reason(error)}`, { cause: error });
    }
    this.#socket = secure;
    this.#attach(secure);
  }

  get encrypted(): boolean {
    return 'encrypted' in this.#socket;
  }

  send(line: string): void {
    this.#socket.write(`${line}\r\n`);
  }

  /** Without its end. @throws ProbeError when the time is over or the server hangs up */
  async line(): Promise<string> {
    const until = performance.now() + this.#timeoutMs;
    for (;;) {
      const at = this.#buffer.indexOf(10);
      if (at >= 0) {
        const line = this.#buffer.subarray(0, this.#buffer[at - 1] === 13 ? at - 1 : at).toString('utf8');
        this.#buffer = this.#buffer.subarray(at + 1);
        return line;
      }
      if (this.#buffer.length > LINE_BYTES) throw new ProbeError(`the server sent a line of over ${LINE_BYTES} bytes`);
      if (this.#failure !== null) throw new ProbeError(`the connection broke: ${reason(this.#failure)}`);
      if (this.#ended) throw new ProbeError('the server closed the connection');
      const left = until - performance.now();
      if (left <= 0) throw new ProbeError(`no answer within ${Math.round(this.#timeoutMs / 1000)} seconds`);
      await this.#more(left);
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  #more(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #attach(socket: Socket): void {
    const wake = (): void => {
      this.#wake?.();
      this.#wake = null;
    };
    socket.on('data', (chunk: Buffer) => {
      this.#buffer = Buffer.concat([this.#buffer, chunk]);
      wake();
    });
    socket.on('end', () => {
      this.#ended = true;
      wake();
    });
    socket.on('close', () => {
      this.#ended = true;
      wake();
    });
    socket.on('error', (error: Error) => {
      this.#failure = error;
      wake();
    });
  }
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'no answer in time';
  const code: unknown = Reflect.get(error, 'code');
  switch (code) {
    case 'ECONNREFUSED':
      return 'nothing listens there (connection refused)';
    case 'ENOTFOUND':
      return 'the name cannot be resolved';
    case 'CERT_HAS_EXPIRED':
      return 'the certificate has expired';
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `the certificate is for another name (${error.message})`;
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return `the certificate is not trusted (${error.message})`;
    default:
      return error.message === '' ? String(code) : error.message;
  }
}
