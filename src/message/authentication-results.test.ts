import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AUTHENTICATION_RESULTS, readAuthenticationResults } from './authentication-results.ts';

const read = (value: string): unknown => {
  const results = readAuthenticationResults(value);
  return (
    results && [
      results.server,
      ...results.results.map(({ method, result, properties }) => [method, result, Object.fromEntries(properties)]),
    ]
  );
};

test('Authentication-Results are read with comments, folding and versions (RFC 8601 appendix B)', () => {
  assert.deepEqual(read(' example.org 1; none\r\n'), ['example.org']);
  assert.deepEqual(
    read(
      ' example.com;\r\n\tauth=pass (cram-md5; "x") smtp.auth=sender@example.net;\r\n\tspf=Pass smtp.mailfrom=example.net;\r\n' +
        '\tdkim=fail/1 reason="bad; signature" header.d="example.net"\r\n',
    ),
    [
      'example.com',
      ['auth', 'pass', { 'smtp.auth': 'sender@example.net' }],
      ['spf', 'pass', { 'smtp.mailfrom': 'example.net' }],
      ['dkim', 'fail', { reason: 'bad; signature', 'header.d': 'example.net' }],
    ],
  );
});

test('what is no such field is none, and no field is too much', () => {
  for (const value of ['', ';', ' a b c; spf=pass', '(']) assert.equal(read(value), null, value);
  assert.deepEqual(read('x; ; =; spf; spf=; (((('), ['x']);
  const many = readAuthenticationResults(`x${';spf=pass'.repeat(10_000)}`);
  assert.equal(many?.results.length, AUTHENTICATION_RESULTS);
});
