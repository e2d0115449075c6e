/**
 * Model checking: random histories of changes, restarts and maintenance against a naive model. After every step the
 * store must say what the model says; UIDs rise, MODSEQ rises, counters equal a recount, the feed told everything.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Mailbox, MailboxDatabase, MailboxEvent } from '../../src/store/api.ts';
import { DELETED, type FolderId, folderId, SEEN } from '../../src/store/model.ts';
import { append, bodies, inboxOf, MAILBOX, message, type OpenStore, type StoreUnderTest } from './store-fixture.ts';

interface ModelMessage {
  readonly text: string;
  flags: number;
  keywords: Set<string>;
}

/** By UID, in order of arrival. */
type ModelFolder = Map<number, ModelMessage>;

type Step =
  | { readonly do: 'append'; readonly folder: number; readonly flags: number; readonly keyword: string | null }
  | {
      readonly do: 'flags';
      readonly folder: number;
      readonly pick: number;
      readonly op: 'add' | 'remove' | 'replace';
      readonly flags: number;
      readonly keyword: string | null;
    }
  | { readonly do: 'copy' | 'move'; readonly folder: number; readonly to: number; readonly pick: number }
  | { readonly do: 'expunge'; readonly folder: number; readonly pick: number; readonly purge: boolean }
  | { readonly do: 'rename'; readonly folder: number; readonly name: number }
  | { readonly do: 'reopen' | 'maintain' };

const folder = fc.nat(2);
const pick = fc.nat(255);
const keyword = fc.constantFrom(null, '$a', '$b', '$c');
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('append' as const), folder, flags: fc.nat(31), keyword }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('flags' as const),
      folder,
      pick,
      op: fc.constantFrom('add' as const, 'remove' as const, 'replace' as const),
      flags: fc.nat(31),
      keyword,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('copy' as const, 'move' as const), folder, to: folder, pick }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('expunge' as const), folder, pick, purge: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('rename' as const),
      folder: fc.integer({ min: 1, max: 2 }),
      name: fc.nat(4),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('reopen' as const, 'maintain' as const) }) },
);

class History {
  readonly #store: StoreUnderTest;
  #database: MailboxDatabase;
  #mailbox: Mailbox;
  readonly #ids: FolderId[] = [];
  readonly #model: ModelFolder[] = [];
  readonly #uidNext: number[] = [];
  /** What somebody who only hears the feed believes. */
  readonly #heard = new Map<number, Set<number>>();
  #misheard: unknown = null;
  #modSeq = 0;
  #messages = 0;

  private constructor(store: StoreUnderTest, mailbox: Mailbox) {
    this.#store = store;
    this.#database = store.database;
    this.#mailbox = mailbox;
  }

  static async begin(store: StoreUnderTest): Promise<History> {
    const mailbox = await store.database.open(MAILBOX);
    const history = new History(store, mailbox);
    history.#ids.push(inboxOf(mailbox));
    for (const name of ['F1', 'F2']) history.#ids.push((await mailbox.createFolder(name)).id);
    for (const id of history.#ids) {
      history.#model.push(new Map());
      history.#uidNext.push(1);
      history.#heard.set(id, new Set());
    }
    history.#watch();
    return history;
  }

