/** The prompt, key by key: editing is node:readline's; what is ours is Tab, secrets, Ctrl-C, Ctrl-D and the history. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, test } from 'node:test';
import { readAt, Terminal } from '../../src/cli/shell/terminal.ts';

interface Typist {
  readonly terminal: Terminal;
  readonly history: string[];
  readonly interrupts: () => number;
  /** Everything drawn so far, without cursor movements. */
  readonly screen: () => string;
  readonly type: (keys: string) => void;
  /** Waits until this stands on the screen. */
  readonly until: (text: string) => Promise<void>;
}

function typist(): Typist {
  const input = new PassThrough();
  const output = new PassThrough();
  const history: string[] = [];
  let drawn = '';
  let interrupts = 0;
  const waiting: Array<() => void> = [];
  output.setEncoding('utf8').on('data', (text: string) => {
    drawn += text;
    for (const look of waiting.splice(0)) look();
  });
  const terminal = new Terminal({
    input,
    output,
    history: () => history,
    complete: (typed) =>
      Promise.resolve(
        typed.endsWith('mail')
          ? { candidates: ['Get-Mailbox'], from: 0, hint: null }
          : { candidates: [], from: typed.length, hint: 'a whole number' },
      ),
    onInterrupt: () => {
      interrupts += 1;
    },
  });
  return {
    terminal,
    history,
    interrupts: () => interrupts,
    screen: () => drawn.replaceAll(/\u001b\[[0-9;]*[A-Za-z]/g, ''),
    type: (keys) => {
      for (const key of keys) input.write(key);
    },
    until: async (text) => {
      while (!drawn.includes(text)) {
        const { promise, resolve } = Promise.withResolvers<void>();
        waiting.push(resolve);
        await promise;
      }
    },
  };
}

describe('terminal', () => {
  test('Tab completes in any case; a hint where nothing is to complete', async () => {
    const { terminal, type, until } = typist();
    const line = terminal.line('> ');
    type('mail\t');
    await until('Get-Mailbox ');
    type('ada\t');
    await until('a whole number');
    type('\r');
    assert.equal(await line, 'Get-Mailbox ada');
    terminal.close();
  });

  test('a secret is neither drawn nor kept', async () => {
    const { terminal, type, screen, history } = typist();
    const secret = terminal.secret('Password: ');
    type('hunter2\r');
    assert.equal(await secret, 'hunter2');
    history.push('Get-Mailbox');
    terminal.refreshHistory();
    const line = terminal.line('> ');
    type('\u001b[A\r');
    assert.equal(await line, 'Get-Mailbox');
    assert.doesNotMatch(screen(), /hunter/);
    terminal.close();
  });

  test('Ctrl-C gives the line up, Ctrl-D ends', async () => {
    const { terminal, type, interrupts, until } = typist();
    const given = terminal.line('> ');
    type('Remove-Mailbox');
    await until('Remove-Mailbox');
    type('\u0003');
    assert.equal(await given, '');
    assert.equal(interrupts(), 1);
    const next = terminal.line('> ');
    type('Get\r');
    assert.equal(await next, 'Get');
    const end = terminal.line('> ');
    type('\u0004');
    assert.equal(await end, null);
    assert.equal(await terminal.line('> '), null);
  });

  test('a new secret is typed twice', async () => {
    const { terminal, type, until } = typist();
    const same = readAt(terminal, 'Password: ', 'new secret');
    type('one\r');
    await until('Once more');
    type('one\r');
    assert.equal(await same, 'one');
    const different = readAt(terminal, 'Again: ', 'new secret');
    await until('Again');
    type('one\rtwo\r');
    await assert.rejects(different, /two different ones/);
    terminal.close();
  });

  test('Ctrl-C at a secret is no secret', async () => {
    const { terminal, type } = typist();
    const secret = terminal.secret('Password: ');
    type('half\u0003');
    await assert.rejects(secret, /nothing was typed/);
    terminal.close();
  });

  test('lines that are pasted together come one after the other', async () => {
    const { terminal, type } = typist();
    const first = terminal.line('> ');
    type('one\rtwo\r');
    assert.equal(await first, 'one');
    assert.equal(await terminal.line('> '), 'two');
    terminal.close();
  });
});
