import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Argument, Pipeline, Stage, Statement, Value } from './ast.ts';
import { DEEPEST_NESTING, MOST_CHARACTERS } from './lexer.ts';
import { blockWords, isIncomplete, parse } from './parser.ts';
import { parsePredicate } from './predicate.ts';
import { printStatement } from './printer.ts';
import { ShellSyntaxError } from './syntax-error.ts';
import { pipelineOfWords } from './words.ts';

/** The same without offsets, which differ between two ways to write one thing. */
function meaning(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((one: unknown) => meaning(one));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== 'at' && key !== 'end' && key !== 'innerAt')
      .map(([key, inner]) => [key, meaning(inner)]),
  );
}

const place = { at: 0, end: 0 };
const text = (word: string): Value => ({ kind: 'text', text: word, ...place });

describe('what lines mean', () => {
  const lines: ReadonlyArray<[string, string]> = [
    // The three lines of the reference.
    [
      'Set-POPSettings -ExternalConnectionSetting {Dublin01.Contoso.com:995:SSL}',
      'Set-POPSettings -ExternalConnectionSetting {Dublin01.Contoso.com:995:SSL}',
    ],
    [
      'Set-ReceiveConnector "Client Frontend <Server Name>" -AdvertiseClientSettings $True -FQDN Dublin01.Contoso.com',
      "Set-ReceiveConnector 'Client Frontend <Server Name>' -AdvertiseClientSettings $true -FQDN Dublin01.Contoso.com",
    ],
    ['Get-PopSettings -Server <Server Name> | fl', "Get-PopSettings -Server '<Server Name>' | fl"],
    ['get-mailbox|fl Name, *Enabled # all', "get-mailbox | fl 'Name','*Enabled'"],
    ['Set-X -A:$false -B: 5 "it""s" \'it\'\'s\'', "Set-X -A:$false -B:5 'it\"s' 'it''s'"],
    ['Set-X `\n  -A 1', 'Set-X -A 1'],
    ['Get-X |\n  fl', 'Get-X | fl'],
    ['Set-X -A @{\n Add=a,b\n Remove="c d"; }', "Set-X -A @{Add=@('a'; 'b'); Remove='c d'}"],
    ['$x=Get-Mailbox ada', '$x = Get-Mailbox ada'],
    ['$n = 5', "$n = '5'"],
    ['Set-X (Get-Y a).Name', 'Set-X (Get-Y a).Name'],
    ['Set-X @(Get-Y | select -First 1)', 'Set-X @((Get-Y | select -First 1))'],
    ['Set-X C:\\Logs\\"My Folder"\\x.log', "Set-X 'C:\\Logs\\My Folder\\x.log'"],
    ['Set-X -10 -5:30', 'Set-X -10 -5:30'],
    ['Set-X ada@example.org [::]:993 .* a=b', 'Set-X ada@example.org [::]:993 .* a=b'],
    ['Set-X “curly quotes” –Name ‘x’', "Set-X 'curly quotes' -Name x"],
    ['Set-X "a`tb`$c ${v}w" ', 'Set-X "a\tb`$c ${v}w"'],
    ['Set-X "100 $ and $5"', "Set-X '100 $ and $5'"],
    ['Get-X -Filter "A -eq $false"', "Get-X -Filter 'A -eq $false'"],
    ['Get-X -?', 'Get-X -?'],
  ];
  for (const [line, expected] of lines) {
    test(line, () => {
      assert.equal(parse(line).map(printStatement).join('; '), expected);
    });
  }

  test('statements', () => {
    assert.deepEqual(parse('Get-A; ;Get-B\n\n# nothing\r\nGet-C').map(printStatement), ['Get-A', 'Get-B', 'Get-C']);
    assert.deepEqual(parse(' \n# nothing'), []);
  });

  test('offsets point at the text', () => {
    const line = "Set-X  -Name 'a b'";
    const stage = parse(line)[0]?.pipeline.stages[0];
    assert.ok(stage?.kind === 'command');
    assert.deepEqual(
      stage.arguments.map(({ at, end }) => line.slice(at, end)),
      ['-Name', "'a b'"],
    );
  });
});

