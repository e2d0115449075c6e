/** Sending by JMAP (RFC 8621 §6, §7): what SMTP submission allows and refuses, and what waits. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, beforeEach, describe, mock, test } from 'node:test';
import type { Directory } from '../../../directory/api.ts';
import { openSqliteDirectory } from '../../../directory/engine/sqlite/directory.ts';
import type { Account } from '../../../directory/model.ts';
import { Failure } from '../../../observe/failure.ts';
import { silentLog } from '../../../observe/log.ts';
import { RateLimiter } from '../../../smtp/server/rate-limit.ts';
import type { MailboxDatabase } from '../../../store/api.ts';
import { openMemoryDatabase } from '../../../store/engine/memory/index.ts';
import { createDelivery } from '../../../transport/deliver.ts';
import { HELD_PER_ACCOUNT, HeldMailSpool, MAX_DELAYED_SEND } from '../../../transport/held/held-mail.ts';
import type { Json, JsonObject } from '../json.ts';
import { mailMethods } from '../mail/methods.ts';
import { idsOf, listOf, objectOf, TestAccount, textOf } from '../../../../test/support/jmap-account.ts';
import { submissionCapability } from './submission-capability.ts';
import { Submissions } from './submissions.ts';

const HOUR = 3_600_000;

describe('EmailSubmission and Identity', () => {
  let directory: Directory;
  let database: MailboxDatabase;
  let ann: Account;
  let bob: Account;
  let shared: Account;
  let folder: string;
  let spool: HeldMailSpool;
  let submissions: Submissions;
  let account: TestAccount;
  let now: number;
  /** Address whose route cannot be told now. */
  let away: string | null;

  before(async () => {
    directory = await openSqliteDirectory({ file: ':memory:' });
    const site = await directory.addSite('Default');
    const server = await directory.addServer({
      name: 'A',
      fqdn: 'a.org',
      site: site.id,
      frontEnd: true,
      backEnd: true,
    });
    const db = await directory.addDatabase({ name: 'DB', server: server.id, engine: 'sqlite', location: 'db' });
    await directory.addDomain({ name: 'example.org', type: 'Authoritative', isDefault: true });
    const add = (kind: 'user' | 'shared', alias: string, addresses: readonly string[]): Promise<Account> =>
      directory.addAccount({
        kind,
        displayName: alias,
        alias,
        userPrincipalName: `${alias}@example.org`,
        mailbox: { database: db.id, addresses },
        credentials: null,
      });
    ann = await add('user', 'ann', ['ann@example.org', 'ann.alias@example.org']);
    bob = await add('user', 'bob', ['bob@example.org', 'robert@example.org']);
    shared = await add('shared', 'team', ['team@example.org']);
  });
  after(() => directory.close());

  beforeEach(async (context) => {
    assert.ok('after' in context);
    folder = await mkdtemp(path.join(tmpdir(), 'penfold-held-'));
    database = openMemoryDatabase();
    now = Date.parse('2026-12-01T08:00:00Z');
    away = null;
    await openSpool();
    account = await openAccount(ann);
    context.after(async () => {
      submissions.close();
      await spool.close();
      await account.close();
      await rm(folder, { recursive: true });
    });
  });

  async function openSpool(): Promise<void> {
    spool = await HeldMailSpool.open({
      directory: folder,
      transport: transport(true),
      serverName: 'a.org',
      log: silentLog,
      now: () => now,
      perAccount: 3,
    });
    submissions = new Submissions(spool);
  }
  /** Of the spool: an address that was there a moment ago can be away. */
  function transport(mayFail = false): ReturnType<typeof createDelivery> {
    const delivery = createDelivery({ directory, databaseOf: () => database, log: silentLog });
    return {
      ...delivery,
      route: (local, domain) =>
        mayFail && `${local}@${domain}` === away
          ? Promise.reject(new Failure('UNAVAILABLE', 'the directory is away'))
          : delivery.route(local, domain),
    };
  }
  async function openAccount(owner: Account): Promise<TestAccount> {
    const capability = submissionCapability({
      directory,
      transport: transport(),
      spool,
      submissions,
      rates: new RateLimiter(),
      serverName: 'a.org',
      now: () => now,
    });
    return TestAccount.open([...mailMethods, ...capability.methods], { owner, database });
  }

  async function draft(fields: object = {}, text = 'hello'): Promise<string> {
    const answer = await account.call('Email/set', {
      create: {
        d: {
          mailboxIds: { [account.mailboxIdOf('Drafts')]: true },
          keywords: { $draft: true },
          from: [{ name: 'Ann', email: 'ann@example.org' }],
          to: [{ name: 'Bob', email: 'bob@example.org' }],
          subject: 'hi',
          textBody: [{ partId: 't' }],
          bodyValues: { t: { value: text } },
          ...fields,
        },
      },
    });
    assert.deepEqual(answer['notCreated'], {});
    return textOf(objectOf(objectOf(answer['created'])['d'])['id']);
  }
  async function identity(email = 'ann@example.org'): Promise<string> {
    const found = listOf(await account.call('Identity/get')).find((one) => one['email'] === email);
    assert.ok(found, `there is an identity ${email}`);
    return textOf(found['id']);
  }
  const send = async (emailId: string, more: object = {}): Promise<JsonObject> =>
    account.call('EmailSubmission/set', { create: { s: { emailId, identityId: await identity(), ...more } } });
  async function refused(emailId: string, more: object = {}): Promise<JsonObject> {
    return objectOf(objectOf((await send(emailId, more))['notCreated'])['s']);
  }
  async function sent(emailId: string, more: object = {}): Promise<string> {
    const answer = await send(emailId, more);
    assert.deepEqual(answer['notCreated'], {});
    return textOf(objectOf(objectOf(answer['created'])['s'])['id']);
  }
  async function submission(id: string): Promise<JsonObject> {
    const [found] = listOf(await account.call('EmailSubmission/get', { ids: [id] }));
    assert.ok(found);
    return found;
  }
  /** Messages in somebody's Inbox. */
  async function inbox(of: Account): Promise<readonly string[]> {
    const theirs = await TestAccount.open(mailMethods, { owner: of, database });
    const emails = idsOf(await theirs.call('Email/query', { filter: { inMailbox: theirs.mailboxIdOf('INBOX') } }));
    const texts = await Promise.all(emails.map(async (id) => (await theirs.bytes(id)).toString()));
    theirs.mailbox.close();
    return texts;
  }
  const hold = (ms: number): object => ({ sendAt: new Date(now + ms).toISOString() });

  test('a draft is sent, moved and unmarked in one call; Bcc is for nobody else', async () => {
    const emailId = await draft({ bcc: [{ email: 'robert@example.org' }], cc: [{ email: 'ann@example.org' }] });
    const answers = await account.calls([
      [
        'EmailSubmission/set',
        {
          accountId: ann.id,
          create: { s: { emailId, identityId: await identity() } },
          onSuccessUpdateEmail: {
            '#s': {
              [`mailboxIds/${account.mailboxIdOf('Drafts')}`]: null,
              [`mailboxIds/${account.mailboxIdOf('Sent')}`]: true,
              'keywords/$draft': null,
            },
          },
        },
        'c',
      ],
    ]);
    assert.deepEqual(
      answers.map(([name, , id]) => [name, id]),
      [
        ['EmailSubmission/set', 'c'],
        ['Email/set', 'c'],
      ],
    );
    assert.deepEqual(answers[1]?.[1]['updated'], { [emailId]: null });
    const [email] = listOf(
      await account.call('Email/get', { ids: [emailId], properties: ['mailboxIds', 'keywords', 'bcc'] }),
    );
    assert.deepEqual(email?.['mailboxIds'], { [account.mailboxIdOf('Sent')]: true });
    assert.deepEqual(email['keywords'], {});
    assert.deepEqual(email['bcc'], [{ name: null, email: 'robert@example.org' }], 'the sender keeps it');
    const [text = '', ...more] = await inbox(bob);
    assert.equal(more.length, 0, 'one copy for both of his addresses');
    assert.match(
      text,
      /^Return-Path: <ann@example.org>\r\nReceived: from \[192\.0\.2\.1\]\r\n by a\.org with HTTP id S/,
    );
    assert.ok(!/^bcc:/im.test(text) && !text.includes('robert'), text);
    assert.equal((await inbox(ann)).length, 1);
    const id = textOf(objectOf(objectOf(answers[0]?.[1]['created'])['s'])['id']);
    const record = await submission(id);
    assert.equal(record['undoStatus'], 'final');
    assert.equal(record['sendAt'], '2026-12-01T08:00:00Z');
    assert.deepEqual(objectOf(objectOf(record['deliveryStatus'])['bob@example.org'])['delivered'], 'yes');
    assert.deepEqual(await readdir(folder), [], 'nothing is left on disk');
  });

  test('what SMTP submission refuses is refused here, by the errors of the RFC', async () => {
    const plain = await draft();
    const type = async (emailId: string, more: object = {}): Promise<Json> =>
      (await refused(emailId, more))['type'] ?? null;
    assert.equal(await type(await draft({ from: [{ email: 'bob@example.org' }] })), 'forbiddenFrom');
    assert.equal(await type(await draft({ from: [] })), 'invalidEmail');
    assert.equal(await type(await draft({ to: [] })), 'noRecipients');
    assert.equal(await type(await draft({ to: [{ email: 'nobody' }] })), 'invalidRecipients');
    const elsewhere = await refused(await draft({ to: [{ email: 'x@far.away' }, { email: 'no@example.org' }] }));
    assert.equal(elsewhere['type'], 'invalidRecipients');
    assert.deepEqual(elsewhere['invalidRecipients'], ['x@far.away', 'no@example.org']);
    assert.match(textOf(elsewhere['description']), /does not send mail to other domains yet; .*no mailbox/);
    assert.equal(await type('M999'), 'invalidProperties');
    assert.equal(await type(plain, { identityId: 'Inothing' }), 'invalidProperties');
    const envelope = (email: string, parameters: object | null = null): object => ({
      envelope: { mailFrom: { email, parameters }, rcptTo: [{ email: 'bob@example.org' }] },
    });
    assert.equal(await type(plain, envelope('bob@example.org')), 'forbiddenMailFrom');
    assert.equal(await type(plain, envelope('ann@example.org', { 'MT-PRIORITY': '3' })), 'invalidProperties');
    assert.equal(await type(plain, hold((MAX_DELAYED_SEND + 60) * 1000)), 'invalidProperties');
    account.isReadOnly = true;
    assert.deepEqual(await account.call('EmailSubmission/set', {}), { error: 'accountReadOnly' });
    assert.equal((await inbox(bob)).length, 0, 'nothing was sent');
  });

  test('limits of the mailbox and its throttling policy count here too', async () => {
    const emailId = await draft({}, 'x'.repeat(5000));
    await directory.setMailboxSettings(ann.id, { maxSendSize: 4096 });
    const large = await refused(emailId);
    assert.deepEqual([large['type'], large['maxSize']], ['tooLarge', 4096]);
    await directory.setMailboxSettings(ann.id, { maxSendSize: Infinity, recipientLimits: 1 });
    const many = await refused(await draft({ to: [{ email: 'bob@example.org' }, { email: 'team@example.org' }] }));
    assert.deepEqual([many['type'], many['maxRecipients']], ['tooManyRecipients', 1]);
    await directory.setMailboxSettings(ann.id, { recipientLimits: Infinity });
    await directory.setMailboxSettings(bob.id, { maxReceiveSize: 4096 });
    assert.equal((await refused(emailId))['type'], 'invalidRecipients');
    await directory.setMailboxSettings(bob.id, { maxReceiveSize: Infinity });
    await directory.setThrottlingPolicy({ name: 'slow', scope: 'Regular', limits: { messageRateLimit: 1 } });
    await directory.setMailboxSettings(ann.id, { throttlingPolicy: 'slow' });
    await sent(emailId);
    assert.equal((await refused(emailId))['type'], 'rateLimit');
    await directory.setMailboxSettings(ann.id, { throttlingPolicy: '' });
  });

  test('identities are the addresses of the mailbox and those with SendAs; the rest is the person’s', async () => {
    const emails = async (): Promise<Json[]> =>
      listOf(await account.call('Identity/get')).map((one) => one['email'] ?? null);
    assert.deepEqual(await emails(), ['ann@example.org', 'ann.alias@example.org']);
    const { state } = await account.call('Identity/get');
    await directory.setPermission({ mailbox: shared.id, user: ann.id, rights: ['SendAs'] });
    assert.deepEqual(await emails(), ['ann@example.org', 'ann.alias@example.org', 'team@example.org']);
    assert.deepEqual(await account.call('Identity/changes', { sinceState: state }), {
      error: 'cannotCalculateChanges',
    });
    await sent(await draft({ from: [{ email: 'team@example.org' }] }), {
      identityId: await identity('team@example.org'),
    });
    await directory.setPermission({ mailbox: shared.id, user: ann.id, rights: [] });
    const id = await identity();
    const change = { name: 'Ann A.', textSignature: '-- Ann', replyTo: [{ name: null, email: 'x@example.org' }] };
    const set = await account.call('Identity/set', {
      create: { n: { email: 'new@example.org' } },
      update: { [id]: change },
      destroy: [await identity('ann.alias@example.org')],
    });
    assert.deepEqual(set['updated'], { [id]: null });
    assert.equal(objectOf(Object(set['notCreated'])['n'])['type'], 'forbidden');
    assert.equal(Object.keys(objectOf(set['notDestroyed'])).length, 1);
    const [mine] = listOf(await account.call('Identity/get', { ids: [id] }));
    assert.deepEqual({ ...mine, ...change }, mine);
    const bad = await account.call('Identity/set', { update: { [id]: { htmlSignature: 7 } } });
    assert.equal(objectOf(Object(bad['notUpdated'])[id])['type'], 'invalidProperties');
  });

  test('somebody else’s mailbox is sent from with SendAs only', async () => {
    const team = await openAccount(shared);
    team.user = ann;
    assert.deepEqual(listOf(await team.call('Identity/get')), []);
    const emailId = await team.add('From: team@example.org\r\nTo: bob@example.org\r\n\r\nx\r\n', 'Drafts');
    const answer = await team.call('EmailSubmission/set', { create: { s: { emailId, identityId: 'Ix' } } });
    assert.equal(objectOf(Object(answer['notCreated'])['s'])['type'], 'forbiddenToSend');
    team.mailbox.close();
  });

  test('what waits can be taken back, and is sent when nobody does', async () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const first = await sent(await draft({ subject: 'never' }), hold(HOUR));
      const second = await sent(await draft({ subject: 'later' }), {
        envelope: {
          mailFrom: { email: 'ann@example.org', parameters: { HOLDFOR: '7200' } },
          rcptTo: [{ email: 'bob@example.org', parameters: null }],
        },
      });
      assert.deepEqual((await submission(first))['undoStatus'], 'pending');
      assert.equal((await submission(second))['sendAt'], '2026-12-01T10:00:00Z');
      const { state } = await account.call('EmailSubmission/get');
      const pending = await account.call('EmailSubmission/query', {
        filter: { undoStatus: 'pending' },
        sort: [{ property: 'sentAt', isAscending: true }],
        calculateTotal: true,
      });
      assert.deepEqual([idsOf(pending), pending['total']], [[first, second], 2]);
      const undo = await account.call('EmailSubmission/set', { update: { [first]: { undoStatus: 'canceled' } } });
      assert.deepEqual(undo['updated'], { [first]: null });
      const released = new Promise<void>((resolve) => {
        const stop = spool.watch(({ facts, state: of }) => {
          if (facts.id !== second || of !== 'final') return;
          stop();
          resolve();
        });
      });
      now += 2 * HOUR;
      mock.timers.tick(2 * HOUR);
      await released;
      const [only = '', ...others] = await inbox(bob);
      assert.ok(only.includes('Subject: later') && others.length === 0);
      const late = await account.call('EmailSubmission/set', { update: { [second]: { undoStatus: 'canceled' } } });
      assert.equal(objectOf(Object(late['notUpdated'])[second])['type'], 'cannotUnsend');
      const changes = await account.call('EmailSubmission/changes', { sinceState: state });
      assert.deepEqual(new Set(Object(changes['updated'])), new Set([first, second]));
      assert.deepEqual(await account.call('EmailSubmission/changes', { sinceState: 'x-0' }), {
        error: 'cannotCalculateChanges',
      });
      assert.deepEqual(await account.call('EmailSubmission/queryChanges', { sinceQueryState: 'x' }), {
        error: 'cannotCalculateChanges',
      });
      const gone = await account.call('EmailSubmission/set', { destroy: [first] });
      assert.deepEqual(gone['destroyed'], [first]);
      assert.deepEqual((await account.call('EmailSubmission/get', { ids: [first] }))['notFound'], [first]);
    } finally {
      mock.timers.reset();
    }
  });

  test('what waits survives a restart, and is still the same submission', async () => {
    const id = await sent(await draft({ subject: 'after all' }), hold(HOUR));
    const before = await submission(id);
    submissions.close();
    await spool.close();
    await openSpool();
    await account.close();
    database = openMemoryDatabase();
    account = await openAccount(ann);
    assert.deepEqual(await submission(id), before);
    const mail = await spool.release(id);
    assert.equal(mail?.state, 'final');
    assert.equal((await inbox(bob)).length, 1);
    assert.deepEqual(await readdir(folder), []);
  });

  test('who cannot be reached is tried again; in the end the sender is told', async () => {
    away = 'team@example.org';
    const id = await sent(await draft({ to: [{ email: 'bob@example.org' }, { email: 'team@example.org' }] }));
    const status = objectOf((await submission(id))['deliveryStatus']);
    assert.deepEqual(
      ['bob@example.org', 'team@example.org'].map((one) => objectOf(status[one])['delivered']),
      ['yes', 'queued'],
    );
    now += 49 * HOUR;
    await spool.release(id);
    assert.equal((await inbox(bob)).length, 1, 'who has it does not get it again');
    const [notice = ''] = await inbox(ann);
    assert.match(notice, /^Return-Path: <>/);
    assert.match(notice, /Final-Recipient: rfc822;team@example\.org\r\nAction: failed\r\nStatus: 5\.4\.7/);
    assert.equal(objectOf(objectOf((await submission(id))['deliveryStatus'])['team@example.org'])['delivered'], 'no');
  });

  test('only so many messages of an account wait', async () => {
    const emailId = await draft();
    await sent(emailId, hold(HOUR));
    await sent(emailId, hold(HOUR));
    await sent(emailId, hold(HOUR));
    assert.equal((await refused(emailId, hold(HOUR)))['type'], 'forbiddenToSend');
    assert.ok(HELD_PER_ACCOUNT > 3);
  });
});
