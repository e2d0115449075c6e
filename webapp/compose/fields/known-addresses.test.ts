import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  KNOWN_ADDRESSES,
  NOBODY,
  readRemembered,
  remember,
  suggestions,
  SUGGESTIONS,
  writtenRemembered,
} from './known-addresses.ts';

const DAY = 86_400_000;
const now = 1000 * DAY;
const a = (email: string, name: string | null = null) => ({ name, email });
const sent = (daysAgo: number, ...recipients: Array<ReturnType<typeof a>>) => ({
  sentAt: now - daysAgo * DAY,
  recipients,
});
const emails = (typed: string, known = NOBODY, taken: readonly string[] = []) =>
  suggestions(typed, known, { taken: new Set(taken), now }).map(({ email }) => email);

test('people are found by the beginning of a name, of the address, of the domain', () => {
  const known = remember(NOBODY, [sent(1, a('jose.garcia@example.org', 'José García Núñez'))]);
  for (const typed of ['jos', 'gar', 'NUN', 'jose garc', 'example', '@exa', 'garcía j', 'jose.garcia@ex'])
    assert.deepEqual(emails(typed, known), ['jose.garcia@example.org'], typed);
  for (const typed of ['', ' ', 'ose', 'garcia x', 'org']) assert.deepEqual(emails(typed, known), [], typed);
});

test('who is written to often and of late comes first', () => {
  const known = remember(NOBODY, [
    sent(800, a('anna.old@x.org')),
    sent(801, a('anna.old@x.org')),
    sent(802, a('anna.old@x.org')),
    sent(2, a('anna.new@x.org')),
    sent(3, a('anna.new@x.org')),
  ]);
  assert.deepEqual(emails('anna', known), ['anna.new@x.org', 'anna.old@x.org']);
});

test('who stands in the field already is not offered', () => {
  const known = remember(NOBODY, [sent(1, a('a@x.org')), sent(1, a('ab@x.org'))]);
  assert.deepEqual(emails('a', known, ['a@x.org']), ['ab@x.org']);
});

test('the newest name wins, a missing one does not take it away', () => {
  const known = remember(NOBODY, [sent(2, a('a@x.org', 'Old')), sent(1, a('A@x.org', 'New')), sent(0, a('a@x.org'))]);
  assert.deepEqual([...known.known.values()], [{ name: 'New', email: 'a@x.org', count: 3, last: now }]);
});

test('what was remembered is read again; what is no memory is nobody', () => {
  const known = remember(NOBODY, [sent(1, a('a@x.org', 'A'))], 'state');
  assert.deepEqual(readRemembered(writtenRemembered(known)), known);
  for (const text of [null, '', '{}', '{"until":1,"known":[]}', '[']) assert.deepEqual(readRemembered(text), NOBODY);
});

test(`at most ${KNOWN_ADDRESSES} are kept, the least used go; at most ${SUGGESTIONS} are offered`, () => {
  const many = Array.from({ length: KNOWN_ADDRESSES + 50 }, (_, at) => a(`p${at}@x.org`));
  const known = remember(
    NOBODY,
    many.map((one, at) => sent(at < 50 ? 900 : 1, one)),
  );
  assert.equal(known.known.size, KNOWN_ADDRESSES);
  assert.ok(!known.known.has('p0@x.org'));
  assert.equal(emails('p', known).length, SUGGESTIONS);
});
