/**
 * The source's side of moves on this server: mailboxes that are leaving, each with the time its commits may stop. When
 * that is over, when the mover has gone, when this server goes down: the directory decides whether the mailbox stays
 * (store/moving.ts Residence), and until it answers nothing is committed. Knows no transport.
 */
import type { Buffer } from 'node:buffer';
import { setTimeout as delay } from 'node:timers/promises';
import type { MoveRequests } from '../../directory/move-request.ts';
import { type DatabaseId, databaseId } from '../../directory/model.ts';
import { Failure } from '../../observe/failure.ts';
import type { Log } from '../../observe/log.ts';
import type { MailboxDatabase } from '../../store/api.ts';
import { type MailboxId, mailboxId } from '../../store/model.ts';
import type { ContentFrame, Departure, ThreadKey } from '../../store/moving.ts';
import type { SessionRegistry } from '../sessions.ts';
import type { MoveOrder, MoveSource } from './move-source.ts';

/** Commits of a mailbox stop at most so long for one try: a client waits this long without an answer. */
export const HOLD_MS = 5_000;
/** While the directory cannot be asked how a move has ended. */
const ASK_AGAIN_MS = 500;
/** A mover that has not been heard of for so long has gone. */
export const SILENT_MS = 120_000;

export interface DeparturesOptions {
  readonly directory: Pick<MoveRequests, 'keepMailbox'>;
  /** Those open on this server. */
  readonly databases: () => ReadonlyMap<DatabaseId, MailboxDatabase>;
  readonly sessions: Pick<SessionRegistry, 'end'>;
  readonly log: Log;
  /** For tests. */
  readonly holdMs?: number;
}

export class Departures {
  readonly #options: DeparturesOptions;
  readonly #leaving = new Map<string, Leaving>();
  #closed = false;

  constructor(options: DeparturesOptions) {
    this.#options = options;
  }

  /**
   * Begins, or takes over from a mover that has lost the move.
   * @throws Failure UNAVAILABLE (the database is not open here), INUSE (a later mover has it), NONEXISTENT
   */
  async begin(order: MoveOrder): Promise<MoveSource> {
    if (this.#closed) throw new Failure('UNAVAILABLE', 'The server is going down.');
    const former = this.#leaving.get(order.move);
    if (former !== undefined && former.fence > order.fence)
      throw new Failure('INUSE', 'Another server works on this move.');
    await former?.close();
    const database = this.#options.databases().get(databaseId(order.database));
    if (database === undefined) throw new Failure('UNAVAILABLE', 'The mailbox database is not open on this server.');
    const departure = await database.depart(mailboxId(order.mailbox));
    const leaving = new Leaving(order, departure, this.#options, () => this.#leaving.delete(order.move));
    this.#leaving.set(order.move, leaving);
    return leaving;
  }

  /** @throws Failure NONEXISTENT when it was not begun, or was given up meanwhile; INUSE */
  of(move: string, fence: number): MoveSource {
    const leaving = this.#leaving.get(move);
    if (leaving === undefined) throw new Failure('NONEXISTENT', 'This move has to begin again.');
    if (leaving.fence !== fence) throw new Failure('INUSE', 'Another server works on this move.');
    leaving.heard();
    return leaving;
  }

  /** Mailboxes whose commits are stopped go on if the directory says so at once, else when they are opened again. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const leaving of this.#leaving.values()) await leaving.close();
  }
}

class Leaving implements MoveSource {
  readonly fence: number;
  readonly #order: MoveOrder;
  readonly #departure: Departure;
  readonly #options: DeparturesOptions;
  readonly #ended: () => void;
  readonly #mailbox: MailboxId;
  #held = false;
  #over: NodeJS.Timeout | null = null;
  #silence: NodeJS.Timeout;
  #settling: Promise<'here' | 'moved'> | null = null;
  #closing: Promise<void> | null = null;

  constructor(order: MoveOrder, departure: Departure, options: DeparturesOptions, ended: () => void) {
    this.fence = order.fence;
    this.#order = order;
    this.#departure = departure;
    this.#options = options;
    this.#ended = ended;
    this.#mailbox = departure.mailbox;
    this.#silence = this.#listen();
  }

  heard(): void {
    this.#silence.refresh();
  }

  async *contents(have: Uint32Array): AsyncIterable<ContentFrame> {
    for await (const frame of this.#departure.contents(have)) {
      this.heard();
      yield frame;
    }
  }

  async *threadKeys(): AsyncIterable<readonly ThreadKey[]> {
    for await (const batch of this.#departure.threadKeys()) {
      this.heard();
      yield batch;
    }
  }

  async hold(): Promise<void> {
    if (this.#closing !== null) throw new Failure('NONEXISTENT', 'This move has to begin again.');
    if (this.#held) return;
    this.#held = true;
    // The time runs from here: waiting for the last commit is part of it.
    this.#over = setTimeout(() => this.#giveUp('the time of a cut-over is over'), this.#options.holdMs ?? HOLD_MS);
    try {
      await this.#departure.hold(this.#order.move);
    } catch (error) {
      this.#held = false;
      clearTimeout(this.#over);
      throw error;
    }
  }

  state(): AsyncIterable<Buffer> {
    if (!this.#held || this.#settling !== null)
      throw new Failure('CANNOT', 'The mailbox is being changed again: its state is taken while commits are stopped.');
    return this.#departure.state();
  }

  settle(): Promise<'here' | 'moved'> {
    if (!this.#held) return Promise.resolve('here');
    this.#settling ??= this.#settle().finally(() => (this.#settling = null));
    return this.#settling;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearTimeout(this.#silence);
    try {
      await this.settle();
    } catch (error) {
      this.#options.log.warn(
        { err: error, mailbox: this.#mailbox, move: this.#order.move },
        'nobody knows how a move has ended: the mailbox stays shut until the directory can be asked',
      );
      this.#options.sessions.end((session) => session.mailbox === this.#mailbox);
    }
    this.#departure.close();
    this.#ended();
  }

  async #settle(): Promise<'here' | 'moved'> {
    const { directory, sessions, log } = this.#options;
    const stays = await directory.keepMailbox(this.#mailbox, databaseId(this.#order.database));
    if (this.#over !== null) clearTimeout(this.#over);
    this.#over = null;
    this.#held = false;
    if (stays) {
      await this.#departure.resume();
      return 'here';
    }
    await this.#departure.seal();
    const ended = sessions.end((session) => session.mailbox === this.#mailbox);
    log.info({ mailbox: this.#mailbox, move: this.#order.move, sessions: ended }, 'a mailbox has moved away');
    return 'moved';
  }

  /** Asks until it is told: to go on without an answer could lose what is written now. */
  #giveUp(why: string): void {
    const { log } = this.#options;
    log.warn({ mailbox: this.#mailbox, move: this.#order.move }, why);
    const ask = async (): Promise<void> => {
      while (this.#held && this.#closing === null) {
        try {
          await this.settle();
        } catch (error) {
          log.error({ err: error, mailbox: this.#mailbox }, 'the directory cannot say where a mailbox lies');
          await delay(ASK_AGAIN_MS, undefined, { ref: false });
        }
      }
    };
    void ask();
  }

  #listen(): NodeJS.Timeout {
    const timer = setTimeout(() => {
      this.#options.log.warn({ mailbox: this.#mailbox, move: this.#order.move }, 'the mover of a mailbox has gone');
      void this.close();
    }, SILENT_MS);
    timer.unref();
    return timer;
  }
}
