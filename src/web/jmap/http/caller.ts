/** Who asks by JMAP, however he has proved it: what every layer behind the sign-in knows of him. */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Account } from '../../../directory/model.ts';

export interface Caller {
  readonly user: Account;
  /** Id of his web session; null: he sent a password. */
  readonly webSession: string | null;
  /** Id of the app password he sent; null: his own or a web session. */
  readonly appPassword: string | null;
  readonly remoteAddress: string;
}

export interface SignedIn {
  readonly user: Account;
  readonly webSession: string | null;
  readonly appPassword: string | null;
}

/** The door (src/web/session). */
export interface SignIns {
  /**
   * `response` null: a connection that becomes another protocol's.
   * @throws Failure AUTHENTICATIONFAILED, NOPERM (a foreign page asks), LIMIT (locked out), UNAVAILABLE
   */
  signedIn(exchange: {
    readonly request: IncomingMessage;
    readonly response: ServerResponse | null;
    readonly remoteAddress: string;
  }): Promise<SignedIn>;
  /** Calls `ended` once when he could not begin again. Returns the way to stop watching. */
  whileSignedIn(who: SignedIn, ended: (reason: string) => void): () => void;
}

/** Fields that a 401 has besides. */
export type Challenge = (headers: IncomingHttpHeaders) => Readonly<Record<string, string>>;
