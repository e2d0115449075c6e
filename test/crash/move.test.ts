/**
 * A move that is cut off at every point of its way: by an error, and by the end of the process (what is on disk at that
 * moment is opened as if after kill -9). Each time the mailbox is whole in the one place that the directory names, opens
 * nowhere else, takes a message there, and the move completes with it when it is tried again (backend/moves/mover.ts).
 */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { Departures } from '../../src/backend/moves/departures.ts';
import { moveMailbox, type MoveStep } from '../../src/backend/moves/mover.ts';
import type { Directory } from '../../src/directory/api.ts';
import { openSqliteDirectory } from '../../src/directory/engine/sqlite/directory.ts';
import { type Account, type DatabaseId, serverId } from '../../src/directory/model.ts';
import type { MoveRequest } from '../../src/directory/move-request.ts';
import { residenceIn } from '../../src/main/databases.ts';
import { Failure } from '../../src/observe/failure.ts';
import { silentLog } from '../../src/observe/log.ts';
import type { MailboxDatabase } from '../../src/store/api.ts';
import { type Files, realFiles } from '../../src/store/engine/sqlite/files.ts';
import { openSqliteDatabase } from '../../src/store/engine/sqlite/index.ts';
import { FLAGGED, type MailboxId } from '../../src/store/model.ts';
import { person, smallOrganization } from '../conformance/directory-fixture.ts';
import { append, assertClean, failure, inboxOf, message } from '../conformance/store-fixture.ts';
import { type MailboxFacts, mailboxFacts } from '../support/mailbox-facts.ts';

const STEPS: readonly MoveStep[] = [
  'source',
  'receive',
  'keys',
  'pass',
  'ready',
  'cut-over',
  'hold',
  'rest',
  'adopt',
  'complete',
  'open',
  'settle',
];
const MESSAGES = 40;
const SERVER = serverId('the one server');

/** What lies below one folder: a directory and two mailbox databases, opened by one process. */
class World {
  readonly directory: Directory;
  readonly account: Account;
  readonly source: DatabaseId;
  readonly target: DatabaseId;
  readonly databases: ReadonlyMap<DatabaseId, MailboxDatabase>;
  readonly departures: Departures;

  private constructor(
    directory: Directory,
    account: Account,
    source: DatabaseId,
    target: DatabaseId,
    databases: ReadonlyMap<DatabaseId, MailboxDatabase>,
  ) {
    this.directory = directory;
    this.account = account;
    this.source = source;
    this.target = target;
    this.databases = databases;
    this.departures = new Departures({
      directory,
      databases: () => databases,
      sessions: { end: () => 0 },
      log: silentLog,
    });
  }

  static async make(root: string): Promise<void> {
    const directory = await openSqliteDirectory({ file: path.join(root, 'directory.db') });
    const { database, server } = await smallOrganization(directory);
    await directory.addDatabase({ name: 'DB2', server: server.id, engine: 'sqlite', location: 'db2' });
    await directory.addAccount(person(database, 'mia'));
    await directory.close();
  }

  static async open(root: string, files: Files = realFiles): Promise<World> {
    const directory = await openSqliteDirectory({ file: path.join(root, 'directory.db') });
    const account = (await directory.accountByAlias('mia')) ?? assert.fail('mia is there');
    const databases = new Map<DatabaseId, MailboxDatabase>();
    for (const { id, location } of await directory.databases()) {
      const residence = residenceIn(directory, id);
      databases.set(id, await openSqliteDatabase({ directory: path.join(root, location), residence, files }));
    }
    const [source, target] = databases.keys();
    assert.ok(source !== undefined && target !== undefined);
    return new World(directory, account, source, target, databases);
  }

  get mailbox(): MailboxId {
    return this.account.mailbox?.id ?? assert.fail('mia has a mailbox');
  }

  database(id: DatabaseId): MailboxDatabase {
    return this.databases.get(id) ?? assert.fail('the database is open');
  }

  async facts(id: DatabaseId): Promise<MailboxFacts> {
    const mailbox = await this.database(id).open(this.mailbox);
    try {
      await assertClean(this.database(id), mailbox);
      return await mailboxFacts(mailbox);
    } finally {
      mailbox.close();
    }
  }

  async request(): Promise<MoveRequest> {
    const [before] = await this.directory.moveRequests();
    if (before !== undefined) return before;
    return this.directory.addMoveRequest({
      account: this.account.id,
      target: this.target,
      batchName: '',
      suspendWhenReadyToComplete: false,
      isSuspended: false,
    });
  }

  /** What the schedule does with a request, once. */
  async move(step?: (step: MoveStep) => void | Promise<void>): Promise<void> {
    const request = await this.directory.claimMove((await this.request()).id, SERVER, Number.MAX_SAFE_INTEGER);
    if (request === null) return;
    await moveMailbox(request, {
      directory: this.directory,
      target: this.database(this.target),
      openSource: () =>
        this.departures.begin({
          move: request.id,
          fence: request.fence,
          database: this.source,
          mailbox: request.mailbox,
        }),
      report: () => {},
      enter: async (status) =>
        void (await this.directory.reportMove(request, { untilMs: Number.MAX_SAFE_INTEGER, status })),
      log: silentLog,
      signal: new AbortController().signal,
      ...(step === undefined ? {} : { step }),
    });
  }

