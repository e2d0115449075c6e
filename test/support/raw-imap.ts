/**
 * An IMAP client with no opinion: sends bytes, waits for the tagged answer, gives untagged answers as the bytes they
 * are, literals in place. For tests that count, attack or crash; libraries would hide what they need to see.
 */
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';

const CRLF = Buffer.from('\r\n');

export interface RawAnswer {
  /** Without the tag: `OK [APPENDUID 1 2] APPEND completed.` */
  readonly status: string;
  /** Untagged answers and go-aheads, whole, without their final CRLF. */
  readonly untagged: readonly Buffer[];
}

export class RawImap {
  readonly socket: Socket;
  #chunks: Buffer[] = [];
  #ended = false;
  #wake: (() => void) | null = null;
  #tag = 0;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#wake?.();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#ended = true;
      this.#wake?.();
    });
  }

  /** Reads the greeting of a connection that has just been made. */
  static async greeted(socket: Socket): Promise<RawImap> {
    const client = new RawImap(socket);
    await client.answer();
    return client;
  }

  send(bytes: Buffer | string): void {
    this.socket.write(bytes);
  }

  /** Sends one command, its literal non-synchronizing (RFC 7888). @throws when the connection ends before its answer */
  async command(text: string, literal?: Buffer): Promise<RawAnswer> {
    this.#tag += 1;
    const tag = `r${this.#tag}`;
    if (literal === undefined) this.send(`${tag} ${text}\r\n`);
    else this.send(Buffer.concat([Buffer.from(`${tag} ${text} {${literal.length}+}\r\n`), literal, CRLF]));
    return this.tagged(tag);
  }

  /** The answer to a command that was sent by hand. */
  async tagged(tag: string): Promise<RawAnswer> {
    const untagged: Buffer[] = [];
    for (;;) {
      const answer = await this.answer();
      if (answer === null) throw new Error(`the server closed the connection: ${String(untagged.at(-1) ?? '')}`);
      if (answer.toString('latin1', 0, tag.length + 1) === `${tag} `) {
        return { status: answer.toString('latin1', tag.length + 1), untagged };
      }
      untagged.push(answer);
    }
  }

  /** The next answer with its literals; null when the server has closed. */
  async answer(): Promise<Buffer | null> {
    for (let from = 0; ; ) {
      const bytes = this.#joined();
      const end = bytes.indexOf(CRLF, from);
      if (end >= 0) {
        const size = /\{(\d+)\}$/.exec(bytes.toString('latin1', Math.max(from, end - 14), end))?.[1];
        if (size === undefined) {
          this.#chunks = [bytes.subarray(end + CRLF.length)];
          return bytes.subarray(0, end);
        }
        from = end + CRLF.length + Number(size);
        if (bytes.length >= from) continue;
      }
      if (this.#ended) return null;
      await this.#more(end < 0 ? 0 : from);
    }
  }

  /** Everything the server says until it closes. */
  async rest(): Promise<string> {
    while (!this.#ended) await this.#more(0);
    return this.#joined().toString('latin1');
  }

  hangUp(): void {
    this.socket.destroy();
  }

  #joined(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] ?? Buffer.alloc(0);
  }

  /** Resolves when something came and at least `bytes` are there, so that large answers are joined once. */
  async #more(bytes: number): Promise<void> {
    do {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    } while (!this.#ended && this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0) < bytes);
  }
}
