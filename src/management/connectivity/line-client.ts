/**
 * The client side of a line protocol for probes: connects, upgrades to TLS, sends a line, reads a line, each within
 * its time. Checks certificates unless told not to. Knows no protocol; not for mail traffic.
 */
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { connect, isIP, type LookupFunction, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { faultOf, ProbeError } from './probe-error.ts';

export interface ProbeTarget {
  readonly host: string;
  readonly port: number;
  /** Ssl: TLS from the first byte. Tls: STARTTLS or STLS. */
  readonly connectionType: 'Plaintext' | 'Ssl' | 'Tls';
  /** Name the certificate has to be for. */
  readonly serverName: string;
  /** TrustAnySSLCertificate. */
  readonly trustAny: boolean;
  /** PEM of the authorities that are trusted instead of those that the machine trusts; none: the machine's (trust.ts). */
  readonly authorities: readonly string[];
  /** Resolves `host`; the machine's own way when missing. */
  readonly lookup?: LookupFunction | undefined;
}

/** What a probe has done, told as it goes to whoever shows it. */
export type ProbeStep = 'connect' | 'tls' | 'greeting' | 'logon' | 'open';

export interface ProbeWatch {
  onStep?(step: ProbeStep): void;
  /** Aborted: the connection is closed. */
  readonly signal?: AbortSignal | undefined;
}

const LINE_BYTES = 64 * 1024;
const withTime = (ms: number, { signal }: ProbeWatch): AbortSignal =>
  signal === undefined ? AbortSignal.timeout(ms) : AbortSignal.any([AbortSignal.timeout(ms), signal]);

export class LineClient {
  readonly #target: ProbeTarget;
  readonly #timeoutMs: number;
  readonly #watch: ProbeWatch;
  #socket: Socket;
  #buffer = Buffer.alloc(0);
  #ended = false;
  #failure: Error | null = null;
  #wake: (() => void) | null = null;

  private constructor(target: ProbeTarget, timeoutMs: number, socket: Socket, watch: ProbeWatch) {
    this.#target = target;
    this.#timeoutMs = timeoutMs;
    this.#socket = socket;
    this.#watch = watch;
    this.#attach(socket);
    watch.signal?.addEventListener('abort', () => this.close(), { once: true });
  }

  /** @param timeoutMs for connecting and for each line @throws ProbeError */
  static async connect(target: ProbeTarget, timeoutMs: number, watch: ProbeWatch = {}): Promise<LineClient> {
    watch.signal?.throwIfAborted();
    const { host, port, lookup } = target;
    const where = `${host}:${port}`;
    const plain = connect({ host, port, noDelay: true, ...(lookup === undefined ? {} : { lookup }) });
    plain.on('error', () => {});
    try {
      await once(plain, 'connect', { signal: withTime(timeoutMs, watch) });
    } catch (error) {
      plain.destroy();
      const { words, fault } = faultOf(error);
      throw new ProbeError(`cannot connect to ${where}: ${words}`, fault, { cause: error });
    }
    const client = new LineClient(target, timeoutMs, plain, watch);
    watch.onStep?.('connect');
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
      // An address is checked like a name, and never sent as one: server names of TLS are names.
      ...(isIP(serverName) === 0 ? { servername: serverName } : { host: serverName }),
      rejectUnauthorized: !trustAny,
      ...(authorities.length === 0 ? {} : { ca: [...authorities] }),
    });
    try {
      await once(secure, 'secureConnect', { signal: withTime(this.#timeoutMs, this.#watch) });
    } catch (error) {
      secure.destroy();
      const { words, fault } = faultOf(error);
      throw new ProbeError(`TLS with ${serverName} failed: ${words}`, fault, { cause: error });
    }
    this.#socket = secure;
    this.#attach(secure);
    this.#watch.onStep?.('tls');
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
      // It was this side that closed it then.
      this.#watch.signal?.throwIfAborted();
      if (this.#failure !== null) throw new ProbeError(`the connection broke: ${faultOf(this.#failure).words}`);
      if (this.#ended) throw new ProbeError('the server closed the connection', { kind: 'closed' });
      const left = until - performance.now();
      if (left <= 0)
        throw new ProbeError(`no answer within ${Math.round(this.#timeoutMs / 1000)} seconds`, { kind: 'timeout' });
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
