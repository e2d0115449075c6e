/**
 * POP3 behind the logon: TRANSACTION and UPDATE state (RFC 1939 §5, §6), with the extensions of RFC 2449 and RFC 6856.
 * The front end has greeted, encrypted and authenticated; this session sees a mailbox and a byte stream.
 *
 * Decisions: RETR does not set \Seen (RFC 1939 knows no flags, and a mailbox also read by IMAP would lose its unread
 * marks to a background fetch). Messages with \Deleted set by IMAP are listed until they are expunged. Nothing is
 * removed unless the client says QUIT and the removal is durable.
 */
import type { Buffer } from 'node:buffer';
import { setTimeout as delay } from 'node:timers/promises';
import type { PopSettings } from '../directory/model.ts';
import type { CommandMeter } from '../observe/command-meter.ts';
import { Failure, ProtocolViolation } from '../observe/failure.ts';
import type { Log } from '../observe/log.ts';
import type { FolderView, Mailbox } from '../store/api.ts';
import { giveBuffer } from '../wire/buffers.ts';
import { type Connection, IdleTimeout, type TlsFacts } from '../wire/connection.ts';
import { OUTPUT_BUFFER_BYTES, POP3_AUTH_LINE_BYTES, POP3_BAD_COMMANDS } from '../wire/limits.ts';
import { Turn } from '../wire/turn.ts';
import { DotStuffer } from './dot-stuffing.ts';
import { parseTransactionCommand, pop3Capabilities, type Pop3Negotiated, type TransactionCommand } from './grammar.ts';
import { Maildrop } from './maildrop.ts';
import { NeedsUtf8, type Outgoing, OutgoingMessages } from './outgoing.ts';
import { Replies } from './replies.ts';

/** Seconds, octets. */
export type Pop3Settings = Pick<
  PopSettings,
  'authenticatedConnectionTimeout' | 'loginDelay' | 'maxCommandSize' | 'messageRetrievalSortOrder'
>;

export interface Pop3SessionOptions {
  /** The part of the front end's hand-over (backend/link.ts) that matters here. */
  readonly handOver: { readonly tls: TlsFacts | null; readonly pop3?: Pop3Negotiated };
  /** Closed by the session at its end, also when it is cancelled; not when it cannot be made. */
  readonly mailbox: Mailbox;
  /** Read before each command, so that a change of settings reaches living sessions. */
  readonly settings: () => Pop3Settings;
  readonly log: Log;
  /** What the front end offers, for the SASL line of CAPA (RFC 5034 §3: the same in both states). */
  readonly mechanisms?: readonly string[];
  /** Aborted when the server drains: the session ends when its command is answered; nothing is deleted. */
  readonly drain?: AbortSignal;
  /** BCP 47 tag of the owner's language: `LANG *` (RFC 6856 §3.2). */
  readonly preferredLanguage?: string;
  /** Told of every command. */
  readonly meter?: CommandMeter;
  /** DELE is answered and QUIT removes nothing (PopKeepMessagesOnServer). */
  readonly keepMessages?: boolean;
  /** A whole message has been sent, `start` begins with its header: a read receipt may be due. Must not reject. */
  readonly downloaded?: (view: FolderView, uid: number, start: Buffer) => Promise<void> | null;
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
/** A command may be so long without its line end: MaxCommandSize counts what the client means. */
const LINE_END_BYTES = 2;

/** Has the shape of BackendSession (backend/link.ts), which stands above this layer. */
export class Pop3Session {
  /** None: POP3 announces nothing with the logon. */
  readonly capabilities: readonly string[] = [];
  readonly #options: Pop3SessionOptions;
  readonly #log: Log;
  readonly #view: FolderView;
  readonly #maildrop: Maildrop;
  readonly #messages: OutgoingMessages;
  readonly #replies: Replies;
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
    const { pop3 } = options.handOver;
    this.#messages = new OutgoingMessages(options.mailbox, view.folder.id, this.#maildrop, pop3?.utf8 === true);
    this.#replies = new Replies(pop3?.language ?? null, options.preferredLanguage);
  }

  cancel(): void {
    this.#options.meter?.close({ bytesRead: 0, bytesWritten: 0 });
    this.#leave();
  }

