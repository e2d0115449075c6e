/** Raw POP3 client: full download with pipelined RETR, counting bytes and end marks. */
import { RawSocket, type Target } from './socket.ts';

export class RawPop3 {
  readonly #socket: RawSocket;

  private constructor(socket: RawSocket) {
    this.#socket = socket;
  }

  static async logOn(target: Target, user: string, password: string): Promise<RawPop3> {
    const socket = await RawSocket.open(target);
    const client = new RawPop3(socket);
    await client.#line();
    await client.line(`USER ${user}`);
    await client.line(`PASS ${password}`);
    return client;
  }

  async line(command: string): Promise<string> {
    this.#socket.write(`${command}\r\n`);
    const answer = await this.#line();
    if (!answer.startsWith('+OK')) throw new Error(`${command.slice(0, 20)} → ${answer}`);
    return answer;
  }

  /** Downloads messages 1…count; `window` RETR commands are in flight at a time. */
  async downloadAll(count: number, window: number): Promise<{ bytes: number; ms: number }> {
    const started = performance.now();
    let sent = 0;
    let ended = 0;
    let bytes = 0;
    // The five bytes CRLF.CRLF may be split over chunks.
    let carry = Buffer.alloc(0);
    const send = (): void => {
      let commands = '';
      while (sent < count && sent - ended < window) {
        sent += 1;
        commands += `RETR ${sent}\r\n`;
      }
      if (commands !== '') this.#socket.write(commands);
    };
    send();
    await this.#socket.until((chunk) => {
      bytes += chunk.length;
      const joined = Buffer.concat([carry, chunk.subarray(0, 4)]);
      for (let at = joined.indexOf('\r\n.\r\n'); at >= 0 && at < carry.length; at = joined.indexOf('\r\n.\r\n', at + 1))
        ended += 1;
      for (let at = chunk.indexOf('\r\n.\r\n'); at >= 0; at = chunk.indexOf('\r\n.\r\n', at + 5)) ended += 1;
      carry = Buffer.from(chunk.subarray(-4));
      send();
      return ended >= count;
    });
    return { bytes, ms: performance.now() - started };
  }

  close(): void {
    this.#socket.close();
  }

  async #line(): Promise<string> {
    let text = '';
    await this.#socket.until((chunk) => {
      text += chunk.toString('latin1');
      return text.endsWith('\r\n');
    });
    return text;
  }
}
