/** For tests: an account on the reference engine, its methods called as a client calls them. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { type Account, accountId } from '../../src/directory/model.ts';
import type { Mailbox, MailboxDatabase } from '../../src/store/api.ts';
import { openMemoryDatabase } from '../../src/store/engine/memory/index.ts';
import { mailboxId } from '../../src/store/model.ts';
import type { UploadedBlob } from '../../src/web/jmap/blobs.ts';
import { carryOut, type Method } from '../../src/web/jmap/dispatch.ts';
import { isObject, type Json, type JsonObject } from '../../src/web/jmap/json.ts';
import { readRequest } from '../../src/web/jmap/request.ts';
import type { JmapContext } from '../../src/web/jmap/capability.ts';
import type { OpenAccount } from '../../src/web/jmap/mail/context.ts';

export const ACCOUNT = 'a1';
const URIS = [
  'urn:ietf:params:jmap:core',
  'urn:ietf:params:jmap:mail',
  'urn:ietf:params:jmap:submission',
  'urn:ietf:params:jmap:vacationresponse',
  'urn:ietf:params:jmap:quota',
  'urn:penfold:params:jmap:recoverable',
];

export const testOwner: Account = {
  id: accountId(ACCOUNT),
  kind: 'user',
  enabled: true,
  displayName: 'Ann',
  alias: 'ann',
  userPrincipalName: 'ann@example.test',
  mailbox: null,
};

export class TestAccount implements JmapContext {
  readonly database: MailboxDatabase;
  readonly mailbox: Mailbox;
  readonly owner: Account;
  user: Account;
  readonly webSession = null;
  readonly appPassword = null;
  readonly remoteAddress = '192.0.2.1';
  isReadOnly = false;
  readonly #uploads = new Map<string, UploadedBlob>();
  readonly #methods: ReadonlyMap<string, Method<JmapContext>>;
  /** Accounts beside this one, by id. */
  readonly others = new Map<string, TestAccount>();

  readonly #clock: { now: number };

  private constructor(
    database: MailboxDatabase,
    mailbox: Mailbox,
    owner: Account,
    methods: readonly Method<JmapContext>[],
    clock: { now: number },
  ) {
    this.database = database;
    this.mailbox = mailbox;
    this.owner = owner;
    this.user = owner;
    this.#methods = new Map(methods.map((method) => [method.name, method]));
    this.#clock = clock;
  }

  /** Of the owner's mailbox, when he has one. */
  static async open(
    methods: readonly Method<JmapContext>[],
    options: { owner?: Account; database?: MailboxDatabase } = {},
  ): Promise<TestAccount> {
    const clock = { now: 1_790_000_000 };
    const owner = options.owner ?? testOwner;
    const database = options.database ?? openMemoryDatabase({ now: () => clock.now });
    const mailbox = await database.open(owner.mailbox?.id ?? mailboxId('0c7f4f0e-0000-4000-8000-000000000001'));
    return new TestAccount(database, mailbox, owner, methods, clock);
  }

  /** Seconds since 1970, for a database of its own. */
  get now(): number {
    return this.#clock.now;
  }

  set now(seconds: number) {
    this.#clock.now = seconds;
  }

  async close(): Promise<void> {
    this.mailbox.close();
    await this.database.close();
  }

  account(id: string): Promise<OpenAccount | null> {
    if (id !== this.owner.id) return this.others.get(id)?.account(id) ?? Promise.resolve(null);
    return Promise.resolve({
      owner: this.owner,
      mailbox: this.mailbox,
      isReadOnly: this.isReadOnly,
      stage: (options) => this.database.stage(options),
      uploads: { find: (blobId) => Promise.resolve(this.#uploads.get(blobId) ?? null) },
    });
  }

  upload(blobId: string, bytes: Buffer, type = 'application/octet-stream'): string {
    this.#uploads.set(blobId, {
      size: bytes.length,
      type,
      // In small pieces, as files come.
      async *read(start = 0, end = bytes.length) {
        for (let at = start; at < end; at += 1000) yield bytes.subarray(at, Math.min(end, at + 1000));
      },
    });
    return blobId;
  }

  /** Answer of one call; an error as `{ error: type }`. */
  async call(name: string, args: object = {}): Promise<JsonObject> {
    const [first] = await this.calls([[name, { accountId: this.owner.id, ...args }, 'c']]);
    assert.ok(first);
    return first[0] === 'error' ? { error: first[1]['type'] ?? null } : first[1];
  }

  async calls(methodCalls: unknown): Promise<ReadonlyArray<readonly [string, JsonObject, string]>> {
    const request = readRequest(JSON.stringify({ using: URIS, methodCalls }), new Set(URIS));
    const faults: unknown[] = [];
    const { methodResponses } = await carryOut<JmapContext>(request, {
      methods: this.#methods,
      context: this,
      sessionState: 's',
      signal: AbortSignal.timeout(60_000),
      onFault: (error) => faults.push(error),
    });
    assert.deepEqual(faults, []);
    return methodResponses;
  }

  /** Puts a message into a folder; its id. */
  async add(
    message: string | Buffer,
    folder = 'INBOX',
    options: { flags?: number; keywords?: readonly string[]; at?: number } = {},
  ): Promise<string> {
    const sink = this.database.stage();
    await sink.write(Buffer.from(message));
    const staged = await sink.finish();
    const target = this.mailbox.folderByName(folder);
    assert.ok(target, `there is a folder ${folder}`);
    const { uid } = await this.mailbox.append(target.id, staged, {
      flags: options.flags ?? 0,
      keywords: options.keywords ?? [],
      internalDate: options.at ?? this.now,
    });
    await staged.release();
    const view = await this.mailbox.view(target.id);
    const content = view.columns.content[view.rowOf(uid)];
    view.close();
    return `M${content}`;
  }

  mailboxIdOf(folder: string): string {
    const found = this.mailbox.folderByName(folder);
    assert.ok(found, `there is a folder ${folder}`);
    return `F${found.id}`;
  }

  /** The original bytes of an Email. */
  async bytes(emailId: string): Promise<Buffer> {
    for (const folder of this.mailbox.folders()) {
      const view = await this.mailbox.view(folder.id);
      const { columns } = view;
      const row = columns.content.subarray(0, columns.length).indexOf(Number(emailId.slice(1)));
      const uid = row < 0 ? 0 : columns.uid[row]!;
      view.close();
      if (row < 0) continue;
      const chunks: Buffer[] = [];
      for await (const chunk of this.mailbox.read(folder.id, uid, 0, Infinity)) chunks.push(Buffer.from(chunk));
      return Buffer.concat(chunks);
    }
    assert.fail(`there is no ${emailId}`);
  }
}

/* Answers are JSON of no known shape: tests look into them by these. */

export function textOf(value: Json | undefined): string {
  assert.ok(typeof value === 'string', `a string, not ${JSON.stringify(value)}`);
  return value;
}

export function objectOf(value: Json | undefined): JsonObject {
  assert.ok(isObject(value), `an object, not ${JSON.stringify(value)}`);
  return value;
}

export const listOf = (answer: JsonObject, name = 'list'): readonly JsonObject[] => Object(answer)[name];
export const idsOf = (answer: JsonObject): readonly string[] => Object(answer)['ids'];
