import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forwardSubject, type Original, recipientsOf, replySubject, threadingOf } from './answer.ts';

const a = (email: string, name: string | null = null) => ({ name, email });
const original = (facts: Partial<Original> = {}): Original => ({
  from: [a('anna@example.org', 'Anna')],
  replyTo: [],
  to: [a('me@example.com'), a('bo@example.org')],
  cc: [a('cy@example.org'), a('Anna@Example.org')],
  subject: 'Plan',
  messageId: ['2@x'],
  inReplyTo: ['1@x'],
  references: ['0@x', '1@x'],
  ...facts,
});
const own = new Set(['me@example.com']);

test('a reply goes to the author', () => {
  assert.deepEqual(recipientsOf(original(), own, false), { to: [a('anna@example.org', 'Anna')], cc: [] });
});

test('Reply-To stands for the author', () => {
  const { to } = recipientsOf(original({ replyTo: [a('list@example.org')] }), own, false);
  assert.deepEqual(to, [a('list@example.org')]);
});

test('a reply to all: everybody once, oneself not', () => {
  assert.deepEqual(recipientsOf(original(), own, true), {
    to: [a('anna@example.org', 'Anna'), a('bo@example.org')],
    cc: [a('cy@example.org')],
  });
});

test('answering what one has sent goes on to its recipients', () => {
  const sent = original({
    from: [a('Me@example.com')],
    to: [a('bo@example.org')],
    cc: [a('me@example.com'), a('cy@example.org')],
  });
  assert.deepEqual(recipientsOf(sent, own, false), { to: [a('bo@example.org')], cc: [] });
  assert.deepEqual(recipientsOf(sent, own, true), { to: [a('bo@example.org')], cc: [a('cy@example.org')] });
});

test('a note to oneself can be answered', () => {
  const note = original({ from: [a('me@example.com')], to: [a('me@example.com')], cc: [] });
  assert.deepEqual(recipientsOf(note, own, true), { to: [a('me@example.com')], cc: [] });
});

test('subjects have one prefix, whatever language the other has', () => {
  assert.equal(replySubject('Plan'), 'Re: Plan');
  assert.equal(replySubject('RE: Re[2]: AW: Plan'), 'Re: Plan');
  assert.equal(replySubject(''), 'Re:');
  assert.equal(replySubject('Reform: x'), 'Re: Reform: x');
  assert.equal(replySubject('Fwd: Plan'), 'Re: Fwd: Plan');
  assert.equal(forwardSubject('Plan'), 'Fw: Plan');
  assert.equal(forwardSubject('Fwd: Plan'), 'Fwd: Plan');
  assert.equal(forwardSubject('Re: Plan'), 'Fw: Re: Plan');
});

test('threading: the answered one is last, In-Reply-To stands in for References only alone', () => {
  assert.deepEqual(threadingOf(original()), { inReplyTo: ['2@x'], references: ['0@x', '1@x', '2@x'] });
  assert.deepEqual(threadingOf(original({ references: [] })).references, ['1@x', '2@x']);
  assert.deepEqual(threadingOf(original({ references: [], inReplyTo: ['1@x', '0@x'] })).references, ['2@x']);
  assert.deepEqual(threadingOf(original({ messageId: [] })), { inReplyTo: [], references: [] });
});

test('a thread of thousands keeps its first and its last ids', () => {
  const references = Array.from({ length: 3000 }, (_, at) => `${at}@x`);
  const kept = threadingOf(original({ references, messageId: ['new@x'] })).references;
  assert.equal(kept.length, 60);
  assert.deepEqual([kept[0], kept[1], kept.at(-1)], ['0@x', '2942@x', 'new@x']);
});
