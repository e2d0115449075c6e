/**
 * One client's byte stream: reading by line, by count and by chunk with limits and back-pressure, packed writing,
 * STARTTLS, one idle deadline. Knows sockets and nothing of any grammar; sessions know this class and no socket.
 *
 * The front end reads the first commands from it and hands the same object, with whatever is already buffered, to
 * the back end session: nothing a client pipelined behind its logon is lost (field-study.md B3).
 */
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { connect, type ConnectionOptions, TLSSocket, type TLSSocketOptions } from 'node:tls';
import { ProtocolViolation } from '../observe/failure.ts';
import { ByteWriter } from './byte-writer.ts';
import { indexOfLf } from './line-end.ts';
import { READ_AHEAD_BYTES, WRITE_BACKLOG_BYTES } from './limits.ts';
import { quietMemory } from './quiet-memory.ts';
import { IdleTimeout, PromisedReader, type Reader } from './reader.ts';
import {
  type Endpoint,
  type Ends,
  localEnd,
  remoteEnd,
  type SocketListeners,
  type TlsFacts,
  tlsFacts,
} from './socket-facts.ts';
import { idleWheel, type Timed } from './timer-wheel.ts';
import { wakefulness } from './wakefulness.ts';

export { withoutLineEnd } from './line-end.ts';
export { IdleTimeout, type Reader } from './reader.ts';
export type { Endpoint, Ends, TlsFacts } from './socket-facts.ts';

/** Answers up to this long are nearly always taken by the kernel at once. */
const SHORT_WRITE_BYTES = 4 * 1024;
/** How long a peer may take to read our last words before the socket is destroyed. */
const CLOSE_GRACE_MS = 2_000;

/** Nothing has been received: shared, and never added to. */
const NO_CHUNKS: Buffer[] = [];
const NO_WAITERS: Array<() => void> = [];

export class Connection implements Timed {
  /** Of the idle deadline, which calls `fire` when it has passed. */
  due = 0;
  readonly remote: Endpoint;
  /** Output; call `flush()` at the end of a turn, `await drained()` inside long answers. */
  readonly out: ByteWriter;

  /** Shared listeners find their connection here: none has five closures of its own. */
  static readonly #owners = new WeakMap<Socket, Connection>();

