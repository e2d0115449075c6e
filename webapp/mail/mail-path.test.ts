import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MailPlace, placePath, readPlace } from './mail-path.ts';

const inbox: MailPlace = { account: null, folder: 'inbox', item: null, search: null, everywhere: true };

test('an address without folder is the inbox', () => {
  assert.deepEqual(readPlace('/', ''), inbox);
  assert.deepEqual(readPlace('', '?'), inbox);
});

test('every place comes back out of its address', () => {
  const places: readonly MailPlace[] = [
    inbox,
    { ...inbox, folder: 'F12', item: 'T7' },
    { ...inbox, account: 'a/b', folder: 'sent', item: 'M9' },
    { ...inbox, search: 'from:zoë "a & b" 100%', everywhere: true },
    { ...inbox, account: 'x', folder: 'F1', item: 'M1', search: 'is:unread', everywhere: false },
  ];
  for (const place of places) {
    const [path = '', query = ''] = placePath(place).split('?');
    assert.deepEqual(readPlace(path, query), place);
  }
});

test('a mistyped address is read, not thrown at', () => {
  assert.equal(readPlace('/%E0%A4%A/x', '').folder, '%E0%A4%A');
  assert.equal(readPlace('/account', '').folder, 'inbox');
});
