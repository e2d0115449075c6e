/** Email/set create (RFC 8621 §4.6): what is created is what was given, and what cannot be is refused by name. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import type { Json, JsonObject } from '../json.ts';
import { mailMethods } from './methods.ts';
import { ATTACHMENT_BYTES } from './email-create.ts';
import { listOf, objectOf, TestAccount, textOf } from '../../../../test/support/jmap-account.ts';

describe('Email/set create', () => {
  let account: TestAccount;
  let drafts: string;
  before(async () => {
    account = await TestAccount.open(mailMethods);
    drafts = account.mailboxIdOf('Drafts');
  });
  after(() => account.close());

  async function attempt(email: object): Promise<JsonObject> {
    const mailboxIds = { [drafts]: true };
    return account.call('Email/set', { create: { c: { mailboxIds, ...email } } });
  }
  async function created(email: object): Promise<JsonObject> {
    const answer = await attempt(email);
    assert.deepEqual(answer['notCreated'], {});
    return objectOf(objectOf(answer['created'])['c']);
  }
  async function refused(email: object): Promise<JsonObject> {
    return objectOf(objectOf((await attempt(email))['notCreated'])['c']);
  }
  async function get(id: Json | undefined, args: object = {}): Promise<JsonObject> {
    const [email] = listOf(await account.call('Email/get', { ids: [id], ...args }));
    assert.ok(email);
    return email;
  }
  const values = (email: JsonObject): readonly Json[] =>
    Object.values(objectOf(email['bodyValues'])).map((one) => objectOf(one)['value'] ?? null);

  test('a draft with text, HTML, an inline picture and an attachment comes back as it was', async () => {
    const picture = account.upload('Upicture', randomBytes(3000), 'image/png');
    const report = account.upload('Ureport', randomBytes(70_000), 'application/pdf');
    const given = {
      from: [{ name: 'Ann Ärger', email: 'ann@example.test' }],
      to: [
        { name: 'Bob, the builder', email: 'bob@example.test' },
        { name: null, email: 'cy@exämple.test' },
      ],
      cc: [{ name: '=?tricky?=', email: 'odd name@example.test' }],
      bcc: [{ name: 'Secret', email: 'secret@example.test' }],
      replyTo: [{ name: null, email: 'reply@example.test' }],
      subject: 'Grüße aus 東京 – a subject that is long enough that it has to be folded over several lines',
      sentAt: '2026-11-30T08:00:00+02:00',
      messageId: ['fixed.id@example.test'],
      inReplyTo: ['other@example.test'],
      references: ['first@example.test', 'other@example.test'],
      'header:X-Mailer': ' Penfold',
      'header:List-Unsubscribe:asURLs': ['https://example.test/u?a=1', 'mailto:u@example.test'],
      'header:Comments:asText:all': ['one', 'zwölf'],
    };
    const { id, size } = await created({
      ...given,
      keywords: { $draft: true, $seen: true, Work: true },
      receivedAt: '2026-11-01T00:00:00Z',
      textBody: [{ partId: 't', type: 'text/plain' }],
      htmlBody: [{ partId: 'h', type: 'text/html' }],
      attachments: [
        { blobId: picture, type: 'image/png', cid: 'pic@penfold', disposition: 'inline', name: 'pic.png' },
        { blobId: report, type: 'application/pdf', disposition: 'attachment', name: 'Größe "50%" 東京.pdf' },
      ],
      bodyValues: {
        t: { value: 'Grüße\n-- \n東京\n.\nFrom here\n' },
        h: { value: `<p>Grüße</p>\n${'<b>x</b>'.repeat(2000)}` },
      },
    });
    const email = await get(id, {
      properties: [
        ...Object.keys(given),
        'keywords',
        'receivedAt',
        'size',
        'mailboxIds',
        'hasAttachment',
        'bodyStructure',
        'attachments',
        'textBody',
        'htmlBody',
        'bodyValues',
      ],
      fetchTextBodyValues: true,
      fetchHTMLBodyValues: true,
    });
    for (const [name, value] of Object.entries(given)) assert.deepEqual(email[name], value, name);
    assert.deepEqual(email['keywords'], { $draft: true, $seen: true, work: true });
    assert.equal(email['receivedAt'], '2026-11-01T00:00:00Z');
    assert.equal(email['size'], size);
    assert.deepEqual(email['mailboxIds'], { [drafts]: true });
    const types = (part: JsonObject): Json =>
      part['subParts'] === undefined
        ? (part['type'] ?? null)
        : [part['type'] ?? null, ...listOf(part, 'subParts').map(types)];
    assert.deepEqual(types(objectOf(email['bodyStructure'])), [
      'multipart/mixed',
      ['multipart/alternative', 'text/plain', ['multipart/related', 'text/html', 'image/png']],
      'application/pdf',
    ]);
    const attached = listOf(email, 'attachments').map(({ name, type, cid, disposition, size: octets }) => [
      name,
      type,
      cid,
      disposition,
      octets,
    ]);
    assert.deepEqual(attached, [
      ['pic.png', 'image/png', 'pic@penfold', 'inline', 3000],
      ['Größe "50%" 東京.pdf', 'application/pdf', null, 'attachment', 70_000],
    ]);
    assert.deepEqual(values(email), ['Grüße\n-- \n東京\n.\nFrom here\n', `<p>Grüße</p>\n${'<b>x</b>'.repeat(2000)}`]);
  });

  test('blobs go through byte by byte, also when they look like text or hold a message', async () => {
    const bytes = Buffer.from('a\nb\rc\r\n\0.\r\n--=_boundary\r\nFrom here\xff', 'latin1');
    const message = Buffer.from('Subject: inner\r\nContent-Type: text/plain\r\n\r\nhello\r\n');
    const { id } = await created({
      subject: 'blobs',
      attachments: [
        { blobId: account.upload('Utext', bytes), type: 'text/plain', charset: 'iso-8859-1', name: 'a.txt' },
        { blobId: account.upload('Umail', message), type: 'message/rfc822', disposition: 'attachment' },
      ],
    });
    const raw = (await account.bytes(textOf(id))).toString('latin1');
    const boundary = /boundary="([^"]+)"/.exec(raw)?.[1] ?? assert.fail('there is a boundary');
    const [, text = '', mail = ''] = raw.split(`\r\n--${boundary}`);
    const base64 = text.slice(text.indexOf('\r\n\r\n') + 4);
    assert.deepEqual(Buffer.from(base64, 'base64'), bytes);
    assert.equal(mail.slice(mail.indexOf('\r\n\r\n') + 4), message.toString());
  });

  test('a message has a Date and a Message-ID, whatever the client says', async () => {
    const { id, threadId } = await created({ subject: 'nothing else' });
    const email = await get(id, { properties: ['messageId', 'sentAt', 'threadId', 'header:MIME-Version'] });
    assert.match(textOf(Object(email['messageId'])[0]), /^[0-9a-f-]{36}@example\.test$/);
    assert.match(textOf(email['sentAt']), /^\d{4}-/);
    assert.equal(email['threadId'], threadId);
    assert.equal(email['header:MIME-Version'], ' 1.0');
  });

  test('a structure of the client is kept as it is', async () => {
    const structure = {
      type: 'multipart/report',
      subParts: [
        { type: 'text/plain', partId: 'a', language: ['de', 'en'], 'header:Content-Description:asText': 'Übersicht' },
        { type: 'text/html', partId: 'b', location: 'https://example.test/x', name: 'b.html' },
      ],
    };
    const { id } = await created({ bodyStructure: structure, bodyValues: { a: { value: 'A' }, b: { value: '<i>B' } } });
    const email = await get(id, {
      properties: ['bodyStructure', 'bodyValues'],
      bodyProperties: ['type', 'language', 'location', 'name', 'disposition', 'header:Content-Description:asText'],
      fetchAllBodyValues: true,
    });
    const [a, b] = listOf(objectOf(email['bodyStructure']), 'subParts');
    assert.equal(objectOf(email['bodyStructure'])['type'], 'multipart/report');
    assert.deepEqual([a?.['language'], a?.['header:Content-Description:asText']], [['de', 'en'], 'Übersicht']);
    assert.deepEqual([b?.['location'], b?.['name'], b?.['disposition']], ['https://example.test/x', 'b.html', null]);
    assert.deepEqual(values(email), ['A', '<i>B']);
  });

  test('several Mailboxes hold one Email; creation ids name them', async () => {
    const answers = await account.calls([
      ['Mailbox/set', { accountId: 'a1', create: { m: { name: 'Both' } } }, '1'],
      [
        'Email/set',
        { accountId: 'a1', create: { e: { mailboxIds: { '#m': true, [drafts]: true }, subject: 'x' } } },
        '2',
      ],
    ]);
    const { id } = objectOf(objectOf(answers[1]?.[1]['created'])['e']);
    const email = await get(id, { properties: ['mailboxIds'] });
    assert.deepEqual(
      Object.keys(objectOf(email['mailboxIds'])).toSorted(),
      [drafts, account.mailboxIdOf('Both')].toSorted(),
    );
  });

  const REFUSED: ReadonlyArray<readonly [string, object, string?]> = [
    ['headers are not set as a list', { headers: [] }],
    ['one field twice', { from: [], 'header:From': 'x' }],
    ['a form that the field does not have', { 'header:Subject:asDate': '2026-11-30T08:00:00Z' }],
    ['a field of a part', { 'header:Content-Type': 'text/html' }],
    ['structure and lists', { bodyStructure: { partId: 'a' }, textBody: [], bodyValues: { a: { value: '' } } }],
    ['two texts', { textBody: [{ partId: 'a' }, { partId: 'a' }], bodyValues: { a: { value: '' } } }],
    ['a text that is HTML', { textBody: [{ partId: 'a', type: 'text/html' }], bodyValues: { a: { value: '' } } }],
    ['a part id without value', { textBody: [{ partId: 'a' }] }],
    ['part id and blob id', { textBody: [{ partId: 'a', blobId: 'b' }], bodyValues: { a: { value: '' } } }],
    ['a charset for a value', { textBody: [{ partId: 'a', charset: 'utf-8' }], bodyValues: { a: { value: '' } } }],
    ['a truncated value', { textBody: [{ partId: 'a' }], bodyValues: { a: { value: '', isTruncated: true } } }],
    [
      'a transfer encoding',
      { bodyStructure: { partId: 'a', 'header:Content-Transfer-Encoding': 'x' }, bodyValues: { a: { value: '' } } },
    ],
    ['a multipart with content', { bodyStructure: { type: 'multipart/mixed', blobId: 'b' } }],
    ['a line end in a field', { 'header:X-A': 'a\r\nBcc: everybody@example.test' }],
    ['a line end in an address', { to: [{ email: 'a@example.test>\r\nBcc: b@example.test' }] }],
    ['a bad message id', { messageId: ['a b'] }],
    ['a bad date', { sentAt: 'yesterday' }],
    ['an unknown property', { colour: 'red' }],
    ['a keyword that is none', { keywords: { 'a b': true } }],
    ['no Mailbox', { mailboxIds: {} }],
    ['a Mailbox that is not there', { mailboxIds: { F999: true } }],
    ['a blob that is not there', { attachments: [{ blobId: 'Unothing', type: 'a/b' }] }, 'blobNotFound'],
  ];
  for (const [name, email, type = 'invalidProperties'] of REFUSED)
    test(`refused: ${name}`, async () => {
      const answer = await refused(email);
      assert.equal(answer['type'], type, textOf(answer['description']));
      if (type === 'blobNotFound') assert.deepEqual(answer['notFound'], ['Unothing']);
    });

  test('attachments beyond the limit are refused before anything is read', async () => {
    const huge = account.upload('Uhuge', Buffer.alloc(1));
    const blob = await (await account.account('a1'))?.uploads.find(huge);
    assert.ok(blob);
    Object.defineProperty(blob, 'size', { value: ATTACHMENT_BYTES + 1 });
    assert.equal((await refused({ attachments: [{ blobId: huge, type: 'a/b' }] }))['type'], 'tooLarge');
  });

  test('nothing is left behind when a blob fails on the way', async () => {
    const before = account.mailbox.folderByName('Drafts')?.exists;
    const id = account.upload('Ubroken', Buffer.alloc(5000));
    const blob = await (await account.account('a1'))?.uploads.find(id);
    Object.defineProperty(blob, 'read', {
      // oxlint-disable-next-line require-yield -- it fails before the first piece
      value: async function* read() {
        throw new Error('disk');
      },
    });
    await assert.rejects(attempt({ attachments: [{ blobId: id, type: 'a/b' }] }));
    assert.equal(account.mailbox.folderByName('Drafts')?.exists, before);
  });

  test('property: text of any kind comes back as it was given', async () => {
    const word = fc.string({ unit: 'grapheme', maxLength: 60 });
    const header = word.map((text) =>
      text
        .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, '')
        .normalize('NFC')
        .trim(),
    );
    const name = fc.string({
      unit: fc.constantFrom('a', 'ä', '"', '\\', ',', '(', ')', '<', '@', ' ', '=?', '東'),
      maxLength: 20,
    });
    const body = fc.array(
      fc.string({ unit: 'binary', maxLength: 200 }).map((t) => t.replaceAll(/[\r\0\ud800-\udfff\ufeff]/g, '')),
      { maxLength: 20 },
    );
    await fc.assert(
      fc.asyncProperty(header, name, body, async (subject, person, lines) => {
        const value = lines.join('\n');
        const { id } = await created({
          subject,
          to: [{ name: person, email: 'a@example.test' }],
          htmlBody: [{ partId: 'b', type: 'text/html' }],
          bodyValues: { b: { value } },
        });
        const email = await get(id, { properties: ['subject', 'to', 'bodyValues'], fetchHTMLBodyValues: true });
        assert.equal(email['subject'] ?? '', subject);
        const clean = person.normalize('NFC').trim().replaceAll(/ +/g, ' ');
        assert.equal(String(Object(listOf(email, 'to')[0])['name'] ?? '').replaceAll(/ +/g, ' '), clean);
        // A message ends with a line end, whether the text does or not.
        assert.deepEqual(
          values(email).map((one) => textOf(one).replace(/\n$/, '')),
          [value.replace(/\n$/, '')],
        );
      }),
      { numRuns: 150 },
    );
  });
});
