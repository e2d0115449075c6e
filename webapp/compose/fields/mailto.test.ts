import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readMailto } from './mailto.ts';

const a = (email: string, name: string | null = null) => ({ name, email });

test('mailto: addresses, subject, body', () => {
  assert.deepEqual(
    readMailto(
      'mailto:anna@example.org,b%40x@example.org?subject=caf%C3%A9%20+&cc=C%20%3Cc@example.org%3E&bcc=d@example.org&body=one%0D%0Atwo&to=e@example.org',
    ),
    {
      to: [a('anna@example.org'), a('b@x@example.org'), a('e@example.org')],
      cc: [a('c@example.org', 'C')],
      bcc: [a('d@example.org')],
      subject: 'café +',
      body: 'one\ntwo',
    },
  );
});

test('mailto: names in any case, broken encodings, no header by the back door', () => {
  assert.equal(readMailto('MAILTO:?SUBJECT=%E0%A4%A')?.subject, '%E0%A4%A');
  assert.equal(
    readMailto('mailto:a@example.org?subject=x%0d%0aBcc:%20evil@example.org')?.subject,
    'x Bcc: evil@example.org',
  );
  const wish = readMailto('mailto:a@example.org?attach=/etc/passwd&from=evil@example.org&in-reply-to=%3Cx@y%3E');
  assert.deepEqual(wish, { to: [a('a@example.org')], cc: [], bcc: [], subject: '', body: '' });
});

test('mailto: other links are none', () => {
  assert.equal(readMailto('https://example.org/?mailto:x'), null);
});

test('mailto: a link fills in a page at most', () => {
  const wish = readMailto(
    `mailto:${Array.from({ length: 500 }, (_, at) => `p${at}@example.org`).join(',')}?body=${'x'.repeat(100_000)}`,
  );
  assert.equal(wish?.to.length, 100);
  assert.equal(wish?.body.length, 64 * 1024);
});
