/**
 * One move, carried out by a back end that serves the target (ADR 11). What is where, and what a crash leaves:
 *
 *   step                          source            target      directory          a crash here
 *   1 passes                      open              receiving   here               goes on with what has come
 *   2 openCutOver                 open              receiving   here, cut-over n   as 1; n is worthless by then
 *   3 hold: commits stop          leaving           receiving   here, cut-over n   source asks: keeps the mailbox, n is void
 *   4 rest, state, comparison     leaving           received    here, cut-over n   as 3
 *   5 completeMove(n)             leaving           received    there              source asks: moved; target opens it
 *   6 target opens, source settles moved            open        there              done, the record says Completed
 *
 * 5 is one transaction that needs n; the source takes n away in another one before it goes on. An error up to 5 makes
 * the source ask, too: it keeps the mailbox, or learns that 5 was done though nobody heard of it.
 */
import type { MoveProgress, MoveRequest, MoveRequests, MoveStatus } from '../../directory/move-request.ts';
import { Failure } from '../../observe/failure.ts';
import type { Log } from '../../observe/log.ts';
import type { MailboxDatabase } from '../../store/api.ts';
import type { Arrival } from '../../store/moving.ts';
import type { MoveSource } from './move-source.ts';

/** What is left to copy when commits stop: tenths of a second. */
const REST_CONTENTS = 64;
const REST_BYTES = 4 * 1024 * 1024;
/** Passes over a mailbox in which more comes in than can be copied; then commits stop all the same. */
const PASSES = 12;
/** Cut-overs of one run that may fail by time. */
const CUT_OVERS = 5;

export interface MoverOptions {
  readonly directory: Pick<MoveRequests, 'openCutOver' | 'completeMove' | 'placeOfMailbox'>;
  /** The target database. */
  readonly target: MailboxDatabase;
  /** Reaches the source; closed by the mover. */
  openSource(): Promise<MoveSource>;
  /** Tells the directory now and then. */
  report(progress: Partial<MoveProgress>): void;
  /** At once. @throws Failure when the move is this server's no longer */
  enter(status: Exclude<MoveStatus, 'Suspended'>): Promise<void>;
  readonly log: Log;
  /** The request was suspended or removed, the claim is lost, the server stops. */
  readonly signal: AbortSignal;
  /** For tests: called before each step, and may throw. */
  readonly step?: (step: MoveStep) => void | Promise<void>;
}

export type MoveStep =
  | 'source'
  | 'receive'
  | 'keys'
  | 'pass'
  | 'ready'
  | 'cut-over'
  | 'hold'
  | 'rest'
  | 'adopt'
  | 'complete'
  | 'open'
  | 'settle';

/** `ready`: all is copied, and it waits for Resume-MoveRequest. @throws Failure; the source is whole, or the move is done */
export async function moveMailbox(request: MoveRequest, options: MoverOptions): Promise<'completed' | 'ready'> {
  const { directory, target, signal, step } = options;
  if ((await directory.placeOfMailbox(request.mailbox)) === request.target) {
    // A crash came between the switch and its end: opening brings the target to its end, the source finds out by itself.
    (await target.open(request.mailbox)).close();
    await options.enter('Completed');
    return 'completed';
  }
  await step?.('source');
  const source = await options.openSource();
  try {
    await step?.('receive');
    let arrival = await target.receive(request.mailbox, request.id);
    try {
      await step?.('keys');
      await arrival.takeThreadKeys(source.threadKeys(signal));
      await copyMost(source, arrival, options);
      await step?.('ready');
      if (request.suspendWhenReadyToComplete) return 'ready';
      for (let attempt = 1; ; attempt += 1) {
        const outcome = await cutOver(request, source, arrival, options);
        if (outcome === 'completed') return 'completed';
        if (attempt === CUT_OVERS) throw outcome;
        options.log.warn({ err: outcome, mailbox: request.mailbox, attempt }, 'a cut-over is tried again');
        await options.enter('InProgress');
        await arrival.close();
        arrival = await target.receive(request.mailbox, request.id);
        await copyMost(source, arrival, options);
      }
    } finally {
      await arrival.close();
    }
  } finally {
    await source.close();
  }
}

/** Passes until little is left. */
async function copyMost(source: MoveSource, arrival: Arrival, options: MoverOptions): Promise<void> {
  const { signal, step } = options;
  let done = arrival.have().length;
  let bytesDone = 0;
  for (let pass = 1; pass <= PASSES; pass += 1) {
    signal.throwIfAborted();
    await step?.('pass');
    let rest = { contents: 0, bytes: 0 };
    await arrival.take(source.contents(arrival.have(), signal), {
      expected: (contents, bytes) => {
        rest = { contents, bytes };
        options.report({
          contents: done + contents,
          contentsDone: done,
          bytes: bytesDone + bytes,
          bytesDone,
          passes: pass,
        });
      },
      written: (contents, bytes) => {
        signal.throwIfAborted();
        done += contents;
        bytesDone += bytes;
        options.report({ contentsDone: done, bytesDone });
      },
    });
    if (rest.contents <= REST_CONTENTS && rest.bytes <= REST_BYTES) break;
  }
  await arrival.settle();
}

/** Returns what went wrong when the mailbox stays at the source and another try may go better. */
async function cutOver(
  request: MoveRequest,
  source: MoveSource,
  arrival: Arrival,
  options: MoverOptions,
): Promise<'completed' | Failure> {
  const { directory, signal, step } = options;
  signal.throwIfAborted();
  await step?.('cut-over');
  const token = await directory.openCutOver(request);
  await step?.('hold');
  const began = performance.now();
  try {
    await source.hold();
    await step?.('rest');
    await arrival.take(source.contents(arrival.have(), signal));
    await step?.('adopt');
    await arrival.adopt(source.state(signal));
    await step?.('complete');
    await directory.completeMove(request, token, { lockedMs: Math.round(performance.now() - began) });
  } catch (error) {
    // Only the source may say how it ended: its answer to "here" has made the token worthless.
    if ((await source.settle()) === 'here') {
      if (error instanceof Failure && error.code === 'CANNOT') return error;
      throw error;
    }
  }
  await step?.('open');
  await arrival.open();
  await step?.('settle');
  await source.settle();
  options.report({ lockedMs: Math.round(performance.now() - began) });
  return 'completed';
}