  #leave(): void {
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
      this.#options.meter?.close(connection);
      this.#leave();
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
      const line = await connection.readLine(POP3_AUTH_LINE_BYTES);
      this.#waiting = false;
      if (line === null) return;
      if (line.length > settings.maxCommandSize + LINE_END_BYTES) {
        this.#refuse(connection, this.#replies.texts.commandTooLong(settings.maxCommandSize));
        this.#countBad();
        continue;
      }
      const command = parseTransactionCommand(line);
      if (command.kind === 'quit') {
        await this.#quit(connection);
        return;
      }
      await this.#metered(connection, command);
      this.#countBad();
      if (this.#unsent >= OUTPUT_BUFFER_BYTES) await this.#drain(connection);
      if (this.#turn.due) await this.#turn.pass();
    }
  }

  #countBad(): void {
    if (this.#badCommands <= POP3_BAD_COMMANDS) return;
    throw new ProtocolViolation(this.#replies.texts.tooManyBadCommands, { fatal: true });
  }

  /** Tells the protocol log and the throttling budget of it. */
  async #metered(connection: Connection, command: Exclude<TransactionCommand, { kind: 'quit' }>): Promise<void> {
    const { meter } = this.#options;
    const bad = this.#badCommands;
    let context = 'R=ok';
    try {
      const wait = meter?.begin() ?? 0;
      if (wait > 0) {
        connection.flush();
        await Promise.race([delay(wait, undefined, { ref: false }), connection.closed]);
      }
      await this.#answer(connection, command);
      if (this.#badCommands > bad) context = 'R="-ERR"';
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      context = `R="-ERR";ErrMsg=${error.message}`;
      this.#replies.failure(connection.out, error);
    }
    const parameters = 'message' in command && command.message !== null ? String(command.message) : '';
    meter?.end({ command: command.kind, parameters, context, traffic: connection });
  }

  async #answer(connection: Connection, command: Exclude<TransactionCommand, { kind: 'quit' }>): Promise<void> {
    try {
      await this.#execute(connection, command);
    } catch (error) {
      if (error instanceof NeedsUtf8) {
        this.#replies.err(connection.out, this.#replies.texts.needsUtf8, 'UTF8');
        return;
      }
      if (!(error instanceof Failure)) throw error;
      this.#log.warn({ code: error.code, error: error.message }, `POP3 ${command.kind} failed`);
      this.#replies.failure(connection.out, error);
    }
  }

