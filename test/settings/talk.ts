/**
 * One conversation with any of the three protocols: sends a line, collects what comes until a pattern fits. What the
 * server said is given back as text, with CLOSED behind it when it hung up.
 */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';

const GIVE_UP_MS = 5_000;

export const CLOSED = 'CLOSED';

export class Talk {
  #socket: Socket;
  #text = '';
  #ended = false;
  #wake: (() => void) | null = null;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#listen();
  }

  send(text: string): void {
    this.#socket.write(text);
  }

  /** @throws Error with what came when nothing fits for five seconds */
  async until(pattern: RegExp): Promise<string> {
    const giveUp = performance.now() + GIVE_UP_MS;
    while (!pattern.test(this.#text) && !this.#ended) {
      const left = giveUp - performance.now();
      if (left <= 0) throw new Error(`nothing fits ${String(pattern)}: «${this.#text}»`);
      await this.#more(left);
    }
    const text = this.#ended ? `${this.#text}${CLOSED}` : this.#text;
    this.#text = '';
    return text;
  }

  /** What it still says until it hangs up. */
  rest(): Promise<string> {
    return this.until(/(?!)/);
  }

  /** `servername` null: names no host. */
  async startTls(ca: string, servername: string | null): Promise<TLSSocket> {
    this.#socket.removeAllListeners('data');
    const name = servername === null ? { checkServerIdentity: () => undefined } : { servername };
    const secure = connectTls({ socket: this.#socket, ca, ...name });
    await once(secure, 'secureConnect');
    this.#socket = secure;
    this.#listen();
    return secure;
  }

  /** Says nothing more and waits until the server has done so, too: afterwards its place is free. */
  async close(): Promise<void> {
    if (this.#ended) return;
    const closed = once(this.#socket, 'close');
    this.#socket.end();
    await closed;
  }

  #listen(): void {
    this.#socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1');
      this.#wake?.();
    });
    this.#socket.on('error', () => {});
    this.#socket.once('close', () => {
      this.#ended = true;
      this.#wake?.();
    });
  }

  async #more(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = setTimeout(resolve, ms);
    await promise;
    this.#wake = null;
    clearTimeout(timer);
  }
}
