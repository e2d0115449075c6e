/** One cmdlet as the words of a command line: what the system's shell has left of it, options, exit codes, JSON. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { buildProgram } from '../../src/cli/program.ts';
import { EXIT } from '../../src/cli/output.ts';
import { readOneShot, runWords } from '../../src/cli/shell/one-shot.ts';
import { runScript } from '../../src/cli/shell/script.ts';
import { FakeDoor, MemoryConsole } from './fake-door.ts';

interface End {
  readonly code: number;
  readonly door: FakeDoor;
  readonly console: MemoryConsole;
}

async function oneShot(words: readonly string[], json = false): Promise<End> {
  const door = new FakeDoor();
  const console = new MemoryConsole();
  const { signal } = new AbortController();
  return { code: await runWords(words, { door, console, json, signal, serverName: 'MAIL' }), door, console };
}

describe('words', () => {
  const rows: ReadonlyArray<[readonly string[], Record<string, unknown>]> = [
    [
      ['Set-Thing', 'Client Frontend <Server Name>', '-Enabled', '$True'],
      { Identity: 'Client Frontend MAIL', Enabled: true },
    ],
    [['set-thing', 'one', '-enabled', 'true'], { Identity: 'one', Enabled: 'true' }],
    [['Set-Thing', 'one', '-Bindings', '{a:995:SSL}'], { Identity: 'one', Bindings: ['a:995:SSL'] }],
    // bash has made {a,b} into two words.
    [
      ['Set-Thing', 'one', '-Bindings', 'a:995:SSL', 'b:995:SSL'],
      { Identity: 'one', Bindings: ['a:995:SSL', 'b:995:SSL'] },
    ],
    [
      ['Set-Thing', 'one', '-Bindings', '@{Add=a;Remove=b}'],
      { Identity: 'one', Bindings: { add: ['a'], remove: ['b'] } },
    ],
    [['Set-Thing', 'one', '-Note', 'costs $5 "or so"; | #'], { Identity: 'one', Note: 'costs $5 "or so"; | #' }],
    [['Set-Thing', 'one', '-Note:'], { Identity: 'one', Note: '' }],
  ];
  for (const [words, args] of rows) {
    test(words.join(' '), async () => {
      const { code, door, console } = await oneShot(words);
      assert.equal(code, EXIT.done, console.errors.join('\n'));
      assert.deepEqual(door.calls.at(-1)?.args, args);
    });
  }

  test('a pipe in quotes', async () => {
    const { console } = await oneShot(['Get-Thing', '|', 'ft', 'Name,Enabled', '-HideTableHeaders']);
    assert.equal(console.lines[0], 'Thing 0    True');
  });
});

describe('exit codes', () => {
  const rows: ReadonlyArray<[readonly string[], number, RegExp]> = [
    [['Set-Thing', 'one', '-Enabled', '-Mode', 'Plain'], EXIT.usage, /write '\$true' in single quotes/],
    [['Set-Thing', '-Bindings', 'a', 'one'], EXIT.usage, /write the list as one word: -Bindings 'a,b'/],
    [['Get-Thnig'], EXIT.usage, /Did you mean Get-Thing/],
    [['Get-Thing', 'missing'], EXIT.absent, /no thing called missing/],
    [['Remove-Thing', 'one'], EXIT.failed, /add -Confirm:\$false/],
    [['Remove-Thing', 'one', '-Confirm:$false'], EXIT.done, /^$/],
    [['exit', '7'], 7, /^$/],
  ];
  for (const [words, expected, message] of rows) {
    test(words.join(' '), async () => {
      const { code, console } = await oneShot(words);
      assert.equal(code, expected);
      assert.match(console.errors.join('\n'), message);
    });
  }
});

describe('options', () => {
  test('are taken out of the words', () => {
    assert.deepEqual(readOneShot(['Get-Thing', '--data', 'x', 'one', '--json'], {}), {
      words: ['Get-Thing', 'one'],
      data: 'x',
      json: true,
    });
    assert.deepEqual(readOneShot(['Get-Thing', '--data=y'], { PENFOLD_DATA: 'z' }), {
      words: ['Get-Thing'],
      data: 'y',
      json: false,
    });
    assert.equal(readOneShot(['Get-Thing'], { PENFOLD_DATA: 'z' }).data, 'z');
    assert.deepEqual(readOneShot(['Set-Thing', '--help'], {}).words, ['Get-Help', 'Set-Thing', '-Full']);
    assert.throws(() => readOneShot(['Set-Thing', '--enabled'], {}), /there is no option --enabled/);
    assert.throws(() => readOneShot(['Set-Thing', '--data'], {}), /needs a folder/);
  });

  test('--json is one array in any case', async () => {
    const { console } = await oneShot(['Get-Thing', '-Count', '2'], true);
    const read: unknown = JSON.parse(console.lines.join('\n'));
    assert.ok(Array.isArray(read) && read.length === 2);
    const none = await oneShot(['Set-Thing', 'one'], true);
    assert.deepEqual(JSON.parse(none.console.lines.join('\n')), []);
  });

  test('penfold --help mentions the shell', () => {
    assert.match(buildProgram().helpInformation(), /shell .*the admin shell/);
  });
});

describe('scripts', () => {
  async function* lines(text: string): AsyncGenerator<string> {
    yield* text.split('\n');
  }
  const run = async (text: string, keepGoing = false): Promise<End> => {
    const door = new FakeDoor();
    const console = new MemoryConsole();
    const { signal } = new AbortController();
    const options = { door, console, signal, keepGoing, name: 'input', serverName: 'MAIL' };
    return { code: await runScript(lines(text), options), door, console };
  };

  test('statements may take several lines, variables stay', async () => {
    const { code, door, console } = await run(
      '$n = "one"\n# comment\n\nSet-Thing $n `\n  -Bindings @{\n  Add=a\n}\nSet-Thing $n',
    );
    assert.equal(code, EXIT.done, console.errors.join('\n'));
    assert.deepEqual(
      door.calls.map((call) => call.args),
      [{ Identity: 'one', Bindings: { add: ['a'], remove: [] } }, { Identity: 'one' }],
    );
  });

  test('the first error ends it and names the line', async () => {
    const { code, door, console } = await run('Set-Thing one\n\nGet-Thing missing\nSet-Thing two');
    assert.equal(code, EXIT.failed);
    assert.equal(door.calls.length, 2);
    assert.deepEqual(console.errors, ['input, line 3:', 'there is no thing called missing']);
  });

  test('--keep-going goes on and tells by its exit code', async () => {
    const { code, door } = await run('Get-Thing missing\nSet-Thing two', true);
    assert.deepEqual([code, door.calls.length], [EXIT.withProblems, 2]);
  });

  test('exit ends it with a code; what is incomplete at the end is a mistake', async () => {
    assert.equal((await run('exit 3\nSet-Thing one')).code, 3);
    const { code, console } = await run('Set-Thing "one');
    assert.equal(code, EXIT.failed);
    assert.match(console.errors.join('\n'), /does not end/);
  });

  test('nobody is there to be asked', async () => {
    const { code, console } = await run('Remove-Thing one');
    assert.equal(code, EXIT.failed);
    assert.match(console.errors.join('\n'), /-Confirm:\$false/);
    assert.match(
      (await run('Set-Thing one -Password')).console.errors.join('\n'),
      /Password is asked for, and nobody is there/,
    );
  });
});
