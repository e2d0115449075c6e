/**
 * What a transaction leaves besides its rows: the change table, by which every server learns what another one wrote,
 * and the audit log. Both are written at the end of the transaction, many rows at a time, so that a refused change
 * uses up no number and a thousand accounts cost no thousand questions.
 */
import type { DirectoryChange } from '../../api.ts';
import { auditDifference } from '../../audit.ts';
import type { Actor, AuditEntry } from '../../model.ts';
import type { SqlValue, Statements, Transaction } from './seam.ts';

/** Rows of one INSERT; few sizes, so that few statements are kept prepared. */
const BATCHES = [64, 8, 1] as const;

export class Journal {
  readonly at: number;
  readonly #actor: Actor;
  readonly #changes: Array<readonly [kind: DirectoryChange['kind'], id: string | null]> = [];
  readonly #entries: Array<readonly SqlValue[]> = [];

  /** `at` in ms since 1970. */
  constructor(actor: Actor, at: number) {
    this.#actor = actor;
    this.at = at;
  }

  get hasChanges(): boolean {
    return this.#changes.length > 0;
  }

  transaction(statements: Statements): Transaction {
    return {
      at: this.at,
      get: (sql, ...parameters) => statements.get(sql, ...parameters),
      all: (sql, ...parameters) => statements.all(sql, ...parameters),
      run: (sql, ...parameters) => statements.run(sql, ...parameters),
      note: (kind, id) => {
        this.#changes.push([kind, id]);
      },
      audit: (objectKind, object, before, after) => {
        const difference = auditDifference(before, after);
        if (difference !== null) this.#record({ ...difference, objectKind, object });
      },
      record: (entry) => this.#record(entry),
    };
  }

  /** The last statements before COMMIT. */
  async writeOn(statements: Statements): Promise<void> {
    await insert(statements, 'change (kind, id)', this.#changes);
    await insert(
      statements,
      'audit (at, "user", via, command, action, object_kind, object, before_values, after_values)',
      this.#entries,
    );
  }

  #record(entry: Omit<AuditEntry, 'id' | 'at' | 'actor'>): void {
    const { user, via, command } = this.#actor;
    const { action, objectKind, object, before, after } = entry;
    this.#entries.push([this.at, user, via, command, action, objectKind, object, json(before), json(after)]);
  }
}

const json = (values: AuditEntry['before']): string | null => (values === null ? null : JSON.stringify(values));

async function insert(statements: Statements, into: string, rows: ReadonlyArray<readonly SqlValue[]>): Promise<void> {
  let at = 0;
  for (const size of BATCHES) {
    while (rows.length - at >= size) {
      const batch = rows.slice(at, at + size);
      const values = batch.map((row) => `(${row.map(() => '?').join(', ')})`).join(', ');
      await statements.run(`INSERT INTO ${into} VALUES ${values}`, ...batch.flat());
      at += size;
    }
  }
}