  async #execute(connection: Connection, command: TransactionCommand): Promise<void> {
    const { out } = connection;
    const { texts } = this.#replies;
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
        const row = this.#row(connection, command.message);
        if (row < 0) return;
        this.#maildrop.delete(row);
        this.#replies.ok(out, texts.deleted(command.message));
        return;
      }
      case 'rset':
        this.#maildrop.reset();
        this.#replies.ok(out, texts.maildrop(this.#maildrop.count, this.#maildrop.bytes));
        return;
      case 'noop':
        this.#replies.ok(out);
        return;
      case 'capa':
        this.#replies.ok(out, texts.capabilitiesFollow);
        for (const line of this.#capabilityLines()) out.ascii(`${line}\r\n`);
        out.ascii('.\r\n');
        return;
      case 'lang':
        this.#replies.lang(out, command.range);
        return;
      case 'invalid':
        this.#refuse(connection, texts.mistake[command.mistake](command.verb));
        return;
      case 'quit':
        return;
    }
  }

  #capabilityLines(): readonly string[] {
    const { handOver, mechanisms = [], settings } = this.#options;
    return pop3Capabilities({
      authenticated: true,
      // Of the client's connection: this one may be a front end's.
      encrypted: handOver.tls !== null,
      mechanisms,
      password: handOver.pop3?.password ?? true,
      loginDelay: settings().loginDelay,
    });
  }

  #refuse(connection: Connection, reason: string): void {
    this.#badCommands += 1;
    this.#replies.err(connection.out, reason);
  }

  /** Row of a message; -1 when there is none, which the client has been told. */
  #row(connection: Connection, message: number): number {
    const row = this.#maildrop.row(message);
    if (row < 0) this.#replies.err(connection.out, this.#replies.texts.noSuchMessage);
    return row;
  }

  #listOne(connection: Connection, message: number, value: (row: number) => string): void {
    const row = this.#row(connection, message);
    if (row >= 0) connection.out.ascii(`+OK ${message} ${value(row)}\r\n`);
  }

  async #list(connection: Connection, value: (row: number) => string): Promise<void> {
    const { out } = connection;
    const { count, bytes } = this.#maildrop.remaining;
    this.#replies.ok(out, this.#replies.texts.listing(count, bytes));
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
    const row = this.#row(connection, message);
    if (row < 0) return;
    const outgoing = await this.#messages.whole(row);
    await this.#send(connection, outgoing, this.#replies.texts.octets(outgoing.size));
    this.#retrieved += 1;
    const { downloaded } = this.#options;
    if (downloaded === undefined || !connection.isOpen) return;
    const start = outgoing.kind === 'streamed' ? await this.#messages.start(row) : originalOf(outgoing);
    const receipt = downloaded(this.#view, this.#maildrop.uid(row), start);
    if (receipt === null) return;
    // The client has its message while the receipt is on its way.
    connection.flush();
    await receipt;
  }

  async #top(connection: Connection, message: number, lines: number): Promise<void> {
    const row = this.#row(connection, message);
    if (row < 0) return;
    await this.#send(connection, await this.#messages.top(row, lines), this.#replies.texts.topFollows);
  }

  async #send(connection: Connection, outgoing: Outgoing, text: string): Promise<void> {
    if (outgoing.kind === 'streamed') {
      await this.#sendChunks(connection, outgoing, text);
      return;
    }
    const { bytes, start, end } = outgoing;
    this.#replies.ok(connection.out, text);
    const stuffer = new DotStuffer(connection.out);
    stuffer.write(bytes, start, end);
    stuffer.end();
    this.#unsent += end - start;
  }

  /** Nothing is promised before the first bytes are there: a message that is gone gets its -ERR. */
  async #sendChunks(
    connection: Connection,
    { chunks, isPooled }: Extract<Outgoing, { kind: 'streamed' }>,
    text: string,
  ): Promise<void> {
    const stuffer = new DotStuffer(connection.out);
    let promised = false;
    try {
      for await (const chunk of chunks) {
        if (!promised) this.#replies.ok(connection.out, text);
        promised = true;
        stuffer.write(chunk, 0, chunk.length);
        this.#unsent += chunk.length;
        if (isPooled) giveBuffer(chunk);
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
    if (!promised) throw new Failure('EXPUNGEISSUED', this.#replies.texts.gone);
    stuffer.end();
  }

  /** UPDATE state (RFC 1939 §6). Messages go to recoverable items; +OK only when that is on disk. */
  async #quit(connection: Connection): Promise<void> {
    connection.idleLimit(null);
    const { out } = connection;
    const { texts } = this.#replies;
    if (!this.#maildrop.hasDeletions) {
      this.#replies.ok(out, texts.bye);
      return;
    }
    const uids = this.#maildrop.deletedUids();
    if (this.#options.keepMessages === true) {
      this.#log.info({ kept: uids.length }, 'POP3 deletions not done: the mailbox keeps its messages');
      this.#replies.ok(out, texts.byeKept(uids.length));
      return;
    }
    try {
      const { expunged } = await this.#options.mailbox.expunge(this.#view.folder.id, uids);
      this.#log.info({ deleted: expunged.length }, 'POP3 deletions done');
      this.#replies.ok(out, texts.byeRemoved(expunged.length));
    } catch (error) {
      this.#log.error({ error: describe(error) }, 'POP3 deletions failed');
      this.#replies.err(out, texts.notRemoved, 'SYS/TEMP');
    }
  }

  async #drain(connection: Connection): Promise<void> {
    await connection.drained();
    this.#unsent = 0;
  }

  #farewell(connection: Connection, error: unknown): void {
    if (error instanceof IdleTimeout) {
      if (this.#options.drain?.aborted === true) {
        this.#replies.err(connection.out, this.#replies.texts.goingDown, 'SYS/TEMP');
        return;
      }
      // RFC 1939 §3: closed without a response, and no message is removed.
      this.#log.info({}, 'POP3 session idle for too long');
      return;
    }
    if (error instanceof ProtocolViolation) {
      this.#log.warn({ error: error.message }, 'POP3 session ended by a protocol violation');
      this.#replies.err(connection.out, error.message);
      return;
    }
    this.#log.error({ error: describe(error) }, 'POP3 session failed');
    this.#replies.err(connection.out, this.#replies.texts.internalError, 'SYS/TEMP');
  }
}

/** A surrogate is made from a copy; what lies in a window is copied by whoever keeps it. */
const originalOf = ({ bytes, start, end, original }: Extract<Outgoing, { kind: 'held' }>): Buffer =>
  original ?? bytes.subarray(start, end);

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
