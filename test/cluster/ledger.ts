/**
 * What clients were told: which messages were acknowledged, which flags, which answers were wrong. The checker compares
 * it with what is in the mailboxes.
 */
import { randomBytes } from 'node:crypto';
import type { Person } from './cluster.ts';

export type Fate =
  /** OK or 250: it must be there, once, whatever happens afterwards. */
  | 'acknowledged'
  /** The connection broke before the answer: it may be there, once at most. */
  | 'unknown'
  /** The server said no: it must not be there. */
  | 'refused';

export interface Entry {
  /** In the Subject. */
  readonly token: string;
  readonly owner: Person;
  readonly by: 'IMAP4' | 'SMTP';
  fate: Fate;
  /** STORE +FLAGS (\Flagged): acknowledged, or said and not answered. */
  flagged: Fate | 'not asked';
}

export class Ledger {
  readonly #entries = new Map<string, Entry>();
  readonly wrongAnswers: string[] = [];

  /** Before it is sent: until an answer comes its fate is unknown. */
  begin(owner: Person, by: Entry['by']): Entry {
    const token = `token-${randomBytes(9).toString('hex')}`;
    const entry: Entry = { token, owner, by, fate: 'unknown', flagged: 'not asked' };
    this.#entries.set(token, entry);
    return entry;
  }

  of(owner: Person): readonly Entry[] {
    return [...this.#entries.values()].filter((entry) => entry.owner === owner);
  }

  count(fate: Fate): number {
    return [...this.#entries.values()].filter((entry) => entry.fate === fate).length;
  }
}

const CODE = /\[([A-Z][A-Z/-]*)/;
/** "Not now": the client comes again, nobody is asked for a password. */
const TEMPORARY = new Set(['UNAVAILABLE', 'INUSE', 'LIMIT', 'SYS/TEMP', 'IN-USE', 'LOGIN-DELAY']);

/** Of a refusal by IMAP4, POP3 or SMTP to somebody whose every word is right. Null: it may be said. */
export function wrongness(refusal: string): string | null {
  const smtp = /^(\d)\d\d[ -]/.exec(refusal);
  if (smtp !== null) return smtp[1] === '4' ? null : refusal;
  return TEMPORARY.has(CODE.exec(refusal)?.[1] ?? '') ? null : refusal;
}
