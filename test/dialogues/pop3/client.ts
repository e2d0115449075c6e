/** A raw POP3 client for tests: knows lines and dot-stuffing, nothing else. */
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { Connection, withoutLineEnd } from '../../../src/wire/connection.ts';

const LINE_BYTES = 1024 * 1024;

export class Pop3Client {
  readonly #wire: Connection;

  constructor(socket: Socket) {
    this.#wire = new Connection(socket);
  }

  send(text: string): void {
    this.#wire.out.ascii(text);
    this.#wire.flush();
  }

  async line(): Promise<string> {
    const line = await this.#wire.readLine(LINE_BYTES);
    if (line === null) throw new Error('the server closed the connection');
    return withoutLineEnd(line).toString('latin1');
  }

  async command(text: string): Promise<string> {
    this.send(`${text}\r\n`);
    return this.line();
  }

  async multiLine(text: string): Promise<Buffer> {
    this.send(`${text}\r\n`);
    return this.multiLineReply();
  }

  async multiLineReply(): Promise<Buffer> {
    const status = await this.line();
    if (!status.startsWith('+OK')) throw new Error(status);
    return this.body();
  }

  /** Lines up to the lone dot, unstuffed. */
  async body(): Promise<Buffer> {
    const lines: Buffer[] = [];
    for (;;) {
      const line = await this.#wire.readLine(LINE_BYTES);
      if (line === null) throw new Error('the server closed the connection');
      if (line[0] !== 0x2e) lines.push(line);
      else if (line.length === 3) return Buffer.concat(lines);
      else lines.push(line.subarray(1));
    }
  }

  /** All the server still says until it closes. */
  async rest(): Promise<string> {
    let text = '';
    for (
      let chunk = await this.#wire.readChunk(LINE_BYTES);
      chunk !== null;
      chunk = await this.#wire.readChunk(LINE_BYTES)
    ) {
      text += chunk.toString('latin1');
    }
    this.#wire.end();
    return text;
  }

  hangUp(): void {
    this.#wire.destroy();
  }
}
