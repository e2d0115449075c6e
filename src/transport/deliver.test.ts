/** Delivery into a store that fails on demand: who has the message, what a retry does, how often bytes are staged. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { before, describe, it } from 'node:test';
import { openSqliteDirectory } from '../directory/engine/sqlite/directory.ts';
import type { Directory } from '../directory/api.ts';
import type { Account } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';
import { silentLog } from '../observe/log.ts';
import type { Mailbox, MailboxDatabase } from '../store/api.ts';
import { openMemoryDatabase } from '../store/engine/memory/index.ts';
import { type MailboxId, mailboxId } from '../store/model.ts';
import { DELIVERIES_PER_MAILBOX, DELIVERIES_PER_MESSAGE } from '../wire/limits.ts';
import type { DeliveryReport, Recipient, Transport } from './api.ts';
import { createDelivery } from './deliver.ts';

let directory: Directory;
let accounts: readonly Account[];

before(async () => {
  directory = await openSqliteDirectory({ file: ':memory:' });
  const site = await directory.addSite('Default');
  const server = await directory.addServer({ name: 'A', fqdn: 'a.org', site: site.id, frontEnd: true, backEnd: true });
  const database = await directory.addDatabase({ name: 'DB', server: server.id, engine: 'sqlite', location: 'db' });
  await directory.addDomain({ name: 'example.org', type: 'Authoritative', isDefault: true });
  accounts = await directory.addAccounts(
    ['ann', 'bob', 'carol'].map((alias) => ({
      kind: 'user',
      displayName: alias,
      alias,
      userPrincipalName: `${alias}@example.org`,
      mailbox: { database: database.id, addresses: [`${alias}@example.org`] },
      credentials: null,
    })),
  );
});

/** A memory database whose mailboxes can be made unavailable, and that counts. */
class Trial {
  readonly database: MailboxDatabase;
  readonly broken = new Map<MailboxId, Failure>();
  readonly #inner = openMemoryDatabase();
  staged = 0;
  opened = 0;
  mostAtOnce = 0;
  #atOnce = 0;

  constructor() {
    this.database = {
      open: async (id) => this.#watched(await this.#open(id)),
      stage: (options) => {
        this.staged += 1;
        return this.#inner.stage(options);
      },
      mailboxes: () => this.#inner.mailboxes(),
      standing: (id) => this.#inner.standing(id),
      depart: (id) => this.#inner.depart(id),
      receive: (id, move) => this.#inner.receive(id, move),
      remove: (id) => this.#inner.remove(id),
      verify: (id) => this.#inner.verify(id),
      close: () => this.#inner.close(),
    };
  }

  transport(): Transport {
    return createDelivery({ directory, databaseOf: () => this.database, log: silentLog });
  }

  async count(account: Account): Promise<number> {
    assert.ok(account.mailbox !== null);
    const mailbox = await this.#inner.open(account.mailbox.id);
    const { exists = -1 } = mailbox.folderByName('INBOX') ?? {};
    mailbox.close();
    return exists;
  }

  async #open(id: MailboxId): Promise<Mailbox> {
    this.opened += 1;
    const failure = this.broken.get(id);
    if (failure !== undefined) throw failure;
    return this.#inner.open(id);
  }

  #watched(mailbox: Mailbox): Mailbox {
    const append = mailbox.append.bind(mailbox);
    mailbox.append = async (...parameters) => {
      this.#atOnce += 1;
      this.mostAtOnce = Math.max(this.mostAtOnce, this.#atOnce);
      try {
        return await append(...parameters);
      } finally {
        this.#atOnce -= 1;
      }
    };
    return mailbox;
  }
}

const recipientsOf = (...those: readonly Account[]): readonly Recipient[] =>
  those.map((account) => {
    assert.ok(account.mailbox !== null);
    return { address: account.mailbox.primaryAddress, account, mailbox: account.mailbox };
  });

async function deliver(transport: Transport, recipients: readonly Recipient[], text: string): Promise<DeliveryReport> {
  const prefix = Buffer.from(`Received: ${Math.random()}\r\n`);
  const message = transport.begin({ id: 'x-1', reversePath: 'a@b', recipients, receivedAt: 0 }, prefix);
  for (const piece of text.split(/(?<=\n)/)) await message.write(Buffer.from(piece));
  return message.finish();
}

