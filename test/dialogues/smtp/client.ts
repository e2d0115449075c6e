/** A raw SMTP client for tests: replies and bytes, no rules of its own. */
import { Buffer } from 'node:buffer';
import type { Socket } from 'node:net';
import { Connection, withoutLineEnd } from '../../../src/wire/connection.ts';

const LINE_BYTES = 64 * 1024;

export class SmtpClient {
  readonly socket: Socket;
  readonly #wire: Connection;

  constructor(socket: Socket) {
    this.socket = socket;
    this.#wire = new Connection(socket);
  }

  send(bytes: string | Buffer): void {
    this.#wire.out.bytes(typeof bytes === 'string' ? Buffer.from(bytes, 'utf8') : bytes);
    this.#wire.flush();
  }

  /** One reply, its lines joined by `\n`; throws when the server has gone. */
  async reply(): Promise<string> {
    const lines: string[] = [];
    for (;;) {
      const line = await this.#wire.readLine(LINE_BYTES);
      if (line === null) throw new Error(`the server closed the connection behind: ${lines.join('\n')}`);
      const text = withoutLineEnd(line).toString('latin1');
      lines.push(text);
      if (text[3] !== '-') return lines.join('\n');
    }
  }

  async command(text: string): Promise<string> {
    this.send(`${text}\r\n`);
    return this.reply();
  }

  /** @throws Error when the reply does not begin with `code` */
  async expect(text: string, code: string): Promise<string> {
    const reply = await this.command(text);
    if (!reply.startsWith(code)) throw new Error(`${text}: expected ${code}, got ${reply}`);
    return reply;
  }

  /** Greeting and EHLO are behind it. */
  static async greeted(socket: Socket): Promise<SmtpClient> {
    const client = new SmtpClient(socket);
    await client.reply();
    await client.expect('EHLO client.example.com', '250');
    return client;
  }

  /** One transaction up to the reply to the message. `content` ends in CRLF and is stuffed already. */
  async transfer(from: string, recipients: readonly string[], content: string | Buffer): Promise<string> {
    await this.expect(`MAIL FROM:<${from}>`, '250');
    for (const recipient of recipients) await this.expect(`RCPT TO:<${recipient}>`, '250');
    await this.expect('DATA', '354');
    this.send(content);
    this.send('.\r\n');
    return this.reply();
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
