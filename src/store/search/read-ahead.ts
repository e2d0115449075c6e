/**
 * Asks a source for its next batch before the last one is worked on, so that reading (in the thread pool) and
 * scanning (here) overlap. Holds at most two batches.
 */
export async function* readAhead<T>(source: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
  const iterator = source[Symbol.asyncIterator]();
  let next = iterator.next();
  try {
    for (;;) {
      const batch = await next;
      if (batch.done === true) return;
      next = iterator.next();
      /* A failure is thrown where it is awaited; without this, leaving early would make it an unhandled rejection. */
      next.catch(() => undefined);
      yield batch.value;
    }
  } finally {
    await iterator.return?.();
  }
}
