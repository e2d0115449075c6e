/**
 * One logged-on IMAP client: authenticated, selected, logout (RFC 9051 §3). Reads commands, lets the table answer
 * them, tells what changed meanwhile where the RFC allows it, keeps time and patience. Knows the store's interface,
 * no engine; no command's meaning; nothing of how the client got here.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Failure, ProtocolViolation } from '../../observe/failure.ts';
import type { Log } from '../../observe/log.ts';
import type { Mailbox, MailboxEvent, MessageSink, StageOptions } from '../../store/api.ts';
import type { ByteWriter } from '../../wire/byte-writer.ts';
import { type Connection, IdleTimeout, type Reader } from '../../wire/connection.ts';
import { IMAP_BAD_COMMANDS } from '../../wire/limits.ts';
import { capabilitiesAfterLogon } from '../commands/capability.ts';
import { nextTurn, Turns } from '../commands/rows.ts';
import { mayMoveNumbers, needsFolder, run } from '../commands/table.ts';
import type { Command, Refused } from '../grammar/ast.ts';
import { writeBye, writeError } from '../grammar/write-response.ts';
import { CommandReader } from '../reader.ts';
import { AnswerCutShort, bad, type Completion, ok, type Session, type SessionSettings } from './context.ts';
import { commandWord, failureOf, outcomeOf, parametersOf } from './command-record.ts';
import { Idle } from './idle.ts';
import type { Host, ImapSessionOptions } from './options.ts';
import type { SelectedView } from './selected-view.ts';

/** Fills EndableSession of backend/session-factories.ts. */
export interface ImapSession {
  readonly capabilities: readonly string[];
  serve(connection: Connection, host: Host): void;
  cancel(): void;
  /** The front end or the server stops: BYE as soon as the command is answered. Also before `serve`; idempotent. */
  end(): void;
}

export const createImapSession = (options: ImapSessionOptions): ImapSession => new LoggedOn(options);

class LoggedOn implements ImapSession {
  readonly #options: ImapSessionOptions;
  #running: RunningSession | null = null;
  #ended = false;

  constructor(options: ImapSessionOptions) {
    this.#options = options;
  }

