/**
 * Works on the move requests whose target database is open here: claims one, moves, tells the directory how far it is,
 * tries again later when something was away. A claim ends by itself when its server falls silent, and then another
 * back end that serves the database, or this one after a restart, goes on with what has come.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Directory } from '../../directory/api.ts';
import { ACTIVE_MOVES, type MoveClaim, type MoveProgress, type MoveRequest } from '../../directory/move-request.ts';
import type { DatabaseId, ServerId } from '../../directory/model.ts';
import { Failure, type FailureCode } from '../../observe/failure.ts';
import type { Log } from '../../observe/log.ts';
import type { MailboxDatabase } from '../../store/api.ts';
import { mailboxId } from '../../store/model.ts';
import type { MoveSource } from './move-source.ts';
import { moveMailbox, type MoveStep } from './mover.ts';

/** Moves at a time: each reads and writes as fast as the disks allow. */
export const MOVES_AT_ONCE = 2;
/** A claim lasts so long, and is renewed, with the progress, so often. */
const CLAIM_MS = 30_000;
const HEARTBEAT_MS = 2_000;
/** When nothing is announced: claims that ran out, tries that are due. */
const LOOK_MS = 5_000;
/** From the first failure to the next try; doubled each time. */
const RETRY_MS = 1_000;
const RETRY_MOST_MS = 300_000;
/** Then the move is given up until somebody resumes it. */
export const FAILURES = 20;
/** Trying again changes nothing. */
const LASTING: readonly FailureCode[] = ['CORRUPTION', 'ALREADYEXISTS', 'NONEXISTENT'];

export interface MoveScheduleOptions {
  readonly directory: Directory;
  readonly server: ServerId;
  /** Those open here. */
  readonly databases: () => ReadonlyMap<DatabaseId, MailboxDatabase>;
  /** Reaches the back end that serves the source. @throws Failure */
  openSource(request: MoveRequest): Promise<MoveSource>;
  readonly log: Log;
  /** For tests. */
  readonly step?: (request: MoveRequest, step: MoveStep) => void | Promise<void>;
  readonly retryMs?: number;
}

interface Running {
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

export class MoveSchedule {
  readonly #options: MoveScheduleOptions;
  readonly #running = new Map<string, Running>();
  /** As of the last look: what somebody has removed since leaves something behind. */
  #known: readonly MoveRequest[] = [];
  readonly #stop = new AbortController();
  #wake: AbortController | null = null;
  #looking: Promise<void> = Promise.resolve();
  #unwatch: () => void = () => {};

  constructor(options: MoveScheduleOptions) {
    this.#options = options;
  }

