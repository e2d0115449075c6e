/**
 * What changed, as it changes (RFC 8620 §7.1), over one WebSocket (RFC 8887): a browser keeps six connections to a host
 * for everything else, and a tab with an event stream would take one of them for good. A connection that was lost comes
 * back by itself; what was missed meanwhile is made up for by `onGap`. Knows no React.
 */
import * as v from 'valibot';
import { CAPABILITIES } from './session.ts';

export interface StateChange {
  readonly accountId: string;
  /** Data type: its new state. */
  readonly states: Readonly<Record<string, string>>;
}

export interface PushEvents {
  readonly onChange: (change: StateChange) => void;
  /** Connected again behind a gap: everything may have changed. */
  readonly onGap: () => void;
  readonly onConnected: (connected: boolean) => void;
  /** It does not come back: perhaps the session is over. */
  readonly onDoubt: () => void;
}

/** The browser does not show the server's pings: a connection is asked for a sign of life, and has so long for it. */
const ECHO_MS = 30_000;
const ECHO_ANSWER_MS = 15_000;
const ECHO = JSON.stringify({
  '@type': 'Request',
  using: [CAPABILITIES.core],
  methodCalls: [['Core/echo', {}, '0']],
});
/** A state that is none: the present ones are told at once, so that nothing falls between first look and first push. */
const ENABLE = JSON.stringify({ '@type': 'WebSocketPushEnable', dataTypes: null, pushState: 'none' });
/** Waits grow to the last, so that a server that comes back is not run over. */
const RETRY_MS = [500, 1000, 2000, 5000, 10_000, 20_000];

const message = v.looseObject({
  '@type': v.string(),
  changed: v.optional(v.record(v.string(), v.record(v.string(), v.string()))),
});

export class Push {
  readonly #url: string;
  readonly #events: PushEvents;
  #socket: WebSocket | null = null;
  #retry: number | undefined;
  #echo: number | undefined;
  #failures = 0;
  #wasConnected = false;
  #closed = false;

  constructor(url: string, events: PushEvents) {
    this.#url = url;
    this.#events = events;
    this.#open();
  }

  /** Now, not after the wait: the person asks, or the network is there again. */
  retry(): void {
    if (this.#socket?.readyState === WebSocket.OPEN) return;
    this.#failures = 0;
    this.#open();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#leave();
  }

  #open(): void {
    clearTimeout(this.#retry);
    this.#leave();
    if (this.#closed) return;
    const socket = new WebSocket(this.#url, 'jmap');
    this.#socket = socket;
    socket.addEventListener('open', () => {
      socket.send(ENABLE);
      this.#failures = 0;
      this.#heard();
      this.#events.onConnected(true);
      if (this.#wasConnected) this.#events.onGap();
      this.#wasConnected = true;
    });
    socket.addEventListener('message', ({ data }) => {
      this.#heard();
      const { '@type': type, changed } = v.parse(message, JSON.parse(String(data)));
      if (type !== 'StateChange') return;
      for (const [accountId, states] of Object.entries(changed ?? {})) this.#events.onChange({ accountId, states });
    });
    socket.addEventListener('close', () => {
      if (this.#socket === socket) this.#lost();
    });
  }

  #heard(): void {
    clearTimeout(this.#echo);
    this.#echo = window.setTimeout(() => {
      this.#socket?.send(ECHO);
      this.#echo = window.setTimeout(() => this.#lost(), ECHO_ANSWER_MS);
    }, ECHO_MS);
  }

  #leave(): void {
    clearTimeout(this.#echo);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #lost(): void {
    this.#leave();
    if (this.#closed) return;
    this.#events.onConnected(false);
    this.#events.onDoubt();
    const wait = RETRY_MS[Math.min(this.#failures, RETRY_MS.length - 1)] ?? 1000;
    this.#failures += 1;
    clearTimeout(this.#retry);
    this.#retry = window.setTimeout(() => this.#open(), wait * (0.75 + Math.random() / 2));
  }
}