  get capabilities(): readonly string[] {
    return capabilitiesAfterLogon(this.#options.settings().maxMessageSize);
  }

  serve(connection: Connection, host: Host): void {
    this.#running = new RunningSession(this.#options, connection, host);
    if (this.#ended) this.#running.end();
    this.#running.begin();
  }

  cancel(): void {
    this.#options.meter?.close({ bytesRead: 0, bytesWritten: 0 });
    this.#options.mailbox.close();
  }

  end(): void {
    this.#ended = true;
    this.#running?.end();
  }
}

/**
 * Serves the client until it or the server ends the connection. It is not one long async function: an idle session
 * would be a pile of suspended frames (measured: ten of them were two thirds of its memory). It works when bytes come
 * and is a few plain objects while it waits.
 */
class RunningSession implements Session, Reader {
  readonly connection: Connection;
  readonly reader: CommandReader;
  readonly #options: ImapSessionOptions;
  readonly #host: Host;
  readonly #unwatch: () => void;
  #selected: SelectedView | null = null;
  #condstore = false;
  #idle: Idle | null = null;
  #badCommands = 0;
  /** Waiting for the client: the only time when a farewell may be said out of turn. */
  #waiting = false;
  /** Why the session ends behind the present command; empty: nothing more is to be said. */
  #farewell: string | null = null;
  /** Work that nobody waits for and that is not done yet. */
  #background = 0;
  #left = false;

  constructor(options: ImapSessionOptions, connection: Connection, host: Host) {
    this.#options = options;
    this.#host = host;
    this.connection = connection;
    this.reader = new CommandReader(connection, { maxCommandSize: options.settings().maxCommandSize, loggedOn: true });
    this.#unwatch = options.mailbox.watch((event) => this.#onEvent(event));
  }

  get id(): string {
    return this.#options.id;
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

  get downloaded(): Session['downloaded'] {
    return this.#options.downloaded;
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

  begin(): void {
    this.touch();
    this.#work();
  }

  end(): void {
    this.#dismiss('The server is going down. Please come back in a while.');
  }

  stage(options: StageOptions): MessageSink {
    return this.#options.database.stage(options);
  }

  select(view: SelectedView): void {
    if (this.#condstore) view.reportModSeq();
    this.#selected = view;
  }

  unselect(): void {
    const view = this.#selected;
    if (view === null) return;
    this.#selected = null;
    if (view.takeRecentToClear()) void this.background(this.mailbox.clearRecent(view.id), 'clearing \\Recent');
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

  /** Goes on though the client leaves; what is returned never rejects. */
  background(work: Promise<unknown>, what: string): Promise<void> {
    this.#background += 1;
    return work
      .then(() => {})
      .catch((error: unknown) => {
        // The folder may be gone by now, which is no one's fault.
        if (!(error instanceof Failure)) this.log.error({ err: error }, `${what} failed`);
      })
      .finally(() => {
        this.#background -= 1;
        if (this.#left && this.#background === 0) this.#close();
      });
  }

  idle(tag: string): null {
    this.#idle = new Idle(this, tag);
    this.#idle.begin();
    return null;
  }

  readable(hasMore: boolean): void {
    this.#waiting = false;
    if (hasMore) this.#work();
    else this.#leave();
  }

  silent(reason: IdleTimeout): void {
    this.#waiting = false;
    this.#onFatal(reason);
  }

  /** Answers what has come, one command after the other, until something has to be waited for. Never throws. */
  #work(): void {
    try {
      const turns = new Turns(this);
      for (;;) {
        if (this.#badCommands >= IMAP_BAD_COMMANDS) this.#farewell ??= 'Too many bad commands in a row.';
        if (this.#farewell !== null) {
          this.#leave();
          return;
        }
        if (this.connection.isBacklogged) {
          this.#resumeAfter(this.connection.drained());
          return;
        }
        // A client that pipelines thousands of commands must not keep others from their turn.
        if (turns.isOver) {
          this.#resumeAfter(nextTurn(this));
          return;
        }
        const working = this.#step();
        if (working === 'client') {
          this.#waiting = true;
          this.connection.wait(this);
          return;
        }
        if (working !== null) {
          this.#resumeAfter(working);
          return;
        }
        this.touch();
      }
    } catch (error) {
      this.#onFatal(error);
    }
  }

  #resumeAfter(working: Promise<unknown>): void {
    const resume = (): void => {
      this.touch();
      this.#work();
    };
    working.then(resume, (error: unknown) => this.#onFatal(error));
  }

  /** One line or command. 'client': it has not come yet; a promise: it takes longer; null: it is answered. */
  #step(): Promise<void> | 'client' | null {
    if (this.#idle !== null) {
      const done = this.reader.done();
      return done === null ? 'client' : this.#endIdle(this.#idle, done);
    }
    const command = this.reader.poll();
    if (command === null) return 'client';
    return command instanceof Promise ? this.#whenComplete(command) : this.#take(command);
  }

  async #whenComplete(coming: Promise<Command | Refused | null>): Promise<void> {
    this.connection.flush();
    this.#waiting = true;
    const command = await coming;
    this.#waiting = false;
    if (command === null) this.#farewell ??= '';
    else await this.#take(command);
  }

  #take(command: Command | Refused): Promise<void> | null {
    let wait: number;
    try {
      wait = this.#options.meter?.begin() ?? 0;
    } catch (error) {
      if (command.name === 'APPEND') return this.#failedBeforeMessage(command, error);
      // Who may do nothing any more may still go (RFC 9051 §6.1.3).
      if (command.name !== 'REFUSED' && command.name !== 'LOGOUT') return this.#failed(command, error);
      wait = 0;
    }
    if (command.name !== 'REFUSED') return wait === 0 ? this.#answer(command) : this.#answerLater(command, wait);
    this.#refuse(command);
    return null;
  }

  /** Its message is on the way already: taken for commands, whoever wrote it would speak for the client. */
  async #failedBeforeMessage(command: Command, error: unknown): Promise<void> {
    if (!(await this.reader.discardMessage())) throw new AnswerCutShort('APPEND: too much to skip');
    await this.#failed(command, error);
  }

  /** Throttled: the budget of this user is overspent. */
  async #answerLater(command: Command, ms: number): Promise<void> {
    this.connection.flush();
    await Promise.race([delay(ms, undefined, { ref: false }), this.connection.closed]);
    await this.#answer(command);
  }

  #answer(command: Command): Promise<void> | null {
    const early = this.out.pending;
    try {
      if (needsFolder(command) && this.#selected === null) {
        return this.#complete(command, bad('Command received in Invalid state: no folder is selected.'));
      }
      const outcome = run(command.name, this, command);
      if (outcome === null) return null;
      if (!(outcome instanceof Promise)) return this.#complete(command, outcome);
      // What was answered before this command does not wait for it.
      if (early > 0) this.connection.flush();
      return this.#completeLater(command, outcome);
    } catch (error) {
      return this.#failed(command, error);
    }
  }

  async #completeLater(command: Command, outcome: Promise<Completion>): Promise<void> {
    try {
      await this.#complete(command, await outcome);
    } catch (error) {
      await this.#failed(command, error);
    }
  }

