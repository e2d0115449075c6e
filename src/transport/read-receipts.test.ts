/** Receipts for downloads, from a delivered message to the sender's Inbox: sent once, and never for the wrong mail. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Directory } from '../directory/api.ts';
import { openSqliteDirectory } from '../directory/engine/sqlite/directory.ts';
import type { Account, Server } from '../directory/model.ts';
import { MDN_SENT } from '../message/mdn.ts';
import { Failure } from '../observe/failure.ts';
import { type Log, silentLog } from '../observe/log.ts';
import type { FolderView, Mailbox, MailboxDatabase } from '../store/api.ts';
import { openMemoryDatabase } from '../store/engine/memory/index.ts';
import type { Transport } from './api.ts';
import { createDelivery } from './deliver.ts';
import { createReadReceipts, type ReadReceipts } from './read-receipts.ts';

const HOST = 'mail.example.org';

describe('read receipts', () => {
  let directory: Directory;
  let server: Server;
  let ann: Account;
  let bob: Account;
  let database: MailboxDatabase;
  let transport: Transport;
  let receipts: ReadReceipts;
  let mailbox: Mailbox;
  let view: FolderView;
  const errors: string[] = [];
  const log: Log = { ...silentLog, error: (_fields, text) => void errors.push(text), child: () => log };

  before(async () => {
    directory = await openSqliteDirectory({ file: ':memory:' });
    const site = await directory.addSite('Default');
    server = await directory.addServer({ name: 'A', fqdn: HOST, site: site.id, frontEnd: true, backEnd: true });
    const record = await directory.addDatabase({ name: 'DB', server: server.id, engine: 'sqlite', location: 'db' });
    await directory.addDomain({ name: 'example.org', type: 'Authoritative', isDefault: true });
    const [first, second] = await directory.addAccounts(
      ['ann', 'bob'].map((alias) => ({
        kind: 'user',
        displayName: alias,
        alias,
        userPrincipalName: `${alias}@example.org`,
        mailbox: { database: record.id, addresses: [`${alias}@example.org`] },
        credentials: null,
      })),
    );
    assert.ok(first !== undefined && second !== undefined);
    ann = first;
    bob = second;
  });
  after(() => directory.close());

  beforeEach(async () => {
    errors.length = 0;
    database = openMemoryDatabase();
    transport = createDelivery({ directory, databaseOf: () => database, log: silentLog });
    receipts = createReadReceipts({ directory, server, transport, log });
    mailbox = await open(bob);
    const inbox = mailbox.folderByName('INBOX');
    assert.ok(inbox !== null);
    view = await mailbox.view(inbox.id);
  });

  async function open(account: Account): Promise<Mailbox> {
    assert.ok(account.mailbox !== null);
    return database.open(account.mailbox.id);
  }

  const text = (at: number, from = 'ann@example.org'): string =>
    `Return-Path: <${from}>\r\nReceived: from x ([192.0.2.1])\r\n by ${HOST} with ESMTP id 1-1;\r\n ` +
    `${new Date(at).toUTCString().replace('GMT', '+0000')}\r\n` +
    `Disposition-Notification-To: <${from}>\r\nSubject: hello\r\nMessage-ID: <1@x>\r\n\r\nbody\r\n`;

  /** Delivers to bob as SMTP does, then says what he has downloaded. */
  async function deliver(message = text(Date.now())): Promise<{ uid: number; start: Buffer }> {
    assert.ok(bob.mailbox !== null);
    const recipient = { address: 'bob@example.org', account: bob, mailbox: bob.mailbox };
    const incoming = transport.begin(
      { id: '1', reversePath: 'ann@example.org', recipients: [recipient], receivedAt: Date.now() },
      Buffer.alloc(0),
    );
    await incoming.write(Buffer.from(message));
    assert.deepEqual((await incoming.finish()).failed, []);
    return { uid: view.columns.uid[view.columns.length - 1] ?? 0, start: Buffer.from(message) };
  }

  const download = async (message: { uid: number; start: Buffer }): Promise<boolean> => {
    const receipt = receipts.downloaded({ mailbox, view, owner: bob, ...message });
    await receipt;
    return receipt !== null;
  };

  /** What ann has got. */
  async function inboxOfAnn(): Promise<string[]> {
    const hers = await open(ann);
    const inbox = hers.folderByName('INBOX');
    assert.ok(inbox !== null);
    const found: string[] = [];
    const open_ = await hers.view(inbox.id);
    for (const uid of open_.columns.uid.slice(0, open_.columns.length)) {
      const chunks: Buffer[] = [];
      for await (const chunk of hers.read(inbox.id, uid, 0, 100_000)) chunks.push(Buffer.from(chunk));
      found.push(Buffer.concat(chunks).toString('utf8'));
    }
    open_.close();
    hers.close();
    return found;
  }

  it('is sent once, however often and by however many the message is downloaded', async () => {
    const message = await deliver();
    await Promise.all([download(message), download(message)]);
    await download(message);
    const got = await inboxOfAnn();
    assert.equal(got.length, 1);
    assert.match(got[0] ?? '', /^Return-Path: <>\r\nReceived: by mail\.example\.org id /);
    assert.match(got[0] ?? '', /^Final-Recipient: rfc822;bob@example\.org\r$/m);
    assert.match(got[0] ?? '', /^Original-Message-ID: <1@x>\r$/m);
    assert.ok(view.keywordBit(MDN_SENT) >= 0);
    assert.deepEqual(errors, []);
  });

  it('costs nothing for a message that asks for none', async () => {
    const plain = await deliver('Subject: x\r\n\r\nDisposition-Notification-To: <ann@example.org>\r\n');
    assert.equal(await download(plain), false);
  });

  it('is not sent where a program of the reader has done it ($MDNSent, RFC 3503)', async () => {
    const message = await deliver();
    const uids = Uint32Array.of(message.uid);
    await mailbox.setFlags(view.folder.id, uids, { op: 'add', flags: 0, keywords: ['$mdnsent'] });
    await download(message);
    assert.deepEqual(await inboxOfAnn(), []);
  });

  for (const [what, at, options] of [
    ['an old message, appended with its date', Date.now() - 86_400_000, true],
    ['an old message, appended without its date', Date.now() - 86_400_000, false],
  ] as const) {
    it(`is not sent for ${what}`, async () => {
      const sink = database.stage();
      await sink.write(Buffer.from(text(at)));
      const staged = await sink.finish();
      const date = options ? { internalDate: Math.floor(at / 1000) } : {};
      const { uid } = await mailbox.append(view.folder.id, staged, date);
      await staged.release();
      await download({ uid, start: Buffer.from(text(at)) });
      assert.deepEqual(await inboxOfAnn(), []);
      assert.equal(view.keywordBit(MDN_SENT), -1);
    });
  }

  it('is sent for what an IMAP4 client has fetched, many at once', async () => {
    await deliver('Subject: plain\r\n\r\n');
    for (const id of ['<2@x>', '<3@x>']) await deliver(text(Date.now()).replace('<1@x>', id));
    const uids = view.columns.uid.slice(0, view.columns.length);
    await receipts.fetched({ mailbox, folder: view.folder.id, uids, owner: bob });
    await receipts.fetched({ mailbox, folder: view.folder.id, uids, owner: bob });
    assert.equal((await inboxOfAnn()).length, 2);
    assert.deepEqual(errors, []);
  });

  it('is not sent for a copy that a client appends at once', async () => {
    const message = await deliver();
    await download(message);
    const sink = database.stage();
    await sink.write(message.start);
    const staged = await sink.finish();
    const { uid } = await mailbox.append(view.folder.id, staged, {});
    await staged.release();
    await download({ uid, start: message.start });
    assert.equal((await inboxOfAnn()).length, 1);
  });

  it('is not sent, and not marked, where transport does not reach', async () => {
    await download(await deliver(text(Date.now(), 'carol@elsewhere.example')));
    assert.equal(view.keywordBit(MDN_SENT), -1);
  });

  it('may be sent later when its delivery fails', async () => {
    const message = await deliver();
    const failing: Pick<Transport, 'begin' | 'route'> = {
      route: transport.route.bind(transport),
      begin: (envelope) => ({
        write: () => {},
        finish: () =>
          Promise.resolve({
            delivered: [],
            failed: envelope.recipients.map((recipient) => ({ recipient, failure: new Failure('OVERQUOTA', 'full') })),
          }),
        abort: () => Promise.resolve(),
      }),
    };
    await createReadReceipts({ directory, server, transport: failing, log }).downloaded({
      mailbox,
      view,
      owner: bob,
      ...message,
    });
    assert.deepEqual(await inboxOfAnn(), []);
    await download(message);
    assert.equal((await inboxOfAnn()).length, 1);
  });

  it('never fails a session: an error is logged', async () => {
    const message = await deliver();
    const broken: Pick<Transport, 'begin' | 'route'> = {
      route: () => Promise.reject(new Failure('UNAVAILABLE', 'gone')),
      begin: () => assert.fail('nothing may be sent'),
    };
    await createReadReceipts({ directory, server, transport: broken, log }).downloaded({
      mailbox,
      view,
      owner: bob,
      ...message,
    });
    assert.deepEqual(errors, ['a read receipt failed']);
  });
});
