/** Raw IMAP client: sends a command, reads until its tagged answer stands at the end of what came. */
import { RawSocket, type Target } from './socket.ts';

export interface Answer {
  readonly bytes: number;
  readonly ms: number;
  /** Last bytes of the answer, enough for the tagged line. */
  readonly tail: string;
}

const TAIL_BYTES = 4096;

export class RawImap {
  readonly #socket: RawSocket;
  #tag = 0;

  private constructor(socket: RawSocket) {
    this.#socket = socket;
  }

  static async connect(target: Target): Promise<RawImap> {
    const socket = await RawSocket.open(target);
    await socket.until((chunk) => chunk.at(-1) === 10);
    return new RawImap(socket);
  }

  static async logOn(target: Target, user: string, password: string): Promise<RawImap> {
    const client = await RawImap.connect(target);
    await client.ok(`LOGIN "${user}" "${password}"`);
    return client;
  }

  /** Runs a command and throws unless it is answered OK. */
  async ok(command: string): Promise<Answer> {
    const answer = await this.command(command);
    const last = answer.tail.trimEnd().split('\r\n').at(-1) ?? '';
    if (!/^b\d+ OK/i.test(last)) throw new Error(`${command.slice(0, 80)} → ${last}`);
    return answer;
  }

  command(command: string): Promise<Answer> {
    const tag = this.#nextTag();
    const started = performance.now();
    this.#socket.write(`${tag} ${command}\r\n`);
    return this.#tagged(tag, started);
  }

  /** APPEND with a non-synchronizing literal; resolves when it is acknowledged. */
  append(folder: string, message: Buffer, flags = ''): Promise<Answer> {
    const tag = this.#nextTag();
    const started = performance.now();
    this.#socket.write(`${tag} APPEND "${folder}" ${flags === '' ? '' : `(${flags}) `}{${message.length}+}\r\n`);
    this.#socket.write(message);
    this.#socket.write('\r\n');
    return this.#tagged(tag, started);
  }

  /** RFC 3502: several messages in one command. */
  multiAppend(folder: string, messages: readonly Buffer[]): Promise<Answer> {
    const tag = this.#nextTag();
    const started = performance.now();
    this.#socket.write(`${tag} APPEND "${folder}"`);
    for (const message of messages) {
      this.#socket.write(` {${message.length}+}\r\n`);
      this.#socket.write(message);
    }
    this.#socket.write('\r\n');
    return this.#tagged(tag, started);
  }

  /** One APPEND after the other without waiting; resolves when the last is answered. */
  pipelinedAppend(folder: string, messages: readonly Buffer[]): Promise<Answer> {
    const started = performance.now();
    let tag = '';
    for (const message of messages) {
      tag = this.#nextTag();
      this.#socket.write(`${tag} APPEND "${folder}" {${message.length}+}\r\n`);
      this.#socket.write(message);
      this.#socket.write('\r\n');
    }
    return this.#tagged(tag, started);
  }

  /** Starts IDLE; the returned promise resolves with the time of the next untagged EXISTS. */
  async idle(): Promise<{ exists: () => Promise<number>; done: () => Promise<void> }> {
    const tag = this.#nextTag();
    this.#socket.write(`${tag} IDLE\r\n`);
    await this.#socket.until((chunk) => chunk.includes('+ '));
    return {
      exists: async () => {
        await this.#socket.until((chunk) => chunk.includes(' EXISTS'));
        return performance.now();
      },
      done: async () => {
        this.#socket.write('DONE\r\n');
        await this.#tagged(tag, 0);
      },
    };
  }

  close(): void {
    this.#socket.close();
  }

  async #tagged(tag: string, started: number): Promise<Answer> {
    let bytes = 0;
    let tail: Buffer = Buffer.alloc(0);
    const mark = `${tag} `;
    await this.#socket.until((chunk) => {
      bytes += chunk.length;
      tail =
        chunk.length >= TAIL_BYTES ? chunk.subarray(-TAIL_BYTES) : Buffer.concat([tail, chunk]).subarray(-TAIL_BYTES);
      if (tail.at(-1) !== 10) return false;
      const line = tail.lastIndexOf(10, tail.length - 2) + 1;
      return tail.toString('latin1', line, line + mark.length) === mark;
    });
    return { bytes, ms: performance.now() - started, tail: tail.toString('latin1') };
  }

  #nextTag(): string {
    this.#tag += 1;
    return `b${this.#tag}`;
  }
}
