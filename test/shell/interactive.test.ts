/** `penfold shell` at a terminal, as a person has it: banner, Tab, questions, Ctrl-C, Ctrl-D, history without secrets. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { hasPseudoTerminals, PseudoTerminal } from '../../scripts/pseudo-terminal.ts';
import { penfold } from '../support/child-server.ts';

const MAIN = path.join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const PROMPT = /\[penfold MAIL\]>$/;
const skip = hasPseudoTerminals() ? false : 'no pseudo terminals: util-linux script is not installed';

describe('penfold shell at a terminal', { skip }, () => {
  let root: string;
  let terminal: PseudoTerminal;
  before(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'penfold-terminal-'));
    const data = path.join(root, 'data');
    const setup = await penfold(['setup', '--data', data, '--domain', 'example.test', '--fqdn', 'mail.example.test']);
    assert.equal(setup.code, 0, setup.stderr);
    const command = `'${process.execPath}' '${MAIN}' shell --data '${data}'`;
    terminal = new PseudoTerminal(command, { columns: 120, environment: { XDG_STATE_HOME: root, NO_COLOR: '1' } });
  });
  after(async () => {
    terminal.kill();
    await rm(root, { recursive: true, force: true });
  });

  /** Types, and waits for the pattern behind what was there before. */
  async function said(keys: string, pattern: RegExp): Promise<string> {
    const from = terminal.screen.text().length;
    await terminal.type(keys);
    await terminal.until(pattern, from);
    return terminal.screen.text().slice(from);
  }

  test('greets and names three things to try', async () => {
    await terminal.until(/Three things to try:\n.*\n.*\n.*\n\n\[penfold MAIL\]>/);
  });

  test('Tab completes cmdlets, parameters and values of the server', async () => {
    await said('set-imaps\t-logint\tSec\t-What\t\r', /What if: Set ImapSettings of server MAIL[^]*\[penfold MAIL\]>/);
    assert.match(terminal.screen.text(), /Set-ImapSettings -LoginType SecureLogin -WhatIf/);
  });

  test('a dangerous change is asked about', async () => {
    await said('Remove-ReceiveConnector "Client Fr\t\r', /\[N\] No \(default\):$/);
    const text = await said('n\r', PROMPT);
    assert.doesNotMatch(text, /removed/i);
    assert.match(await said('Get-ReceiveConnector | where Name -like client* | measure\r', /Count[^]*>$/), /\n +2\n/);
  });

  test('Ctrl-C gives up what was typed, an error leaves the shell alone', async () => {
    await said('Get-Mailbox {\r', />>$/);
    await said('\u0003', PROMPT);
    assert.match(await said('Get-Srvice\r', />$/), /\^ there is no cmdlet Get-Srvice\. Did you mean Get-Service\?/);
  });

  test('a question of Read-Host is answered unseen', async () => {
    await said('$p = Read-Host "Word" -AsSecureString\r', /Word:$/);
    await said('hunter2\r', PROMPT);
    assert.doesNotMatch(terminal.screen.text(), /hunter2/);
    await said('$p\r', /\nhunter2\n/);
  });

  test('Ctrl-D ends; the history is kept without the answer', async () => {
    await terminal.type('\u0004');
    assert.equal(await terminal.end(), 0);
    const history = await readFile(path.join(root, 'penfold', 'shell-history'), 'utf8');
    assert.match(history, /^Get-Srvice$/m);
    assert.doesNotMatch(history, /hunter2/);
  });
});
