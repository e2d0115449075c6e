/**
 * What changed, as it changes (RFC 8620 §7.3): one EventSource for all accounts. A connection that was lost comes back
 * by itself; what was missed meanwhile is made up for by `onGap`. Knows no React.
 */
import * as v from 'valibot';

export interface StateChange {
  readonly accountId: string;
  /** Data type: its new state. */
  readonly states: Readonly<Record<string, string>>;
}

export interface PushEvents {
  onChange(change: StateChange): void;
  /** Connected again behind a gap: everything may have changed. */
  onGap(): void;
  onConnected(connected: boolean): void;
}

/** Seconds: a connection that says nothing for longer is dead. */
const PING = 30;
const SILENCE_MS = 3 * PING * 1000;
/** Waits grow to this, so that a server that comes back is not run over. */
const RETRY_MS = [500, 1000, 2000, 5000, 10_000, 20_000];

const stateChange = v.object({ changed: v.record(v.string(), v.record(v.string(), v.string())) });

export class Push {
  readonly #url: string;
  readonly #events: PushEvents;
  #source: EventSource | null = null;
  #retry: number | undefined;
  #silence: number | undefined;
  #failures = 0;
  #wasConnected = false;
  #closed = false;

  constructor(eventSourceUrl: string, events: PushEvents) {
    this.#url = eventSourceUrl.replace('{types}', '*').replace('{closeafter}', 'no').replace('{ping}', String(PING));
    this.#events = events;
    this.#open();
  }

  /** Now, not after the wait: the person asks, or the network is there again. */
  retry(): void {
    if (this.#source?.readyState === EventSource.OPEN) return;
    this.#failures = 0;
    this.#open();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    clearTimeout(this.#silence);
    this.#source?.close();
  }

  #open(): void {
    clearTimeout(this.#retry);
    this.#source?.close();
    if (this.#closed) return;
    const source = new EventSource(this.#url);
    this.#source = source;
    source.onopen = () => {
      this.#failures = 0;
      this.#heard();
      this.#events.onConnected(true);
      if (this.#wasConnected) this.#events.onGap();
      this.#wasConnected = true;
    };
    source.addEventListener('state', ({ data }) => {
      this.#heard();
      const { changed } = v.parse(stateChange, JSON.parse(String(data)));
      for (const [accountId, states] of Object.entries(changed)) this.#events.onChange({ accountId, states });
    });
    source.addEventListener('ping', () => this.#heard());
    source.onerror = () => this.#lost();
  }

  #heard(): void {
    clearTimeout(this.#silence);
    this.#silence = window.setTimeout(() => this.#lost(), SILENCE_MS);
  }

  #lost(): void {
    clearTimeout(this.#silence);
    this.#source?.close();
    if (this.#closed) return;
    this.#events.onConnected(false);
    const wait = RETRY_MS[Math.min(this.#failures, RETRY_MS.length - 1)] ?? 1000;
    this.#failures += 1;
    clearTimeout(this.#retry);
    this.#retry = window.setTimeout(() => this.#open(), wait * (0.75 + Math.random() / 2));
  }
}
