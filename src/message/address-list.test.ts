import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ENVELOPE_ADDRESSES } from '../wire/limits.ts';
import { type Address, parseAddressList } from './address-list.ts';

/** name|route|mailbox|host with `-` for null. */
const brief = ({ name, route, mailbox, host }: Address): string =>
  [name, route, mailbox, host].map((value) => value ?? '-').join('|');

const LISTS: ReadonlyArray<readonly [string, ...string[]]> = [
  ['a@b.example', '-|-|a|b.example'],
  ['<a@b.example>', '-|-|a|b.example'],
  ['Joe Q. Public <john.q.public@example.com>', 'Joe Q. Public|-|john.q.public|example.com'],
  ['"Giant; \\"Big\\" Box" <sysservices@example.net>', 'Giant; "Big" Box|-|sysservices|example.net'],
  [
    'Mary <m@x.test>, jdoe@example.org, Who? <one@y.test>',
    'Mary|-|m|x.test',
    '-|-|jdoe|example.org',
    'Who?|-|one|y.test',
  ],
  // groups, RFC 5322 appendix A.1.3
  [
    'A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;',
    '-|-|A Group|-',
    'Ed Jones|-|c|a.test',
    '-|-|joe|where.test',
    'John|-|jdoe|one.test',
    '-|-|-|-',
  ],
  ['Undisclosed recipients:;', '-|-|Undisclosed recipients|-', '-|-|-|-'],
  ['Group: a@b', '-|-|Group|-', '-|-|a|b', '-|-|-|-'],
  // appendix A.5, A.6
  ['Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>', 'Pete|-|pete|silly.test'],
  ['Joe Q. Public <john . q . public@example.com>', 'Joe Q. Public|-|john.q.public|example.com'],
  [
    'Mary Smith <@node.test,@x.test:mary@example.net>, , jdoe@test   . example',
    'Mary Smith|@node.test,@x.test|mary|example.net',
    '-|-|jdoe|test.example',
  ],
  // comments as names, quoted local parts, domain literals
  ['foo@bar.example (John Doe)', 'John Doe|-|foo|bar.example'],
  ['"a b"@c.example', '-|-|a b|c.example'],
  ['user1 <"user,1"@c.example>', 'user1|-|user,1|c.example'],
  ['x@[IPv6:2001:db8::1], y@z', '-|-|x|[IPv6:2001:db8::1]', '-|-|y|z'],
  // what mail holds
  ['=?utf-8?q?J=C3=B6rg?= <j@x>', '=?utf-8?q?J=C3=B6rg?=|-|j|x'],
  ['a@b; c@d', '-|-|a|b', '-|-|c|d'],
  ['MAILER-DAEMON', '-|-|MAILER-DAEMON|'],
  ['MAILER-DAEMON (Mail Delivery System)', 'Mail Delivery System|-|MAILER-DAEMON|'],
  ['Just A Name', 'Just A Name|-||'],
  ['Postmaster <>', 'Postmaster|-||'],
  ['John Doe john@x.example', 'John Doe|-|john|x.example'],
  ['John <john@x.example', 'John|-|john|x.example'],
  ['John <john@x.example, b@c', 'John|-|john|x.example', '-|-|b|c'],
  ['"John <john@x.example>', 'John <john@x.example>|-||'],
  ['a@b@c', '-|-|a@b|c'],
  ['"x@y" <a@b>', 'x@y|-|a|b'],
  ['J\xf6rg <j@x>', 'J\xf6rg|-|j|x'],
  ['<>'],
  [''],
  [' , ;, '],
  ['(only a comment)'],
];

for (const [value, ...expected] of LISTS) {
  test(`addresses of ${JSON.stringify(value)}`, () => {
    assert.deepEqual(parseAddressList(value).map(brief), expected);
  });
}

test('keeps ENVELOPE_ADDRESSES of a longer list and closes an open group', () => {
  const many = Array.from({ length: ENVELOPE_ADDRESSES + 50 }, (_, i) => `a${i}@b`).join(',');
  assert.equal(parseAddressList(many).length, ENVELOPE_ADDRESSES);
  assert.deepEqual(parseAddressList(`group:${many};`).at(-1), { name: null, route: null, mailbox: null, host: null });
});

test('group marks always match and an address has both halves', () => {
  const piece = fc.constantFrom(
    'a',
    '@',
    '<',
    '>',
    '"',
    '\\',
    '(',
    ')',
    ',',
    ';',
    ':',
    ' ',
    '[',
    ']',
    '.',
    '\xe9',
    '=?u?q?x?=',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      let inGroup = false;
      for (const { mailbox, host } of parseAddressList(pieces.join(''))) {
        if (host !== null) {
          assert.notEqual(mailbox, null);
          continue;
        }
        assert.equal(inGroup, mailbox === null);
        inGroup = mailbox !== null;
      }
      assert.equal(inGroup, false);
    }),
    { numRuns: 2000 },
  );
});

test('hostile lists take linear time', () => {
  for (const unit of ['<', '"', '(', '[', '<@a>,', '<"\\"', ':', '\\"', '<a,', '=?a?q?', 'a:']) {
    const size = 500_000;
    const started = performance.now();
    parseAddressList(unit.repeat(Math.ceil(size / unit.length)));
    // Quadratic work on half a megabyte takes minutes.
    assert.ok(performance.now() - started < 3000, unit);
  }
});
