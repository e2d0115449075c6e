/**
 * A mailbox database over any engine: opens mailboxes once and shares them, closes those nobody has used for a while,
 * stages messages. What is kept where is the engine's matter (`Engine`).
 */
import { Failure } from '../../observe/failure.ts';
import { type Log, silentLog } from '../../observe/log.ts';
import type { Mailbox, MailboxDatabase, MessageSink, QuotaOf, StageOptions, VerifyReport } from '../api.ts';
import type { MailboxId } from '../model.ts';
import { foldWhenDue, sweep } from './background.ts';
import { defaultFoldersIntent } from './folder-intents.ts';
import { fold } from './folding.ts';
import { MailboxCore } from './mailbox-core.ts';
import { MailboxHandle } from './mailbox-handle.ts';
import { UNLIMITED } from './quota.ts';
import { type Spool, StagingSink } from './staging.ts';
import type { OpenedMailbox } from './storage.ts';
import { verifyMailbox } from './verify.ts';

/** A mailbox nobody has open is closed after this time. */
const IDLE_CLOSE_MS = 60_000;
/** How often open mailboxes are looked at for background work. */
const SWEEP_MS = 5_000;
/** Mailboxes kept open though nobody has them open. */
const IDLE_MAILBOXES = 64;

/** What both engines can be opened with. */
export interface StoreOptions {
  readonly log?: Log;
  /** Seconds since 1970; the clock when missing. */
  readonly now?: () => number;
  /** No mailbox has a bound when missing. */
  readonly quotaOf?: QuotaOf;
}

export interface Engine {
  /** Closing a mailbox would lose it: it stays open until the database is closed. */
  readonly keepsOpen: boolean;
  /** Null when there is no such mailbox and `create` is false. */
  open(mailbox: MailboxId, create: boolean): Promise<OpenedMailbox | null>;
  mailboxes(): Promise<MailboxId[]>;
  /** @throws Failure NONEXISTENT */
  remove(mailbox: MailboxId): Promise<void>;
  createSpool(): Promise<Spool>;
  close(): Promise<void>;
}

interface Open {
  core: Promise<MailboxCore>;
  handles: number;
  idle: NodeJS.Timeout | null;
  /** Set while it is being closed: who opens it meanwhile waits. */
  closing: Promise<void> | null;
}

export class MailboxStore implements MailboxDatabase {
  readonly #engine: Engine;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #quotaOf: QuotaOf;
  readonly #open = new Map<MailboxId, Open>();
  readonly #sweeps: NodeJS.Timeout;
  #sweeping = false;
  #closed = false;

  constructor(engine: Engine, options: StoreOptions) {
    this.#engine = engine;
    this.#log = options.log ?? silentLog;
    this.#now = options.now ?? (() => Math.floor(Date.now() / 1000));
    this.#quotaOf = options.quotaOf ?? (() => UNLIMITED);
    this.#sweeps = setInterval(() => void this.#sweep(), SWEEP_MS);
    this.#sweeps.unref();
  }

  async open(mailbox: MailboxId): Promise<Mailbox> {
    return this.#hold(mailbox, true);
  }

  stage(options: StageOptions = {}): MessageSink {
    return new StagingSink(options, () => this.#engine.createSpool());
  }

  mailboxes(): Promise<MailboxId[]> {
    return this.#engine.mailboxes();
  }

  async remove(mailbox: MailboxId): Promise<void> {
    const open = this.#open.get(mailbox);
    if (open !== undefined) {
      if (open.handles > 0) throw new Failure('INUSE', 'The mailbox is in use.');
      await this.#closeIdle(mailbox, open);
    }
    await this.#engine.remove(mailbox);
  }

  async verify(mailbox: MailboxId): Promise<VerifyReport> {
    const handle = await this.#hold(mailbox, false);
    try {
      const open = this.#open.get(mailbox);
      if (open === undefined) throw new Error('a held mailbox is not open');
      return await verifyMailbox(await open.core);
    } finally {
      handle.close();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#sweeps);
    for (const [mailbox, open] of this.#open) await this.#closeIdle(mailbox, open);
    await this.#engine.close();
  }

  async #hold(mailbox: MailboxId, create: boolean): Promise<MailboxHandle> {
    for (;;) {
      if (this.#closed) throw new Failure('UNAVAILABLE', 'The mailbox database is being shut down.');
      let open = this.#open.get(mailbox);
      if (open?.closing) {
        await open.closing;
        continue;
      }
      if (open === undefined) {
        open = { core: this.#load(mailbox, create), handles: 0, idle: null, closing: null };
        this.#open.set(mailbox, open);
      }
      const held = open;
      held.handles += 1;
      if (held.idle !== null) clearTimeout(held.idle);
      held.idle = null;
      try {
        const core = await held.core;
        return new MailboxHandle(core, () => this.#release(mailbox, held));
      } catch (reason) {
        if (this.#open.get(mailbox) === held) this.#open.delete(mailbox);
        throw reason;
      }
    }
  }

  async #load(mailbox: MailboxId, create: boolean): Promise<MailboxCore> {
    const opened = await this.#engine.open(mailbox, create);
    if (opened === null) throw new Failure('NONEXISTENT', 'There is no such mailbox.');
    const core = new MailboxCore(mailbox, opened, this.#log, this.#now, () => this.#quotaOf(mailbox), foldWhenDue);
    try {
      await core.recover(opened);
      if (core.state.byUse('inbox') === null) await core.queue.submit(defaultFoldersIntent());
      return core;
    } catch (reason) {
      await opened.storage.close();
      throw reason;
    }
  }

  /** One mailbox after the other: a thousand idle ones must not all fold at once. */
  async #sweep(): Promise<void> {
    if (this.#sweeping) return;
    this.#sweeping = true;
    try {
      const mailboxes = [...this.#open];
      for (const [mailbox, open] of mailboxes) {
        if (this.#closed || open.closing !== null) continue;
        try {
          await sweep(await open.core);
        } catch (reason) {
          this.#log.error({ err: reason, mailbox }, 'background work on a mailbox failed');
        }
      }
    } finally {
      this.#sweeping = false;
    }
  }

  #release(mailbox: MailboxId, open: Open): void {
    open.handles -= 1;
    if (open.handles > 0 || this.#engine.keepsOpen) return;
    open.idle = setTimeout(() => this.#closeQuietly(mailbox, open), IDLE_CLOSE_MS);
    open.idle.unref();
    let idle = 0;
    for (const other of this.#open.values()) if (other.handles === 0 && other.closing === null) idle += 1;
    if (idle <= IDLE_MAILBOXES) return;
    // The map keeps the order of opening: the first idle one has been there longest.
    for (const [id, other] of this.#open) {
      if (other.handles > 0 || other.closing !== null) continue;
      this.#closeQuietly(id, other);
      break;
    }
  }

  #closeQuietly(mailbox: MailboxId, open: Open): void {
    this.#closeIdle(mailbox, open).catch((reason: unknown) => {
      this.#log.error({ err: reason, mailbox }, 'closing an idle mailbox failed');
    });
  }

  #closeIdle(mailbox: MailboxId, open: Open): Promise<void> {
    if (open.idle !== null) clearTimeout(open.idle);
    open.idle = null;
    open.closing ??= this.#shut(mailbox, open);
    return open.closing;
  }

  async #shut(mailbox: MailboxId, open: Open): Promise<void> {
    try {
      const core = await open.core;
      await core.settled();
      core.forgetSearches();
      await fold(core, 'closing');
      await core.storage.close();
    } finally {
      this.#open.delete(mailbox);
    }
  }
}
