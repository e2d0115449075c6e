/**
 * Mailboxes of corpus mail on their way from database to database while a client works in each: appends, flags, reads,
 * and connects again when it is told goodbye. Nothing acknowledged may be missing in the end, UIDVALIDITY stays, MODSEQ
 * never falls; how long clients were without an answer is measured. For `npm test` with a few mailboxes, for
 * bench/moves.ts with many.
 */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node:tls';
import type { DatabaseId } from '../../src/directory/model.ts';
import { LineEndNormalizer } from '../../src/message/line-ends.ts';
import { openPostgresDatabase } from '../../src/store/engine/postgres/index.ts';
import { FLAGGED } from '../../src/store/model.ts';
import { append, inboxOf } from '../conformance/store-fixture.ts';
import { corpusMessages, corpusMissing } from './corpus.ts';
import { type ManyServers, startServers } from './many-servers.ts';
import { freshDatabase, postgresMissing } from './postgres.ts';
import { RawImap } from './raw-imap.ts';

export interface MovesUnderLoad {
  readonly mailboxes: number;
  /** In each mailbox at the beginning. */
  readonly messages: number;
  /** Between two commands of a client, ms. */
  readonly thinkMs: number;
}

/** All mailboxes from one database to another. */
export interface Leg {
  readonly name: string;
  readonly seconds: number;
  /** From the last answer of the old session to the first of the new one, ms, of all clients. */
  readonly interruptions: readonly number[];
  /** How long changes waited at each switch, ms. */
  readonly locks: readonly number[];
  readonly acknowledged: number;
}

/** One at the beginning is enough for a message; larger ones make no other point. */
const MESSAGE_BYTES = 256 * 1024;
const SERVER = 'MBX1';

export async function movesUnderLoad(options: MovesUnderLoad): Promise<readonly Leg[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'penfold-moves-'));
  const cluster = postgresMissing() === null ? await freshDatabase() : null;
  const names = Array.from({ length: options.mailboxes }, (_, i) => `user${i}`);
  const places: Array<readonly [name: string, id: DatabaseId]> = [];
  let servers: ManyServers | null = null;
  try {
    servers = await startServers({
      engine: 'sqlite',
      servers: [SERVER],
      users: Object.fromEntries(names.map((name) => [name, SERVER])),
      prepare: async ({ directory, servers: [server] }) => {
        assert.ok(server);
        const [first] = await directory.databases();
        assert.ok(first);
        const second = await directory.addDatabase({
          name: 'Second',
          server: server.id,
          engine: 'sqlite',
          location: 'databases/second',
        });
        places.push(['SQLite', second.id]);
        if (cluster !== null) {
          const record = { name: 'Cluster', server: server.id, engine: 'postgres', location: cluster.url } as const;
          places.push(['PostgreSQL', (await directory.addDatabase(record)).id]);
        }
        places.push(['SQLite', first.id]);
      },
      openDatabase: (server, otherwise) => (record, quotaOf, residence, host) =>
        record.engine === 'postgres'
          ? openPostgresDatabase({
              url: record.location,
              server: server.id,
              spool: path.join(folder, 'spool'),
              quotaOf,
              residence,
            })
          : otherwise(record, quotaOf, residence, host),
    });
    return await travel(servers, names, places, options);
  } finally {
    await servers?.stop();
    await cluster?.drop();
    await rm(folder, { recursive: true });
  }
}

async function travel(
  servers: ManyServers,
  names: readonly string[],
  places: ReadonlyArray<readonly [name: string, id: DatabaseId]>,
  options: MovesUnderLoad,
): Promise<readonly Leg[]> {
  const mail = corpus(options.messages);
  for (const name of names) await fill(servers, name, mail);
  const clients = names.map((name) => new BusyClient(servers, name, mail, options.thinkMs));
  const working = Promise.all(clients.map((client) => client.run()));
  try {
    const legs = await Promise.race([
      journey(servers, clients, names, places),
      working.then(() => assert.fail('idle')),
    ]);
    for (const client of clients) client.stop();
    await working;
    for (const [i, name] of names.entries()) {
      const client = clients[i];
      if (client !== undefined) await check(servers, name, client);
    }
    return legs;
  } finally {
    for (const client of clients) client.stop();
    await working.catch(() => {});
  }
}

