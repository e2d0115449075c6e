import assert from 'node:assert/strict';
import { test } from 'node:test';
import { check, constantFrom, property, array, string } from 'fast-check';
import { type Address, isDeliverable, readAddresses, wireAddress, writtenAddress } from './address-list.ts';

const a = (email: string, name: string | null = null): Address => ({ name, email });

const CASES: ReadonlyArray<readonly [why: string, text: string, addresses: readonly Address[]]> = [
  ['one', 'anna@example.org', [a('anna@example.org')]],
  ['a name', 'Anna Alm <anna@example.org>', [a('anna@example.org', 'Anna Alm')]],
  [
    'a comma in quotes',
    '"Alm, Anna" <anna@example.org>, b@example.org',
    [a('anna@example.org', 'Alm, Anna'), a('b@example.org')],
  ],
  ['quoted pairs', '"A \\"B\\" \\\\ C" <x@example.org>', [a('x@example.org', 'A "B" \\ C')]],
  [
    'semicolons, as Outlook copies',
    'Alm, Anna <anna@example.org>; b@example.org',
    [a('Alm'), a('anna@example.org', 'Anna'), a('b@example.org')],
  ],
  ['lines', 'a@example.org\r\nb@example.org\n\n', [a('a@example.org'), a('b@example.org')]],
  ['a comment for a name', 'anna@example.org (Anna Alm)', [a('anna@example.org', 'Anna Alm')]],
  ['nested comments', 'anna(x (y, z) w)@example.org', [a('anna@example.org', 'x (y, z) w')]],
  [
    'a comma in a comment',
    'a@example.org (one, two), b@example.org',
    [a('a@example.org', 'one, two'), a('b@example.org')],
  ],
  [
    'a group',
    'Team: a@example.org, "B" <b@example.org>;, c@example.org',
    [a('a@example.org'), a('b@example.org', 'B'), a('c@example.org')],
  ],
  ['an empty group', 'Undisclosed recipients:;', []],
  ['a route', '<@relay.example,@b.example:a@example.org>', [a('a@example.org')]],
  ['mailto', 'mailto:a@example.org', [a('a@example.org')]],
  ['words and an address', 'Anna Alm anna@example.org', [a('anna@example.org', 'Anna Alm')]],
  ['spaces between', 'a@example.org b@example.org', [a('a@example.org'), a('b@example.org')]],
  ['apostrophes', "'Anna' <anna@example.org>", [a('anna@example.org', 'Anna')]],
  ['the address as a name', '"anna@example.org" <anna@example.org>', [a('anna@example.org')]],
  ['the same twice', 'a@example.org, A@Example.org', [a('a@example.org')]],
  ['no address', 'Anna', [a('Anna')]],
  ['a quoted local part', '"a b"@example.org', [a('"a b"@example.org')]],
  ['letters of all kinds', 'Жанна <жанна@почта.рф>', [a('жанна@почта.рф', 'Жанна')]],
  ['nothing', ' , ; \n', []],
  ['a quote that does not end', '"Anna <a@example.org>', [a('a@example.org', '"Anna')]],
];

for (const [why, text, addresses] of CASES)
  test(`addresses: ${why}`, () => {
    assert.deepEqual(readAddresses(text), addresses);
  });

test('what can be delivered and what cannot', () => {
  const good = [
    'a@example.org',
    'a.b+c@mail.example.org',
    '"a b"@example.org',
    'é@bücher.example',
    'a@[192.0.2.1]',
    'a@[IPv6:2001:db8::1]',
  ];
  const bad = [
    '',
    'a',
    '@example.org',
    'a@',
    'a@host',
    'a..b@example.org',
    'a b@example.org',
    'a@exa mple.org',
    'a@b/c.org',
    'a@1.2',
    `${'x'.repeat(65)}@example.org`,
    'a@-x.org',
    'a@x_y.org',
    'a@x.org:25',
  ];
  assert.deepEqual(
    good.filter((email) => !isDeliverable(email)),
    [],
  );
  assert.deepEqual(bad.filter(isDeliverable), []);
});

test('a domain goes out as DNS has it, what is no domain as it was typed', () => {
  assert.equal(wireAddress('é@Bücher.example'), 'é@xn--bcher-kva.example');
  assert.equal(wireAddress('half@'), 'half@');
});

test('what is written can be read again', () => {
  const name = string({ minLength: 1, maxLength: 20 }).map((text) => text.replaceAll(/[\p{Cc}'\s]+/gu, ' ').trim());
  const address = property(array(name, { maxLength: 5 }), constantFrom(', ', '; ', '\n'), (names, between) => {
    const list = names.filter((one) => one !== '').map((one, at) => a(`p${at}@example.org`, one));
    assert.deepEqual(readAddresses(list.map(writtenAddress).join(between)), list);
  });
  const outcome = check(address, { numRuns: 500 });
  assert.ok(!outcome.failed, outcome.counterexample?.map(String).join(' | '));
});

test('a megabyte of brackets and quotes is read in one go', () => {
  for (const piece of ['(', '"', '<', '\\', ':', '<>,', '((,'])
    assert.ok(readAddresses(piece.repeat(Math.ceil(200_000 / piece.length))).length <= 2);
});
