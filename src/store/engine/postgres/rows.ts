/** Values of PostgreSQL's rows with their types checked, and rows on their way in. */
import { Buffer } from 'node:buffer';
import { Failure } from '../../../observe/failure.ts';
import type { Session } from './connections.ts';

export type Row = Readonly<Record<string, unknown>>;

/** Octets of one statement that brings in rows; a longer row is one by itself. */
const INSERT_BYTES = 1024 * 1024;
/** Parameters of one statement: the protocol counts them with 16 bits. */
const INSERT_VALUES = 8192;

/** Also of a bigint, which the driver gives as text: nothing we keep passes 2^53. */
export function numberIn(row: Row, name: string): number {
  const value = row[name];
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : damaged(name);
}

export function textIn(row: Row, name: string): string {
  const value = row[name];
  return typeof value === 'string' ? value : damaged(name);
}

export function booleanIn(row: Row, name: string): boolean {
  const value = row[name];
  return typeof value === 'boolean' ? value : damaged(name);
}

export function bytesIn(row: Row, name: string): Buffer {
  const value = row[name];
  return Buffer.isBuffer(value) ? value : damaged(name);
}

export function textsIn(row: Row, name: string): string[] {
  const value = row[name];
  if (!Array.isArray(value)) return damaged(name);
  const texts: unknown[] = value;
  return texts.map((one) => (typeof one === 'string' ? one : damaged(name)));
}

function damaged(name: string): never {
  throw new Failure('CORRUPTION', 'The mailbox database cannot be read.', { cause: new Error(`column ${name}`) });
}

export type Value = number | string | Buffer | null;

/**
 * `head` VALUES … `tail` in as many statements as needed. Bytes go as parameters of their own: within arrays they would
 * go as hexadecimal text (dependencies.md §8).
 * @param types of the columns
 */
export async function insertRows(
  session: Session,
  head: string,
  types: readonly string[],
  rows: Iterable<readonly Value[]>,
  tail = '',
): Promise<void> {
  let values: Value[] = [];
  let bytes = 0;
  const write = async (): Promise<void> => {
    if (values.length === 0) return;
    await session.query(`${head} VALUES ${tuples(types, values.length / types.length)} ${tail}`, values);
    values = [];
    bytes = 0;
  };
  for (const row of rows) {
    for (const value of row) bytes += typeof value === 'number' || value === null ? 8 : value.length;
    values.push(...row);
    if (bytes >= INSERT_BYTES || values.length + types.length > INSERT_VALUES) await write();
  }
  await write();
}

/** `($1::t, $2::u), ($3::t, …` for `count` rows, the first parameter being number `from`. */
export function tuples(types: readonly string[], count: number, from = 1): string {
  let at = from;
  return Array.from({ length: count }, () => `(${types.map((type) => `$${at++}::${type}`).join(', ')})`).join(', ');
}