async function journey(
  servers: ManyServers,
  clients: readonly BusyClient[],
  names: readonly string[],
  places: ReadonlyArray<readonly [name: string, id: DatabaseId]>,
): Promise<readonly Leg[]> {
  const acknowledged = (): number => clients.reduce((sum, one) => sum + one.acknowledged.size, 0);
  const legs: Leg[] = [];
  let from = 'SQLite';
  for (const [to, target] of places) {
    const began = performance.now();
    for (const client of clients) client.begin();
    const before = acknowledged();
    const locks = await moveAll(servers, names, target);
    const seconds = (performance.now() - began) / 1000;
    // Every client has come back before the next leg begins.
    for (const client of clients) await client.isBack();
    const interruptions = clients.flatMap((client) => client.interruptions);
    legs.push({ name: `${from} → ${to}`, seconds, interruptions, locks, acknowledged: acknowledged() - before });
    from = to;
  }
  return legs;
}

async function moveAll(servers: ManyServers, names: readonly string[], target: DatabaseId): Promise<readonly number[]> {
  const { directory } = servers;
  const done = Promise.withResolvers<void>();
  const look = async (): Promise<void> => {
    const requests = await directory.moveRequests();
    const failed = requests.find(({ status }) => status === 'Failed');
    if (failed !== undefined) done.reject(new Error(`a move has failed: ${failed.progress.message}`));
    if (requests.length === names.length && requests.every(({ status }) => status === 'Completed')) done.resolve();
  };
  const stop = directory.watch((change) => {
    if (change.kind === 'move-request') look().catch(done.reject);
  });
  try {
    for (const name of names)
      await directory.addMoveRequest({
        account: servers.user(name).account.id,
        target,
        batchName: '',
        suspendWhenReadyToComplete: false,
        isSuspended: false,
      });
    await done.promise;
  } finally {
    stop();
  }
  const requests = await directory.moveRequests();
  for (const { id } of requests) await directory.removeMoveRequest(id);
  return requests.map(({ progress }) => progress.lockedMs);
}

function corpus(count: number): readonly Buffer[] {
  if (corpusMissing() !== false)
    return Array.from({ length: count }, (_, i) =>
      Buffer.from(`Subject: m${i}\r\n\r\n${'z'.repeat(500 * (i % 40))}\r\n`),
    );
  const found: Buffer[] = [];
  for (const { bytes } of corpusMessages()) {
    // As they are stored: what is read back has to be the same.
    if (bytes.length <= MESSAGE_BYTES) found.push(Buffer.from(new LineEndNormalizer().push(bytes)));
    if (found.length === count) break;
  }
  return found;
}

async function mailboxOf(servers: ManyServers, name: string) {
  const account = await servers.directory.account(servers.user(name).account.id);
  assert.ok(account?.mailbox);
  const database = servers.server(SERVER).running.databaseOf(account);
  return { database, mailbox: await database.open(account.mailbox.id) };
}

async function fill(servers: ManyServers, name: string, mail: readonly Buffer[]): Promise<void> {
  const { database, mailbox } = await mailboxOf(servers, name);
  for (const bytes of mail) await append(database, mailbox, inboxOf(mailbox), bytes);
  mailbox.close();
}

/** What was acknowledged is there: bytes, flags, UIDs; the rest of the mailbox is what it was. */
async function check(servers: ManyServers, name: string, client: BusyClient): Promise<void> {
  const { database, mailbox } = await mailboxOf(servers, name);
  try {
    assert.deepEqual((await database.verify(mailbox.id)).problems, []);
    const inbox = inboxOf(mailbox);
    const view = await mailbox.view(inbox);
    for (const uid of client.flagged)
      assert.equal((view.columns.flags[view.rowOf(uid)] ?? 0) & FLAGGED, FLAGGED, `${name}: UID ${uid} was flagged`);
    for (const [uid, sha256] of client.acknowledged) {
      const row = view.rowOf(uid);
      assert.ok(row >= 0, `${name}: UID ${uid} was acknowledged`);
      const hash = createHash('sha256');
      for await (const piece of mailbox.read(inbox, uid, 0, view.columns.size[row] ?? 0)) hash.update(piece);
      assert.equal(hash.digest('hex'), sha256, `${name}: UID ${uid}`);
    }
    view.close();
  } finally {
    mailbox.close();
  }
}

class BusyClient {
  /** UID → SHA-256 of what was appended. */
  readonly acknowledged = new Map<number, string>();
  readonly flagged = new Set<number>();
  interruptions: number[] = [];
  readonly #servers: ManyServers;
  readonly #name: string;
  readonly #mail: readonly Buffer[];
  readonly #thinkMs: number;
  #on = true;
  #uidValidity: string | null = null;
  #highest = 0;
  #answered = 0;
  #waiting: (() => void) | null = null;

