import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message } from './message.ts';
import { warningsOf } from './warnings.ts';

const message: Message = {
  sender: { accountId: 'a', identityId: 'i', name: '', email: 'me@example.org', replyTo: [], bcc: [] },
  to: [
    { name: null, email: 'anna@example.org' },
    { name: null, email: 'x@elsewhere.example' },
  ],
  cc: [],
  bcc: [{ name: null, email: 'Ana@Example.org' }],
  subject: 'Plan',
  inReplyTo: [],
  references: [],
  answered: null,
  attachments: [],
};
const kinds = (text: string, facts: Partial<Message> = {}) => warningsOf({ ...message, ...facts }, text);

test('a message without subject is asked about', () => {
  assert.deepEqual(kinds('Hi', { subject: '  ' }), ['noSubject']);
  assert.deepEqual(kinds('Hi'), []);
});

test('who speaks of an attachment, in English or Spanish, is asked for it', () => {
  for (const text of [
    'See the attached file',
    'Attachment below',
    'I attach — no, I am attaching it',
    'enclosed',
    'te adjunto el plan',
    'los archivos adjuntos',
    'Se anexa el plano',
  ])
    assert.deepEqual(kinds(text), ['forgottenAttachment'], text);
  for (const text of ['reattachments', '> see attached\nthanks', 'adjuntoría', 'detached'])
    assert.deepEqual(kinds(text), [], text);
});

test('with a file nothing is asked; a picture in the text is none', () => {
  const file = {
    key: 'k',
    name: 'f',
    type: '',
    size: 1,
    inline: null,
    state: { kind: 'there', accountId: 'a', blobId: 'b' },
  } as const;
  assert.deepEqual(kinds('attached', { attachments: [file] }), []);
  assert.deepEqual(kinds('attached', { attachments: [{ ...file, inline: { cid: 'c', shownAt: 's' } }] }), [
    'forgottenAttachment',
  ]);
});
