/**
 * One logged-on IMAP client: authenticated, selected, logout (RFC 9051 §3). Reads commands, lets the table answer
 * them, tells what changed meanwhile where the RFC allows it, keeps time and patience. Knows the store's interface,
 * no engine; no command's meaning; nothing of how the client got here.
 */
import { Failure, ProtocolViolation } from '../../observe/failure.ts';
import type { Log } from '../../observe/log.ts';
import type { FolderEvent, Mailbox, MailboxEvent, MessageSink, StageOptions } from '../../store/api.ts';
import type { ByteWriter } from '../../wire/byte-writer.ts';
import { type Connection, IdleTimeout } from '../../wire/connection.ts';
import { IMAP_BAD_COMMANDS } from '../../wire/limits.ts';
import { capabilitiesAfterLogon } from '../commands/capability.ts';
import { nextTurn, Turns } from '../commands/rows.ts';
import { mayMoveNumbers, needsFolder, run } from '../commands/table.ts';
import type { Command, Refused } from '../grammar/ast.ts';
import { writeBye, writeError, writeNo } from '../grammar/write-response.ts';
import { CommandReader } from '../reader.ts';
import { AnswerCutShort, bad, type Completion, type Session, type SessionSettings } from './context.ts';
import { Idle } from './idle.ts';
import type { SelectedView } from './selected-view.ts';

export interface ImapSessionOptions {
  /** The part of the front end's hand-over (backend/link.ts) that the session itself needs. */
  readonly handOver: {
    readonly session: string;
    /** Aborted when the front end or the server stops: clients get BYE as soon as their command is answered. */
    readonly stop: AbortSignal;
  };
  /** Open handle; closed by the session at its end. */
  readonly mailbox: Mailbox;
  /** MailboxDatabase.stage of the database that holds the mailbox. */
  readonly stage: (options?: StageOptions) => MessageSink;
  /** With the session id in its fields. */
  readonly log: Log;
  /** Asked again for every command, so that changes of an admin take effect in running sessions. */
  readonly settings: () => SessionSettings;
}

/** Fills BackendSession of backend/link.ts. */
export interface ImapSession {
  readonly capabilities: readonly string[];
  run(connection: Connection): Promise<void>;
  cancel(): void;
}

export function createImapSession(options: ImapSessionOptions): ImapSession {
  return {
    capabilities: capabilitiesAfterLogon(options.settings().maxMessageSize),
    run: (connection) => new RunningSession(options, connection).run(),
    cancel: () => options.mailbox.close(),
  };
}

class RunningSession implements Session {
  readonly connection: Connection;
  readonly reader: CommandReader;
  readonly #options: ImapSessionOptions;
  #selected: SelectedView | null = null;
  #condstore = false;
  #idle: Idle | null = null;
  #badCommands = 0;
  /** Waiting for a command: the only time when a farewell may be said out of turn. */
  #waiting = false;
  #farewell: string | null = null;
  #background: Promise<unknown> = Promise.resolve();

  constructor(options: ImapSessionOptions, connection: Connection) {
    this.#options = options;
    this.connection = connection;
    this.reader = new CommandReader(connection, { maxCommandSize: options.settings().maxCommandSize, loggedOn: true });
  }

  get id(): string {
    return this.#options.handOver.session;
  }

  get mailbox(): Mailbox {
    return this.#options.mailbox;
  }

  get out(): ByteWriter {
    return this.connection.out;
  }

  get log(): Log {
    return this.#options.log;
  }

  get settings(): SessionSettings {
    return this.#options.settings();
  }

  get origin(): object {
    return this;
  }

  get selected(): SelectedView | null {
    return this.#selected;
  }

  get condstore(): boolean {
    return this.#condstore;
  }

