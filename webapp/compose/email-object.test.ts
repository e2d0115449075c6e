import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emailObject, partsOf, readAnswers } from './email-object.ts';
import type { Attachment, Message } from './message.ts';

const sender = { accountId: 'a', identityId: 'i', name: 'Me', email: 'me@bücher.example', replyTo: [], bcc: [] };
const message: Message = {
  sender,
  to: [{ name: 'Anna', email: 'anna@example.org' }],
  cc: [],
  bcc: [{ name: null, email: 'b@example.org' }],
  subject: 'Plan',
  inReplyTo: ['1@x'],
  references: ['0@x', '1@x'],
  answered: { kind: 'reply', accountId: 'a', emailId: 'e1' },
  attachments: [],
};
const file = (key: string, facts: Partial<Attachment> = {}): Attachment => ({
  key,
  name: `${key}.txt`,
  type: 'text/plain',
  size: 1,
  inline: null,
  state: { kind: 'there', accountId: 'a', blobId: `blob-${key}` },
  ...facts,
});
const picture = (key: string): Attachment =>
  file(key, {
    name: `${key}.png`,
    type: 'image/png',
    inline: { cid: `${key}@penfold`, shownAt: `blob:https://x/${key}` },
  });

test('rich text goes out as text and HTML; pictures of the text are named, others stay here', () => {
  const parts = partsOf(
    { format: 'html', html: '<p>Hi <img src="blob:https://x/p1" alt="Map"></p><p></p>', quote: null },
    [file('f'), picture('p1'), picture('p2')],
  );
  assert.equal(parts.text, 'Hi [Map]\n');
  assert.match(
    parts.html ?? '',
    /<p style="margin:0">Hi <img src="cid:p1@penfold" alt="Map" style="[^"]*"><\/p><p style="margin:0"><br><\/p>/,
  );
  assert.deepEqual(
    parts.attachments.map(({ key }) => key),
    ['p1', 'f'],
  );
});

test('the quoted original stands below, as it was, its pictures named, too', () => {
  const parts = partsOf(
    {
      format: 'html',
      html: '<p>Yes.</p>',
      quote: {
        kind: 'reply',
        html: '<p style="margin:0">On Monday, A wrote:</p><blockquote type="cite" style="x"><table><tr><td>1</td></tr></table><img alt="" src="blob:https://x/p1"></blockquote>',
      },
    },
    [picture('p1')],
  );
  assert.match(
    parts.html ?? '',
    /<div class="penfold-quote"><p style="margin:0">On Monday, A wrote:<\/p><blockquote type="cite" style="x"><table>/,
  );
  assert.match(parts.html ?? '', /<img alt="" src="cid:p1@penfold">/);
  assert.equal(parts.text, 'Yes.\nOn Monday, A wrote:\n\n> 1\n');
  assert.deepEqual(
    parts.attachments.map(({ key }) => key),
    ['p1'],
  );
});

test('plain text is sent alone, as it was written', () => {
  const parts = partsOf({ format: 'text', text: 'Hi\n\n> 1\n' }, [picture('p1'), file('f')]);
  assert.deepEqual([parts.text, parts.html, parts.attachments.map(({ key }) => key)], ['Hi\n\n> 1\n', null, ['f']]);
});

test('files that are not up yet are not named', () => {
  const waiting = file('f', { state: { kind: 'uploading', part: 0.5 } });
  assert.deepEqual(partsOf({ format: 'text', text: '' }, [waiting]).attachments, []);
});

test('an Email: addresses as DNS has them, threading, parts, and for the draft what it answers', () => {
  const parts = { text: 'Hi\n', html: '<p>Hi</p>', attachments: [picture('p1'), file('f', { name: '', type: '' })] };
  assert.deepEqual(emailObject(message, parts, { mailboxId: 'm', isDraft: true }), {
    mailboxIds: { m: true },
    keywords: { $draft: true, $seen: true },
    from: [{ name: 'Me', email: 'me@xn--bcher-kva.example' }],
    to: [{ name: 'Anna', email: 'anna@example.org' }],
    cc: [],
    bcc: [{ name: null, email: 'b@example.org' }],
    subject: 'Plan',
    inReplyTo: ['1@x'],
    references: ['0@x', '1@x'],
    'header:X-Penfold-Answers:asText': 'reply a e1',
    bodyValues: { text: { value: 'Hi\n' }, html: { value: '<p>Hi</p>' } },
    textBody: [{ partId: 'text', type: 'text/plain' }],
    htmlBody: [{ partId: 'html', type: 'text/html' }],
    attachments: [
      { blobId: 'blob-p1', name: 'p1.png', type: 'image/png', disposition: 'inline', cid: 'p1@penfold' },
      { blobId: 'blob-f', name: null, type: 'application/octet-stream', disposition: 'attachment' },
    ],
  });
});

test('what is sent says nothing of the mailbox it comes from; the identity adds its Bcc', () => {
  const identity = { ...sender, bcc: [{ name: null, email: 'log@example.org' }] };
  const email: unknown = emailObject(
    { ...message, sender: identity },
    { text: '', html: null, attachments: [] },
    { mailboxId: 'm', isDraft: false },
  );
  const text = JSON.stringify(email);
  assert.ok(!text.includes('X-Penfold'));
  assert.match(text, /"bcc":\[\{"name":null,"email":"b@example.org"\},\{"name":null,"email":"log@example.org"\}\]/);
});

test('what a draft answers is read again; the fields of others are not', () => {
  assert.deepEqual(readAnswers(' reply a e1'), message.answered);
  for (const field of [null, '', 'reply a', 'reply a b c', 'x a b']) assert.equal(readAnswers(field), null);
});
