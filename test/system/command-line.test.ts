/** The command line as a stranger meets it: every command explains itself, a mistake gets an answer and no stack. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { describe, test } from 'node:test';
import type { Command } from 'commander';
import { buildProgram } from '../../src/cli/program.ts';
import { penfold } from '../support/child-server.ts';

const MAIN = path.join(import.meta.dirname, '..', '..', 'src', 'main.ts');

function leaves(command: Command, above: readonly string[] = []): string[][] {
  const here = command.name() === 'penfold' ? [] : [...above, command.name()];
  return command.commands.length === 0 ? [here] : command.commands.flatMap((child) => leaves(child, here));
}

describe('command line', { concurrency: 2 }, () => {
  for (const words of leaves(buildProgram())) {
    test(`penfold ${words.join(' ')}`, async () => {
      const help = await penfold([...words, '--help']);
      assert.equal(help.code, 0, help.stderr);
      assert.match(help.stdout, new RegExp(`^Usage: penfold ${words.join(' ')}`));
      assert.match(help.stdout, /^Examples?:$/m);
      const wrong = await penfold([...words, '--no-such-option']);
      assert.equal(wrong.code, 2);
      assert.match(wrong.stderr, /^error: /);
      assert.doesNotMatch(wrong.stderr, /\n {4}at /);
    });
  }

  test('a reader that stops reading ends the command without a word', async () => {
    const child = spawn(process.execPath, [MAIN, 'config', 'reference'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    const [code] = await once(child, 'close');
    assert.equal(said, '');
    assert.equal(code, 1);
  });
});
