/**
 * A mailbox database over any engine: opens mailboxes once and shares them, closes those nobody has used for a while,
 * stages messages. What is kept where is the engine's matter (`Engine`).
 */
import { Failure } from '../../observe/failure.ts';
import { type Log, silentLog } from '../../observe/log.ts';
import type {
  Mailbox,
  MailboxDatabase,
  MailboxQuota,
  MessageSink,
  QuotaOf,
  StageOptions,
  VerifyReport,
} from '../api.ts';
import type { MailboxId } from '../model.ts';
import { type Arrival, type Departure, MovedAway, type Residence, type Standing } from '../moving.ts';
import { admit, Arriving } from './admission.ts';
import { MailboxArrival } from './arrival.ts';
import { foldWhenDue, sweep } from './background.ts';
import type { Engine, EngineHost } from './engine.ts';
import { MailboxDeparture } from './departure.ts';
import { defaultFoldersIntent } from './folder-intents.ts';
import { fold } from './folding.ts';
import { MailboxCore } from './mailbox-core.ts';
import { MailboxHandle } from './mailbox-handle.ts';
import { UNLIMITED } from './quota.ts';
import { StagingSink } from './staging.ts';
import type { OpenedMailbox } from './storage.ts';
import { verifyMailbox } from './verify.ts';

/** A mailbox nobody has open is closed after this time. */
const IDLE_CLOSE_MS = 60_000;
/** How often open mailboxes are looked at for background work. */
const SWEEP_MS = 5_000;
/** Mailboxes closed at a time when the database is closed. */
const CLOSED_AT_ONCE = 8;
/** Mailboxes kept open though nobody has them open. */
const IDLE_MAILBOXES = 64;

/** What both engines can be opened with. */
export interface StoreOptions {
  readonly log?: Log;
  /** Seconds since 1970; the clock when missing. */
  readonly now?: () => number;
  /** No mailbox has a bound when missing. */
  readonly quotaOf?: QuotaOf;
  /** Asked before a mailbox is made, and of one that a move has left half done. Missing: all are here, such ones stay shut. */
  readonly residence?: Residence;
  /** A mailbox was lost while it was open (StorageLost): its handles refuse every change; who opens it anew goes on. */
  readonly lost?: (mailbox: MailboxId, reason: Failure) => void;
}

interface Open {
  core: Promise<MailboxCore>;
  handles: number;
  idle: NodeJS.Timeout | null;
  /** Set while it is being closed: who opens it meanwhile waits. */
  closing: Promise<void> | null;
  /** It was moved away, or nobody knows: whoever has it open finishes reading, nobody else opens it. */
  sealed: boolean;
}

export class MailboxStore implements MailboxDatabase, EngineHost {
  readonly #engine: Engine;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #quotaOf: QuotaOf;
  readonly #residence: Residence | null;
  readonly #lost: (mailbox: MailboxId, reason: Failure) => void;
  readonly #open = new Map<MailboxId, Open>();
  /** Mailboxes that are being moved here. */
  readonly #arriving = new Map<MailboxId, Arriving>();
  readonly #sweeps: NodeJS.Timeout;
  #sweeping = false;
  #closed = false;