const addresses = (recipients: readonly Recipient[]): readonly string[] =>
  recipients.map((each) => each.address).sort();

describe('local delivery', () => {
  it('stages once for everyone in a database', async () => {
    const trial = new Trial();
    const report = await deliver(trial.transport(), recipientsOf(...accounts), 'A: 1\r\n\r\nhello\r\n');
    assert.deepEqual(addresses(report.delivered), ['ann@example.org', 'bob@example.org', 'carol@example.org']);
    assert.equal(trial.staged, 1);
    for (const account of accounts) assert.equal(await trial.count(account), 1);
  });

  it('reaches on a retry only who is missing', async () => {
    const trial = new Trial();
    const transport = trial.transport();
    const [ann, bob, carol] = accounts;
    assert.ok(ann !== undefined && bob !== undefined && carol !== undefined && bob.mailbox !== null);
    trial.broken.set(bob.mailbox.id, new Failure('OVERQUOTA', 'full'));
    const first = await deliver(transport, recipientsOf(ann, bob, carol), 'A: 1\r\n\r\n');
    assert.deepEqual(addresses(first.delivered), ['ann@example.org', 'carol@example.org']);
    assert.deepEqual(
      first.failed.map(({ recipient, failure }) => [recipient.address, failure.code]),
      [['bob@example.org', 'OVERQUOTA']],
    );
    // Another message is another message; the same again, still failing, is remembered again.
    await deliver(transport, recipientsOf(ann), 'A: 2\r\n\r\n');
    await deliver(transport, recipientsOf(ann, bob, carol), 'A: 1\r\n\r\n');
    trial.broken.clear();
    const last = await deliver(transport, recipientsOf(ann, bob, carol), 'A: 1\r\n\r\n');
    assert.equal(last.failed.length, 0);
    assert.deepEqual([await trial.count(ann), await trial.count(bob), await trial.count(carol)], [2, 1, 1]);
    // All have it: sent once more, it is a new message.
    await deliver(transport, recipientsOf(ann, bob), 'A: 1\r\n\r\n');
    assert.deepEqual([await trial.count(ann), await trial.count(bob)], [3, 2]);
  });

  it('turns an engine fault into a failure that may pass', async () => {
    const trial = new Trial();
    const [ann] = accounts;
    assert.ok(ann !== undefined);
    const transport = createDelivery({
      directory,
      databaseOf: () => {
        throw new Error('boom');
      },
      log: silentLog,
    });
    const report = await deliver(transport, recipientsOf(ann), 'A: 1\r\n\r\n');
    assert.deepEqual(
      report.failed.map(({ failure }) => failure.code),
      ['UNAVAILABLE'],
    );
    assert.equal(trial.opened, 0);
  });

  it('appends to one mailbox so many at a time', async () => {
    const trial = new Trial();
    const transport = trial.transport();
    const [ann] = accounts;
    assert.ok(ann !== undefined);
    await Promise.all(
      Array.from({ length: 3 * DELIVERIES_PER_MAILBOX }, (_, i) =>
        deliver(transport, recipientsOf(ann), `A: ${i}\r\n\r\n`),
      ),
    );
    assert.equal(await trial.count(ann), 3 * DELIVERIES_PER_MAILBOX);
    assert.ok(trial.mostAtOnce <= DELIVERIES_PER_MAILBOX, String(trial.mostAtOnce));
  });

  it('appends one message to so many mailboxes at a time', async () => {
    const trial = new Trial();
    const [ann] = recipientsOf(...accounts);
    assert.ok(ann !== undefined);
    const many = Array.from({ length: 3 * DELIVERIES_PER_MESSAGE }, (_, index) => ({
      ...ann,
      mailbox: { ...ann.mailbox, id: mailboxId(`mailbox-${index}`) },
    }));
    const report = await deliver(trial.transport(), many, 'A: 1\r\n\r\n');
    assert.equal(report.delivered.length, many.length);
    assert.ok(trial.mostAtOnce <= DELIVERIES_PER_MESSAGE, String(trial.mostAtOnce));
  });
});
