/** A client's connection to a front end: TLS with the certificate checked, lines, and patience that ends. */
import type { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { RawImap } from '../support/raw-imap.ts';
import { fqdnOf, type ServerName } from './topology.ts';

/** A client gives up on a silent server after so long. */
const PATIENCE_MS = 15_000;

/** @throws Error when nobody answers or the certificate is not right */
export async function connected(frontEnd: ServerName, port: number, ca: string): Promise<TLSSocket> {
  const servername = fqdnOf(frontEnd);
  const socket = connect({ host: servername, port, servername, ca });
  // After the handshake, too: a client that hears nothing for so long hangs up.
  socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error(`${frontEnd}:${port} was silent for too long`)));
  await once(socket, 'secureConnect');
  return socket;
}

export async function imapGreeted(frontEnd: ServerName, ca: string): Promise<RawImap> {
  return RawImap.greeted(await connected(frontEnd, 993, ca));
}

/** For POP3 and SMTP: a line, and its answer to the last line of it. */
export class LineTalk {
  readonly #socket: TLSSocket;
  #text = '';
  #wake: (() => void) | null = null;
  #ended = false;

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1');
      this.#wake?.();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#ended = true;
      this.#wake?.();
    });
  }

  /** The greeting when nothing is said. @throws Error when the connection ends before */
  async say(text: string | null = null): Promise<string> {
    if (text !== null) this.#socket.write(`${text}\r\n`);
    for (;;) {
      const end = /^(?:\d{3} |\+OK|-ERR|\+ ).*\r\n/m.exec(this.#text);
      if (end !== null) {
        const answer = this.#text.slice(0, end.index + end[0].length);
        this.#text = this.#text.slice(answer.length);
        return answer.slice(end.index).trimEnd();
      }
      if (this.#ended) throw new Error(`the server closed the connection: ${this.#text}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
      this.#wake = null;
    }
  }

  hangUp(): void {
    this.#socket.destroy();
  }
}
