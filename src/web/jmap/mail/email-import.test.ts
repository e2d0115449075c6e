/** Email/import, Email/copy, SearchSnippet/get, and what Email/query knows of conversations and attachments. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { after, before, describe, test } from 'node:test';
import {
  ACCOUNT,
  idsOf,
  listOf,
  objectOf,
  TestAccount,
  testOwner,
  textOf,
} from '../../../../test/support/jmap-account.ts';
import { accountId } from '../../../directory/model.ts';
import { FLAGGED } from '../../../store/model.ts';
import { mailMethods } from './methods.ts';

const mail = (subject: string, more = '', body = 'text\r\n'): string =>
  `From: bob@example.test\r\nSubject: ${subject}\r\nMessage-ID: <${subject.replaceAll(' ', '-')}@example.test>\r\n${more}\r\n${body}`;

describe('Emails from bytes, and what is found of them', () => {
  let account: TestAccount;
  let inbox: string;
  before(async () => {
    account = await TestAccount.open(mailMethods);
    inbox = account.mailboxIdOf('INBOX');
  });
  after(() => account.close());

  test('an uploaded message is imported byte by byte; nothing is refused by name', async () => {
    const bytes = Buffer.from(mail('imported', '', 'with\0odd\xff bytes\r\n'), 'latin1');
    const good = { blobId: account.upload('Umail', bytes), mailboxIds: { [inbox]: true }, keywords: { $seen: true } };
    const answer = await account.call('Email/import', {
      emails: {
        good: { ...good, receivedAt: '2026-01-01T00:00:00Z' },
        empty: { ...good, blobId: account.upload('Uempty', Buffer.alloc(0)) },
        gone: { ...good, blobId: 'Unothing' },
        nowhere: { ...good, mailboxIds: {} },
      },
    });
    const { id, size } = objectOf(objectOf(answer['created'])['good']);
    assert.deepEqual(await account.bytes(textOf(id)), bytes);
    assert.equal(size, bytes.length);
    const types = Object.entries(objectOf(answer['notCreated'])).map(([name, one]) => [name, objectOf(one)['type']]);
    assert.deepEqual(types, [
      ['empty', 'invalidEmail'],
      ['gone', 'invalidProperties'],
      ['nowhere', 'invalidProperties'],
    ]);
    account.isReadOnly = true;
    assert.deepEqual(await account.call('Email/import', { emails: {} }), { error: 'accountReadOnly' });
    account.isReadOnly = false;
  });

  test('an Email is copied to another account, with the original destroyed when that is wanted', async () => {
    const other = await TestAccount.open(mailMethods, { owner: { ...testOwner, id: accountId('b2') } });
    account.others.set('b2', other);
    const id = await account.add(mail('to be copied'), 'INBOX', { flags: FLAGGED });
    const bytes = await account.bytes(id);
    const answers = await account.calls([
      [
        'Email/copy',
        {
          fromAccountId: ACCOUNT,
          accountId: 'b2',
          create: {
            c: { id, mailboxIds: { [other.mailboxIdOf('INBOX')]: true } },
            n: { id: 'M999', mailboxIds: { F1: true } },
          },
          onSuccessDestroyOriginal: true,
        },
        'c',
      ],
    ]);
    assert.deepEqual(
      answers.map(([name]) => name),
      ['Email/copy', 'Email/set'],
    );
    const copy = textOf(objectOf(objectOf(answers[0]?.[1]['created'])['c'])['id']);
    assert.equal(objectOf(objectOf(answers[0]?.[1]['notCreated'])['n'])['type'], 'notFound');
    assert.deepEqual(await other.bytes(copy), bytes);
    const [email] = listOf(await other.call('Email/get', { ids: [copy], properties: ['keywords'] }));
    assert.deepEqual(email?.['keywords'], { $flagged: true });
    assert.deepEqual((await account.call('Email/get', { ids: [id] }))['notFound'], [id]);
    assert.deepEqual(await account.call('Email/copy', { fromAccountId: 'c3', create: {} }), {
      error: 'fromAccountNotFound',
    });
    await other.close();
  });

  test('snippets mark the words and escape the rest', async () => {
    const html = 'MIME-Version: 1.0\r\nContent-Type: text/html\r\n';
    const id = await account.add(
      mail('A <b>Needle</b> & more', html, `<p>${'hay '.repeat(200)}one &lt;needle&gt; here</p>`),
    );
    const answer = await account.call('SearchSnippet/get', {
      emailIds: [id, 'M999'],
      filter: { operator: 'AND', conditions: [{ text: 'needle' }, { operator: 'NOT', conditions: [{ text: 'hay' }] }] },
    });
    const [snippet] = listOf(answer);
    assert.equal(snippet?.['subject'], 'A &lt;b&gt;<mark>Needle</mark>&lt;/b&gt; &amp; more');
    assert.match(textOf(snippet['preview']), /^hay .*one &lt;<mark>needle<\/mark>&gt; here$/);
    assert.ok(textOf(snippet['preview']).length < 400);
    assert.deepEqual(answer['notFound'], ['M999']);
    const odd = await account.call('SearchSnippet/get', { emailIds: [id], filter: { text: '.*(' } });
    assert.deepEqual(listOf(odd), [{ emailId: id, subject: null, preview: null }]);
  });

  test('filters and orders of conversations, and hasAttachment', async () => {
    const folder = 'Threads';
    await account.mailbox.createFolder(folder);
    const filter = { inMailbox: account.mailboxIdOf(folder) };
    const a1 = await account.add(mail('a'), folder, { at: 1000, flags: FLAGGED });
    const a2 = await account.add(mail('Re: a', 'In-Reply-To: <a@example.test>\r\n'), folder, { at: 2000 });
    const b = await account.add(mail('b'), folder, { at: 3000, flags: FLAGGED });
    const attached = 'MIME-Version: 1.0\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment\r\n';
    const c = await account.add(mail('c', attached), folder, { at: 4000 });
    const query = async (args: object): Promise<readonly string[]> =>
      idsOf(await account.call('Email/query', { ...args }));
    const both = (condition: object): object => ({ filter: { ...filter, ...condition } });
    assert.deepEqual(await query(both({ allInThreadHaveKeyword: '$flagged' })), [b]);
    assert.deepEqual(await query(both({ someInThreadHaveKeyword: '$flagged' })), [b, a2, a1]);
    assert.deepEqual(await query(both({ noneInThreadHaveKeyword: '$flagged' })), [c]);
    assert.deepEqual(await query(both({ hasAttachment: true })), [c]);
    assert.deepEqual(await query(both({ hasAttachment: false })), [b, a2, a1]);
    const sort = [
      { property: 'someInThreadHaveKeyword', keyword: '$flagged', isAscending: false },
      { property: 'size' },
    ];
    assert.deepEqual((await query({ filter, sort })).at(-1), c);
    assert.deepEqual(await query({ filter, sort: [{ property: 'receivedAt' }] }), [a1, a2, b, c]);
    assert.deepEqual(await query({ filter, collapseThreads: true }), [c, b, a2]);
  });
});
