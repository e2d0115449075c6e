/**
 * The sessions that run on this back end: who, from where, since when; and the way to end them. For the admin's list,
 * for settings that take effect at once, and for the drain. Knows no protocol.
 */
import type { AccountId } from '../directory/model.ts';
import type { MailboxId } from '../store/model.ts';
import type { TlsFacts } from '../wire/connection.ts';
import type { SessionId } from './link.ts';

export interface LiveSession {
  readonly id: SessionId;
  /** `web`: an event stream or WebSocket of JMAP that follows the mailbox. */
  readonly protocol: 'imap' | 'pop3' | 'web';
  /** Whose mailbox it is. */
  readonly account: AccountId;
  /** Who logged on: another one where a delegate does. */
  readonly delegate: AccountId;
  /** Id of the app password it was opened with; null: his own password. */
  readonly appPassword: string | null;
  readonly user: string;
  readonly mailbox: MailboxId;
  readonly clientAddress: string;
  /** Name of the server whose front end relays it; null: the client is connected to this one. */
  readonly frontEnd: string | null;
  readonly tls: TlsFacts | null;
  readonly clientId: ReadonlyMap<string, string>;
  /** Milliseconds since 1970. */
  readonly since: number;
}

/** A session in the list. One object, as there are tens of thousands of them. */
export interface Listed {
  readonly facts: LiveSession;
  /** Aborted when the front end of this session stops. */
  readonly stop: AbortSignal;
  /** Tells the session to say goodbye; idempotent. */
  end(): void;
}

export class SessionRegistry {
  readonly #entries = new Map<SessionId, Listed>();
  readonly #open = new Map<MailboxId, number>();
  readonly #watched = new WeakSet<AbortSignal>();
  #emptied: Array<() => void> = [];

  /** Until `remove`; ended when its front end stops. */
  add(entry: Listed): void {
    const { facts, stop } = entry;
    this.#entries.set(facts.id, entry);
    this.#open.set(facts.mailbox, this.openSessions(facts.mailbox) + 1);
    if (stop.aborted) entry.end();
    else this.#watch(stop);
  }

  remove(entry: Listed): void {
    const { id, mailbox } = entry.facts;
    if (!this.#entries.delete(id)) return;
    const rest = this.openSessions(mailbox) - 1;
    if (rest > 0) this.#open.set(mailbox, rest);
    else this.#open.delete(mailbox);
    if (this.#entries.size > 0) return;
    const waiting = this.#emptied;
    this.#emptied = [];
    for (const resolve of waiting) resolve();
  }

  list(): readonly LiveSession[] {
    return [...this.#entries.values()].map((entry) => entry.facts);
  }

  /** Mailboxes with at least one session. */
  get mailboxes(): number {
    return this.#open.size;
  }

  /** Sessions on one mailbox: maintenance waits for a quiet hour. */
  openSessions(mailbox: MailboxId): number {
    return this.#open.get(mailbox) ?? 0;
  }

  /** Tells these sessions to say goodbye; they leave the list when they are gone. */
  end(which: (session: LiveSession) => boolean): number {
    const chosen = [...this.#entries.values()].filter((entry) => which(entry.facts));
    for (const entry of chosen) entry.end();
    return chosen.length;
  }

  /** Resolves when no session is left. */
  async empty(): Promise<void> {
    if (this.#entries.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#emptied.push(resolve);
    await promise;
  }

  /** One listener a front end, not one a session. */
  #watch(stop: AbortSignal): void {
    if (this.#watched.has(stop)) return;
    this.#watched.add(stop);
    const onStop = (): void => {
      for (const entry of this.#entries.values()) if (entry.stop === stop) entry.end();
    };
    stop.addEventListener('abort', onStop, { once: true });
  }
}
