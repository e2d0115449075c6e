/**
 * POP3 behind the logon: TRANSACTION and UPDATE state (RFC 1939 §5, §6), with the extensions of RFC 2449. The front
 * end has greeted, encrypted and authenticated; this session sees a mailbox and a byte stream.
 *
 * Decisions: RETR does not set \Seen (RFC 1939 knows no flags, and a mailbox also read by IMAP would lose its unread
 * marks to a background fetch). Messages with \Deleted set by IMAP are listed until they are expunged. Nothing is
 * removed unless the client says QUIT and the removal is durable.
 */
import type { Buffer } from 'node:buffer';
import type { PopSettings } from '../directory/model.ts';
import { Failure, ProtocolViolation } from '../observe/failure.ts';
import type { Log } from '../observe/log.ts';
import type { FolderView, Mailbox } from '../store/api.ts';
import { giveBuffer } from '../wire/buffers.ts';
import { type Connection, IdleTimeout, type TlsFacts } from '../wire/connection.ts';
import { OUTPUT_BUFFER_BYTES, POP3_BAD_COMMANDS } from '../wire/limits.ts';
import { Turn } from '../wire/turn.ts';
import { DotStuffer } from './dot-stuffing.ts';
import {
  errReply,
  okReply,
  parseTransactionCommand,
  pop3Capabilities,
  responseCodeOf,
  type TransactionCommand,
} from './grammar.ts';
import { Maildrop } from './maildrop.ts';
import { BodyReader } from './read-ahead.ts';
import { topLength } from './top.ts';

/** Seconds, octets. */
export type Pop3Settings = Pick<
  PopSettings,
  'authenticatedConnectionTimeout' | 'maxCommandSize' | 'messageRetrievalSortOrder'
>;

export interface Pop3SessionOptions {
  /** The part of the front end's hand-over (backend/link.ts) that matters here. */
  readonly handOver: { readonly tls: TlsFacts | null };
  /** Closed by the session at its end, also when it is cancelled; not when it cannot be made. */
  readonly mailbox: Mailbox;
  /** Read before each command, so that a change of settings reaches living sessions. */
  readonly settings: () => Pop3Settings;
  readonly log: Log;
  /** What the front end offers, for the SASL line of CAPA (RFC 5034 §3: the same in both states). */
  readonly mechanisms?: readonly string[];
  /** Aborted when the server drains: the session ends when its command is answered; nothing is deleted. */
  readonly drain?: AbortSignal;
}

/** @throws Failure UNAVAILABLE when the Inbox cannot be opened */
export async function createPop3Session(options: Pop3SessionOptions): Promise<Pop3Session> {
  const { mailbox } = options;
  const inbox = mailbox.folderByUse('inbox') ?? mailbox.folderByName('INBOX');
  if (inbox === null) throw new Failure('UNAVAILABLE', 'The mailbox has no Inbox.');
  return new Pop3Session(options, await mailbox.view(inbox.id));
}

/** Lines of a listing written between two looks at the client and at the clock. */
const LISTING_LINES = 2_000;
/** TOP reads this much first: most headers and a few lines fit (octets). */
const TOP_FIRST_BYTES = 16 * 1024;
const NO_SUCH_MESSAGE = 'no such message';
const GONE = 'the message was removed by another program';

/** Has the shape of BackendSession (backend/link.ts), which stands above this layer. */
export class Pop3Session {
  /** None: POP3 announces nothing with the logon. */
  readonly capabilities: readonly string[] = [];
  readonly #options: Pop3SessionOptions;
  readonly #log: Log;
  readonly #view: FolderView;
  readonly #maildrop: Maildrop;
  readonly #bodies: BodyReader;
  readonly #turn = new Turn();
  /** Nothing is being done for the client: it has the word. */
  #waiting = false;
  #badCommands = 0;
  #retrieved = 0;
  #unsent = 0;

  constructor(options: Pop3SessionOptions, view: FolderView) {
    this.#options = options;
    this.#log = options.log;
    this.#view = view;
    this.#maildrop = new Maildrop(view, options.settings().messageRetrievalSortOrder);
    this.#bodies = new BodyReader(options.mailbox, view.folder.id, this.#maildrop);
  }

  cancel(): void {
    this.#maildrop.close();
    this.#options.mailbox.close();
  }

