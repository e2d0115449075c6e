import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { failure } from '../../../test/management/in-memory-organization.ts';
import { Failure } from '../../observe/failure.ts';
import { like, parseFilter } from './opath-filter.ts';

const object = {
  Name: 'Ann Other',
  PopEnabled: false,
  Count: 12,
  Quota: { text: '10 MB (10,485,760 bytes)', value: 10_485_760 },
  Rate: { text: 'Unlimited', value: null },
  EmailAddresses: ['ann@example.test', 'a.other@example.test'],
  Nothing: null,
  Empty: [],
  Quoted: "it's",
};

test('conditions', () => {
  const rows: ReadonlyArray<readonly [string, boolean]> = [
    ['PopEnabled -eq $false', true],
    ['PopEnabled -eq False', true],
    ["popenabled -ne '$true'", true],
    ["Name -eq 'ann other'", true],
    ['Name -like "Ann*"', true],
    ['Name -like *oth*', true],
    ['Name -notlike *x*', true],
    ['Count -gt 9', true],
    ['Count -lt 100 -and Count -ge 12 -and Count -le 12', true],
    ['Quota -eq 10MB', true],
    ["Quota -gt '9 MB'", true],
    ['Rate -gt 5', true],
    ['Rate -eq unlimited', true],
    ['EmailAddresses -eq a.other@example.test', true],
    ['EmailAddresses -like *@nowhere', false],
    ['Nothing -eq $null -and Empty -eq $null', true],
    ['Name -ne $null', true],
    ["Quoted -eq 'it''s'", true],
    ['PopEnabled -eq $true -or Count -eq 12', true],
    ['Count -eq 12 -or PopEnabled -eq $true -and PopEnabled -eq $false', true],
    ['(Count -eq 12 -or PopEnabled -eq $true) -and PopEnabled -eq $true', false],
    ['-not (PopEnabled -eq $true)', true],
    ['$_.Name -like ann*', true],
  ];
  for (const [typed, expected] of rows) assert.equal(parseFilter(typed)(object), expected, typed);
});

test('mistakes are named', () => {
  const rows: ReadonlyArray<readonly [string, RegExp]> = [
    ['PopEnabld -eq 1', /no property PopEnabld; did you mean PopEnabled/],
    ['PopEnabled', /after PopEnabled one of -eq -ne/],
    ['PopEnabled -is $true', /one of -eq/],
    ['PopEnabled -eq', /a value is expected/],
    ["Name -eq 'x", /quotation mark is not closed/],
    ['(Count -eq 1', /bracket is not closed/],
    ['Count -eq 1 Count -eq 2', /-and or -or is expected/],
    ['', /name of a property is expected/],
    ['('.repeat(60), /too deep/],
  ];
  for (const [typed, text] of rows) assert.throws(() => parseFilter(typed)(object), failure('CANNOT', text), typed);
});

test('any text is a filter or a Failure, and quickly', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('(', ')', "'", '"', '-eq', '-and', 'Name', ' ', '*', '-', '1')), (parts) => {
      try {
        parseFilter(parts.join(''))(object);
      } catch (error) {
        assert.ok(error instanceof Failure, String(error));
      }
    }),
  );
});

test('like: the same as a regular expression', () => {
  const letters = fc.array(fc.constantFrom('a', 'b', '*'), { maxLength: 8 }).map((all) => all.join(''));
  fc.assert(
    fc.property(letters, letters, (pattern, typed) => {
      const expression = new RegExp(`^${pattern.replaceAll('*', '[^]*')}$`);
      assert.equal(like(pattern)(typed), expression.test(typed), `${pattern} ${typed}`);
    }),
  );
});