describe('mistakes', () => {
  const mistakes: ReadonlyArray<[string, number, RegExp]> = [
    ['Get-X | ', 8, /name of a cmdlet/],
    ['Get-X | "a"', 8, /cmdlet is expected after \|/],
    ['Get-X "abc', 6, /does not end: add "/],
    ['Get-X (a', 6, /add \)/],
    ['Get-X {a', 6, /add }/],
    ['Get-X a)', 7, /closes nothing/],
    ['Get-X > file', 6, /Out-File/],
    ['Get-X <5', 6, /quotes/],
    ['Get-X <Server Name>x', 19, /space is missing/],
    ['& Get-X', 0, /& is not there/],
    ['Get-X $(1)', 6, /\$\(…\) is not there/],
    ['$x[0]', 2, /-First 1/],
    ['$x.Name()', 7, /methods are not there/],
    ['$x.Name = 5', 0, /Set- cmdlet/],
    ['$true = 5', 0, /cannot be assigned/],
    ["Get-X 'a'b", 9, /space is missing/],
    ['Set-X @{Add}', 8, /@\{Add=a,b; Remove=c\}/],
    ['Set-X a,', 8, /value is expected/],
    ['"a" b', 4, /after a value/],
    ['$env:HOME', 0, /not there/],
    [`Get-X ${'('.repeat(DEEPEST_NESTING + 1)}`, 6 + DEEPEST_NESTING, /at most 32/],
    ['x'.repeat(MOST_CHARACTERS + 1), MOST_CHARACTERS, /at most 1048576 characters/],
  ];
  for (const [line, at, message] of mistakes) {
    test(line.slice(0, 40), () => {
      assert.throws(
        () => parse(line),
        (error) => error instanceof ShellSyntaxError && error.at === at && message.test(error.message),
      );
    });
  }

  test('what may go on with the next line', () => {
    for (const line of ['Get-X |', 'Get-X `', 'Get-X "a', 'Get-X {', 'Set-X @{Add=1', 'Get-X (', 'Get-X a,', '$x =']) {
      assert.equal(isIncomplete(line), true, line);
    }
    for (const line of ['Get-X', 'Get-X )', '', 'Get-X > a']) assert.equal(isIncomplete(line), false, line);
  });
});

describe('braces', () => {
  const braces: ReadonlyArray<[string, readonly string[]]> = [
    ['a:995:SSL', ['a:995:SSL']],
    ['a:995:SSL, b:110:TLS', ['a:995:SSL', 'b:110:TLS']],
    [' "a b" ; c ', ['a b', 'c']],
    ['<FQDN>:995:SSL', ['<FQDN>:995:SSL']],
    ['', []],
  ];
  for (const [inner, words] of braces) {
    test(`{${inner}}`, () => assert.deepEqual(blockWords({ inner, innerAt: 0 }), words));
  }

  test('a mistake in a condition points into the line', () => {
    const line = 'Get-X | where { $_.Name -equals "a" }';
    const stage = parse(line)[0]?.pipeline.stages[1];
    const block = stage?.kind === 'command' ? stage.arguments[0] : undefined;
    assert.ok(block?.kind === 'block');
    assert.throws(
      () => parsePredicate(block),
      (error) => error instanceof ShellSyntaxError && line.slice(error.at, error.at + 7) === '-equals',
    );
  });
});

describe('words of a one-shot', () => {
  const cases: ReadonlyArray<[readonly string[], string]> = [
    [
      ['Set-ReceiveConnector', 'Client Frontend <Server Name>', '-AdvertiseClientSettings', '$True', '-FQDN', 'd.x'],
      "Set-ReceiveConnector 'Client Frontend <Server Name>' -AdvertiseClientSettings $true -FQDN d.x",
    ],
    [['Set-X', '-A', '{m:995:SSL}'], 'Set-X -A {m:995:SSL}'],
    [['Set-X', '-A', '@{Add=a;Remove=b}'], "Set-X -A @{Add='a'; Remove='b'}"],
    [['Get-X', '|', 'fl', 'Name,Id'], "Get-X | fl 'Name,Id'"],
    [['Set-X', '-A:$false', '-B:it\'s "so" $5', '-1'], "Set-X -A:$false -B:'it''s \"so\" $5' -1"],
    [['Set-X', '-A', ''], "Set-X -A ''"],
  ];
  for (const [words, expected] of cases) {
    test(words.join(' '), () => {
      const pipeline = pipelineOfWords(words);
      assert.equal(printStatement({ assignTo: null, pipeline, ...place }), expected);
    });
  }
});

