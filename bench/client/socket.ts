/**
 * The raw client all peers are measured with: it counts bytes and looks for the end of an answer, nothing more, so
 * that what is measured is the server. No parsing, no copies.
 */
import net from 'node:net';
import tls from 'node:tls';

export interface Target {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
}

export class RawSocket {
  readonly #socket: net.Socket;
  #onData: (chunk: Buffer) => void = () => {};
  #fail: (reason: Error) => void = () => {};
  #early: Buffer[] = [];

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('error', (reason) => this.#fail(reason));
    socket.on('close', () => this.#fail(new Error('server closed the connection')));
    this.#onData = (chunk) => this.#early.push(chunk);
  }

  static async open(target: Target): Promise<RawSocket> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // The peer's certificate is made by the bench itself on loopback; what is measured is the cipher, not the trust.
    const socket = target.secure
      ? tls.connect({ host: target.host, port: target.port, rejectUnauthorized: false }, resolve)
      : net.connect({ host: target.host, port: target.port }, resolve);
    socket.once('error', reject);
    const raw = new RawSocket(socket);
    await promise;
    socket.removeListener('error', reject);
    return raw;
  }

  write(data: Buffer | string): boolean {
    return typeof data === 'string' ? this.#socket.write(data, 'latin1') : this.#socket.write(data);
  }

  async drained(): Promise<void> {
    if (!this.#socket.writableNeedDrain) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket.once('drain', resolve);
    await promise;
  }

  /** Feeds every chunk to `take` until it returns true. */
  until(take: (chunk: Buffer) => boolean): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#fail = reject;
    this.#onData = (chunk) => {
      if (!take(chunk)) return;
      this.#onData = (early) => this.#early.push(early);
      this.#fail = () => {};
      resolve();
    };
    const early = this.#early;
    this.#early = [];
    for (const chunk of early) this.#onData(chunk);
    return promise;
  }

  close(): void {
    this.#fail = () => {};
    this.#socket.destroy();
  }
}
