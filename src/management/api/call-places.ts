/** How many cmdlets run at a time for the web, of all callers and of one: shared by the admin API and the web console. */
import { Failure } from '../../observe/failure.ts';
import { ADMIN_CALLS_AT_ONCE, ADMIN_CALLS_OF_ONE } from '../../wire/limits.ts';

/** Too many calls are being worked on; a client may come again. */
export class NoPlace extends Failure {}

export class CallPlaces {
  #taken = 0;
  readonly #byCaller = new Map<string, number>();

  /** @throws NoPlace LIMIT (too many of his own), UNAVAILABLE (too many of all) */
  async within<T>(caller: string, work: () => Promise<T>): Promise<T> {
    const own = this.#byCaller.get(caller) ?? 0;
    if (own >= ADMIN_CALLS_OF_ONE)
      throw new NoPlace('LIMIT', `${ADMIN_CALLS_OF_ONE} calls of yours are being worked on; wait for one`);
    if (this.#taken >= ADMIN_CALLS_AT_ONCE)
      throw new NoPlace('UNAVAILABLE', `${ADMIN_CALLS_AT_ONCE} calls are being worked on; come again`);
    this.#taken += 1;
    this.#byCaller.set(caller, own + 1);
    try {
      return await work();
    } finally {
      this.#taken -= 1;
      const rest = (this.#byCaller.get(caller) ?? 1) - 1;
      if (rest > 0) this.#byCaller.set(caller, rest);
      else this.#byCaller.delete(caller);
    }
  }
}
