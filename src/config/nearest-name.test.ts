import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NAME_CHARACTERS, nearestName } from './nearest-name.ts';

const KNOWN = ['Get-Mailbox', 'Set-Mailbox', 'Get-PopSettings'];

test('the nearest name, or none', () => {
  assert.equal(nearestName('getmailbx', KNOWN), 'Get-Mailbox');
  assert.equal(nearestName('Get-PopSetings', KNOWN), 'Get-PopSettings');
  assert.equal(nearestName('entirely different', KNOWN), null);
  assert.equal(nearestName('', KNOWN), null);
});

test('what is longer than any name is compared with none: the work would be its length times theirs', () => {
  const long = 'g'.repeat(NAME_CHARACTERS + 1);
  assert.equal(nearestName(long, [long]), null);
  const began = performance.now();
  const many = Array.from({ length: 500 }, (_, i) => `Get-SomeLongCmdletName${i}`);
  assert.equal(nearestName('x'.repeat(1024 * 1024), many), null);
  assert.ok(performance.now() - began < 200, 'a megabyte must not hold up the event loop');
});
