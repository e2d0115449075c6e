/**
 * What administrators type, from a file, against a running server: in the shell, and as one-shots. The three lines of
 * the vendor's instructions go through the system's shell, too. Their values arrive on the look-up model.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse } from '../../src/cli/shell/grammar/parser.ts';
import { runWords } from '../../src/cli/shell/one-shot.ts';
import { dataLayout } from '../../src/config/data-directory.ts';
import { type OpenDoor, openDoor } from '../../src/main/door.ts';
import { penfold, runToEnd } from '../support/child-server.ts';
import { type DemoServer, startDemo } from '../support/demo-server.ts';
import { MemoryConsole } from './fake-door.ts';
import { wordsOfStatement } from './words.ts';

const FILE = path.join(import.meta.dirname, 'reference-lines.txt');
const MAIN = path.join(import.meta.dirname, '..', '..', 'src', 'main.ts');
/** As an administrator quotes them for bash. */
const QUOTED = [
  'Set-POPSettings -ExternalConnectionSetting {Dublin01.Contoso.com:995:SSL}',
  'Set-ImapSettings -ExternalConnectionSetting {Dublin01.Contoso.com:993:SSL}',
  `Set-ReceiveConnector "Client Frontend <Server Name>" -AdvertiseClientSettings '$True' -FQDN Dublin01.Contoso.com`,
];

const all = await readFile(FILE, 'utf8');
const verbatim = all.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

describe('the lines of the reference', () => {
  let root: string;
  let data: string;
  let server: DemoServer;
  let door: OpenDoor;
  let mailbox: string;
  before(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'penfold-lines-'));
    data = path.join(root, 'data');
    server = await startDemo(data);
    door = await openDoor(dataLayout(data), 'command');
    mailbox = server.mailboxes[0]?.address ?? '';
  });
  after(async () => {
    await door.close();
    await server.child.stop();
    await rm(root, { recursive: true, force: true });
  });

  const filled = (text: string): string => text.replaceAll('<Mailbox>', mailbox);

  test('run in the shell, all of them', async () => {
    const script = path.join(root, 'lines.txt');
    await writeFile(script, filled(all));
    const end = await penfold(['shell', '--data', data, '--file', script]);
    assert.equal(end.code, 0, end.stderr);
    assert.match(end.stdout, /^ExternalPopSettings +: \{Dublin01\.Contoso\.com:995:SSL\}$/m);
  });

  test('the three of the instructions run as one-shots, quoted for the system shell', async () => {
    for (const line of QUOTED) {
      const end = await runToEnd('/bin/sh', [
        '-c',
        `PENFOLD_DATA="$1" "$2" "$3" ${line}`,
        'sh',
        data,
        process.execPath,
        MAIN,
      ]);
      assert.equal(end.code, 0, `${line}\n${end.stderr}`);
    }
  });

  test('their values arrive on the look-up model', async () => {
    const end = await penfold(['Get-CASMailbox', mailbox, '-ProtocolSettings', '--data', data, '--json']);
    assert.equal(end.code, 0, end.stderr);
    // The demo server listens on ports of its own; SMTP's settings come from the connector's bindings.
    for (const value of [
      /Dublin01\.Contoso\.com:995:SSL"/,
      /Dublin01\.Contoso\.com:993:SSL"/,
      /Dublin01\.Contoso\.com:\d*587:TLS"/,
    ]) {
      assert.match(end.stdout, value);
    }
  });

  test('$True without quotes is taken away by the system shell; the error says so', async () => {
    const [, , line = ''] = QUOTED;
    const end = await runToEnd('/bin/sh', [
      '-c',
      `"$1" "$2" ${line.replace("'$True'", '$True')} --data "$3"`,
      'sh',
      process.execPath,
      MAIN,
      data,
    ]);
    assert.equal(end.code, 2);
    assert.match(end.stderr, /write '\$true' in single quotes/);
  });

  for (const line of verbatim) {
    test(`one-shot: ${line}`, async () => {
      for (const statement of parse(filled(line))) {
        const console = new MemoryConsole();
        const words = wordsOfStatement(statement, filled(line));
        const code = await runWords(words, {
          door,
          serverName: door.server.name,
          console,
          json: false,
          signal: new AbortController().signal,
        });
        assert.equal(code, 0, console.errors.join('\n'));
      }
    });
  }
});
