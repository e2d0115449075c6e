/**
 * Rows with bytes in them, by COPY in binary format. The driver gives every other answer as text: bytes as hexadecimal
 * digits, twice as long (measured: a third of the speed), and with its `binary` option passed through UTF-8, which
 * damages them. Data of a COPY it hands over untouched.
 *
 * Format: a head, then for each row a count of fields, then length and octets of each; -1 instead of a count ends it.
 * The server sends each row as one message.
 */
import { Buffer } from 'node:buffer';
import type pg from 'pg';

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');
/** Signature, flags, length of the head's extension. */
const HEAD_BYTES = SIGNATURE.length + 8;

/** Fields of one row; valid only during the call. */
export type OnRow = (fields: readonly Buffer[]) => void;

/** A query class of the driver, as its documentation has them (pg-cursor, pg-query-stream). */
export class CopyOut implements pg.Submittable {
  readonly done: Promise<void>;
  /** The driver sets its time-out around it. */
  callback: (error?: Error | null) => void;
  readonly #text: string;
  readonly #onRow: OnRow;
  #fault: Error | null = null;
  #begun = false;

  /** @param text of a SELECT; it has no parameters, so only numbers may be put into it */
  constructor(text: string, onRow: OnRow) {
    this.#text = `COPY (${text}) TO STDOUT (FORMAT binary)`;
    this.#onRow = onRow;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.done = promise;
    this.callback = (error) => (error ? reject(error) : resolve());
  }

  submit(connection: pg.Connection): void {
    connection.query(this.#text);
  }

  handleCopyData(message: { readonly chunk: Buffer }): void {
    if (this.#fault !== null) return;
    try {
      this.#read(message.chunk);
    } catch (reason) {
      this.#fault = reason instanceof Error ? reason : new Error(String(reason));
    }
  }

  handleError(error: Error): void {
    this.callback(error);
  }

  handleReadyForQuery(): void {
    this.callback(this.#fault);
  }

  handleCommandComplete(): void {}

  #read(chunk: Buffer): void {
    let at = 0;
    if (!this.#begun) {
      if (!chunk.subarray(0, SIGNATURE.length).equals(SIGNATURE)) throw new Error('the answer is no binary COPY');
      this.#begun = true;
      at = HEAD_BYTES + chunk.readUInt32BE(SIGNATURE.length + 4);
    }
    while (at < chunk.length) {
      const count = chunk.readInt16BE(at);
      at += 2;
      if (count < 0) return;
      const fields: Buffer[] = [];
      for (let i = 0; i < count; i += 1) {
        const length = chunk.readInt32BE(at);
        at += 4;
        if (length < 0 || at + length > chunk.length) throw new Error('a row of a COPY is not whole');
        fields.push(chunk.subarray(at, at + length));
        at += length;
      }
      this.#onRow(fields);
    }
  }
}

/** Whole numbers as an array literal for the text of a statement. */
export function numbers(values: readonly number[], type: 'bigint' | 'int'): string {
  for (const value of values) if (!Number.isSafeInteger(value)) throw new TypeError(`${value} is no whole number`);
  return `'{${values.join(',')}}'::${type}[]`;
}
