/** Pipelines of the shell on a door that is not a server: what reaches the door, and what is shown. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { rawText } from '../../src/cli/shell/cell-text.ts';
import { holds } from '../../src/cli/shell/compare.ts';
import type { Comparison } from '../../src/cli/shell/grammar/predicate.ts';
import { pipelineOfWords } from '../../src/cli/shell/grammar/words.ts';
import { presented } from '../../src/cli/shell/stages/present.ts';
import type { Cell } from '../../src/management/cmdlet.ts';
import { type Call, testShell, type TestShell } from './fake-door.ts';

const lastCall = (shell: TestShell): Call => {
  const call = shell.door.calls.at(-1);
  assert.ok(call !== undefined, 'nothing reached the door');
  return call;
};

describe('what reaches the door', () => {
  const lines: ReadonlyArray<[string, Record<string, unknown>]> = [
    ['set-thing one -enab $false', { Identity: 'one', Enabled: false }],
    ['Set-Thing -Id one -Mode 1', { Identity: 'one', Mode: '1' }],
    ['Set-Thing one -Bindings {a:1:SSL}', { Identity: 'one', Bindings: ['a:1:SSL'] }],
    ['Set-Thing one -Bindings {a:1, b:2}', { Identity: 'one', Bindings: ['a:1', 'b:2'] }],
    ['Set-Thing one -Bindings a:1,"b:2"', { Identity: 'one', Bindings: ['a:1', 'b:2'] }],
    ['Set-Thing one -Bindings @{Add=a,b; remove=c}', { Identity: 'one', Bindings: { add: ['a', 'b'], remove: ['c'] } }],
    ['Set-Thing one -Bindings $null', { Identity: 'one', Bindings: null }],
    ["Set-Thing one -Note {Name -like 'a*'}", { Identity: 'one', Note: "Name -like 'a*'" }],
    ['Set-Thing one -Quiet -Enabled:$true', { Identity: 'one', Quiet: true, Enabled: true }],
    ['Set-Thing one -Quiet $false', { Identity: 'one', Quiet: false }],
    ['$n = "a b"; Set-Thing $n -Note "is $n!"', { Identity: 'a b', Note: 'is a b!' }],
    [
      '$t = Get-Thing; Set-Thing $t.Name -Note x',
      { Identity: ['Thing 0', 'Näme 日本', 'Thing 2', 'Thing 3'], Note: 'x' },
    ],
    ['Set-Thing (Get-Thing | select -First 1)', { Identity: 'thing0' }],
    ['Set-Thing (Get-Thing | select -First 1).Name', { Identity: 'Thing 0' }],
    ['Set-Thing "Client Frontend <Server Name>"', { Identity: 'Client Frontend MAIL' }],
    ['Set-Thing one -Password', { Identity: 'one', Password: 'typed' }],
    ["Set-Thing one -Password (ConvertTo-SecureString 'x' -AsPlainText -Force)", { Identity: 'one', Password: 'x' }],
    ['Set-Thing one `\n -Note 5', { Identity: 'one', Note: '5' }],
  ];
  for (const [line, args] of lines) {
    test(line, async () => {
      const shell = await testShell();
      await shell.run(line);
      assert.deepEqual(lastCall(shell).args, args);
    });
  }

  test('-WhatIf shows what would be done; -Confirm and its absence reach the door', async () => {
    const shell = await testShell();
    assert.deepEqual(await shell.run('Set-Thing one -WhatIf'), ['What if: Set-Thing one']);
    assert.deepEqual([lastCall(shell).whatIf, lastCall(shell).confirm], [true, null]);
    await shell.run('Set-Thing one -Confirm:$false');
    assert.equal(lastCall(shell).confirm, false);
    await shell.run('Set-Thing one -Confirm $false');
    assert.equal(lastCall(shell).confirm, false);
    assert.deepEqual(lastCall(shell).args, { Identity: 'one' });
  });

  test('-Verbose tells what is being done', async () => {
    const shell = await testShell();
    await shell.run('Set-Thing one -Verbose');
    assert.deepEqual(shell.console.warnings, ['Set-Thing is being done', 'Set-Thing was done']);
  });

  test('objects feed the next cmdlet, one at a time', async () => {
    const shell = await testShell();
    await shell.run('Get-Thing | where Enabled | Set-Thing -Note x');
    const calls = shell.door.calls.filter((call) => call.name === 'Set-Thing');
    assert.deepEqual(
      calls.map((call) => call.input?.['Identity']),
      ['thing0', 'thing2'],
    );
    await shell.run("'a','b' | Set-Thing -Note y");
    assert.deepEqual(
      shell.door.calls.slice(-2).map((call) => call.input),
      [{ Identity: 'a' }, { Identity: 'b' }],
    );
  });

  test('a dangerous change is asked about; All answers for the rest', async () => {
    const shell = await testShell();
    shell.answers = ['yes', 'no', 'all'];
    await shell.run('Get-Thing | Remove-Thing');
    assert.deepEqual(shell.asked, ['Remove thing0', 'Remove thing1', 'Remove thing2']);
    const done = shell.door.calls.filter((call) => call.name === 'Remove-Thing' && call.confirm === false);
    assert.deepEqual(
      done.map((call) => call.input?.['Identity']),
      ['thing0', 'thing2', 'thing3'],
    );
  });

  test('-ErrorAction Continue goes on with the next object', async () => {
    const shell = await testShell();
    await assert.rejects(shell.run("'a','missing','b' | Set-Thing"), /no thing called missing/);
    assert.equal(shell.door.calls.length, 2);
    await shell.run("'a','missing','b' | Set-Thing -ErrorAction Continue");
    assert.equal(lastCall(shell).input?.['Identity'], 'b');
    assert.deepEqual(shell.console.errors, ['there is no thing called missing']);
    await shell.run('Get-Thing missing -ea SilentlyContinue');
    assert.equal(shell.console.errors.length, 1);
  });
});

describe('mistakes point at their place', () => {
  const mistakes: ReadonlyArray<[string, string, RegExp]> = [
    ['Get-Thng', 'Get-Thng', /Did you mean Get-Thing/],
    ['Get-Thing | Get-Nothing', 'Get-Nothing', /there is no cmdlet/],
    ['Get-Thing | ForEach-Object', 'ForEach-Object', /pipe into the next cmdlet/],
    ['Set-Thing one -Modus x', '-Modus', /no parameter -Modus; did you mean -mode/i],
    ['Set-Thing one two', 'two', /say which parameter/],
    ['Set-Thing one -Mode', '', /-Mode needs a value: one of Plain/],
    ['Set-Thing -Id two -Identity three', '-Identity three', /given twice/],
    ['Set-Thing $nobody', '$nobody', /has not been set/],
    ['Format-List', 'Format-List', /needs something to work on/],
    ['Get-Thing | Get-History', 'Get-History', /put it first/],
    ['Get-Thing | where Name -equals x', '-equals', /no operator -equals/],
    ['Get-Thing | select -First x', 'x', /whole number from 0/],
    ['Get-Thing | select @{n="a"; e="b"}', '@{n="a"; e="b"}', /calculated properties/],
    ['Set-Thing one -Bindings @{Ad=1}', '@{Ad=1}', /Add and Remove/],
    ['Set-Thing $_', '$_', /only inside Where-Object/],
  ];
  for (const [line, place, message] of mistakes) {
    test(line, async () => {
      const shell = await testShell();
      const error: unknown = await shell.run(line).catch((reason: unknown) => reason);
      shell.console.error(error, line);
      const [shown = '', pointer = ''] = shell.console.errors;
      assert.equal(shown, line);
      assert.match(pointer, message);
      assert.equal(line.slice(pointer.indexOf('^'), pointer.indexOf('^') + place.length), place);
      assert.deepEqual(
        shell.door.calls.filter((call) => call.name === 'Set-Thing'),
        [],
      );
    });
  }

  test('text comes too late for objects', async () => {
    const shell = await testShell();
    await assert.rejects(shell.run('Get-Thing | ft | where Name -eq x'), /Put Where-Object before Format/);
    await assert.rejects(shell.run('Get-Thing | ft | Set-Thing'), /Put Set-Thing before Format/);
    await assert.rejects(shell.run('$x = Get-Thing | fl'), /a variable holds objects/);
  });
});

describe('what is shown', () => {
  const shows: ReadonlyArray<[string, readonly string[]]> = [
    [
      'Get-Thing',
      [
        'Name                           Size',
        '----                           ----',
        'Thing 0           900 B (900 bytes)',
        'Näme 日本  36 MB (37,748,736 bytes)',
        'Thing 2                   Unlimited',
        'Thing 3          2 KB (2,048 bytes)',
      ],
    ],
    ['Get-Thing | sort Size -Descending | select -ExpandProperty Name', ['Thing 2', 'Näme 日本', 'Thing 3', 'Thing 0']],
    ['Get-Thing | sort Name | ft Name -HideTableHeaders', ['Näme 日本', 'Thing 0', 'Thing 2', 'Thing 3']],
    [
      'Get-Thing | where { $_.Size -gt 1KB -and $_.Size -lt unlimited } | select Name',
      ['Name', '----', 'Näme 日本', 'Thing 3'],
    ],
    ['Get-Thing | where { -not $_.Enabled } | select Name', ['Name', '----', 'Näme 日本', 'Thing 3']],
    // The same rank, from the left: (a or b) and c.
    [
      'Get-Thing | where { $_.Name -eq "Thing 0" -or $_.Name -eq "Thing 3" -and -not $_.Enabled } | select Name',
      ['Name', '----', 'Thing 3'],
    ],
    [
      'Get-Thing | where { $_.Name -eq "Thing 2" -or ($_.Name -eq "Thing 3" -and $_.Enabled) } | select Name',
      ['Name', '----', 'Thing 2'],
    ],
    ['Get-Thing | where Tags -contains TAG3 | select Name', ['Name', '----', 'Thing 3']],
    ['Get-Thing | ? { $_.Name -match "^thing [03]$" } | select Name', ['Name', '----', 'Thing 0', 'Thing 3']],
    ['Get-Thing | where Name -in "thing 2",x | select Name', ['Name', '----', 'Thing 2']],
    ['Get-Thing | where { $_.Tags.Count -eq 0 } | select Name', ['Name', '----', 'Thing 0']],
    ['$w = "Thing 3"; Get-Thing | where { $_.Name -eq $w } | fl Name,E*', ['Name    : Thing 3', 'Enabled : False']],
    // No control character of a value reaches the terminal.
    ['Get-Thing | select -Skip 2 -First 1 | fl Note,Tags', ['Note : two↵lines\ufffd[31m', 'Tags : {tag2, all}']],
    [
      'Get-Thing | select -Last 1 | select Name,Enabled,Nothing',
      ['Name     Enabled  Nothing', '----     -------  -------', 'Thing 3  False'],
    ],
    ['Get-Thing | measure', ['Count', '-----', '    4']],
    [
      'Get-Thing | where Size -lt 1MB | measure Size -Sum | fl',
      ['Count    : 2', 'Sum      : 2.879 KB (2,948 bytes)', 'Property : Size'],
    ],
    ['Get-Thing | group Enabled', ['Count  Name', '-----  ----', '    2  True', '    2  False']],
    ['Get-Thing -Count 1 | select Name,Tags | ConvertTo-Json -Compress', ['{"Name":"Thing 0","Tags":[]}']],
    [
      'Get-Thing | select -First 2 | select Name | ConvertTo-Json -Compress',
      ['[', '{"Name":"Thing 0"},', '{"Name":"Näme 日本"}', ']'],
    ],
    [
      'Get-Thing | select -First 2 -Property Name,Tags | ConvertTo-Csv',
      ['"Name","Tags"', '"Thing 0",""', '"Näme 日本","tag1,all"'],
    ],
    ['$x = Get-Thing; $x.Name', ['Thing 0', 'Näme 日本', 'Thing 2', 'Thing 3']],
    ['@("b"; "a") | sort', ['a', 'b']],
    ["'a','b','a' | select -Unique | where { $_ -ne 'b' }", ['a']],
    ['Get-Thing | Out-Null', []],
    ['history 1', ['Id  CommandLine', '--  -----------', ' 2  Set-Thing one']],
    ['Get-Thing | select Name -First 1 | Out-String', ['Name', '----', 'Thing 0']],
  ];
  for (const [line, expected] of shows) {
    test(line, async () => {
      const shell = await testShell();
      assert.deepEqual(await shell.run(line), expected);
    });
  }

  test('a table fits its terminal; what is cut shows', async () => {
    const shell = await testShell();
    shell.console.width = 24;
    const lines = await shell.run('Get-Thing');
    assert.ok(lines.every((line) => line.length <= 24));
    assert.match(lines[3] ?? '', /…$/);
    assert.deepEqual((await shell.run('Get-Thing | ft -Wrap'))[3], 'Näme 日本  36 MB (37,748,736 bytes)');
  });

  test('more than four properties are a list when nobody says how', async () => {
    const shell = await testShell();
    assert.match(
      (await shell.run('Get-Thing | select * -First 1')).join('\n'),
      /^Identity : thing0\nName {5}: Thing 0\n/,
    );
  });
});

describe('streams', () => {
  test('Select-Object -First stops the cmdlet', async () => {
    const shell = await testShell();
    await shell.run('Get-Thing -Count 1000000 | select -First 3');
    assert.equal(shell.door.given, 3);
  });

  test('50,000 objects pass without being held', async () => {
    const shell = await testShell();
    let most = 0;
    let seen = 0;
    const held = (): number => shell.door.given - seen;
    const pipeline = pipelineOfWords(['Get-Thing', '-Count', '50000', '|', 'where', 'Enabled', '|', 'select', 'Name']);
    await shell.session.runPipeline(pipeline, '', new AbortController().signal, async function* (stream) {
      for await (const line of presented(stream, null)) {
        most = Math.max(most, held() - seen);
        seen += 1;
        if (seen % 1000 === 0) yield line;
      }
    });
    assert.equal(shell.door.given, 50_000);
    // Every other one is let through, and a table samples its first hundred.
    assert.ok(most <= 300, `${most} objects were on their way`);
  });

  test('an abort ends the cmdlet', async () => {
    const shell = await testShell();
    const stop = new AbortController();
    shell.console.write = (): Promise<void> => {
      stop.abort();
      return Promise.resolve();
    };
    await assert.rejects(shell.session.run('Get-Thing -Count 1000000', stop.signal), { name: 'AbortError' });
    assert.ok(shell.door.given < 1000);
  });
});

describe('limits', () => {
  const deep = (count: number): string => `Get-Thing | where { ${'('.repeat(count)}$_.Name${')'.repeat(count)} }`;
  const rows: ReadonlyArray<[string, string, RegExp]> = [
    ['values of a pipeline in brackets', 'Set-Thing (Get-Thing -Count 100001)', /may leave 100000 values/],
    ['brackets', deep(33), /at most 32 brackets/],
    ['braces', `Set-Thing ${'{'.repeat(33)}${'}'.repeat(33)}`, /at most 32 braces/],
    ['-not', `Get-Thing | where { ${'-not '.repeat(65)} $_.Enabled }`, /nested too deeply/],
  ];
  for (const [name, line, message] of rows) {
    test(name, async () => {
      const shell = await testShell();
      await assert.rejects(shell.run(line), message);
    });
  }

  test('one less is fine', async () => {
    const shell = await testShell();
    assert.equal((await shell.run(`${deep(31)} | measure | select -ExpandProperty Count`)).join(''), '4');
  });
});

describe('comparisons', () => {
  const rows: ReadonlyArray<[Cell, Comparison, Cell, boolean]> = [
    [{ text: '00:10:00', value: 600 }, 'eq', '00:10:00', true],
    [{ text: '00:10:00', value: 600 }, 'lt', '1.00:00:00', true],
    [{ text: '36 MB (37,748,736 bytes)', value: 37_748_736 }, 'eq', '36MB', true],
    [{ text: '36 MB (37,748,736 bytes)', value: 37_748_736 }, 'like', '36*', true],
    [{ text: 'Unlimited', value: null }, 'gt', 5, true],
    [{ text: 'Unlimited', value: null }, 'eq', 'unlimited', true],
    [5, 'gt', '10', false],
    [5, 'eq', '5', true],
    ['Database 9', 'lt', 'database 10', true],
    ['Ada', 'eq', 'ADA', true],
    ['Ada', 'ne', 'ADA', false],
    ['résumé', 'eq', 'resume', false],
    ['2026-11-23T09:00:00.000Z', 'gt', '2026-11-01', true],
    [true, 'eq', 'true', true],
    [true, 'eq', false, false],
    [null, 'eq', null, true],
    [null, 'lt', 5, false],
    [null, 'ne', 'x', true],
    [['a', 'b'], 'eq', 'B', true],
    [['a', 'b'], 'contains', 'c', false],
    [['a', 'b'], 'notcontains', 'c', true],
    ['b', 'in', ['a', 'b'], true],
    ['b', 'notin', ['a', 'b'], false],
    ['a[1]', 'like', 'a`[1]', false],
    ['a1', 'like', 'a[0-9]', true],
    ['a.c', 'like', 'a?c', true],
    ['abc', 'notmatch', '^b', true],
  ];
  for (const [left, operator, right, expected] of rows) {
    test(`${rawText(left)} -${operator} ${rawText(right)}`, () => assert.equal(holds(operator, left, right), expected));
  }
});

describe('files', () => {
  test('Export-Csv, Import-Csv, Out-File', async (context) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'penfold-shell-'));
    context.after(() => rm(folder, { recursive: true }));
    const file = path.join(folder, 'things.csv');
    const shell = await testShell();
    await shell.run(`Get-Thing | select Identity,Name | Export-Csv -Path ${file}`);
    assert.equal((await readFile(file, 'utf8')).split('\n')[2], '"thing1","Näme 日本"');
    await shell.run(`Import-Csv ${file} | Set-Thing -Quiet`);
    assert.deepEqual(shell.door.calls.at(-1)?.input, { Identity: 'thing3', Name: 'Thing 3' });
    await writeFile(file, '\ufeffIdentity,Note\r\n"a ""b""",",\n"\r\nplain,');
    assert.deepEqual(await shell.run(`Import-Csv ${file} | ConvertTo-Json -Compress`), [
      '[',
      String.raw`{"Identity":"a \"b\"","Note":",\n"},`,
      '{"Identity":"plain","Note":""}',
      ']',
    ]);
    await shell.run(`Get-Thing | fl Name | Out-File ${file}`);
    assert.equal((await readFile(file, 'utf8')).split('\n')[0], 'Name : Thing 0');
    await assert.rejects(shell.run(`Get-Thing | Out-File ${file} -NoClobber`), /it is there already/);
    await assert.rejects(shell.run(`Get-Thing | Out-File ${folder}/no/file`), /there is no such folder/);
    await assert.rejects(shell.run('Import-Csv /does/not/exist'), /no such folder or file/);
  });
});

describe('help', () => {
  test('one cmdlet, its examples, one parameter, a search, a word', async () => {
    const shell = await testShell();
    assert.match(
      (await shell.run('Get-Help Set-Thing')).join('\n'),
      /Set-Thing \[\[-Identity\] <String>\][^]*\[-WhatIf\]/,
    );
    assert.deepEqual(await shell.run('help set-thing -Examples'), ['  Set-Thing one -WhatIf', '      One.']);
    assert.match(
      (await shell.run('man Set-Thing -Parameter mode')).join('\n'),
      /-Mode <Enum>[^]*one of Plain \(0\), Secure \(1\)/,
    );
    assert.match((await shell.run('Set-Thing -?')).join('\n'), /What Set-Thing does/);
    const names = ['Get-Thing', 'Remove-Thing', 'Set-Thing'];
    assert.deepEqual(await shell.run('help *-thing | select -ExpandProperty Name'), names);
    assert.deepEqual(await shell.run('help thing | select -ExpandProperty Name'), names);
    assert.deepEqual(await shell.run('Get-Command -Noun Thing | select -ExpandProperty Name'), names);
    assert.deepEqual(await shell.run('help bindings | select -ExpandProperty Name'), ['Set-Thing']);
    await assert.rejects(shell.run('help xyzzy'), /there is no cmdlet xyzzy/);
    assert.match((await shell.run('help'))[0] ?? '', /Tab completes/);
  });
});