  async take(one: Step): Promise<void> {
    switch (one.do) {
      case 'append':
        return this.#append(one.folder, one.flags, one.keyword);
      case 'flags':
        return this.#flags(one);
      case 'copy':
      case 'move':
        return this.#copy(one.do, one.folder, one.to, one.pick);
      case 'expunge': {
        const uids = this.#pick(one.folder, one.pick);
        const { expunged } = await this.#mailbox.expunge(this.#ids[one.folder]!, uids, { purge: one.purge });
        assert.deepEqual(expunged, uids);
        for (const uid of uids) this.#model[one.folder]!.delete(uid);
        return undefined;
      }
      case 'rename': {
        const name = `Name ${one.folder}-${one.name}`;
        assert.equal((await this.#mailbox.changeFolder(this.#ids[one.folder]!, { name })).name, name);
        return undefined;
      }
      case 'maintain':
        return this.#mailbox.maintain({ retentionSeconds: 0 });
      case 'reopen':
        this.#mailbox.close();
        this.#database = await this.#store.reopen();
        this.#mailbox = await this.#database.open(MAILBOX);
        this.#watch();
        return undefined;
      default:
        throw new Error('no such step');
    }
  }

  async check(): Promise<void> {
    assert.equal(this.#misheard, null);
    for (const [i, id] of this.#ids.entries()) {
      const model = this.#model[i]!;
      const view = await this.#mailbox.view(id);
      const { columns } = view;
      const uids = [...columns.uid.subarray(0, columns.length)];
      assert.deepEqual(uids, [...model.keys()]);
      assert.deepEqual(
        [...columns.flags.subarray(0, columns.length)],
        [...model.values()].map((one) => one.flags),
      );
      for (const [row, one] of [...model.values()].entries()) {
        const has = view.folder.keywords.filter((_, bit) => ((columns.keywordsLow[row] ?? 0) >>> bit) & 1);
        assert.deepEqual(has.sort(), [...one.keywords].sort());
      }
      const all = [...model.values()];
      assert.deepEqual(
        [view.folder.exists, view.folder.unseen, view.folder.deleted, view.folder.uidNext],
        [
          all.length,
          all.filter((one) => (one.flags & SEEN) === 0).length,
          all.filter((one) => (one.flags & DELETED) !== 0).length,
          this.#uidNext[i],
        ],
      );
      assert.deepEqual(this.#heard.get(id), new Set(uids), 'the feed told every arrival and removal');
      view.close();
    }
  }

  async end(): Promise<void> {
    for (const [i, id] of this.#ids.entries()) {
      const model = this.#model[i]!;
      const stored = await bodies(this.#mailbox, id, [...model.keys()]);
      assert.deepEqual(
        stored,
        [...model.values()].map((one) => message(one.text)),
      );
    }
    assert.deepEqual((await this.#database.verify(MAILBOX)).problems, []);
  }

  async #append(index: number, flags: number, word: string | null): Promise<void> {
    const text = `n${(this.#messages += 1)}`;
    const keywords = word === null ? [] : [word];
    const { uid } = await append(this.#database, this.#mailbox, this.#ids[index]!, message(text), { flags, keywords });
    this.#arrive(index, uid, { text, flags, keywords: new Set(keywords) });
  }

  async #flags(one: Extract<Step, { do: 'flags' }>): Promise<void> {
    const uids = this.#pick(one.folder, one.pick);
    const keywords = one.keyword === null ? [] : [one.keyword];
    const { changed } = await this.#mailbox.setFlags(this.#ids[one.folder]!, uids, {
      op: one.op,
      flags: one.flags,
      keywords,
    });
    const really: number[] = [];
    for (const uid of uids) {
      const found = this.#model[one.folder]!.get(uid)!;
      const before = `${found.flags} ${[...found.keywords].sort().join()}`;
      if (one.op === 'add') found.flags |= one.flags;
      else if (one.op === 'remove') found.flags &= ~one.flags;
      else found.flags = one.flags;
      if (one.op === 'replace') found.keywords = new Set(keywords);
      else if (one.op === 'add') for (const word of keywords) found.keywords.add(word);
      else for (const word of keywords) found.keywords.delete(word);
      if (before !== `${found.flags} ${[...found.keywords].sort().join()}`) really.push(uid);
    }
    assert.deepEqual([...changed], really);
  }

  async #copy(kind: 'copy' | 'move', from: number, to: number, bits: number): Promise<void> {
    const uids = this.#pick(from, bits);
    const { source, target } = await this.#mailbox[kind](this.#ids[from]!, uids, this.#ids[to]!);
    assert.deepEqual(source, uids);
    for (const [i, uid] of [...uids].entries()) {
      const found = this.#model[from]!.get(uid)!;
      if (kind === 'move') this.#model[from]!.delete(uid);
      this.#arrive(to, target[i]!, { ...found, keywords: new Set(found.keywords) });
    }
  }

  #arrive(index: number, uid: number, one: ModelMessage): void {
    assert.equal(uid, this.#uidNext[index], 'UIDs rise one by one');
    this.#uidNext[index] = uid + 1;
    this.#model[index]!.set(uid, one);
  }

  /** UIDs whose place among the present ones has its bit set. */
  #pick(index: number, bits: number): Uint32Array {
    return Uint32Array.from([...this.#model[index]!.keys()].filter((_, place) => (bits >>> (place % 8)) & 1));
  }

  #watch(): void {
    // The feed logs what a watcher throws: kept here for `check`.
    this.#mailbox.watch((event) => {
      try {
        this.#hear(event);
      } catch (reason) {
        this.#misheard ??= reason;
      }
    });
  }

  #hear(event: MailboxEvent): void {
    if (event.kind !== 'messages') return;
    for (const one of event.events) {
      assert.ok(one.modSeq >= this.#modSeq, 'MODSEQ never falls');
      this.#modSeq = one.modSeq;
      const known = this.#heard.get(folderId(one.folder));
      if (known === undefined) continue;
      for (const uid of one.expunged ?? []) assert.ok(known.delete(uid), 'only what was there is removed');
      if (one.appended === null) continue;
      for (let uid = one.appended.first; uid <= one.appended.last; uid += 1) known.add(uid);
    }
  }
}

export function modelConformance(name: string, open: OpenStore, runs: number): void {
  describe(`${name}: random histories`, () => {
    test('the store does what the model does', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
          const store = await open();
          try {
            const history = await History.begin(store);
            for (const one of steps) {
              await history.take(one);
              await history.check();
            }
            await history.end();
          } finally {
            await store.dispose();
          }
        }),
        { numRuns: runs },
      );
    });
  });
}
