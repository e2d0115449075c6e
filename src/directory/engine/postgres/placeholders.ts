/** The tables' SQL has SQLite's parameters (`?`, `?1`); PostgreSQL's are `$1`. Text in quotes stays as it is. */
import type { SqlValue } from '../sql/seam.ts';

/** Statements that are kept translated and prepared; the tables have about a hundred. */
export const STATEMENTS_KEPT = 500;

export interface PreparedSql {
  /** By which a connection knows it again. */
  readonly name: string;
  readonly text: string;
}

const known = new Map<string, PreparedSql>();
let count = 0;

export function preparedSql(sql: string): PreparedSql {
  const before = known.get(sql);
  if (before !== undefined) return before;
  count += 1;
  const prepared: PreparedSql = { name: `directory_${count}`, text: numbered(sql) };
  if (known.size < STATEMENTS_KEPT) known.set(sql, prepared);
  return prepared;
}

export function numbered(sql: string): string {
  let next = 0;
  return sql.replace(/'[^']*'|"[^"]*"|\?(\d*)/g, (part, number: string | undefined) => {
    if (!part.startsWith('?')) return part;
    next += 1;
    return `$${number === undefined || number === '' ? next : number}`;
  });
}

/** PostgreSQL keeps no NUL in a text, so nothing it holds is equal to a text with one. */
export const isUnstorable = (value: SqlValue): boolean => typeof value === 'string' && value.includes('\0');
