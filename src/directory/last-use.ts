/**
 * When, from where and with what a person was last here, by protocol. A note for people, not a record: it is written
 * minutes later, many at a time, and one that a crash swallows is no harm (auth/use-notes.ts).
 */
import type { AccountId } from './model.ts';

export type UsedProtocol = 'imap' | 'pop3' | 'smtp' | 'web';
export const USED_PROTOCOLS: readonly UsedProtocol[] = ['imap', 'pop3', 'smtp', 'web'];

export const PROGRAM_CHARACTERS = 256;

export interface LastUse {
  readonly protocol: UsedProtocol;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly clientAddress: string;
  /** As the program names itself; empty: it does not. */
  readonly program: string;
}

/** One logon or request. */
export interface Use extends LastUse {
  readonly account: AccountId;
  /** Ids of what it came in by; null: the password. */
  readonly appPassword: string | null;
  readonly webSession: string | null;
}

export interface LastUses {
  /** Read afresh; at most one for each protocol, in the order of USED_PROTOCOLS. */
  lastUses(account: AccountId): Promise<readonly LastUse[]>;
  /** One transaction. An older one than is known, or of what is gone, is passed over; nobody is told. */
  noteUses(uses: readonly Use[]): Promise<void>;
}