  /** Serves the client until it or the server ends the connection; never rejects. */
  async run(): Promise<void> {
    const { stop } = this.#options.handOver;
    const onStop = (): void => this.#dismiss('The server is going down. Please come back in a while.');
    const stopWatching = this.mailbox.watch((event) => this.#onEvent(event));
    stop.addEventListener('abort', onStop);
    if (stop.aborted) onStop();
    try {
      await this.#serve();
    } catch (error) {
      this.#onFatal(error);
    } finally {
      stop.removeEventListener('abort', onStop);
      stopWatching();
      this.unselect();
      await this.#background;
      this.mailbox.close();
      this.connection.end();
    }
  }

  stage(options: StageOptions): MessageSink {
    return this.#options.stage(options);
  }

  select(view: SelectedView): void {
    if (this.#condstore) view.reportModSeq();
    this.#selected = view;
  }

  unselect(): void {
    const view = this.#selected;
    if (view === null) return;
    this.#selected = null;
    if (view.takeRecentToClear()) this.background(this.mailbox.clearRecent(view.id), 'clearing \\Recent');
    view.close();
  }

  enableCondstore(): void {
    if (this.#condstore) return;
    this.#condstore = true;
    if (this.#selected === null) return;
    this.#selected.reportModSeq();
    this.out.ascii(`* OK [HIGHESTMODSEQ ${this.#selected.folder.highestModSeq}] CONDSTORE is on.\r\n`);
  }

  touch(): void {
    this.connection.idleLimit(this.settings.authenticatedConnectionTimeout * 1000);
  }

  background(work: Promise<unknown>, what: string): void {
    const watched = work.catch((error: unknown) => {
      // The folder may be gone by now, which is no one's fault.
      if (!(error instanceof Failure)) this.log.error({ err: error }, `${what} failed`);
    });
    this.#background = Promise.all([this.#background, watched]);
  }

  async idle(): Promise<Completion> {
    this.#idle = new Idle(this);
    try {
      return await this.#idle.serve();
    } finally {
      this.#idle = null;
    }
  }

  async #serve(): Promise<void> {
    const turns = new Turns(this);
    while (this.#farewell === null) {
      this.touch();
      this.#waiting = true;
      const command = await this.reader.next();
      this.#waiting = false;
      if (command === null) return;
      if (command.name === 'REFUSED') this.#refuse(command);
      else await this.#answer(command);
      if (this.#badCommands >= IMAP_BAD_COMMANDS) this.#farewell ??= 'Too many bad commands in a row.';
      if (this.#farewell !== null && this.#farewell !== '') writeBye(this.out, this.#farewell);
      await this.connection.drained();
      // A client that pipelines thousands of commands must not keep others from their turn.
      if (turns.isOver) await turns.next();
    }
  }

  async #answer(command: Command): Promise<void> {
    const { out } = this;
    try {
      const done = await this.#perform(command);
      await this.#tellNews(mayMoveNumbers(command));
      this.#badCommands = done.status === 'BAD' ? this.#badCommands + 1 : 0;
      out.utf8(`${command.tag} ${done.status} ${done.code === null ? '' : `[${done.code}] `}${done.text}\r\n`);
      // BYE has been said by the command itself.
      if (command.name === 'LOGOUT') this.#farewell = '';
    } catch (error) {
      if (error instanceof IdleTimeout || error instanceof AnswerCutShort) throw error;
      if (error instanceof ProtocolViolation) {
        this.#badCommands += 1;
        if (error.fatal) this.#farewell ??= error.message;
      }
      if (error instanceof ProtocolViolation || error instanceof Failure) {
        await this.#tellNews(mayMoveNumbers(command));
        writeError(out, command.tag, error);
        return;
      }
      this.log.error({ err: error, command: command.name }, 'command failed inside the server');
      writeNo(
        out,
        command.tag,
        `Something went wrong inside the server; its log has more under ${this.id}.`,
        'SERVERBUG',
      );
    }
  }

  async #tellNews(expunge: boolean): Promise<void> {
    const view = this.#selected;
    if (view === null) return;
    view.release(this.out, expunge);
    while (view.hasMore && this.connection.isOpen) {
      await nextTurn(this);
      view.release(this.out, expunge);
    }
  }

  #perform(command: Command): Promise<Completion> {
    if (needsFolder(command) && this.#selected === null) {
      return Promise.resolve(bad('Command received in Invalid state: no folder is selected.'));
    }
    return run(command.name, this, command);
  }

  #refuse(refused: Refused): void {
    const { error, tag } = refused;
    this.#badCommands += 1;
    this.#selected?.release(this.out, false);
    writeError(this.out, tag, error);
    if (error instanceof ProtocolViolation && error.fatal) this.#farewell ??= error.message;
  }

  #onEvent(event: MailboxEvent): void {
    const view = this.#selected;
    if (view === null) return;
    if (event.kind === 'folders') {
      // RFC 2180 §3.3: those who have a deleted folder open are told by BYE.
      if (event.removed.includes(view.id)) this.#dismiss('The folder you had selected was deleted.');
      return;
    }
    const mine = event.events.filter((each) => each.folder === view.id);
    for (const each of mine) view.note(each, this.#isOwn(each));
    if (mine.length > 0) this.#idle?.push();
  }

  #isOwn(event: FolderEvent): boolean {
    return event.origin === this;
  }

  /** Ends the session now when the client waits, else behind the answer to its command. */
  #dismiss(why: string): void {
    if (this.#farewell !== null) return;
    this.#farewell = why;
    if (!this.#waiting && this.#idle === null) return;
    writeBye(this.out, why);
    this.#farewell = '';
    this.connection.end();
  }

  #onFatal(error: unknown): void {
    if (error instanceof IdleTimeout) {
      writeBye(this.out, 'Idle for too long.');
      return;
    }
    if (error instanceof ProtocolViolation) {
      writeBye(this.out, error.message);
      return;
    }
    if (this.connection.isOpen) this.log.error({ err: error }, 'session ended by an error');
    this.connection.destroy();
  }
}