  start(): void {
    this.#unwatch = this.#options.directory.watch((change) => {
      if (change.kind === 'move-request') this.#wake?.abort();
    });
    this.#looking = this.#rounds();
  }

  /** Moves stop where they are; they go on when a server comes back. */
  async stop(): Promise<void> {
    this.#unwatch();
    this.#stop.abort();
    this.#wake?.abort();
    await this.#looking;
    for (const { stop } of this.#running.values()) stop.abort(new Failure('UNAVAILABLE', 'The server is going down.'));
    for (const { done } of this.#running.values()) await done;
  }

  async #rounds(): Promise<void> {
    let first = true;
    while (!this.#stop.signal.aborted) {
      const wake = new AbortController();
      this.#wake = wake;
      try {
        const requests = await this.#options.directory.moveRequests();
        if (first) await this.#removeAbandoned(requests);
        first = false;
        await this.#forgetRemoved(requests);
        await this.#look(requests);
      } catch (error) {
        this.#options.log.error({ err: error }, 'the move requests could not be read');
      }
      await delay(LOOK_MS, undefined, { signal: wake.signal, ref: false }).catch(() => {});
    }
  }

  async #look(requests: readonly MoveRequest[]): Promise<void> {
    const { directory, databases, server } = this.#options;
    for (const [id, { stop }] of this.#running) {
      const request = requests.find((one) => one.id === id);
      if (request === undefined) stop.abort(new Failure('NONEXISTENT', 'The move request was removed.'));
      else if (request.status === 'Suspended') stop.abort(new Failure('CANNOT', 'The move request was suspended.'));
    }
    for (const request of requests) {
      if (this.#running.size >= MOVES_AT_ONCE || this.#stop.signal.aborted) return;
      const target = databases().get(request.target);
      if (target === undefined || this.#running.has(request.id)) continue;
      if (!ACTIVE_MOVES.includes(request.status) || request.progress.retryAt > Date.now()) continue;
      const claimed = await directory.claimMove(request.id, server, Date.now() + CLAIM_MS);
      if (claimed === null) continue;
      const stop = new AbortController();
      const done = this.#work(claimed, target, stop).finally(() => {
        this.#running.delete(request.id);
        this.#wake?.abort();
      });
      this.#running.set(request.id, { stop, done });
    }
  }

  async #work(request: MoveRequest, target: MailboxDatabase, stop: AbortController): Promise<void> {
    const { directory, log, step } = this.#options;
    const report = new Reporter(directory, request, (error) => stop.abort(error));
    const facts = { move: request.id, mailbox: request.mailbox };
    try {
      await report.enter('InProgress', { startedAt: request.progress.startedAt || Date.now(), retryAt: 0 });
      log.info(facts, 'a mailbox is being moved here');
      const outcome = await moveMailbox(request, {
        directory,
        target,
        openSource: () => this.#options.openSource(request),
        report: (progress) => report.note(progress),
        enter: (status) => report.enter(status, {}),
        log,
        signal: stop.signal,
        ...(step === undefined ? {} : { step: (one: MoveStep) => step(request, one) }),
      });
      report.end();
      if (outcome === 'ready') await report.enter('AutoSuspended', { message: '' });
      log.info({ ...facts, outcome }, 'a mailbox was moved');
    } catch (error) {
      report.end();
      await this.#failed(request, target, report, stop.signal.aborted ? stop.signal.reason : error);
    } finally {
      await directory.releaseMove(request).catch((error: unknown) => {
        log.warn({ ...facts, err: error }, 'a claimed move could not be released; its claim ends by itself');
      });
    }
  }

  async #failed(request: MoveRequest, target: MailboxDatabase, report: Reporter, error: unknown): Promise<void> {
    const { directory, log } = this.#options;
    const facts = { move: request.id, mailbox: request.mailbox, err: error };
    try {
      const now = (await directory.moveRequests()).find((one) => one.id === request.id);
      if (now === undefined) {
        log.info(facts, 'a move was called off');
        await this.#abandon(request, target);
        return;
      }
      // Stopped by somebody, or done: what went wrong on the way is no news.
      if (this.#stop.signal.aborted || !ACTIVE_MOVES.includes(now.status)) return;
      const failures = now.progress.failures + 1;
      const isLasting = error instanceof Failure && LASTING.includes(error.code);
      const message = error instanceof Error ? error.message : String(error);
      log.error({ ...facts, failures }, 'a move has failed');
      if (isLasting || failures >= FAILURES) {
        await report.enter('Failed', { failures, message });
        return;
      }
      const wait = Math.min(RETRY_MOST_MS, (this.#options.retryMs ?? RETRY_MS) * 2 ** (failures - 1));
      await report.enter('InProgress', { failures, message, retryAt: Date.now() + wait });
    } catch (second) {
      log.warn({ ...facts, second }, 'how a move has failed could not be noted; it is tried again when its claim ends');
    }
  }

  /** What a move has left that nobody asks for any more. */
  async #abandon(request: Pick<MoveRequest, 'id' | 'mailbox' | 'target'>, target: MailboxDatabase): Promise<void> {
    const standing = await target.standing(request.mailbox);
    if (standing?.move !== request.id || (standing.kind !== 'receiving' && standing.kind !== 'received')) return;
    // It may have been completed and removed at once: then this is where the mail is.
    if ((await this.#options.directory.placeOfMailbox(request.mailbox)) === request.target) return;
    await target.remove(request.mailbox);
  }

  /** Those that nobody was working on; who works on one finds out by himself. */
  async #forgetRemoved(requests: readonly MoveRequest[]): Promise<void> {
    const removed = this.#known.filter(({ id }) => !this.#running.has(id) && !requests.some((one) => one.id === id));
    this.#known = requests;
    for (const request of removed) {
      const target = this.#options.databases().get(request.target);
      if (target !== undefined) await this.#abandon(request, target);
    }
  }

  /** Requests removed while this server was down. */
  async #removeAbandoned(requests: readonly MoveRequest[]): Promise<void> {
    const known = new Set(requests.map(({ id }) => id));
    for (const [target, database] of this.#options.databases()) {
      for (const id of await database.mailboxes()) {
        const standing = await database.standing(id);
        if (standing === null || known.has(standing.move)) continue;
        await this.#abandon({ id: standing.move, mailbox: mailboxId(id), target }, database);
      }
    }
  }
}

/** Tells the directory what was noted since it was last told, and keeps the claim meanwhile. */
class Reporter {
  readonly #directory: Directory;
  readonly #claim: MoveClaim;
  readonly #lost: (reason: unknown) => void;
  readonly #beat: NodeJS.Timeout;
  #noted: Partial<MoveProgress> = {};
  #telling: Promise<void> = Promise.resolve();

  constructor(directory: Directory, claim: MoveClaim, lost: (reason: unknown) => void) {
    this.#directory = directory;
    this.#claim = claim;
    this.#lost = lost;
    this.#beat = setInterval(() => {
      this.#telling = this.#telling.then(() => this.#tell({})).catch((reason: unknown) => this.#judge(reason));
    }, HEARTBEAT_MS);
    this.#beat.unref();
  }

  note(progress: Partial<MoveProgress>): void {
    this.#noted = { ...this.#noted, ...progress };
  }

  async enter(status: Exclude<MoveRequest['status'], 'Suspended'>, progress: Partial<MoveProgress>): Promise<void> {
    await this.#telling;
    this.note(progress);
    await this.#tell({ status });
  }

  end(): void {
    clearInterval(this.#beat);
  }

  async #tell(change: { readonly status?: Exclude<MoveRequest['status'], 'Suspended'> }): Promise<void> {
    const progress = this.#noted;
    this.#noted = {};
    await this.#directory.reportMove(this.#claim, { untilMs: Date.now() + CLAIM_MS, progress, ...change });
  }

  /** The directory being away for a moment ends no move; losing it does. */
  #judge(reason: unknown): void {
    if (reason instanceof Failure && reason.code === 'UNAVAILABLE') return;
    this.#lost(reason);
  }
}
