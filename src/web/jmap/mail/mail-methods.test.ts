/** JMAP for mail against the reference engine of the store: what clients ask, by method. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { type Account, accountId } from '../../../directory/model.ts';
import { openMemoryDatabase } from '../../../store/engine/memory/index.ts';
import type { Mailbox, MailboxDatabase } from '../../../store/api.ts';
import { FLAGGED, mailboxId, SEEN } from '../../../store/model.ts';
import { carryOut } from '../dispatch.ts';
import type { Json, JsonObject } from '../json.ts';
import { readRequest } from '../request.ts';
import type { MailContext } from './context.ts';
import { mailMethods } from './methods.ts';
import { CORE, MAIL } from './names.ts';

const METHODS = new Map(mailMethods.map((method) => [method.name, method]));
const ACCOUNT = 'a1';
const DAY = 86_400;

function text(value: Json | undefined): string {
  assert.ok(typeof value === 'string');
  return value;
}

const plain = (subject: string, more = '', body = `Text of ${subject}\r\n`): string =>
  `From: =?utf-8?q?J=C3=B6rg?= <joerg@example.test>\r\nTo: Team: ann@example.test, Bob <bob@example.test>;\r\nSubject: ${subject}\r\nDate: Mon, 30 Nov 2026 08:00:00 +0200\r\nMessage-ID: <${subject.replaceAll(' ', '-')}@example.test>\r\n${more}\r\n${body}`;

const ALTERNATIVE = plain(
  'both',
  'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=m\r\n',
  [
    '--m',
    'Content-Type: multipart/alternative; boundary=a',
    '',
    '--a',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    'Gr=C3=BC=C3=9Fe',
    '--a',
    'Content-Type: text/html; charset=utf-8',
    '',
    '<p>Grüße</p>',
    '--a--',
    '--m',
    'Content-Type: application/pdf; name=report.pdf',
    'Content-Disposition: attachment; filename=report.pdf',
    'Content-Transfer-Encoding: base64',
    'Content-ID: <pdf@example.test>',
    '',
    'AAECAwQFBgc=',
    '--m--',
    '',
  ].join('\r\n'),
);

describe('JMAP mail (RFC 8621)', () => {
  let database: MailboxDatabase;
  let mailbox: Mailbox;
  let isReadOnly: boolean;
  let clock: number;

  beforeEach(async () => {
    clock = 1_790_000_000;
    database = openMemoryDatabase({ now: () => clock });
    mailbox = await database.open(mailboxId('0c7f4f0e-0000-4000-8000-000000000001'));
    isReadOnly = false;
  });
  afterEach(async () => {
    mailbox.close();
    await database.close();
  });

  const owner: Account = {
    id: accountId(ACCOUNT),
    kind: 'user',
    enabled: true,
    displayName: 'Ann',
    alias: 'ann',
    userPrincipalName: 'ann@example.test',
    mailbox: null,
  };
  const context: MailContext = {
    account: (id) =>
      Promise.resolve(
        id === ACCOUNT
          ? {
              owner,
              mailbox,
              isReadOnly,
              stage: (options) => database.stage(options),
              uploads: { find: () => Promise.resolve(null) },
            }
          : null,
      ),
  };
  async function call(name: string, args: object = {}): Promise<JsonObject> {
    const [first] = await calls([[name, { accountId: ACCOUNT, ...args }, 'c']]);
    assert.ok(first);
    return first[0] === 'error' ? { error: first[1]['type'] ?? null } : first[1];
  }
  async function calls(methodCalls: unknown): Promise<ReadonlyArray<readonly [string, JsonObject, string]>> {
    const request = readRequest(JSON.stringify({ using: [CORE, MAIL], methodCalls }), new Set([CORE, MAIL]));
    const faults: unknown[] = [];
    const { methodResponses } = await carryOut(request, {
      methods: METHODS,
      context,
      sessionState: 's',
      signal: AbortSignal.timeout(60_000),
      onFault: (error) => faults.push(error),
    });
    assert.deepEqual(faults, []);
    return methodResponses;
  }
  async function add(text: string, folder = 'INBOX', options: { flags?: number; at?: number } = {}): Promise<void> {
    const sink = database.stage();
    await sink.write(Buffer.from(text));
    const staged = await sink.finish();
    const target = mailbox.folderByName(folder);
    assert.ok(target);
    await mailbox.append(target.id, staged, { flags: options.flags ?? 0, internalDate: options.at ?? clock });
    await staged.release();
  }
  const list = (answer: JsonObject): readonly JsonObject[] => Object(answer)['list'];
  const ids = (answer: JsonObject): readonly string[] => Object(answer)['ids'];
  async function mailboxIdNamed(name: string): Promise<string> {
    const found = list(await call('Mailbox/get')).find((one) => one['name'] === name);
    assert.equal(typeof found?.['id'], 'string', `there is a Mailbox ${name}`);
    return text(found?.['id']);
  }
  async function subjects(args: object): Promise<Json[]> {
    const answers = await calls([
      ['Email/query', { accountId: ACCOUNT, ...args }, 'q'],
      [
        'Email/get',
        { accountId: ACCOUNT, '#ids': { resultOf: 'q', name: 'Email/query', path: '/ids' }, properties: ['subject'] },
        'g',
      ],
    ]);
    return list(answers[1]?.[1] ?? {}).map((one) => one['subject'] ?? null);
  }

  test('Mailboxes have roles, counts and parents; calendar, contacts and recoverable items are none', async () => {
    await add(plain('one'));
    await add(plain('two'), 'INBOX', { flags: SEEN });
    await mailbox.createFolder('Projects/Penfold');
    const all = list(await call('Mailbox/get'));
    const names = all.map((one) => one['name']);
    assert.ok(!names.includes('Calendar') && !names.includes('Contacts'), names.map(text).join());
    const inbox = all.find((one) => one['role'] === 'inbox');
    assert.deepEqual([inbox?.['totalEmails'], inbox?.['unreadEmails'], inbox?.['name']], [2, 1, 'Inbox']);
    const child = all.find((one) => one['name'] === 'Penfold');
    assert.equal(child?.['parentId'], await mailboxIdNamed('Projects'));
    const first = ids(await call('Mailbox/query'))[0];
    assert.equal(first, inbox?.['id'], 'the Inbox comes first');
    assert.deepEqual(await call('Mailbox/get', { properties: ['nothing'] }), { error: 'invalidArguments' });
  });

  test('another account is not found, one that may only be read is not changed', async () => {
    assert.deepEqual(await call('Mailbox/get', { accountId: 'b2' }), { error: 'accountNotFound' });
    isReadOnly = true;
    assert.deepEqual(await call('Email/set', { destroy: ['M1'] }), { error: 'accountReadOnly' });
    assert.deepEqual(await call('Mailbox/set', { destroy: ['F1'] }), { error: 'accountReadOnly' });
  });

  test('what a list shows comes in the forms of the RFC', async () => {
    await add(plain('hello', 'List-Id: Penfold <penfold.example.test>\r\nX-Odd: =?utf-8?q?=C3=B6?=\r\n'), 'INBOX', {
      flags: FLAGGED,
    });
    const [email] = list(
      await call('Email/get', {
        ids: ids(await call('Email/query')),
        properties: [
          'from',
          'to',
          'subject',
          'sentAt',
          'receivedAt',
          'messageId',
          'keywords',
          'size',
          'preview',
          'hasAttachment',
          'header:to:asGroupedAddresses',
          'header:X-Odd',
          'header:X-Odd:asText',
          'header:List-Id:asText:all',
          'header:Missing',
        ],
      }),
    );
    assert.deepEqual(email?.['from'], [{ name: 'Jörg', email: 'joerg@example.test' }]);
    assert.deepEqual(email['to'], [
      { name: null, email: 'ann@example.test' },
      { name: 'Bob', email: 'bob@example.test' },
    ]);
    assert.deepEqual(email['header:to:asGroupedAddresses'], [{ name: 'Team', addresses: email['to'] }]);
    assert.equal(email['subject'], 'hello');
    assert.equal(email['sentAt'], '2026-11-30T08:00:00+02:00');
    assert.equal(email['receivedAt'], new Date(clock * 1000).toISOString().replace('.000', ''));
    assert.deepEqual(email['messageId'], ['hello@example.test']);
    assert.deepEqual(email['keywords'], { $flagged: true });
    assert.equal(email['preview'], 'Text of hello');
    assert.equal(email['hasAttachment'], false);
    assert.equal(email['header:X-Odd'], ' =?utf-8?q?=C3=B6?=');
    assert.equal(email['header:X-Odd:asText'], 'ö');
    assert.deepEqual(email['header:List-Id:asText:all'], ['Penfold <penfold.example.test>']);
    assert.equal(email['header:Missing'], null);
    assert.deepEqual(await call('Email/get', { ids: [], properties: ['header:From:asDate'] }), {
      error: 'invalidArguments',
    });
  });

  test('bodies: text, HTML, attachments, values, exact sizes', async () => {
    await add(ALTERNATIVE);
    const [email] = list(
      await call('Email/get', {
        ids: ids(await call('Email/query')),
        properties: ['textBody', 'htmlBody', 'attachments', 'bodyValues', 'hasAttachment', 'bodyStructure'],
        fetchTextBodyValues: true,
        fetchHTMLBodyValues: true,
      }),
    );
    const parts = (name: string): JsonObject[] => Object(email)[name];
    assert.deepEqual(
      parts('textBody').map((part) => [part['partId'], part['type'], part['size']]),
      [['1.1', 'text/plain', 7]],
    );
    assert.deepEqual(
      parts('htmlBody').map((part) => part['partId']),
      ['1.2'],
    );
    const [pdf] = parts('attachments');
    assert.deepEqual(
      [pdf?.['type'], pdf?.['name'], pdf?.['disposition'], pdf?.['cid'], pdf?.['size']],
      ['application/pdf', 'report.pdf', 'attachment', 'pdf@example.test', 8],
    );
    assert.equal(email?.['hasAttachment'], true);
    assert.deepEqual(email['bodyValues'], {
      '1.1': { value: 'Grüße', isEncodingProblem: false, isTruncated: false },
      '1.2': { value: '<p>Grüße</p>', isEncodingProblem: false, isTruncated: false },
    });
    assert.equal(Object(email['bodyStructure'])['subParts'].length, 2);
    const cut = list(
      await call('Email/get', {
        ids: ids(await call('Email/query')),
        properties: ['bodyValues'],
        fetchHTMLBodyValues: true,
        maxBodyValueBytes: 6,
      }),
    );
    assert.deepEqual(Object(cut[0])['bodyValues'], {
      '1.2': { value: '<p>Gr', isEncodingProblem: false, isTruncated: true },
    });
  });

  test('queries: filters, operators, order, pages, threads', async () => {
    await add(plain('first'), 'INBOX', { at: clock - 3 * DAY, flags: SEEN });
    await add(plain('Re: first', 'In-Reply-To: <first@example.test>\r\n'), 'INBOX', { at: clock - 2 * DAY });
    await add(plain('other', '', 'a needle in it\r\n'), 'INBOX', { at: clock - DAY, flags: FLAGGED });
    await add(plain('sent away'), 'Sent', { at: clock });
    const inbox = await mailboxIdNamed('Inbox');
    const inInbox = { inMailbox: inbox };
    assert.deepEqual(await subjects({}), ['sent away', 'other', 'Re: first', 'first'], 'newest first');
    assert.deepEqual(await subjects({ filter: inInbox, collapseThreads: true }), ['other', 'Re: first']);
    assert.deepEqual(await subjects({ filter: { inMailboxOtherThan: [inbox] } }), ['sent away']);
    assert.deepEqual(await subjects({ filter: { body: 'needle' } }), ['other']);
    assert.deepEqual(await subjects({ filter: { ...inInbox, notKeyword: '$seen' } }), ['other', 'Re: first']);
    const either = { operator: 'OR', conditions: [{ hasKeyword: '$flagged' }, { hasKeyword: '$seen' }] };
    assert.deepEqual(await subjects({ filter: either }), ['other', 'first']);
    assert.deepEqual(await subjects({ filter: { operator: 'NOT', conditions: [either, inInbox] } }), ['sent away']);
    const twoDaysAgo = new Date((clock - 2 * DAY) * 1000).toISOString();
    assert.deepEqual(await subjects({ filter: { after: twoDaysAgo } }), ['sent away', 'other', 'Re: first']);
    assert.deepEqual(await subjects({ filter: { before: twoDaysAgo } }), ['first']);
    assert.deepEqual(await subjects({ sort: [{ property: 'receivedAt', isAscending: true }], limit: 2 }), [
      'first',
      'Re: first',
    ]);
    assert.deepEqual(await subjects({ position: -1 }), ['first']);
    assert.deepEqual(
      await subjects({
        filter: inInbox,
        sort: [{ property: 'subject', isAscending: true }, { property: 'receivedAt' }],
      }),
      ['first', 'Re: first', 'other'],
    );
    assert.deepEqual(
      await subjects({ sort: [{ property: 'hasKeyword', keyword: '$flagged', isAscending: false }], limit: 1 }),
      ['other'],
    );
    const { total, position } = await call('Email/query', { limit: 1, position: 2, calculateTotal: true });
    assert.deepEqual([total, position], [4, 2]);
    const [, anchor] = ids(await call('Email/query'));
    assert.equal((await call('Email/query', { anchor, anchorOffset: -1 }))['position'], 0);
    assert.deepEqual(await call('Email/query', { anchor: 'M999' }), { error: 'anchorNotFound' });
    assert.deepEqual(await call('Email/query', { filter: { fancy: true } }), { error: 'unsupportedFilter' });
    assert.deepEqual(await call('Email/query', { sort: [{ property: 'subject' }] }), { error: 'unsupportedSort' });
    assert.deepEqual(await call('Email/query', { limit: -1 }), { error: 'invalidArguments' });
  });

  test('a thread is oldest first', async () => {
    await add(plain('first'), 'INBOX', { at: clock - DAY });
    await add(plain('Re: first', 'In-Reply-To: <first@example.test>\r\n'), 'Sent', { at: clock });
    const answers = await calls([
      ['Email/query', { accountId: ACCOUNT, limit: 1 }, 'q'],
      [
        'Email/get',
        { accountId: ACCOUNT, '#ids': { resultOf: 'q', name: 'Email/query', path: '/ids' }, properties: ['threadId'] },
        'e',
      ],
      [
        'Thread/get',
        { accountId: ACCOUNT, '#ids': { resultOf: 'e', name: 'Email/get', path: '/list/*/threadId' } },
        't',
      ],
      [
        'Email/get',
        {
          accountId: ACCOUNT,
          '#ids': { resultOf: 't', name: 'Thread/get', path: '/list/*/emailIds' },
          properties: ['subject'],
        },
        'g',
      ],
    ]);
    assert.deepEqual(
      list(answers[3]?.[1] ?? {}).map((one) => one['subject']),
      ['first', 'Re: first'],
    );
  });

  test('keywords and Mailboxes change by patch, and the id stays', async () => {
    await add(plain('one'));
    const [id = ''] = ids(await call('Email/query'));
    const inbox = await mailboxIdNamed('Inbox');
    const archive = await mailboxIdNamed('Archive');
    const set = async (patch: object): Promise<JsonObject> => call('Email/set', { update: { [id]: patch } });
    assert.deepEqual((await set({ 'keywords/$seen': true, 'keywords/Work': true }))['updated'], { [id]: null });
    const get = async (): Promise<JsonObject> => {
      const [email] = list(await call('Email/get', { ids: [id], properties: ['keywords', 'mailboxIds'] }));
      assert.ok(email, 'it is still there by the same id');
      return email;
    };
    assert.deepEqual((await get())['keywords'], { $seen: true, work: true });
    await set({ [`mailboxIds/${archive}`]: true });
    assert.deepEqual(Object.keys(Object((await get())['mailboxIds'])).toSorted(), [inbox, archive].toSorted());
    await set({ mailboxIds: { [archive]: true }, 'keywords/$seen': null });
    assert.deepEqual(await get(), { id, keywords: { work: true }, mailboxIds: { [archive]: true } });
    const refused = async (patch: object): Promise<Json> =>
      Object(Object((await set(patch))['notUpdated'])[id])['type'];
    assert.equal(await refused({ mailboxIds: {} }), 'invalidProperties');
    assert.equal(await refused({ 'keywords/bad word': true }), 'invalidProperties');
    assert.equal(await refused({ subject: 'x' }), 'invalidProperties');
    assert.equal(await refused({ keywords: {}, 'keywords/a': true }), 'invalidPatch');
    assert.deepEqual(await call('Email/set', { ifInState: '0-0-0', destroy: [id] }), { error: 'stateMismatch' });
  });

  test('changes: what came, what changed, what was deleted; an unknown state is told apart', async () => {
    await add(plain('one'));
    await add(plain('two'));
    const before = text((await call('Email/get', { ids: [] }))['state']);
    const [two = '', one = ''] = ids(await call('Email/query', { sort: [{ property: 'receivedAt' }] }));
    await add(plain('three'));
    const [three = ''] = ids(await call('Email/query', { filter: { subject: 'three' } }));
    await call('Email/set', { update: { [one]: { 'keywords/$seen': true } }, destroy: [two] });
    const changes = await call('Email/changes', { sinceState: before });
    assert.deepEqual([changes['created'], changes['updated'], changes['destroyed']], [[three], [one], [two]]);
    const now = text(changes['newState']);
    const none = await call('Email/changes', { sinceState: now });
    assert.deepEqual([none['created'], none['updated'], none['destroyed'], none['newState']], [[], [], [], now]);
    assert.deepEqual(await call('Email/changes', { sinceState: 'never' }), { error: 'cannotCalculateChanges' });
    const folders = await call('Mailbox/changes', { sinceState: before });
    assert.deepEqual(folders['updated'], [await mailboxIdNamed('Inbox')]);
    await mailbox.createFolder('New');
    assert.deepEqual(await call('Mailbox/changes', { sinceState: before }), { error: 'cannotCalculateChanges' });
  });

  test('changes of queries are not worked out, and said to be so', async () => {
    for (const name of ['Mailbox/queryChanges', 'Email/queryChanges'])
      assert.deepEqual(await call(name, { sinceQueryState: 'x' }), { error: 'cannotCalculateChanges' });
    for (const name of ['Mailbox/query', 'Email/query']) assert.equal((await call(name))['canCalculateChanges'], false);
  });

  test('a conversation that grew has changed', async () => {
    await add(plain('first'));
    const before = text((await call('Email/get', { ids: [] }))['state']);
    await add(plain('Re: first', 'In-Reply-To: <first@example.test>\r\n'));
    await add(plain('else'));
    const changes = await call('Thread/changes', { sinceState: before });
    assert.deepEqual([Object(changes['created']).length, Object(changes['updated']).length], [1, 1]);
  });

  test('Mailbox/query: operators, order, window', async () => {
    await mailbox.createFolder('Zoo/Ape');
    await mailbox.createFolder('Abc');
    const query = async (args: object): Promise<Json[]> => {
      const found = ids(await call('Mailbox/query', args));
      const named = list(await call('Mailbox/get'));
      return found.map((id) => named.find((one) => one['id'] === id)?.['name'] ?? null);
    };
    const noRole = { hasAnyRole: false };
    assert.deepEqual(await query({ filter: noRole, sort: [{ property: 'name', isAscending: false }] }), [
      'Zoo',
      'Ape',
      'Abc',
    ]);
    assert.deepEqual(await query({ filter: noRole, sortAsTree: true }), ['Abc', 'Zoo', 'Ape']);
    const either = { operator: 'OR', conditions: [{ name: 'abc' }, { role: 'inbox' }] };
    assert.deepEqual(await query({ filter: either }), ['Inbox', 'Abc']);
    assert.deepEqual(await query({ filter: { operator: 'NOT', conditions: [either] }, limit: 1, position: -1 }), [
      'Ape',
    ]);
    assert.deepEqual(await call('Mailbox/query', { filterAsTree: true }), { error: 'unsupportedFilter' });
  });

  test('Mailboxes are made, renamed, moved and removed; those with a role stay', async () => {
    const made = await call('Mailbox/set', {
      create: { p: { name: 'Projects', parentId: null }, c: { name: 'Child', parentId: '#p' } },
    });
    const projects = String(Object(Object(made['created'])['p'])['id']);
    const child = String(Object(Object(made['created'])['c'])['id']);
    assert.ok(mailbox.folderByName('Projects/Child'));
    await call('Mailbox/set', { update: { [child]: { name: 'Renamed', parentId: null } } });
    assert.ok(mailbox.folderByName('Renamed'));
    const inbox = await mailboxIdNamed('Inbox');
    const answer = await call('Mailbox/set', {
      update: { [inbox]: { name: 'x' } },
      destroy: [inbox, projects, 'F999'],
      create: { bad: { name: 'a/b' } },
    });
    assert.equal(Object(Object(answer['notUpdated'])[inbox])['type'], 'forbidden');
    assert.equal(Object(Object(answer['notDestroyed'])[inbox])['type'], 'forbidden');
    assert.equal(Object(Object(answer['notDestroyed'])['F999'])['type'], 'notFound');
    assert.equal(Object(Object(answer['notCreated'])['bad'])['type'], 'invalidProperties');
    assert.deepEqual(answer['destroyed'], [projects]);
    await add(plain('x'), 'Renamed');
    const full = await call('Mailbox/set', { destroy: [child] });
    assert.equal(Object(Object(full['notDestroyed'])[child])['type'], 'mailboxHasEmail');
    assert.deepEqual((await call('Mailbox/set', { destroy: [child], onDestroyRemoveEmails: true }))['destroyed'], [
      child,
    ]);
  });
});