  async run(connection: Connection): Promise<void> {
    const { drain } = this.#options;
    // Wakes a session that waits for its client; one at work looks at the signal before it waits again.
    const onDrain = (): void => {
      if (this.#waiting) connection.idleLimit(0);
    };
    drain?.addEventListener('abort', onDrain);
    try {
      await this.#serve(connection);
    } catch (error) {
      this.#farewell(connection, error);
    } finally {
      drain?.removeEventListener('abort', onDrain);
      this.cancel();
      connection.end();
      this.#log.info({ messages: this.#maildrop.count, retrieved: this.#retrieved }, 'POP3 session ended');
    }
  }

  async #serve(connection: Connection): Promise<void> {
    for (;;) {
      const settings = this.#options.settings();
      const isDraining = this.#options.drain?.aborted === true;
      connection.idleLimit(isDraining ? 0 : settings.authenticatedConnectionTimeout * 1000);
      if (connection.buffered === 0) this.#turn.restart();
      this.#waiting = true;
      const line = await connection.readLine(settings.maxCommandSize);
      this.#waiting = false;
      if (line === null) return;
      const command = parseTransactionCommand(line);
      if (command.kind === 'quit') {
        await this.#quit(connection);
        return;
      }
      await this.#answer(connection, command);
      if (this.#badCommands > POP3_BAD_COMMANDS) {
        throw new ProtocolViolation('too many bad commands', { fatal: true });
      }
      if (this.#unsent >= OUTPUT_BUFFER_BYTES) await this.#drain(connection);
      if (this.#turn.due) await this.#turn.pass();
    }
  }

  async #answer(connection: Connection, command: Exclude<TransactionCommand, { kind: 'quit' }>): Promise<void> {
    try {
      await this.#execute(connection, command);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.#log.warn({ code: error.code, error: error.message }, `POP3 ${command.kind} failed`);
      connection.out.ascii(errReply(error.message, responseCodeOf(error)));
    }
  }

  async #execute(connection: Connection, command: TransactionCommand): Promise<void> {
    const { out } = connection;
    switch (command.kind) {
      case 'stat': {
        const { count, bytes } = this.#maildrop.remaining;
        out.ascii(`+OK ${count} ${bytes}\r\n`);
        return;
      }
      case 'list':
        if (command.message === null) await this.#list(connection, (row) => String(this.#maildrop.size(row)));
        else this.#listOne(connection, command.message, (row) => String(this.#maildrop.size(row)));
        return;
      case 'uidl':
        if (command.message === null) await this.#list(connection, (row) => this.#maildrop.uidl(row));
        else this.#listOne(connection, command.message, (row) => this.#maildrop.uidl(row));
        return;
      case 'retr':
        await this.#retrieve(connection, command.message);
        return;
      case 'top':
        await this.#top(connection, command.message, command.lines);
        return;
      case 'dele': {
        const row = this.#maildrop.row(command.message);
        if (row < 0) out.ascii(errReply(NO_SUCH_MESSAGE));
        else {
          this.#maildrop.delete(row);
          out.ascii(okReply(`message ${command.message} deleted`));
        }
        return;
      }
      case 'rset':
        this.#maildrop.reset();
        out.ascii(okReply(`maildrop has ${this.#maildrop.count} messages (${this.#maildrop.bytes} octets)`));
        return;
      case 'noop':
        out.ascii(okReply());
        return;
      case 'capa':
        out.ascii(okReply('capability list follows'));
        for (const line of this.#capabilityLines(connection)) out.ascii(`${line}\r\n`);
        out.ascii('.\r\n');
        return;
      case 'misplaced':
        this.#refuse(connection, `${command.verb} is not valid after logon`);
        return;
      case 'invalid':
        this.#refuse(connection, command.reason);
        return;
      case 'quit':
        return;
    }
  }

  #capabilityLines(connection: Connection): readonly string[] {
    const encrypted = connection.tls !== null || this.#options.handOver.tls !== null;
    return pop3Capabilities({ authenticated: true, encrypted, mechanisms: this.#options.mechanisms ?? [] });
  }

  #refuse(connection: Connection, reason: string): void {
    this.#badCommands += 1;
    connection.out.ascii(errReply(reason));
  }

  #listOne(connection: Connection, message: number, value: (row: number) => string): void {
    const row = this.#maildrop.row(message);
    connection.out.ascii(row < 0 ? errReply(NO_SUCH_MESSAGE) : `+OK ${message} ${value(row)}\r\n`);
  }

  async #list(connection: Connection, value: (row: number) => string): Promise<void> {
    const { out } = connection;
    const { count, bytes } = this.#maildrop.remaining;
    out.ascii(okReply(`${count} messages (${bytes} octets)`));
    for (let message = 1; message <= this.#maildrop.count; message += 1) {
      const row = this.#maildrop.row(message);
      if (row >= 0) out.number(message).byte(0x20).ascii(value(row)).ascii('\r\n');
      if (message % LISTING_LINES === 0) {
        await this.#drain(connection);
        if (this.#turn.due) await this.#turn.pass();
      }
    }
    out.ascii('.\r\n');
  }

