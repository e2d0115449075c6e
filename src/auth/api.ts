/**
 * Authentication as front ends see it. Knows the directory, no protocol and no socket.
 */
import type { AppPassword } from '../directory/app-password.ts';
import type { Account } from '../directory/model.ts';

/** What asks: part of the throttle key and of the log line. */
export interface LogonContext {
  readonly protocol: 'imap' | 'pop3' | 'smtp' | 'web';
  readonly remoteAddress: string;
  readonly encrypted: boolean;
  /** LoginType lets passwords pass in the clear here (exchange-behaviour.md §5.7). Missing: only where encrypted. */
  readonly plainTextAllowed?: boolean;
  /** Web: a program that sends the password with its requests, so an app password for JMAP will do. */
  readonly jmap?: boolean;
  /** What the client says it is, as far as it has said so. */
  readonly program?: string;
  /** Id of the session that asks, for the log line; missing: there is none (HTTPS). */
  readonly session?: string;
  /** RFC 9266 tls-exporter, for SCRAM -PLUS. */
  readonly channelBinding: Uint8Array | null;
}

/** A successful logon: who authenticated, and whose mailbox is asked for (same unless a delegate logs on). */
export interface Logon {
  readonly account: Account;
  readonly mailbox: Account;
  /** What was sent was not the account's own password but this one. */
  readonly appPassword?: Pick<AppPassword, 'id' | 'name'>;
}

/** One SASL exchange (RFC 4422): bytes in, bytes out. */
export interface SaslExchange {
  /**
   * `response` null: the client sent no initial response.
   * @throws Failure AUTHENTICATIONFAILED, AUTHORIZATIONFAILED, LIMIT (locked out), UNAVAILABLE, CONTACTADMIN
   */
  step(response: Uint8Array | null): Promise<SaslStep>;
}

export type SaslStep =
  | { readonly done: false; readonly challenge: Uint8Array }
  /** `final`: data to send with success (SCRAM server signature); IMAP and POP3 send it as a last challenge. */
  | { readonly done: true; readonly logon: Logon; readonly final: Uint8Array | null };

export interface Authenticator {
  /** Mechanisms to announce now, strongest first; plain-text ones only when allowed on this connection. */
  mechanisms(context: LogonContext): readonly string[];
  /** Null when the mechanism is unknown or not allowed here. */
  begin(mechanism: string, context: LogonContext): SaslExchange | null;
  /** LOGIN, USER/PASS, AUTH LOGIN. Unknown users cost the same time as wrong passwords. */
  password(name: string, password: string, context: LogonContext): Promise<Logon>;
}