  #complete(command: Command, done: Completion): Promise<void> | null {
    return this.#withNews(mayMoveNumbers(command), () => {
      this.#writeTagged(command.tag, done);
      if (this.#options.meter?.wantsTexts === false) this.#metered(commandWord(command), '', '');
      else this.#metered(commandWord(command), parametersOf(command), outcomeOf(command.tag, done));
      // BYE has been said by the command itself.
      if (command.name === 'LOGOUT') this.#farewell = '';
    });
  }

  #endIdle(idle: Idle, done: boolean): Promise<void> | null {
    this.#idle = null;
    idle.end();
    const completion = done ? ok('IDLE completed.') : bad('IDLE ends with DONE.');
    return this.#withNews(true, () => {
      this.#writeTagged(idle.tag, completion);
      this.#metered('idle', '', outcomeOf(idle.tag, completion), true);
    });
  }

  #metered(command: string, parameters: string, context: string, costsNothing = false): void {
    this.#options.meter?.end({ command, parameters, context, traffic: this.connection, costsNothing });
  }

  #writeTagged(tag: string, { status, code, text }: Completion): void {
    this.#badCommands = status === 'BAD' ? this.#badCommands + 1 : 0;
    this.out.utf8(`${tag} ${status} ${code === null ? '' : `[${code}] `}${text}\r\n`);
  }

  /** @throws what ends the session */
  #failed(command: Command, error: unknown): Promise<void> | null {
    if (error instanceof IdleTimeout || error instanceof AnswerCutShort) throw error;
    if (error instanceof ProtocolViolation) {
      this.#badCommands += 1;
      if (error.fatal) this.#farewell ??= error.message;
    }
    if (error instanceof ProtocolViolation || error instanceof Failure) {
      return this.#withNews(mayMoveNumbers(command), () => {
        writeError(this.out, command.tag, error);
        this.#metered(commandWord(command), parametersOf(command), failureOf(command.tag, error));
      });
    }
    this.log.error({ err: error, command: command.name }, 'command failed inside the server');
    const text = `Something went wrong inside the server; its log has more under ${this.id}.`;
    return this.#failed(command, new Failure('SERVERBUG', text));
  }

  /** What changed meanwhile, where it may be told, then `write`. A promise only where there is much to tell. */
  #withNews(expunge: boolean, write: () => void): Promise<void> | null {
    const view = this.#selected;
    view?.release(this.out, expunge);
    if (view?.hasMore === true) return this.#tellRest(view, expunge).then(write);
    write();
    return null;
  }

  async #tellRest(view: SelectedView, expunge: boolean): Promise<void> {
    while (view.hasMore && this.connection.isOpen) {
      await nextTurn(this);
      view.release(this.out, expunge);
    }
  }

  #refuse(refused: Refused): void {
    const { error, tag } = refused;
    this.#badCommands += 1;
    this.#selected?.release(this.out, false);
    writeError(this.out, tag, error);
    this.#metered('invalid', '', failureOf(tag, error));
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
    let mine = false;
    for (const each of event.events) {
      if (each.folder !== view.id) continue;
      mine = true;
      view.note(each, each.origin === this);
    }
    if (mine) this.#idle?.push();
  }

  /** Ends the session now when the client is waited for, else behind the answer to its command. */
  #dismiss(why: string): void {
    if (this.#farewell !== null) return;
    this.#farewell = why;
    if (!this.#waiting) return;
    writeBye(this.out, why);
    this.#farewell = '';
    this.connection.end();
  }

  #onFatal(error: unknown): void {
    if (error instanceof IdleTimeout) this.#farewell ??= 'Idle for too long.';
    else if (error instanceof ProtocolViolation) this.#farewell ??= error.message;
    else {
      if (this.connection.isOpen) this.log.error({ err: error }, 'session ended by an error');
      this.connection.destroy();
    }
    this.#leave();
  }

  /** Once: says the farewell, lets go of everything, ends the connection when the work in the background is done. */
  #leave(): void {
    if (this.#left) return;
    this.#left = true;
    if (this.#farewell !== null && this.#farewell !== '') writeBye(this.out, this.#farewell);
    this.connection.flush();
    this.#idle?.end();
    this.#unwatch();
    this.unselect();
    if (this.#background === 0) this.#close();
  }

  #close(): void {
    this.#options.meter?.close(this.connection);
    this.mailbox.close();
    this.connection.end();
    this.#host.over();
  }
}