  async close(): Promise<void> {
    await this.departures.close();
    for (const database of this.databases.values()) await database.close();
    await this.directory.close();
  }
}

async function furnish(world: World): Promise<MailboxFacts> {
  const database = world.database(world.source);
  const mailbox = await database.open(world.mailbox);
  const inbox = inboxOf(mailbox);
  const work = await mailbox.createFolder('Work');
  for (let i = 0; i < MESSAGES; i += 1) await append(database, mailbox, inbox, message(`m${i}`), { keywords: ['$k'] });
  await mailbox.copy(inbox, Uint32Array.of(1, 2, 3), work.id);
  await mailbox.expunge(inbox, Uint32Array.of(5, 6));
  await mailbox.setFlags(inbox, Uint32Array.of(7), { op: 'add', flags: FLAGGED, keywords: [] });
  const facts = await mailboxFacts(mailbox);
  mailbox.close();
  return facts;
}

/** Whole where the directory says, nowhere else; takes mail; ends where it was to go, with that mail. */
async function holds(world: World, before: MailboxFacts): Promise<void> {
  const place = await world.directory.placeOfMailbox(world.mailbox);
  assert.ok(place === world.source || place === world.target);
  const other = place === world.source ? world.target : world.source;
  const wasLeaving = (await world.database(world.source).standing(world.mailbox))?.kind === 'leaving';
  assert.deepEqual(await world.facts(place), before);
  await assert.rejects(world.facts(other), failure('UNAVAILABLE'));
  if (place === world.source && wasLeaving) {
    // A mover that has slept through all this wakes up now.
    const claim = await world.request();
    await assert.rejects(world.directory.completeMove(claim, claim.progress.cutOvers, {}), failure('CANNOT'));
  }
  const database = world.database(place);
  const mailbox = await database.open(world.mailbox);
  const { uid } = await append(database, mailbox, inboxOf(mailbox), message('after the fall'));
  const now = await mailboxFacts(mailbox);
  mailbox.close();
  await world.move();
  assert.equal(await world.directory.placeOfMailbox(world.mailbox), world.target);
  assert.deepEqual(await world.facts(world.target), now);
  assert.equal(uid, MESSAGES + 1);
  await assert.rejects(world.facts(world.source), failure('UNAVAILABLE'));
}

async function inFolder(run: (root: string) => Promise<void>): Promise<void> {
  const root = await mkdtemp(path.join(tmpdir(), 'penfold-move-'));
  try {
    await run(root);
  } finally {
    await rm(root, { recursive: true });
  }
}

describe('a move that is cut off', () => {
  for (const at of STEPS) {
    test(`by an error before step ${at}`, () =>
      inFolder(async (root) => {
        await World.make(root);
        const world = await World.open(root);
        try {
          const before = await furnish(world);
          let isReached = false;
          const moved = world.move((step) => {
            if (step !== at || isReached) return;
            isReached = true;
            throw new Failure('UNAVAILABLE', 'as a test wants it');
          });
          await assert.rejects(moved, failure('UNAVAILABLE'));
          assert.ok(isReached);
          await holds(world, before);
        } finally {
          await world.close();
        }
      }));
  }

  test('by the end of the process, at each step and each flush', () =>
    inFolder(async (root) => {
      const live = path.join(root, 'live');
      const falls: string[] = [];
      const fall = (name: string): void => {
        const to = path.join(root, `${falls.length}`);
        cpSync(live, to, { recursive: true, filter: (file) => path.basename(file) !== 'lock' });
        falls.push(name);
      };
      let isMoving = false;
      let flushes = 0;
      const files: Files = {
        ...realFiles,
        flush: async (fd) => {
          if (isMoving) fall(`flush ${(flushes += 1)}`);
          await realFiles.flush(fd);
        },
      };
      mkdirSync(live);
      await World.make(live);
      const world = await World.open(live, files);
      const before = await furnish(world);
      isMoving = true;
      await world.move((step) => fall(step));
      fall('the end');
      isMoving = false;
      await world.close();
      assert.ok(flushes >= 2 && falls.length >= STEPS.length + 3);
      for (const [index, name] of falls.entries()) {
        const after = await World.open(path.join(root, `${index}`));
        try {
          await holds(after, before);
        } catch (error) {
          throw new Error(`a fall at ${name}`, { cause: error });
        } finally {
          await after.close();
        }
      }
    }));

  test('by a source whose time is over: it goes on, and the switch is refused', () =>
    inFolder(async (root) => {
      await World.make(root);
      const world = await World.open(root);
      try {
        const before = await furnish(world);
        let overs = 0;
        await world.move((step) => {
          if (step !== 'complete' || overs > 0) return;
          overs += 1;
          // What the timer of the source does when HOLD_MS is over.
          return world.directory.keepMailbox(world.mailbox, world.source).then(() => {});
        });
        assert.equal(overs, 1);
        assert.deepEqual(await world.facts(world.target), before);
        const [request] = await world.directory.moveRequests();
        assert.equal(request?.progress.cutOvers, 2);
      } finally {
        await world.close();
      }
    }));
});