  constructor(engine: Engine, options: StoreOptions) {
    this.#engine = engine;
    this.#log = options.log ?? silentLog;
    this.#now = options.now ?? (() => Math.floor(Date.now() / 1000));
    this.#quotaOf = options.quotaOf ?? (() => UNLIMITED);
    this.#residence = options.residence ?? null;
    this.#lost = options.lost ?? (() => {});
    engine.attach(this);
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

  standing(mailbox: MailboxId): Promise<Standing | null> {
    return this.#engine.standing(mailbox);
  }

  async depart(mailbox: MailboxId): Promise<Departure> {
    const handle = await this.#hold(mailbox, false);
    try {
      const open = this.#open.get(mailbox);
      if (open === undefined) throw new Error('a held mailbox is not open');
      const core = await open.core;
      if (core.departing) throw new Failure('INUSE', 'The mailbox is being moved already.');
      const letGo = await core.holdAll();
      core.departing = true;
      return new MailboxDeparture(core, {
        setStanding: (standing) => this.#engine.setStanding(mailbox, standing),
        sealed: () => (open.sealed = true),
        closed: () => {
          core.departing = false;
          letGo();
          handle.close();
        },
      });
    } catch (reason) {
      handle.close();
      throw reason;
    }
  }

  async receive(mailbox: MailboxId, move: string): Promise<Arrival> {
    if (this.#closed) throw new Failure('UNAVAILABLE', 'The mailbox database is being shut down.');
    if (this.#arriving.has(mailbox)) throw new Failure('INUSE', 'The mailbox is being moved here already.');
    const arriving = new Arriving();
    this.#arriving.set(mailbox, arriving);
    const end = (): void => {
      this.#arriving.delete(mailbox);
      arriving.end();
    };
    try {
      const open = this.#open.get(mailbox);
      if (open !== undefined && open.handles > 0) throw new Failure('INUSE', 'The mailbox is in use here.');
      if (open !== undefined && !open.sealed) throw alreadyThere();
      if (open !== undefined) await this.#closeIdle(mailbox, open);
      const core = await this.#loadArriving(mailbox, move);
      return await MailboxArrival.of(move, core, {
        stage: () => this.stage(),
        setStanding: async (standing) => {
          await this.#engine.setStanding(mailbox, standing);
          arriving.isReceived = standing?.kind === 'received';
        },
        reopen: async (former) => {
          if (this.#engine.keepsOpen) return former;
          await this.#shutCore(former);
          return this.#reload(mailbox);
        },
        opened: (whole) => {
          const entry: Open = { core: Promise.resolve(whole), handles: 1, idle: null, closing: null, sealed: false };
          this.#open.set(mailbox, entry);
          this.#release(mailbox, entry);
          end();
        },
        closed: async (former) => {
          await this.#shutCore(former).finally(end);
        },
        abandoned: async (former) => {
          await former.settled();
          await former.storage.close();
          await this.#engine.remove(mailbox).finally(end);
        },
      });
    } catch (reason) {
      end();
      throw reason;
    }
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
    try {
      await this.#closeAll();
    } finally {
      await this.#engine.close();
    }
  }

  async letGo(mailbox: MailboxId): Promise<boolean> {
    const open = this.#open.get(mailbox);
    if (open === undefined) return true;
    if (open.handles > 0 && open.closing === null) return false;
    await this.#closeIdle(mailbox, open);
    return true;
  }

  lose(mailbox: MailboxId, reason: Failure): void {
    const open = this.#open.get(mailbox);
    if (open === undefined || open.closing !== null) return;
    open.core.then(
      (core) => core.queue.break(reason),
      () => {},
    );
  }

  /** Memory is no longer the truth: whoever has the mailbox open is refused, the next one to come opens it anew. */
  #abandon(core: MailboxCore, reason: Failure): void {
    const mailbox = core.id;
    const open = this.#open.get(mailbox);
    if (open === undefined || open.closing !== null) return;
    this.#log.error({ err: reason, mailbox }, 'a mailbox was lost and has to be opened anew');
    if (open.idle !== null) clearTimeout(open.idle);
    open.idle = null;
    open.closing = this.#end(core, mailbox, open);
    open.closing.catch((failure: unknown) => {
      this.#log.error({ err: failure, mailbox }, 'closing a lost mailbox failed');
    });
    this.#lost(mailbox, reason);
  }

  async #end(core: MailboxCore, mailbox: MailboxId, open: Open): Promise<void> {
    try {
      await core.settled();
      core.forgetSearches();
      await core.storage.close();
    } finally {
      if (this.#open.get(mailbox) === open) this.#open.delete(mailbox);
    }
  }

  async #closeAll(): Promise<void> {
    const queue = [...this.#open];
    const reason = new Failure('UNAVAILABLE', 'The mailbox database is being closed.');
    for (const [mailbox, { handles }] of queue) if (handles > 0) this.#lost(mailbox, reason);
    const next = async (): Promise<void> => {
      for (let one = queue.shift(); one !== undefined; one = queue.shift()) await this.#closeIdle(...one);
    };
    const ended = await Promise.allSettled(Array.from({ length: CLOSED_AT_ONCE }, next));
    for (const one of ended) if (one.status === 'rejected') throw one.reason;
  }

  async #hold(mailbox: MailboxId, create: boolean): Promise<MailboxHandle> {
    for (;;) {
      if (this.#closed) throw new Failure('UNAVAILABLE', 'The mailbox database is being shut down.');
      const arriving = this.#arriving.get(mailbox);
      if (arriving !== undefined) {
        if (await arriving.endsSoon()) continue;
        throw new Failure('UNAVAILABLE', 'The mailbox is being moved here; try again in a moment.');
      }
      let open = this.#open.get(mailbox);
      if (open?.closing) {
        await open.closing;
        continue;
      }
      if (open?.sealed === true) throw new MovedAway();
      if (open === undefined) {
        open = { core: this.#load(mailbox, create), handles: 0, idle: null, closing: null, sealed: false };
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
    await admit(this.#engine, this.#residence, mailbox);
    const opened = (await this.#engine.open(mailbox, false)) ?? (await this.#create(mailbox, create));
    return this.#coreOf(mailbox, opened, true);
  }

  async #coreOf(mailbox: MailboxId, opened: OpenedMailbox, withDefaultFolders: boolean): Promise<MailboxCore> {
    const quota = (): MailboxQuota => this.#quotaOf(mailbox);
    const broke = (broken: MailboxCore, reason: Failure): void => this.#abandon(broken, reason);
    const core = new MailboxCore(mailbox, opened, this.#log, this.#now, quota, foldWhenDue, broke);
    try {
      await core.recover(opened);
      if (withDefaultFolders && core.state.byUse('inbox') === null) await core.queue.submit(defaultFoldersIntent());
      return core;
    } catch (reason) {
      await opened.storage.close();
      throw reason;
    }
  }

  async #reload(mailbox: MailboxId): Promise<MailboxCore> {
    const opened = await this.#engine.open(mailbox, false);
    if (opened === null) throw new Error('a mailbox that was received is not there');
    return this.#coreOf(mailbox, opened, false);
  }

  /** What an interrupted arrival of this move has left goes on; an old copy gives way. @throws Failure ALREADYEXISTS, INUSE */
  async #loadArriving(mailbox: MailboxId, move: string): Promise<MailboxCore> {
    const standing = await this.#engine.standing(mailbox);
    if (standing?.kind === 'leaving') throw new Failure('INUSE', 'The mailbox is being moved away from here.');
    if (standing === null) {
      const there = await this.#engine.open(mailbox, false);
      if (there !== null) {
        const isEmpty = there.stored.counters === null && [...there.replay()].length === 0;
        await there.storage.close();
        if (!isEmpty) throw alreadyThere();
      }
    } else if (standing.kind === 'moved' || standing.move !== move) await this.#engine.remove(mailbox);
    await this.#engine.setStanding(mailbox, { kind: 'receiving', move, at: Date.now() });
    return this.#reload(mailbox);
  }

  async #shutCore(core: MailboxCore): Promise<void> {
    await core.settled();
    core.forgetSearches();
    await core.storage.close();
  }

  /** A mailbox that lies elsewhere must not come to life here, empty, because somebody knows its place of yesterday. */
  async #create(mailbox: MailboxId, create: boolean): Promise<OpenedMailbox> {
    if (!create) throw new Failure('NONEXISTENT', 'There is no such mailbox.');
    if (this.#residence !== null && !(await this.#residence.isHere(mailbox))) throw new MovedAway();
    const opened = await this.#engine.open(mailbox, true);
    if (opened === null) throw new Error('a mailbox that was to be made is not there');
    return opened;
  }

  /** One mailbox after the other: a thousand idle ones must not all fold at once. */
  async #sweep(): Promise<void> {
    if (this.#sweeping) return;
    this.#sweeping = true;
    try {
      const mailboxes = [...this.#open];
      for (const [mailbox, open] of mailboxes) {
        if (this.#closed || open.closing !== null || open.sealed) continue;
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
    if (open.sealed) return this.#closeQuietly(mailbox, open);
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
      try {
        if (!open.sealed) await fold(core, 'closing');
      } finally {
        await core.storage.close();
      }
    } finally {
      if (this.#open.get(mailbox) === open) this.#open.delete(mailbox);
    }
  }
}

function alreadyThere(): Failure {
  return new Failure('ALREADYEXISTS', 'The target database holds a mailbox of this id already.');
}
