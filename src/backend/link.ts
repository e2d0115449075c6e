/**
 * The border between front end and back end. In one process the connection object itself is handed over, buffered
 * bytes included; between servers a relay fills the same interface (src/frontend/relay, design.md §6, ADR 9).
 *
 * A front end authenticates and locates; it never opens a mailbox. A back end opens the mailbox BEFORE the client
 * hears OK, so "authenticated but not connected" cannot happen (exchange-behaviour.md §13).
 */
import type { Logon } from '../auth/api.ts';
import type { Pop3Negotiated } from '../pop3/grammar.ts';
import type { Connection, TlsFacts } from '../wire/connection.ts';

/** Follows one client through every log line of every layer: 16 hex digits. */
export type SessionId = string;

export interface HandOver {
  readonly session: SessionId;
  readonly protocol: 'imap' | 'pop3';
  readonly logon: Logon;
  readonly clientAddress: string;
  readonly clientPort?: number;
  /** Name of the server whose front end took the client; missing: this one. */
  readonly frontEnd?: string;
  readonly tls: TlsFacts | null;
  /** What the client told about itself with ID before logon (RFC 2971), for logs and the capability mask. */
  readonly clientId: ReadonlyMap<string, string>;
  /** SASL mechanisms this connection was offered: POP3 announces them in both states (RFC 5034 §3). */
  readonly mechanisms: readonly string[];
  /** POP3: what the client has agreed upon before logon (RFC 6856). */
  readonly pop3?: Pop3Negotiated;
  /** The front end stops: aborted when its sessions have to say goodbye and end. */
  readonly stop: AbortSignal;
}

/** A mailbox is open and waits for its client. Exactly one of `run` and `cancel` is called. */
export interface BackendSession {
  /** IMAP: capabilities after logon, for the tagged OK. */
  readonly capabilities: readonly string[];
  /** Serves the client until it logs out or goes away; resolves then. The OK to the logon has been written already. */
  run(connection: Connection): Promise<void>;
  cancel(): void;
}

export interface BackendLink {
  /**
   * @throws OwnedElsewhere (store/api.ts), Failure UNAVAILABLE (service stopped, database down, server not reached),
   *   INUSE (the mailbox is being moved or deleted: RFC 2449 §8.1.1 IN-USE)
   */
  open(handOver: HandOver): Promise<BackendSession>;
}
