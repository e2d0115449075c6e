/**
 * A session with another mail server, SMTP (RFC 5321 §3.1–3.3) or LMTP (RFC 2033 §4.1): greeting, capabilities,
 * STARTTLS (RFC 3207), AUTH EXTERNAL (RFC 4954). Transactions on it are transaction.ts's. Knows no queue, no routing and no DNS.
 */
import { Buffer } from 'node:buffer';
import type { ConnectionOptions } from 'node:tls';
import { ProtocolViolation } from '../../observe/failure.ts';
import { type Connection, IdleTimeout } from '../../wire/connection.ts';
import { SMTP_REPLY_LINE_BYTES } from '../../wire/limits.ts';
import { type Capabilities, NO_CAPABILITIES, parseCapabilities } from '../grammar/capabilities.ts';
import type { Reply } from '../grammar/reply.ts';
import { ReplyParser } from '../grammar/reply-parser.ts';
import { RemoteRefusal, RemoteTrouble } from './failure.ts';
import { SMTP_TIMEOUTS, type SmtpTimeouts } from './time-outs.ts';

export interface SmtpClientOptions {
  readonly protocol: 'smtp' | 'lmtp';
  /** What this server calls itself. */
  readonly name: string;
  readonly timeouts?: SmtpTimeouts;
}

export class SmtpClient {
  readonly connection: Connection;
  readonly protocol: 'smtp' | 'lmtp';
  readonly timeouts: SmtpTimeouts;
  readonly #name: string;
  readonly #parser = new ReplyParser();
  #capabilities: Capabilities = NO_CAPABILITIES;
  #broken = false;

  private constructor(connection: Connection, { protocol, name, timeouts = SMTP_TIMEOUTS }: SmtpClientOptions) {
    this.connection = connection;
    this.protocol = protocol;
    this.timeouts = timeouts;
    this.#name = name;
  }

  /** Takes over a connection, which ends when this fails. @throws RemoteRefusal, RemoteTrouble */
  static async open(connection: Connection, options: SmtpClientOptions): Promise<SmtpClient> {
    const client = new SmtpClient(connection, options);
    try {
      const greeting = await client.receive(client.timeouts.greeting);
      if (greeting.code !== 220) throw new RemoteRefusal(greeting);
      await client.#hello();
      return client;
    } catch (error) {
      client.destroy();
      throw error;
    }
  }

  get capabilities(): Capabilities {
    return this.#capabilities;
  }

  /** Another command may be sent: the connection lives and nothing is left to be read. */
  get isUsable(): boolean {
    return !this.#broken && this.connection.isOpen && this.connection.buffered === 0;
  }

  /**
   * STARTTLS; afterwards nothing that was said before counts (RFC 3207 §4.2).
   * @throws RemoteRefusal, RemoteTrouble: also when the certificate is not what `options` demand
   */
  async startTls(options: ConnectionOptions): Promise<void> {
    const answer = await this.command('STARTTLS', this.timeouts.command);
    if (answer.code !== 220) throw new RemoteRefusal(answer);
    const timer = setTimeout(() => this.destroy(), this.timeouts.connect);
    try {
      await this.connection.startTlsAsClient(options);
    } catch (error) {
      this.destroy();
      throw new RemoteTrouble(`TLS with the other server failed: ${String(error)}`, { cause: error });
    } finally {
      clearTimeout(timer);
    }
    this.#capabilities = NO_CAPABILITIES;
    await this.#hello();
  }

  /**
   * Who this is says the certificate (RFC 4422 appendix A); `identity` is who it acts for. `preamble`: commands in front,
   * sent together with it to a server that is known to take that (XCLIENT). @throws RemoteRefusal, RemoteTrouble
   */
  async authExternal(identity: string, preamble: readonly string[] = []): Promise<void> {
    const initial = identity === '' ? '=' : Buffer.from(identity, 'utf8').toString('base64');
    for (const line of [...preamble, `AUTH EXTERNAL ${initial}`]) this.send(line);
    const answers: Reply[] = [];
    for (const _ of preamble) answers.push(await this.receive(this.timeouts.command));
    const answer = await this.receive(this.timeouts.command);
    for (const earlier of answers) if (earlier.code >= 300) throw new RemoteRefusal(earlier);
    if (answer.code !== 235) throw new RemoteRefusal(answer);
  }