  async #retrieve(connection: Connection, message: number): Promise<void> {
    const row = this.#maildrop.row(message);
    if (row < 0) {
      connection.out.ascii(errReply(NO_SUCH_MESSAGE));
      return;
    }
    const size = this.#maildrop.size(row);
    const held = await this.#bodies.held(row);
    if (held === null) {
      await this.#send(connection, this.#bodies.stream(row), `${size} octets`);
    } else {
      const stuffer = new DotStuffer(connection.out);
      connection.out.ascii('+OK ').number(size).ascii(' octets\r\n');
      stuffer.write(held.bytes, held.start, held.end);
      stuffer.end();
      this.#unsent += size;
    }
    this.#retrieved += 1;
  }

  /** Nothing is promised before the first bytes are there: a message that is gone gets its -ERR. */
  async #send(connection: Connection, chunks: AsyncIterable<Buffer>, text: string): Promise<void> {
    const { out } = connection;
    const stuffer = new DotStuffer(out);
    let promised = false;
    try {
      for await (const chunk of chunks) {
        if (!promised) out.ascii(okReply(text));
        promised = true;
        stuffer.write(chunk, 0, chunk.length);
        this.#unsent += chunk.length;
        giveBuffer(chunk);
        if (this.#unsent >= OUTPUT_BUFFER_BYTES) await this.#drain(connection);
        if (!connection.isOpen) return;
      }
    } catch (cause) {
      // Half a message is out: only the end of the connection tells the client that it is not whole.
      if (promised) {
        connection.destroy();
        throw new Error('a message could not be read to its end', { cause });
      }
      throw cause;
    }
    if (!promised) throw new Failure('EXPUNGEISSUED', GONE);
    stuffer.end();
  }

  async #top(connection: Connection, message: number, lines: number): Promise<void> {
    const row = this.#maildrop.row(message);
    if (row < 0) {
      connection.out.ascii(errReply(NO_SUCH_MESSAGE));
      return;
    }
    this.#bodies.release();
    const size = this.#maildrop.size(row);
    const scan = topLength(lines);
    let length: number | null = null;
    // One short read answers almost every TOP; a longer one is measured first and then sent, without being held.
    for (const bound of size > TOP_FIRST_BYTES ? [TOP_FIRST_BYTES, size] : [size]) {
      scan.restart();
      for await (const chunk of this.#bodies.start(row, bound)) {
        length = scan.next(chunk);
        if (length !== null) break;
      }
      if (length !== null) break;
    }
    await this.#send(connection, this.#bodies.start(row, length ?? size), 'top of message follows');
  }

  /** UPDATE state (RFC 1939 §6). Messages go to recoverable items; +OK only when that is on disk. */
  async #quit(connection: Connection): Promise<void> {
    connection.idleLimit(null);
    if (!this.#maildrop.hasDeletions) {
      connection.out.ascii(okReply('bye'));
      return;
    }
    try {
      const { expunged } = await this.#options.mailbox.expunge(this.#view.folder.id, this.#maildrop.deletedUids());
      this.#log.info({ deleted: expunged.length }, 'POP3 deletions done');
      connection.out.ascii(okReply(`bye, ${expunged.length} messages deleted`));
    } catch (error) {
      this.#log.error({ error: describe(error) }, 'POP3 deletions failed');
      connection.out.ascii(errReply('the deleted messages were not removed, please try again', 'SYS/TEMP'));
    }
  }

  async #drain(connection: Connection): Promise<void> {
    await connection.drained();
    this.#unsent = 0;
  }

  #farewell(connection: Connection, error: unknown): void {
    if (error instanceof IdleTimeout) {
      if (this.#options.drain?.aborted === true) {
        connection.out.ascii(errReply('the server is shutting down', 'SYS/TEMP'));
        return;
      }
      // RFC 1939 §3: closed without a response, and no message is removed.
      this.#log.info({}, 'POP3 session idle for too long');
      return;
    }
    if (error instanceof ProtocolViolation) {
      this.#log.warn({ error: error.message }, 'POP3 session ended by a protocol violation');
      connection.out.ascii(errReply(error.message));
      return;
    }
    this.#log.error({ error: describe(error) }, 'POP3 session failed');
    connection.out.ascii(errReply('internal error', 'SYS/TEMP'));
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
