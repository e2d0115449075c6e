/**
 * Runs a stream of objects under watch: it ends when the client has gone away, when the client wants no more, and when
 * nothing has been heard from it for too long. Time in which the client reads slowly does not count against it.
 */
import { Failure } from '../observe/failure.ts';

export interface Supervision {
  /** For messages. */
  readonly name: string;
  /** The client; null: cannot go away. */
  readonly signal: AbortSignal | null;
  readonly silenceMs: number;
  /** What a stream throws that was given up already: nobody else would hear of it. */
  onLateError(error: unknown): void;
}

/**
 * `start` gets the signal that the stream has to obey, and `alive`, to be called on every sign of life.
 * @throws Failure UNAVAILABLE after silence; the client's abort reason
 */
export async function* supervised<T>(
  start: (signal: AbortSignal, alive: () => void) => AsyncIterable<T>,
  watch: Supervision,
): AsyncGenerator<T> {
  const own = new AbortController();
  const signal = watch.signal === null ? own.signal : AbortSignal.any([own.signal, watch.signal]);
  signal.throwIfAborted();
  /** False while the client reads, and when all is over. */
  let isWaiting = true;
  const timer = setTimeout(() => {
    if (!isWaiting) return;
    const seconds = Math.round(watch.silenceMs / 1000);
    own.abort(new Failure('UNAVAILABLE', `${watch.name} gave no sign of life for ${seconds} seconds and was ended`));
  }, watch.silenceMs);
  timer.unref();
  const source = start(signal, () => {
    if (isWaiting) timer.refresh();
  });
  const iterator = source[Symbol.asyncIterator]();
  let pending: Promise<IteratorResult<T, unknown>> | null = null;
  try {
    for (;;) {
      isWaiting = true;
      timer.refresh();
      pending = iterator.next();
      const step = await unlessAborted(pending, signal);
      pending = null;
      if (step.done === true) return;
      isWaiting = false;
      yield step.value;
    }
  } finally {
    isWaiting = false;
    clearTimeout(timer);
    own.abort(new Failure('UNAVAILABLE', 'nobody wants more of it'));
    // A generator finishes a step it is in before it hears `return`: that may be long, so nobody waits for it here.
    const end = iterator.return?.();
    if (pending === null) await end;
    else Promise.all([pending, end]).catch((error: unknown) => watch.onLateError(error));
  }
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const stop = (): void => reject(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)));
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  return promise;
}