  /** Gives up what is begun. @throws RemoteRefusal, RemoteTrouble */
  async reset(): Promise<void> {
    const answer = await this.command('RSET', this.timeouts.command);
    if (answer.code !== 250) throw new RemoteRefusal(answer);
  }

  /** Says goodbye and does not wait for more than the answer. Never rejects. */
  async quit(): Promise<void> {
    try {
      if (this.isUsable) await this.command('QUIT', this.timeouts.command);
    } catch {
      // It is over either way.
    } finally {
      this.#broken = true;
      this.connection.end();
    }
  }

  destroy(): void {
    this.#broken = true;
    this.connection.destroy();
  }

  async command(line: string, ms: number): Promise<Reply> {
    this.send(line);
    return this.receive(ms);
  }

  /** Adds a command to those that are sent at the next `receive` (RFC 2920: in one piece where it can be). */
  send(line: string): void {
    this.connection.out.utf8(`${line}\r\n`);
  }

  /** The next reply. @throws RemoteTrouble when none comes in time; the connection is of no more use then */
  async receive(ms: number): Promise<Reply> {
    const { connection } = this;
    connection.idleLimit(ms);
    try {
      for (;;) {
        const line = await connection.readLine(SMTP_REPLY_LINE_BYTES);
        if (line === null) throw new RemoteTrouble('the other server closed the connection');
        const reply = this.#parser.push(line);
        if (reply !== null) return this.#heard(reply);
      }
    } catch (error) {
      throw this.#trouble(error);
    } finally {
      connection.idleLimit(null);
    }
  }

  /** A reply that is there already; null: none. @throws RemoteTrouble */
  receiveNow(): Reply | null {
    try {
      for (;;) {
        const line = this.connection.takeLine(SMTP_REPLY_LINE_BYTES);
        if (line === null) return null;
        const reply = this.#parser.push(line);
        if (reply !== null) return this.#heard(reply);
      }
    } catch (error) {
      throw this.#trouble(error);
    }
  }

  /** Resolves when the other side has taken enough of what was written. @throws RemoteTrouble */
  async drained(ms: number): Promise<void> {
    const { connection } = this;
    connection.idleLimit(ms);
    try {
      await connection.drained();
    } finally {
      connection.idleLimit(null);
    }
    if (!connection.isOpen) throw this.#trouble(new RemoteTrouble('the other server closed the connection'));
  }

  async #hello(): Promise<void> {
    const verb = this.protocol === 'lmtp' ? 'LHLO' : 'EHLO';
    const answer = await this.command(`${verb} ${this.#name}`, this.timeouts.command);
    if (answer.code === 250) {
      this.#capabilities = parseCapabilities(answer);
      return;
    }
    // A server without extensions (RFC 5321 §3.2); LMTP has no other greeting.
    if (this.protocol === 'lmtp' || answer.code < 500) throw new RemoteRefusal(answer);
    const plain = await this.command(`HELO ${this.#name}`, this.timeouts.command);
    if (plain.code !== 250) throw new RemoteRefusal(plain);
    this.#capabilities = NO_CAPABILITIES;
  }

  /** RFC 5321 §3.8: 421 may stand for any reply, and is the last one. */
  #heard(reply: Reply): Reply {
    if (reply.code === 421) this.#broken = true;
    return reply;
  }

  #trouble(error: unknown): RemoteTrouble {
    this.destroy();
    if (error instanceof RemoteTrouble) return error;
    if (error instanceof IdleTimeout) return new RemoteTrouble('the other server did not answer in time');
    if (error instanceof ProtocolViolation) return new RemoteTrouble(error.message, { cause: error });
    return new RemoteTrouble(`the connection to the other server failed: ${String(error)}`, { cause: error });
  }
}
