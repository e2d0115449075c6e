/** Waiting for what a directory tells: lines of its log, its changes; and a word with PostgreSQL past it. */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Directory, DirectoryChange } from '../../src/directory/api.ts';
import type { Log } from '../../src/observe/log.ts';

/** Far longer than anything here takes: only so that a test that would wait for ever fails. */
const AT_MOST_MS = 20_000;

/** A log that can be waited for. */
export class ToldLog implements Log {
  readonly lines: string[] = [];
  #waiting: Array<{ readonly text: RegExp; readonly resolve: () => void }> = [];

  readonly #write = (fields: object, text: string): void => {
    const line = `${text} ${JSON.stringify(fields)}`;
    this.lines.push(line);
    const told = this.#waiting.filter((one) => one.text.test(line));
    this.#waiting = this.#waiting.filter((one) => !told.includes(one));
    for (const one of told) one.resolve();
  };
  readonly debug = (): void => {};
  readonly info = this.#write;
  readonly warn = this.#write;
  readonly error = this.#write;
  readonly child = (): Log => this;

  /** The next line like this. */
  async next(text: RegExp): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ text, resolve });
    await soon(promise, String(text));
  }

  count(text: RegExp): number {
    return this.lines.filter((line) => text.test(line)).length;
  }
}

export async function soon<T>(promise: Promise<T>, what: string): Promise<T> {
  const stop = new AbortController();
  const late = delay(AT_MOST_MS, undefined, { signal: stop.signal }).then(
    () => assert.fail(`never: ${what}`),
    () => assert.fail('not reached'),
  );
  late.catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    stop.abort();
  }
}

/** The next change of this kind. */
export async function heard(directory: Directory, kind: DirectoryChange['kind']): Promise<DirectoryChange> {
  const { promise, resolve } = Promise.withResolvers<DirectoryChange>();
  const stop = directory.watch((change) => {
    if (change.kind === kind) resolve(change);
  });
  try {
    return await soon(promise, `a change of ${kind}`);
  } finally {
    stop();
  }
}

export async function sql(url: string, text: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await client.query(text);
  } finally {
    await client.end();
  }
}
