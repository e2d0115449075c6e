/**
 * Reads a whole maildrop over TLS as plain bytes: Python's and npm's POP3 clients bound the length of a line or
 * decode it, and the corpus has lines of any length and any byte.
 */
import { once } from 'node:events';
import tls from 'node:tls';
import type { Listener, MailboxLogon } from './instance.ts';

export class PopReader {
  readonly #socket: tls.TLSSocket;
  #pending: Buffer = Buffer.alloc(0);

  private constructor(socket: tls.TLSSocket) {
    this.#socket = socket;
  }

  static async open(listener: Listener, ca: Buffer, who: MailboxLogon): Promise<PopReader> {
    const socket = tls.connect({ host: listener.host, port: listener.port, ca, servername: 'localhost' });
    await once(socket, 'secureConnect');
    const reader = new PopReader(socket);
    await reader.#line();
    // Raw UTF-8 in header fields comes as it is only to who asks for it (RFC 6856 §2.1); not every server knows it.
    if ((await reader.#capabilities()).includes('UTF8')) await reader.#ok('UTF8');
    await reader.#ok(`USER ${who.address}`);
    await reader.#ok(`PASS ${who.password}`);
    return reader;
  }

  async *all(): AsyncGenerator<Buffer> {
    const count = Number((await this.#ok('STAT')).split(' ')[1]);
    for (let number = 1; number <= count; number += 1) {
      const size = Number((await this.#ok(`LIST ${number}`)).split(' ')[2]);
      await this.#ok(`RETR ${number}`);
      const message = await this.#multiline();
      if (message.length !== size && message.length !== size + 2)
        throw new Error(`message ${number}: LIST says ${size}, ${message.length} came`);
      yield message;
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  async #capabilities(): Promise<readonly string[]> {
    await this.#ok('CAPA');
    const lines = (await this.#multiline()).toString('latin1').split('\r\n');
    return lines.map((line) => line.split(' ')[0] ?? '');
  }

  async #ok(command: string): Promise<string> {
    this.#socket.write(`${command}\r\n`);
    const answer = await this.#line();
    if (!answer.startsWith('+OK')) throw new Error(`${command.slice(0, 10)} → ${answer}`);
    return answer;
  }

  async #line(): Promise<string> {
    return (await this.#upTo(Buffer.from('\r\n'))).toString('latin1').trimEnd();
  }

  /** RFC 1939 §3: ends with a line of one dot; a dot in front of a line was doubled. */
  async #multiline(): Promise<Buffer> {
    while (this.#pending.length < 3) await this.#more();
    if (this.#pending.subarray(0, 3).equals(Buffer.from('.\r\n'))) {
      this.#pending = this.#pending.subarray(3);
      return Buffer.alloc(0);
    }
    const stuffed = await this.#upTo(Buffer.from('\r\n.\r\n'));
    const text = stuffed.subarray(0, stuffed.length - 3).toString('latin1');
    return Buffer.from(text.replace(/^\.\./, '.').replaceAll('\r\n..', '\r\n.'), 'latin1');
  }

  async #upTo(mark: Buffer): Promise<Buffer> {
    let from = 0;
    for (;;) {
      const at = this.#pending.indexOf(mark, from);
      if (at >= 0) {
        const taken = this.#pending.subarray(0, at + mark.length);
        this.#pending = this.#pending.subarray(at + mark.length);
        return taken;
      }
      from = Math.max(0, this.#pending.length - mark.length);
      await this.#more();
    }
  }

  async #more(): Promise<void> {
    const [chunk] = await once(this.#socket, 'data');
    if (chunk instanceof Buffer)
      this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
  }
}
