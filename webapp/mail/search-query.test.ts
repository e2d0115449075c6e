import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Mailbox } from './methods.ts';
import { parseSearch, readDay, readSize, searchFilter, withTerm } from './search-query.ts';
import type { EmailFilter } from './store/list-spec.ts';

const rights = {
  mayReadItems: true,
  mayAddItems: true,
  mayRemoveItems: true,
  maySetSeen: true,
  maySetKeywords: true,
  mayCreateChild: true,
  mayRename: true,
  mayDelete: true,
  maySubmit: true,
};
const folder = (id: string, name: string, role: string | null = null): Mailbox => ({
  id,
  name,
  role,
  parentId: null,
  sortOrder: 1,
  totalEmails: 0,
  unreadEmails: 0,
  myRights: rights,
});
const folders = [
  folder('F1', 'Inbox', 'inbox'),
  folder('F2', 'Sent Items', 'sent'),
  folder('F3', 'Bills'),
  folder('F4', 'bills'),
];
const filter = (text: string): EmailFilter => searchFilter(parseSearch(text), folders);

test('words have to be there all; a phrase is one', () => {
  assert.deepEqual(filter('lunch'), { text: 'lunch' });
  assert.deepEqual(filter('  lunch   friday '), {
    operator: 'AND',
    conditions: [{ text: 'lunch' }, { text: 'friday' }],
  });
  assert.deepEqual(filter('"lunch on friday"'), { text: 'lunch on friday' });
  assert.deepEqual(filter('"not closed'), { text: 'not closed' });
});

test('operators, with a word or a phrase, in any case of letters', () => {
  assert.deepEqual(filter('from:ana'), { from: 'ana' });
  assert.deepEqual(filter('Subject:"year end"'), { subject: 'year end' });
  assert.deepEqual(filter('cc:x@y.org body:z bcc:b to:t'), {
    operator: 'AND',
    conditions: [{ cc: 'x@y.org' }, { body: 'z' }, { bcc: 'b' }, { to: 't' }],
  });
});

test('not, and or', () => {
  assert.deepEqual(filter('-lunch'), { operator: 'NOT', conditions: [{ text: 'lunch' }] });
  assert.deepEqual(filter('-from:"Ana García"'), { operator: 'NOT', conditions: [{ from: 'Ana García' }] });
  assert.deepEqual(filter('a OR b OR from:c d'), {
    operator: 'AND',
    conditions: [{ operator: 'OR', conditions: [{ text: 'a' }, { text: 'b' }, { from: 'c' }] }, { text: 'd' }],
  });
  assert.deepEqual(filter('OR'), { text: 'OR' });
  assert.deepEqual(filter('a OR'), { text: 'a' });
  assert.deepEqual(filter('this or that'), {
    operator: 'AND',
    conditions: [{ text: 'this' }, { text: 'or' }, { text: 'that' }],
  });
});

test('states and attachments', () => {
  assert.deepEqual(filter('is:unread'), { notKeyword: '$seen' });
  assert.deepEqual(filter('is:Flagged'), { hasKeyword: '$flagged' });
  assert.deepEqual(filter('-is:read'), { operator: 'NOT', conditions: [{ hasKeyword: '$seen' }] });
  assert.deepEqual(filter('has:attachment'), { hasAttachment: true });
});

test('sizes and days', () => {
  assert.deepEqual(filter('larger:5M'), { minSize: 5_000_001 });
  assert.deepEqual(filter('smaller:200k'), { maxSize: 200_000 });
  assert.deepEqual(filter('before:2026-03-01'), { before: new Date(2026, 2, 1).toISOString() });
  assert.deepEqual(filter('after:2026'), { after: new Date(2026, 0, 1).toISOString() });
  assert.equal(readSize('1.5MB'), 1_500_000);
  assert.equal(readSize('5 apples'), null);
  assert.deepEqual(readDay('7d', new Date(2026, 10, 30, 12)), new Date(2026, 10, 23));
  assert.deepEqual(readDay('1y', new Date(2026, 10, 30)), new Date(2025, 10, 30));
  assert.equal(readDay('2026-02-30'), null);
  assert.equal(readDay('2026-13'), null);
});

test('folders by role or by name, also when two have it; one that is not there finds nothing', () => {
  assert.deepEqual(filter('in:sent'), { inMailbox: 'F2' });
  assert.deepEqual(filter('in:"Sent Items"'), { inMailbox: 'F2' });
  assert.deepEqual(filter('in:bills'), { operator: 'OR', conditions: [{ inMailbox: 'F3' }, { inMailbox: 'F4' }] });
  assert.deepEqual(filter('in:nowhere'), { operator: 'OR', conditions: [] });
  assert.deepEqual(searchFilter(parseSearch('in:Enviados'), folders, () => 'Enviados').operator, 'OR');
  assert.deepEqual(parseSearch('a in:sent').folders, ['sent']);
});

test('what is no operator, or has a value that cannot be read, is looked for as text', () => {
  assert.deepEqual(filter('Re: https://example.org'), {
    operator: 'AND',
    conditions: [{ text: 'Re:' }, { text: 'https://example.org' }],
  });
  assert.deepEqual(filter('before:soon'), { text: 'before:soon' });
  assert.deepEqual(filter('is:purple'), { text: 'is:purple' });
  assert.deepEqual(filter('12:30'), { text: '12:30' });
  assert.deepEqual(filter('toString:x'), { text: 'toString:x' });
});

test('nothing typed is no condition', () => {
  assert.deepEqual(filter(' - "" '), { operator: 'AND', conditions: [] });
});

test('a chip adds a term', () => {
  assert.equal(withTerm('', 'is:unread'), 'is:unread');
  assert.equal(withTerm('lunch ', 'from:'), 'lunch from:');
});
