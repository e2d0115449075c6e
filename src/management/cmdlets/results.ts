/** What a plan leaves behind when it is applied: mostly nothing, sometimes the object it made. */
import type { CmdletObject } from '../cmdlet.ts';

/** Runs `work` when the door asks for the results, and hands on what it returns. */
export async function* applying(work: () => Promise<readonly CmdletObject[] | void>): AsyncIterable<CmdletObject> {
  yield* (await work()) ?? [];
}
