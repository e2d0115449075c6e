/** What a person at the prompt has beside the language: completion, and a history without secrets. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { complete } from '../../src/cli/shell/completion.ts';
import { errorLines } from '../../src/cli/shell/console.ts';
import { History, HISTORY_LINES, historyFile, withoutSecrets } from '../../src/cli/shell/history.ts';
import { ShellSyntaxError } from '../../src/cli/shell/grammar/syntax-error.ts';
import { testShell } from './fake-door.ts';

const shell = await testShell();
await shell.run('Get-Thing; $ada = Get-Thing -Count 1');
const source = {
  catalogue: shell.session.catalogue,
  variableNames: () => shell.session.variableNames(),
  propertiesOf: (cmdlet: string) => shell.session.propertiesOf(cmdlet),
  complete: (cmdlet: string, parameter: string, typed: string) => shell.door.complete(cmdlet, parameter, typed),
};

describe('completion', () => {
  // What stands before the cursor, the word that is replaced, what is offered (some of it).
  const rows: ReadonlyArray<[string, string, readonly string[]]> = [
    ['get-th', 'get-th', ['Get-Thing']],
    ['thing', 'thing', ['Get-Thing', 'Remove-Thing', 'Set-Thing']],
    ['Get-Thing | Form', 'Form', ['Format-List', 'Format-Table']],
    ['Get-Thing; Se', 'Se', ['Select-Object', 'Set-Thing']],
    ['$x = Get-T', 'Get-T', ['Get-Thing']],
    ['Set-Thing (Get-T', 'Get-T', ['Get-Thing']],
    ['Set-Thing @(Get-T', 'Get-T', ['Get-Thing']],
    ['Set-Thing one -e', '-e', ['-Enabled']],
    ['Set-Thing one -en', '-en', ['-Enabled']],
    ['Set-Thing one -Enabled ', '', ['$true', '$false']],
    ['Set-Thing one -Enabled $f', '$f', ['$false']],
    ['Set-Thing one -Enabled:', '', ['$true', '$false']],
    ['Set-Thing one -Confirm:', '', ['$true', '$false']],
    ['Set-Thing one -Mode s', 's', ['Secure']],
    ['Set-Thing -Quiet ', '', ['one', "'Client Frontend MAIL'", "'o''clock'"]],
    ['Set-Thing Cl', 'Cl', ["'Client Frontend MAIL'"]],
    ['Set-Thing "Client F', '"Client F', ['"Client Frontend MAIL"']],
    ["Set-Thing 'o", "'o", ["'one'", "'o''clock'"]],
    ['Set-Thing -Identity one,o', 'o', ['one', "'o''clock'"]],
    ['Set-Thing one -Password ', '', []],
    ['Get-Thing | ft Na', 'Na', ['Name']],
    ['Get-Thing | sort Name,Si', 'Si', ['Size']],
    ['Get-Thing | where En', 'En', ['Enabled']],
    ['Get-Thing | where Enabled -e', '-e', ['-eq']],
    ['Get-Thing | select Name | where { $_.Ta', '$_.Ta', ['$_.Tags']],
    ['Get-Thing | where { $_.Name -notl', '-notl', ['-notlike']],
    ['Set-Thing $a', '$a', ['$ada']],
    ['Set-Thing one -Mode Plain -Quiet -WhatIf -Confirm -Verbose -Note x -Password ', '', []],
    [
      'Set-Thing one ',
      '',
      ['-Enabled', '-Mode', '-Bindings', '-Note', '-Password', '-Quiet', '-WhatIf', '-Confirm', '-Verbose'],
    ],
    ['help Get-Th', 'Get-Th', ['Get-Thing']],
    ['Get-Nothing -', '', []],
    ['Get-Thing )', '', []],
  ];
  for (const [typed, word, offered] of rows) {
    test(typed, async () => {
      const found = await complete(typed, source);
      assert.deepEqual(found.candidates, offered);
      if (offered.length > 0) assert.equal(typed.slice(found.from), word);
    });
  }

  test('a parameter that was given is not offered again', async () => {
    const { candidates } = await complete('Set-Thing one -Mode Plain -', source);
    assert.deepEqual(candidates, [
      '-Enabled',
      '-Bindings',
      '-Note',
      '-Password',
      '-Quiet',
      '-WhatIf',
      '-Confirm',
      '-Verbose',
    ]);
  });

  test('where nothing can be offered, it is said what may stand there', async () => {
    assert.equal((await complete('Set-Thing one -Note ', source)).hint, '-Note: text');
  });

  test('no line makes it fail', async () => {
    const pieces = fc.constantFrom(
      'Set-Thing',
      'Get-Thing',
      'where',
      '-Mode',
      '-',
      ' ',
      '|',
      '{',
      '}',
      '(',
      ')',
      '"',
      "'",
      '$_.',
      ',',
      ';',
      '@{',
      'a',
      '`',
      ':',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(pieces, { maxLength: 12 }), async (parts) => {
        const typed = parts.join('');
        const { from, candidates } = await complete(typed, source);
        assert.ok(candidates.length === 0 || (from >= 0 && from <= typed.length));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('history', () => {
  const rows: ReadonlyArray<[string, string | null]> = [
    ['Get-Thing', 'Get-Thing'],
    ["Set-Thing one -Password 'x y' -Note z", 'Set-Thing one -Password -Note z'],
    ['Set-Thing one -Pass:secret', 'Set-Thing one -Pass'],
    ['Set-Thing one -Password $p', 'Set-Thing one -Password $p'],
    [
      "Set-Thing one -Password (ConvertTo-SecureString 'x' -AsPlainText)",
      'Set-Thing one -Password (ConvertTo-SecureString -AsPlainText)',
    ],
    ["$p = ConvertTo-SecureString -String 'x'; Get-Thing", '$p = ConvertTo-SecureString -String; Get-Thing'],
    ["$password = 'x'", '$password ='],
    ['Set-Thing one -Password "x', null],
    ['Set-Thingy one -Password x', null],
    ['Set-Thing "unfinished', 'Set-Thing "unfinished'],
  ];
  for (const [typed, kept] of rows) {
    test(typed, () => assert.equal(withoutSecrets(typed, shell.session.catalogue), kept));
  }

  test('is kept for this user alone, without doubles, up to its limit', async (context) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'penfold-history-'));
    context.after(() => rm(folder, { recursive: true }));
    const file = historyFile({ XDG_STATE_HOME: folder });
    const history = await History.open(file);
    for (let at = 0; at < HISTORY_LINES + 5; at += 1) history.add(`Get-Thing ${at}`, shell.session.catalogue);
    history.add('Get-Thing |\n  fl `\n Name', shell.session.catalogue);
    history.add('Get-Thing | fl Name', shell.session.catalogue);
    history.add('Set-Thing one -Password x', shell.session.catalogue);
    await history.save();
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.doesNotMatch(await readFile(file, 'utf8'), /Password x/);
    const again = await History.open(file);
    assert.equal(again.lines.length, HISTORY_LINES);
    assert.deepEqual(again.lines.slice(-3), ['Get-Thing 1004', 'Get-Thing | fl Name', 'Set-Thing one -Password']);
  });
});

describe('errors', () => {
  test('of a long line show the place', () => {
    const line = `Get-Thing ${'x'.repeat(200)} !`;
    const [shown = '', pointer = ''] = errorLines(new ShellSyntaxError('wrong', line.length - 1), line);
    assert.equal(shown.charAt(pointer.indexOf('^')), '!');
    assert.ok(shown.length <= 100);
  });

  test('of the second line show that line', () => {
    assert.deepEqual(errorLines(new ShellSyntaxError('wrong', 7), 'Get-A\n b c'), [' b c', ' ^ wrong']);
  });

  test('a server that has gone away is no stack', () => {
    const error = Object.assign(new Error('connect ENOENT'), { code: 'ENOENT' });
    assert.deepEqual(errorLines(error, ''), ['the server has gone away', '  Is it running? penfold status']);
  });
});