  static readonly #listeners: SocketListeners = {
    data(chunk) {
      Connection.#of(this).#received(chunk);
    },
    end() {
      Connection.#of(this).#streamEnded();
    },
    error(reason) {
      Connection.#of(this).#error = reason;
    },
    close() {
      Connection.#of(this).#socketClosed();
    },
    drain() {
      Connection.#of(this).#socketDrained();
    },
  };

  static #of(socket: Socket): Connection {
    const connection = Connection.#owners.get(socket);
    if (connection === undefined) throw new Error('a socket without its connection');
    return connection;
  }

  #socket: Socket;
  /** Null: the socket's own. */
  readonly #local: Endpoint | null;
  #tls: TlsFacts | null = null;
  #chunks = NO_CHUNKS;
  #head = 0;
  #buffered = 0;
  #receivedBytes = 0;
  #sentBytes = 0;
  /** Bytes at the front in which no line end was found. */
  #scanned = 0;
  #paused = false;
  #ended = false;
  #error: Error | null = null;
  #reader: Reader | null = null;
  /** Bytes there were when the wait of `#reader` began. */
  #before = 0;
  #draining = NO_WAITERS;
  #timedOut = false;
  #closed: PromiseWithResolvers<void> | null = null;

  /** `ends`: the client's, where the socket is a load balancer's (wire/proxy-protocol.ts). */
  constructor(socket: Socket, ends: Ends | null = null) {
    this.#socket = socket;
    this.#local = ends?.local ?? null;
    this.remote = ends?.remote ?? remoteEnd(socket);
    this.out = new ByteWriter((chunk, written) => this.#send(chunk, written));
    if (socket instanceof TLSSocket) this.#tls = tlsFacts(socket);
    this.#attach(socket);
  }

  /** Where the client reached us; empty when the connection is gone. */
  get local(): Endpoint {
    return this.#local ?? localEnd(this.#socket);
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

  /** Octets read so far; what was put back does not count. */
  get bytesRead(): number {
    return this.#receivedBytes - this.#buffered;
  }

  /** Octets written so far, those that still wait included. */
  get bytesWritten(): number {
    return this.#sentBytes + this.out.pending;
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
    if (this.#closed === null) {
      this.#closed = Promise.withResolvers<void>();
      if (this.#socket.closed) this.#closed.resolve();
    }
    return this.#closed.promise;
  }

  /** More has been written than the client has taken: `await drained()` before the next answer. */
  get isBacklogged(): boolean {
    return this.#socket.writableLength + this.out.pending >= WRITE_BACKLOG_BYTES;
  }

  /** The client's silence is allowed for `ms` from now; `null` lifts the deadline. */
  idleLimit(ms: number | null): void {
    if (ms === null) idleWheel.clear(this);
    else idleWheel.set(this, ms);
  }

  /**
   * One line with its terminator (LF or CRLF), or null when the client has gone.
   * @throws ProtocolViolation (fatal) when `limit` bytes came without LF: framing is lost.
   */
  async readLine(limit: number): Promise<Buffer | null> {
    for (;;) {
      const line = this.takeLine(limit);
      if (line !== null) return line;
      if (!(await this.#more())) return null;
    }
  }

  /** The same without waiting: null while there is no whole line. @throws ProtocolViolation */
  takeLine(limit: number): Buffer | null {
    const at = indexOfLf(this.#chunks, this.#head, this.#scanned);
    const size = at < 0 ? this.#buffered : at + 1;
    if (at < 0 ? size >= limit : size > limit) {
      throw new ProtocolViolation(`line longer than ${limit} bytes`, { fatal: true });
    }
    if (at >= 0) return this.#take(size);
    this.#scanned = size;
    return null;
  }

  /** Flushes, then tells `reader` of bytes beyond those buffered, of the end of the stream or of too long a silence. */
  wait(reader: Reader): void {
    if (this.#reader !== null) throw new Error('two reads at once on one connection');
    if (this.#timedOut) {
      reader.silent(new IdleTimeout('idle for too long'));
      return;
    }
    if (this.#ended) {
      reader.readable(false);
      return;
    }
    if (this.#paused) {
      this.#paused = false;
      this.#socket.resume();
    }
    this.#before = this.#buffered;
    this.#reader = reader;
    this.out.flush();
    wakefulness?.answered();
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
    this.#chunks = [bytes, ...this.#chunks];
    this.#buffered += bytes.length;
    this.#scanned = 0;
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
    if (this.#draining === NO_WAITERS) this.#draining = [resolve];
    else this.#draining.push(resolve);
    await promise;
  }

  /** Server side of STARTTLS / STLS. @throws ProtocolViolation when bytes were injected in the clear */
  startTls(options: TLSSocketOptions): Promise<void> {
    return this.#startTls('secure', (plain) => new TLSSocket(plain, { ...options, isServer: true }));
  }

  /** Client side: the other server has to prove what `options` demand. @throws its refusal, ProtocolViolation */
  startTlsAsClient(options: ConnectionOptions): Promise<void> {
    return this.#startTls('secureConnect', (socket) => connect({ ...options, socket }));
  }

  /**
   * Whatever the other side sent in the clear behind the command or its answer is an injection (RFC 9051 §11.1,
   * CVE-2011-0411 class) and ends the connection.
   */
  async #startTls(done: 'secure' | 'secureConnect', wrap: (plain: Socket) => TLSSocket): Promise<void> {
    this.flush();
    if (this.#buffered > 0) {
      throw new ProtocolViolation('bytes were pipelined behind STARTTLS', { fatal: true });
    }
    const plain = this.#socket;
    this.#detach(plain);
    const secure = wrap(plain);
    this.#socket = secure;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onClose = (): void => reject(new Error('connection closed during the TLS handshake'));
    secure.once(done, resolve);
    secure.once('close', onClose);
    secure.once('error', reject);
    this.#attach(secure);
    await promise;
    secure.removeListener('close', onClose);
    secure.removeListener('error', reject);
    this.#tls = tlsFacts(secure);
  }

  /** Gives the stream away, `unread` first. `end`, `destroy`, `isOpen` and `closed` are what is left here. */
  release(): { readonly socket: Socket; readonly unread: Buffer } {
    this.flush();
    this.idleLimit(null);
    this.#detach(this.#socket);
    this.#socket.on('close', Connection.#listeners.close);
    return { socket: this.#socket, unread: this.#take(this.#buffered) };
  }

  /** Flush, say goodbye and close; destroys the socket when the peer does not read its last bytes in time. */
  end(): void {
    this.out.flush();
    idleWheel.clear(this);
    if (this.#socket.destroyed) return;
    const socket = this.#socket;
    const grace = setTimeout(() => socket.destroy(), CLOSE_GRACE_MS);
    socket.once('close', () => clearTimeout(grace));
    socket.end();
    socket.resume();
  }

  destroy(): void {
    idleWheel.clear(this);
    this.#socket.destroy();
  }

  /** `written` is called when the socket has no more use for the chunk, also when it fails. */
  #send(chunk: Buffer, written: () => void): void {
    this.#sentBytes += chunk.length;
    const socket = this.#socket;
    if (this.#error !== null || !socket.writable) return;
    if (this.#tls !== null || chunk.length > SHORT_WRITE_BYTES) {
      socket.write(chunk, written);
      return;
    }
    // A callback costs a tick of its own, as much as a short answer. What the kernel has taken whole needs none, and
    // the buffer of the rare one that has to wait is left to the collector.
    socket.write(chunk);
    if (socket.writableLength === 0) written();
  }

  #attach(socket: Socket): void {
    const { data, end, error, close, drain } = Connection.#listeners;
    Connection.#owners.set(socket, this);
    socket.on('data', data).on('end', end).on('error', error).on('close', close).on('drain', drain);
    socket.setNoDelay(true);
  }

  /** Errors are still heard: an unheard one ends the process. */
  #detach(socket: Socket): void {
    const { data, end, close, drain } = Connection.#listeners;
    socket.removeListener('data', data).removeListener('end', end);
    socket.removeListener('close', close).removeListener('drain', drain);
  }

  #received(chunk: Buffer): void {
    wakefulness?.heard();
    quietMemory.heard();
    if (this.#chunks.length === 0) this.#chunks = [chunk];
    else this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    this.#receivedBytes += chunk.length;
    if (this.#buffered >= READ_AHEAD_BYTES && !this.#paused) {
      this.#paused = true;
      this.#socket.pause();
    }
    this.#wake();
  }

  #streamEnded(): void {
    this.#ended = true;
    this.#wake();
  }

  #socketClosed(): void {
    this.#ended = true;
    idleWheel.clear(this);
    this.#wake();
    this.#socketDrained();
    this.#closed?.resolve();
  }

  #socketDrained(): void {
    const waiting = this.#draining;
    this.#draining = NO_WAITERS;
    for (const resume of waiting) resume();
  }

  fire(): void {
    this.#timedOut = true;
    const reader = this.#reader;
    if (reader === null) {
      // The session is busy writing to a client that does not read: nobody is there to hear a farewell.
      if (this.#socket.writableLength > 0) this.#socket.destroy();
      return;
    }
    this.#reader = null;
    reader.silent(new IdleTimeout('idle for too long'));
  }

  #wake(): void {
    const reader = this.#reader;
    if (reader === null) return;
    this.#reader = null;
    reader.readable(this.#buffered > this.#before);
  }

  /** Waits for bytes beyond those buffered; false at the end of the stream. */
  #more(): Promise<boolean> {
    const settle = Promise.withResolvers<boolean>();
    try {
      this.wait(new PromisedReader(settle));
    } catch (error) {
      settle.reject(error);
    }
    return settle.promise;
  }

  #take(size: number): Buffer {
    const first = this.#chunks[0];
    if (first === undefined) return Buffer.alloc(0);
    this.#buffered -= size;
    this.#scanned = 0;
    const available = first.length - this.#head;
    let taken: Buffer;
    if (size < available) {
      taken = first.subarray(this.#head, this.#head + size);
      this.#head += size;
    } else if (size === available) {
      taken = this.#head === 0 ? first : first.subarray(this.#head);
      this.#dropFirst();
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
      if (this.#head === chunk.length) this.#dropFirst();
    }
    return joined;
  }

  #dropFirst(): void {
    this.#head = 0;
    if (this.#chunks.length === 1) this.#chunks = NO_CHUNKS;
    else this.#chunks.shift();
  }
}
