/**
 * Keeps a message as a draft while it is written: some seconds behind the last change, one save at a time, each in place
 * of the one before. When the server cannot be reached the text stays here and it is tried again. Knows neither JMAP
 * nor React.
 */
import { ConnectionLost } from '../jmap/errors.ts';

export interface StoredDraft {
  readonly accountId: string;
  readonly emailId: string;
}

export type SaveState =
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'waiting' | 'saving' }
  | { readonly kind: 'saved'; readonly at: number }
  /** `isRetried`: by itself, as soon as the server is there again. */
  | { readonly kind: 'failed'; readonly error: unknown; readonly isRetried: boolean };

/** Behind the last change, and at most behind the first one. */
const QUIET_MS = 2_000;
const LONGEST_MS = 15_000;
const RETRY_MS: readonly number[] = [2_000, 5_000, 10_000, 20_000];

export class DraftSaver {
  readonly #store: (earlier: StoredDraft | null) => Promise<StoredDraft>;
  readonly #told: (state: SaveState) => void;
  #stored: StoredDraft | null;
  #state: SaveState = { kind: 'unchanged' };
  #timer: ReturnType<typeof setTimeout> | undefined;
  #firstChange = 0;
  #isChanged = false;
  #running: Promise<boolean> | null = null;
  #failures = 0;
  #closed = false;

  /** @param store the message as it is now, in place of the earlier draft */
  constructor(
    stored: StoredDraft | null,
    store: (earlier: StoredDraft | null) => Promise<StoredDraft>,
    told: (state: SaveState) => void,
  ) {
    this.#stored = stored;
    this.#store = store;
    this.#told = told;
  }

  get stored(): StoredDraft | null {
    return this.#stored;
  }

  get state(): SaveState {
    return this.#state;
  }

  /** There is text that the server does not have. */
  get isUnsaved(): boolean {
    return this.#isChanged || this.#running !== null;
  }

  changed(): void {
    if (this.#closed) return;
    if (!this.#isChanged) this.#firstChange = Date.now();
    this.#isChanged = true;
    // A failure stays to be read until a save has gone well.
    if (this.#state.kind !== 'failed' && this.#running === null) this.#tell({ kind: 'waiting' });
    const left = this.#firstChange + LONGEST_MS - Date.now();
    this.#wait(Math.max(0, Math.min(QUIET_MS, left)));
  }

  /** Now. False: it could not be stored. */
  async save(): Promise<boolean> {
    clearTimeout(this.#timer);
    // One that runs may have begun before the last change.
    while (this.#running !== null) await this.#running;
    if (!this.#isChanged) return true;
    this.#running = this.#attempt();
    return this.#running;
  }

  /** The message is somewhere else now (sent, thrown away): waits for what runs, stores nothing more. */
  async stop(): Promise<StoredDraft | null> {
    this.#closed = true;
    clearTimeout(this.#timer);
    if (this.#running !== null) await this.#running;
    this.#isChanged = false;
    return this.#stored;
  }

  /** It is written on (a send that was taken back, or refused). */
  resume(stored: StoredDraft | null): void {
    this.#closed = false;
    this.#stored = stored;
  }

  async #attempt(): Promise<boolean> {
    this.#isChanged = false;
    this.#tell({ kind: 'saving' });
    try {
      this.#stored = await this.#store(this.#stored);
      this.#failures = 0;
      this.#tell(this.#isChanged ? { kind: 'waiting' } : { kind: 'saved', at: Date.now() });
      return true;
    } catch (error) {
      this.#isChanged = true;
      const isRetried = error instanceof ConnectionLost;
      this.#tell({ kind: 'failed', error, isRetried });
      if (isRetried) {
        this.#wait(RETRY_MS[Math.min(this.#failures, RETRY_MS.length - 1)] ?? 0);
        this.#failures += 1;
      }
      return false;
    } finally {
      this.#running = null;
    }
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer);
    if (!this.#closed) this.#timer = setTimeout(() => void this.save(), ms);
  }

  #tell(state: SaveState): void {
    this.#state = state;
    this.#told(state);
  }
}