  constructor(servers: ManyServers, name: string, mail: readonly Buffer[], thinkMs: number) {
    this.#servers = servers;
    this.#name = name;
    this.#mail = mail;
    this.#thinkMs = thinkMs;
  }

  begin(): void {
    this.interruptions = [];
  }

  stop(): void {
    this.#on = false;
  }

  /** Has had an answer since it was last sent away. */
  async isBack(): Promise<void> {
    if (this.interruptions.length > 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting = resolve;
    await promise;
  }

  async run(): Promise<void> {
    let lost = 0;
    while (this.#on) {
      const client = await this.#logOn().catch((error: unknown) => {
        // Sent away again before it was in: the switch came in between.
        if (error instanceof Error && error.message.includes('BYE')) return null;
        throw error;
      });
      if (client === null) continue;
      if (lost > 0) {
        this.interruptions.push(performance.now() - lost);
        this.#waiting?.();
        this.#waiting = null;
      }
      await this.#work(client);
      lost = this.#answered;
      client.hangUp();
    }
  }

  /** Null: it has to be tried again. */
  async #logOn(): Promise<RawImap | null> {
    const { ports, ca } = this.#servers.server(SERVER);
    const socket = connect({ host: '127.0.0.1', port: ports.imap.tls, ca, servername: 'localhost' });
    await once(socket, 'secureConnect');
    const client = await RawImap.greeted(socket);
    const { address, password } = this.#servers.user(this.#name);
    const { status } = await client.command(`LOGIN ${address} "${password}"`);
    if (!status.startsWith('OK')) {
      assert.match(status, /UNAVAILABLE/);
      client.hangUp();
      return null;
    }
    const said = Buffer.concat([...(await client.command('SELECT INBOX (CONDSTORE)')).untagged]).toString('latin1');
    const uidValidity = /UIDVALIDITY (\d+)/.exec(said)?.[1] ?? '';
    const highest = Number(/HIGHESTMODSEQ (\d+)/.exec(said)?.[1]);
    this.#uidValidity ??= uidValidity;
    assert.equal(uidValidity, this.#uidValidity);
    assert.ok(highest >= this.#highest, 'MODSEQ never falls');
    this.#highest = highest;
    this.#answered = performance.now();
    return client;
  }

  /** Until it is told goodbye. */
  async #work(client: RawImap): Promise<void> {
    for (let round = 0; this.#on; round += 1) {
      try {
        if (!(await this.#step(client, round))) return;
      } catch {
        // The connection has ended before the answer: nothing was acknowledged.
        return;
      }
      this.#answered = performance.now();
      await delay(this.#thinkMs);
    }
  }

  async #step(client: RawImap, round: number): Promise<boolean> {
    const bytes = this.#mail[round % this.#mail.length] ?? Buffer.from('x\r\n');
    if (round % 3 === 0) {
      const { status } = await client.command('APPEND INBOX', bytes);
      const uid = /^OK \[APPENDUID \d+ (\d+)\]/.exec(status)?.[1];
      if (uid === undefined) return goodbye(status);
      this.acknowledged.set(Number(uid), createHash('sha256').update(bytes).digest('hex'));
    } else if (round % 3 === 1) {
      const uid = 1 + (round % this.#mail.length);
      const { status } = await client.command(`UID STORE ${uid} +FLAGS.SILENT (\\Flagged)`);
      if (!status.startsWith('OK')) return goodbye(status);
      this.flagged.add(uid);
    } else {
      const { status } = await client.command('UID FETCH 1:* (FLAGS MODSEQ)');
      if (!status.startsWith('OK')) return goodbye(status);
    }
    return true;
  }
}

function goodbye(status: string): false {
  assert.match(status, /UNAVAILABLE/);
  return false;
}

export function describeLeg({ name, seconds, interruptions, locks, acknowledged }: Leg): string {
  const of = (values: readonly number[]): string => {
    const sorted = [...values].sort((a, b) => a - b);
    const [middle, last] = [sorted[sorted.length >>> 1] ?? 0, sorted.at(-1) ?? 0];
    return `median ${Math.round(middle)} ms, longest ${Math.round(last)} ms`;
  };
  return `${name}: ${locks.length} mailboxes in ${seconds.toFixed(1)} s; clients without an answer: ${of(interruptions)}; changes waited: ${of(locks)}; ${acknowledged} messages acknowledged meanwhile`;
}
