/**
 * One client's byte stream: reading by line, by count and by chunk with limits and back-pressure, packed writing,
 * STARTTLS, one idle deadline. Knows sockets and nothing of any grammar; sessions know this class and no socket.
 *
 * The front end reads the first commands from it and hands the same object, with whatever is already buffered, to
 * the back end session: nothing a client pipelined behind its logon is lost (field-study.md B3).
 */
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { TLSSocket, type TLSSocketOptions } from 'node:tls';
import { ProtocolViolation } from '../observe/failure.ts';
import { ByteWriter } from './byte-writer.ts';
import { READ_AHEAD_BYTES, WRITE_BACKLOG_BYTES } from './limits.ts';
import { type Deadline, idleWheel } from './timer-wheel.ts';
import { wakefulness } from './wakefulness.ts';

const LF = 10;
const CR = 13;
/** How long a peer may take to read our last words before the socket is destroyed. */
const CLOSE_GRACE_MS = 2_000;

/** What is known of the encryption of a connection, for logs, Received fields and channel binding. */
export interface TlsFacts {
  readonly protocol: string;
  readonly cipher: string;
  readonly serverName: string | null;
}

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** The idle deadline passed: the session says so to the client (BYE, -ERR, 421) and ends. */
export class IdleTimeout extends Error {
  override readonly name = 'IdleTimeout';
}

interface Waiting {
  /** Bytes there were when the wait began. */
  before: number;
  wake: (hasMore: boolean) => void;
  fail: (reason: Error) => void;
}

export class Connection {
  readonly remote: Endpoint;
  readonly local: Endpoint;
  /** Output; call `flush()` at the end of a turn, `await drained()` inside long answers. */
  readonly out: ByteWriter;

  #socket: Socket;
  #tls: TlsFacts | null = null;
  #chunks: Buffer[] = [];
  #head = 0;
  #buffered = 0;
  #paused = false;
  #ended = false;
  #error: Error | null = null;
  #waiting: Waiting | null = null;
  #draining: Array<() => void> = [];
  #deadline: Deadline;
  #timedOut = false;
  #closed: Promise<void>;
  #resolveClosed: () => void;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.remote = { address: plainAddress(socket.remoteAddress), port: socket.remotePort ?? 0 };
    this.local = { address: plainAddress(socket.localAddress), port: socket.localPort ?? 0 };
    this.out = new ByteWriter((chunk, written) => this.#send(chunk, written));
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#closed = promise;
    this.#resolveClosed = resolve;
    this.#deadline = idleWheel.deadline(() => this.#onDeadline());
    if (socket instanceof TLSSocket) this.#tls = tlsFacts(socket);
    this.#attach(socket);
  }

  /** Null while the stream is in the clear. */
  get tls(): TlsFacts | null {
    return this.#tls;
  }

  /** RFC 9266 `tls-exporter` channel binding, null in the clear or below TLS 1.3. */
  get tlsExporter(): Buffer | null {
    const socket = this.#socket;
    if (!(socket instanceof TLSSocket) || socket.getProtocol() !== 'TLSv1.3') return null;
    return socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
  }

  /** Bytes received and not yet read. */
  get buffered(): number {
    return this.#buffered;
  }

  get isOpen(): boolean {
    return this.#error === null && !this.#socket.destroyed;
  }

  /** Resolves once when the connection is gone, whoever ended it. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  /** The client's silence is allowed for `ms` from now; `null` lifts the deadline. */
  idleLimit(ms: number | null): void {
    if (ms === null) this.#deadline.clear();
    else this.#deadline.set(ms);
  }

