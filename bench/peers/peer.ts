/** A running mail server as the bench sees it. */
import type { Target } from '../client/socket.ts';

export interface PeerUser {
  readonly name: string;
  readonly password: string;
}

export interface Peer {
  readonly name: string;
  readonly imap: Target;
  readonly imaps: Target;
  readonly pop3: Target;
  readonly pop3s: Target;
  /** Null: no SMTP of its own (Dovecot gets Postfix in front, see postfix.ts). */
  readonly smtp: Target | null;
  readonly lmtpSocket: string | null;
  /** Parent of all processes of the peer, for memory figures. */
  rootPid(): number;
  readonly users: readonly PeerUser[];
  /** Restarts the peer without what earlier commands taught it, for the "first" rows. Ports stay. */
  forget(): Promise<void>;
  stop(): Promise<void>;
}
