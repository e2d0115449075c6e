import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linkAddress } from './link-address.ts';

test('what is typed becomes an address on the web, of mail, of a telephone', () => {
  assert.equal(linkAddress(' example.org/a b'), null);
  assert.equal(linkAddress('example.org/a?b=c'), 'https://example.org/a?b=c');
  assert.equal(linkAddress('example.org:8080'), 'https://example.org:8080/');
  assert.equal(linkAddress('http://localhost'), 'http://localhost/');
  assert.equal(linkAddress('anna@example.org'), 'mailto:anna@example.org');
  assert.equal(linkAddress('tel:+353123'), 'tel:+353123');
});

test('a link runs no script and reads no file', () => {
  for (const typed of [
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    'vbscript:x',
    'word',
    '',
  ])
    assert.equal(linkAddress(typed), null, typed);
});
