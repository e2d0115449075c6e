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
  readonly protocol: 'imap' | 'pop3';
  /** Whose mailbox it is. */
  readonly account: AccountId;
  /** Who logged on: another one where a delegate does. */
  readonly delegate: AccountId;
  readonly user: string;
  readonly mailbox: MailboxId;
  readonly clientAddress: string;
  readonly tls: TlsFacts | null;
  readonly clientId: ReadonlyMap<string, string>;
  /** Milliseconds since 1970. */
  readonly since: number;
}

interface Entry {
  readonly session: LiveSession;
  readonly end: () => void;
}

export class SessionRegistry {
  readonly #entries = new Map<SessionId, Entry>();
  readonly #open = new Map<MailboxId, number>();
  #emptied: Array<() => void> = [];

  /** @returns what to call when the session is over */
  add(session: LiveSession, end: () => void): () => void {
    this.#entries.set(session.id, { session, end });
    this.#open.set(session.mailbox, this.openSessions(session.mailbox) + 1);
    return () => this.#remove(session);
  }

  list(): readonly LiveSession[] {
    return [...this.#entries.values()].map((entry) => entry.session);
  }

  /** Sessions on one mailbox: maintenance waits for a quiet hour. */
  openSessions(mailbox: MailboxId): number {
    return this.#open.get(mailbox) ?? 0;
  }

  /** Tells these sessions to say goodbye; they leave the list when they are gone. */
  end(which: (session: LiveSession) => boolean): number {
    const chosen = [...this.#entries.values()].filter((entry) => which(entry.session));
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

  #remove(session: LiveSession): void {
    if (!this.#entries.delete(session.id)) return;
    const rest = this.openSessions(session.mailbox) - 1;
    if (rest > 0) this.#open.set(session.mailbox, rest);
    else this.#open.delete(session.mailbox);
    if (this.#entries.size > 0) return;
    const waiting = this.#emptied;
    this.#emptied = [];
    for (const resolve of waiting) resolve();
  }
}
