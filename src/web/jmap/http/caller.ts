/** Who asks by JMAP, however he has proved it: what every layer behind the sign-in knows of him. */
import type { Account } from '../../../directory/model.ts';
import type { TlsFacts } from '../../../wire/socket-facts.ts';

export interface Caller {
  readonly user: Account;
  /** Id of his web session; null: he sent a password. */
  readonly webSession: string | null;
  /** Id of the app password he sent; null: his own or a web session. */
  readonly appPassword: string | null;
  readonly remoteAddress: string;
  readonly tls: TlsFacts | null;
  /** Name of the server that took his request; null: this one. */
  readonly frontEnd: string | null;
}