  /**
   * One line with its terminator (LF or CRLF), or null when the client has gone.
   * @throws ProtocolViolation (fatal) when `limit` bytes came without LF: framing is lost.
   */
  async readLine(limit: number): Promise<Buffer | null> {
    let scanned = 0;
    for (;;) {
      const at = this.#indexOfLf(scanned);
      if (at >= 0) {
        if (at + 1 > limit) throw new ProtocolViolation(`line longer than ${limit} bytes`, { fatal: true });
        return this.#take(at + 1);
      }
      scanned = this.#buffered;
      if (scanned >= limit) throw new ProtocolViolation(`line longer than ${limit} bytes`, { fatal: true });
      if (!(await this.#more())) return null;
    }
  }

  /** The next bytes, at most `max`; null at the end of the stream. One chunk at a time: nothing is joined. */
  async readChunk(max: number): Promise<Buffer | null> {
    if (this.#buffered === 0 && !(await this.#more())) return null;
    const first = this.#chunks[0];
    if (first === undefined) return null;
    return this.#take(Math.min(max, first.length - this.#head));
  }

  /** Exactly `size` bytes joined; for short literals only. Null when the client went away before. */
  async readExactly(size: number): Promise<Buffer | null> {
    while (this.#buffered < size) if (!(await this.#more())) return null;
    return size === 0 ? Buffer.alloc(0) : this.#take(size);
  }

  /** Put bytes back in front of the stream. */
  unread(bytes: Buffer): void {
    if (bytes.length === 0) return;
    if (this.#head > 0) {
      const first = this.#chunks[0];
      if (first !== undefined) this.#chunks[0] = first.subarray(this.#head);
      this.#head = 0;
    }
    this.#chunks.unshift(bytes);
    this.#buffered += bytes.length;
  }

  /** Resolves true when bytes are there to read, false at the end of the stream; reads nothing (for IDLE). */
  async readable(): Promise<boolean> {
    return this.#buffered > 0 || (await this.#more());
  }

  flush(): void {
    this.out.flush();
  }

  /** Flushes; resolves at once while the client keeps up, else when it has read enough. */
  async drained(): Promise<void> {
    this.out.flush();
    if (!this.isOpen || this.#socket.writableLength < WRITE_BACKLOG_BYTES) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#draining.push(resolve);
    await promise;
  }

  /**
   * Server side of STARTTLS / STLS. Whatever the client sent in the clear behind the command is an injection
   * (RFC 9051 §11.1, CVE-2011-0411 class) and ends the connection.
   */
  async startTls(options: TLSSocketOptions): Promise<void> {
    this.flush();
    if (this.#buffered > 0) {
      throw new ProtocolViolation('bytes were pipelined behind STARTTLS', { fatal: true });
    }
    const plain = this.#socket;
    this.#detach(plain);
    const secure = new TLSSocket(plain, { ...options, isServer: true });
    this.#socket = secure;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onClose = (): void => reject(new Error('connection closed during the TLS handshake'));
    secure.once('secure', resolve);
    secure.once('close', onClose);
    secure.once('error', reject);
    this.#attach(secure);
    await promise;
    secure.removeListener('close', onClose);
    secure.removeListener('error', reject);
    this.#tls = tlsFacts(secure);
  }

  /** Flush, say goodbye and close; destroys the socket when the peer does not read its last bytes in time. */
  end(): void {
    this.out.flush();
    this.#deadline.clear();
    if (this.#socket.destroyed) return;
    const socket = this.#socket;
    const grace = setTimeout(() => socket.destroy(), CLOSE_GRACE_MS);
    socket.once('close', () => clearTimeout(grace));
    socket.end();
    socket.resume();
  }

  destroy(): void {
    this.#deadline.clear();
    this.#socket.destroy();
  }

  /** `written` is called when the socket has no more use for the chunk, also when it fails. */
  #send(chunk: Buffer, written: () => void): void {
    if (this.#error === null && this.#socket.writable) this.#socket.write(chunk, written);
  }

  #attach(socket: Socket): void {
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
    socket.on('drain', this.#onDrain);
    socket.setNoDelay(true);
  }

  #detach(socket: Socket): void {
    socket.removeListener('data', this.#onData);
    socket.removeListener('end', this.#onEnd);
    socket.removeListener('close', this.#onClose);
    socket.removeListener('drain', this.#onDrain);
  }

  readonly #onData = (chunk: Buffer): void => {
    wakefulness?.heard();
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    if (this.#buffered >= READ_AHEAD_BYTES && !this.#paused) {
      this.#paused = true;
      this.#socket.pause();
    }
    this.#wake();
  };

  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#wake();
  };

  readonly #onError = (reason: Error): void => {
    this.#error = reason;
  };

  readonly #onClose = (): void => {
    this.#ended = true;
    this.#deadline.clear();
    this.#wake();
    this.#onDrain();
    this.#resolveClosed();
  };

  readonly #onDrain = (): void => {
    const waiting = this.#draining;
    if (waiting.length === 0) return;
    this.#draining = [];
    for (const resume of waiting) resume();
  };

  #onDeadline(): void {
    this.#timedOut = true;
    const waiting = this.#waiting;
    if (waiting === null) {
      // The session is busy writing to a client that does not read: nobody is there to hear a farewell.
      if (this.#socket.writableLength > 0) this.#socket.destroy();
      return;
    }
    this.#waiting = null;
    waiting.fail(new IdleTimeout('idle for too long'));
  }

  #wake(): void {
    const waiting = this.#waiting;
    if (waiting === null) return;
    this.#waiting = null;
    waiting.wake(this.#buffered > waiting.before);
  }

  /**
   * Waits for bytes beyond those buffered; false at the end of the stream. Not an async function: a session waits
   * here for most of its life, and a suspended frame is memory.
   */
  #more(): Promise<boolean> {
    if (this.#timedOut) return Promise.reject(new IdleTimeout('idle for too long'));
    if (this.#ended) return Promise.resolve(false);
    if (this.#paused) {
      this.#paused = false;
      this.#socket.resume();
    }
    this.out.flush();
    wakefulness?.answered();
    if (this.#waiting !== null) return Promise.reject(new Error('two reads at once on one connection'));
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    this.#waiting = { before: this.#buffered, wake: resolve, fail: reject };
    return promise;
  }

  #indexOfLf(from: number): number {
    let base = -this.#head;
    for (const chunk of this.#chunks) {
      const end = base + chunk.length;
      if (end > from) {
        const at = chunk.indexOf(LF, Math.max(from - base, base < 0 ? this.#head : 0));
        if (at >= 0) return base + at;
      }
      base = end;
    }
    return -1;
  }

  #take(size: number): Buffer {
    const first = this.#chunks[0];
    if (first === undefined) return Buffer.alloc(0);
    this.#buffered -= size;
    const available = first.length - this.#head;
    let taken: Buffer;
    if (size < available) {
      taken = first.subarray(this.#head, this.#head + size);
      this.#head += size;
    } else if (size === available) {
      taken = this.#head === 0 ? first : first.subarray(this.#head);
      this.#chunks.shift();
      this.#head = 0;
    } else {
      taken = this.#join(size);
    }
    if (this.#paused && this.#buffered < READ_AHEAD_BYTES / 2) {
      this.#paused = false;
      this.#socket.resume();
    }
    return taken;
  }

  #join(size: number): Buffer {
    const joined = Buffer.allocUnsafe(size);
    let at = 0;
    while (at < size) {
      const chunk = this.#chunks[0];
      if (chunk === undefined) break;
      const part = Math.min(size - at, chunk.length - this.#head);
      chunk.copy(joined, at, this.#head, this.#head + part);
      at += part;
      this.#head += part;
      if (this.#head === chunk.length) {
        this.#chunks.shift();
        this.#head = 0;
      }
    }
    return joined;
  }
}

/** A line without its CRLF or LF. */
export function withoutLineEnd(line: Buffer): Buffer {
  let end = line.length;
  if (end > 0 && line[end - 1] === LF) end -= 1;
  if (end > 0 && line[end - 1] === CR) end -= 1;
  return line.subarray(0, end);
}

function tlsFacts(socket: TLSSocket): TlsFacts {
  const name: unknown = Reflect.get(socket, 'servername');
  return {
    protocol: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher().name,
    serverName: typeof name === 'string' && name !== '' ? name : null,
  };
}

/** IPv4 clients of a dual-stack listener come as ::ffff:a.b.c.d. */
function plainAddress(address: string | undefined): string {
  if (address === undefined) return '';
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
