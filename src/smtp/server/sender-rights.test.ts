import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mailboxList } from './sender-rights.ts';

describe('mailboxList', () => {
  const cases: ReadonlyArray<readonly [value: string, addresses: readonly string[] | null]> = [
    ['ann@example.org', ['ann@example.org']],
    ['Ann <ann@Example.ORG>', ['ann@example.org']],
    ['"Ann, the \\"first\\"" <ann@example.org>', ['ann@example.org']],
    ['Ann (home, or <so>) <ann@example.org> (really)', ['ann@example.org']],
    ['John Q. Public <jqp@example.org>', ['jqp@example.org']],
    ['=?utf-8?q?J=C3=BCrgen?= <j@example.org>', ['j@example.org']],
    ['Jürgen <jürgen@example.org>', ['jürgen@example.org']],
    ['a@example.org, B <b@example.org>,', ['a@example.org', 'b@example.org']],
    ['"quoted local"@example.org', ['"quoted local"@example.org']],
    ['< ann@example.org >', ['ann@example.org']],
    // What a lenient reader might read as somebody else is refused.
    ['boss@example.org <ann@example.org>', null],
    ['"boss@example.org" <ann@example.org>', ['ann@example.org']],
    ['<ann@example.org> <boss@example.org>', null],
    ['<ann@example.org>, boss@example.org>', null],
    ['team: ann@example.org;', null],
    ['ann@example.org (open', null],
    ['"open <ann@example.org>', null],
    ['<@relay:ann@example.org>', null],
    ['ann', null],
    ['', null],
    ['Ann <ann@example.org', null],
    ['ann@example.org boss@example.org', null],
  ];
  for (const [value, addresses] of cases) {
    it(JSON.stringify(value), () => {
      assert.deepEqual(mailboxList(value)?.map((address) => address.text) ?? null, addresses);
    });
  }
});
