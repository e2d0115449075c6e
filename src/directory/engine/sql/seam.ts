/**
 * What the directory's tables ask of a database. SQL is written once, in the part that SQLite and PostgreSQL share
 * (`?` or `?1` for parameters, ON CONFLICT with its columns, 0 and 1 for booleans, JSON as text); an adapter runs it.
 */
import type { DirectoryChange } from '../../api.ts';
import type { AuditValues } from '../../audit.ts';
import type { Actor, AuditEntry } from '../../model.ts';

export type SqlValue = string | number | Uint8Array | null;
export type Row = Readonly<Record<string, unknown>>;

/** Each call sees one state of the database; two calls may see two. */
export interface Reader {
  /** First row or null. */
  get(sql: string, ...parameters: readonly SqlValue[]): Promise<Row | null>;
  all(sql: string, ...parameters: readonly SqlValue[]): Promise<readonly Row[]>;
}

export interface Statements extends Reader {
  /** Rows changed. */
  run(sql: string, ...parameters: readonly SqlValue[]): Promise<number>;
}

/**
 * A write under way: nobody else writes meanwhile, and what it reads is what is there. Whoever writes reads through
 * it and through nothing else: a cache may be behind, and outside reads wait until it ends.
 */
export interface Transaction extends Statements {
  /** When it began, ms since 1970. */
  readonly at: number;
  /** Announced to watchers of every server after the commit. */
  note(kind: DirectoryChange['kind'], id: string | null): void;
  /** One entry of the audit log; none when nothing changed. Null: the object was or is not there. */
  audit(objectKind: string, object: string, before: AuditValues | null, after: AuditValues | null): void;
  /** An entry in words of its own. */
  record(entry: Omit<AuditEntry, 'id' | 'at' | 'actor'>): void;
}

/** @throws Failure UNAVAILABLE when it cannot be asked now, ALREADYEXISTS when a rule of a table is broken */
export interface SqlDatabase extends Reader {
  readonly isOpen: boolean;
  /** False: answers come from what is known, if it is. */
  readonly isReachable: boolean;
  /**
   * One transaction in the name of `actor`, after which caches have let go of what changed and watchers here have
   * heard of it. `work` may run twice when the database asks for it, and awaits nothing but the transaction.
   */
  write<T>(actor: Actor, work: (transaction: Transaction) => Promise<T>): Promise<T>;
  listen(listener: (change: DirectoryChange) => void): () => void;
  close(): Promise<void>;
}

/** Stored settings that are no longer acceptable are reported by name and read as their defaults. */
export type OnRefused = (name: string) => void;

/** Names are equal without case of ASCII letters: the only folding that both databases do alike, by `lower()`. */
export const withoutCase = (name: string): string => name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