const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/).filter((one) => !/^(true|false|null|_)$/i.test(one));
const reference = fc.record({ name, path: fc.array(name, { maxLength: 2 }) });
const anyText = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.stringMatching(/^[-$`"'{}();,|#<> a]{0,8}$/),
);
const scalar: fc.Arbitrary<Value> = fc.oneof(
  anyText.map(text),
  fc.constantFrom(true, false, null).map((value): Value => ({ kind: 'constant', value, ...place })),
  reference.map((one): Value => ({ kind: 'variable', ...one, ...place })),
  fc.record({ before: anyText, name, after: anyText }).map(({ before, name: variable, after }): Value => {
    const parts = [before, { name: variable, path: [] }, after].filter((part) => part !== '');
    return { kind: 'template', parts, ...place };
  }),
);
const list = fc.array(scalar, { maxLength: 4 }).map((items): Value => ({ kind: 'list', items, ...place }));
const value: fc.Arbitrary<Value> = fc.oneof(
  { weight: 4, arbitrary: scalar },
  { weight: 1, arbitrary: list },
  {
    weight: 1,
    arbitrary: fc
      .array(fc.record({ key: name, value: fc.oneof(scalar, list) }), { maxLength: 3 })
      .map((entries): Value => ({ kind: 'edit', entries, ...place })),
  },
  {
    weight: 1,
    arbitrary: fc
      .stringMatching(/^[a-z0-9:., ]{0,12}$/)
      .map((inner): Value => ({ kind: 'block', inner, innerAt: 0, ...place })),
  },
);
const argument: fc.Arbitrary<Argument> = fc.oneof(
  value,
  fc.record({ name, attached: fc.option(value) }).map((one): Argument => ({ kind: 'parameter', ...one, ...place })),
);
const command: fc.Arbitrary<Stage> = fc
  .record({
    name: fc.stringMatching(/^[A-Z][a-z]{1,6}-[A-Z][a-z]{1,6}$/),
    arguments: fc.array(argument, { maxLength: 5 }),
  })
  .map((one): Stage => ({ kind: 'command', ...one, ...place }));
const pipeline: fc.Arbitrary<Pipeline> = fc
  .record({
    first: fc.oneof(
      command,
      scalar.map((one): Stage => ({ kind: 'expression', value: one, ...place })),
    ),
    rest: fc.array(command, { maxLength: 3 }),
  })
  .map(({ first, rest }) => ({ stages: [first, ...rest], ...place }));
const statement: fc.Arbitrary<Statement> = fc
  .record({ assignTo: fc.option(name), pipeline })
  .map((one) => ({ ...one, ...place }));

describe('properties', () => {
  test('what is printed is read as the same', () => {
    fc.assert(
      fc.property(statement, (one) => {
        const printed = printStatement(one);
        const again = parse(printed);
        assert.deepEqual(meaning(again), meaning([one]), printed);
      }),
      { numRuns: 2000 },
    );
  });

  test('any text gives statements or a mistake with a place in it', () => {
    const line = fc.array(
      fc.oneof(
        fc.constantFrom(
          '{',
          '}',
          '(',
          ')',
          '@{',
          '@(',
          '"',
          "'",
          '`',
          '|',
          ';',
          ',',
          '$',
          '$x',
          '=',
          '-A',
          '-a:',
          '#',
          '\n',
          ' ',
          'Get-X',
          '!',
          '.b',
        ),
        fc.string({ maxLength: 3 }),
      ),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(line, (parts) => {
        const typed = parts.join('');
        try {
          for (const one of parse(typed)) assert.ok(one.at <= one.end && one.end <= typed.length);
        } catch (error) {
          assert.ok(error instanceof ShellSyntaxError, String(error));
          assert.ok(error.at >= 0 && error.at <= typed.length, `${error.at} in ${JSON.stringify(typed)}`);
        }
      }),
      { numRuns: 5000 },
    );
  });
});
