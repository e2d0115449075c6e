/** Raw SMTP client: one connection, one message after the other, commands of a transaction pipelined. */
import { RawSocket, type Target } from './socket.ts';

export class RawSmtp {
  readonly #socket: RawSocket;

  private constructor(socket: RawSocket) {
    this.#socket = socket;
  }

  static async connect(target: Target): Promise<RawSmtp> {
    const socket = await RawSocket.open(target);
    const client = new RawSmtp(socket);
    await client.#replies(1);
    socket.write('EHLO bench.example\r\n');
    await client.#replies(1);
    return client;
  }

  async send(from: string, to: string, stuffed: Buffer): Promise<void> {
    this.#socket.write(`MAIL FROM:<${from}>\r\nRCPT TO:<${to}>\r\nDATA\r\n`);
    await this.#replies(3);
    this.#socket.write(stuffed);
    this.#socket.write('.\r\n');
    await this.#replies(1);
  }

  close(): void {
    this.#socket.close();
  }

  async #replies(count: number): Promise<void> {
    let text = '';
    await this.#socket.until((chunk) => {
      text += chunk.toString('latin1');
      const finals = text.match(/^\d{3} .*\r\n/gm) ?? [];
      return text.endsWith('\n') && finals.length >= count;
    });
    const bad = /^[45]\d\d .*$/m.exec(text);
    if (bad !== null) throw new Error(`SMTP: ${bad[0]}`);
  }
}
