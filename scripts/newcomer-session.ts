/**
 * Records docs/admin/newcomer-session.txt: a person who has never seen Penfold sets it up, makes a mailbox, turns IMAP4
 * on, publishes the settings and finds out why a logon fails. Real programs at a pseudo terminal, in a network of their
 * own (so that the standard ports are free, and nothing is reached from outside); nothing in the text is made up.
 *
 *     node scripts/newcomer-session.ts [--print]        --print: to stdout instead of into the file
 */
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { hasPseudoTerminals, PseudoTerminal } from './pseudo-terminal.ts';

const OUTPUT = path.join(import.meta.dirname, '..', 'docs', 'admin', 'newcomer-session.txt');
const MAIN = path.join(import.meta.dirname, '..', 'src', 'main.ts');
const COLUMNS = 130;
const SHELL = /\[penfold MAIL\]>$/;
const SYSTEM = /\$$/;

interface Step {
  /** Why the person types this: how he knows of it. */
  readonly note: string;
  /** What is typed, `⇥` for Tab. */
  readonly keys: string;
  /** What ends the step. */
  readonly until: RegExp;
  /** True: a command of the under-ten that the task takes; false: looking something up, answering a question. */
  readonly counts: boolean;
}

const STEPS: readonly Step[] = [
  {
    note: 'What is there? The help names setup, serve and shell.',
    keys: 'penfold --help',
    until: SYSTEM,
    counts: false,
  },
  {
    note: 'Set up, as the help of setup shows it.',
    keys: 'penfold setup --domain example.org --fqdn mail.example.org',
    until: SYSTEM,
    counts: true,
  },
  { note: 'It said: penfold serve.', keys: 'penfold serve > serve.log &', until: SYSTEM, counts: true },
  { note: 'The shell is the place for the rest.', keys: 'penfold shell', until: SHELL, counts: true },
  { note: 'The banner says how to find things.', keys: 'help mailbox', until: SHELL, counts: false },
  { note: 'An example to copy.', keys: 'help New-Mailb⇥ -Ex⇥', until: SHELL, counts: false },
  {
    note: 'The mailbox. Tab completes the parameters; without a value, the password is asked for.',
    keys: 'New-Mailb⇥ "Ada Lovelace" -Ali⇥ada -Pass⇥',
    until: /Password: ?$/,
    counts: true,
  },
  { note: 'Typed unseen,', keys: 'Engine-of-1843', until: /Once more: ?$/, counts: false },
  { note: 'and again.', keys: 'Engine-of-1843', until: SHELL, counts: false },
  {
    note: 'IMAP4 is installed and stopped. Tab shows the services, then what can be set.',
    keys: 'Set-Servi⇥imap4 -StartupT⇥Auto⇥-Stat⇥Run⇥',
    until: SHELL,
    counts: true,
  },
  {
    note: 'What users are told to type into their mail programs.',
    keys: 'Set-ImapS⇥-ExternalC⇥{mail.example.org:993:SSL}',
    until: SHELL,
    counts: true,
  },
  {
    note: 'Has it arrived?',
    keys: 'Get-CASM⇥ada -Proto⇥| fl *Settings',
    until: SHELL,
    counts: true,
  },
  {
    note: 'Ada says that POP3 does not let her in. penfold --help listed a command for just that.',
    keys: 'exit',
    until: SYSTEM,
    counts: false,
  },
  {
    note: 'It looks at everything that stands between her and her mail.',
    keys: 'penfold why-cannot-log-on ada@example.org --protocol pop3',
    until: SYSTEM,
    counts: true,
  },
  { note: 'The cure stands there, too.', keys: 'penfold service enable pop3', until: SYSTEM, counts: true },
];

if (!hasPseudoTerminals() || spawnSync('unshare', ['--map-root-user', '--net', 'true']).status !== 0) {
  console.error('This needs util-linux: script(1), and unshare(1) with user and network namespaces.');
  process.exit(1);
}
const root = await mkdtemp(path.join(tmpdir(), 'penfold-newcomer-'));
try {
  const text = await record(root);
  if (process.argv.includes('--print')) process.stdout.write(text);
  else await writeFile(OUTPUT, text);
} finally {
  await rm(root, { recursive: true, force: true });
}

async function record(folder: string): Promise<string> {
  const bin = path.join(folder, 'bin');
  await mkdir(bin);
  await writeFile(path.join(bin, 'penfold'), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
  await chmod(path.join(bin, 'penfold'), 0o755);
  await writeFile(path.join(folder, 'prompt'), "PS1='$ '\n");
  const shell = `cd '${folder}' && ip link set lo up && exec bash --rcfile prompt -i`;
  const terminal = new PseudoTerminal(`unshare --map-root-user --net sh -c "${shell}"`, {
    columns: COLUMNS,
    environment: {
      PATH: `${bin}:${process.env['PATH'] ?? ''}`,
      NO_COLOR: '1',
      XDG_STATE_HOME: folder,
      PENFOLD_DATA: path.join(folder, 'penfold'),
    },
  });
  try {
    await terminal.until(SYSTEM);
    const parts: string[] = [];
    let before = terminal.screen.text().length - 1;
    for (const step of STEPS) {
      const from = terminal.screen.text().length;
      await terminal.type(step.keys.replaceAll('⇥', '\t'));
      await terminal.quiet();
      await terminal.type('\r');
      // The prompt that the step began with does not count.
      await terminal.until(step.until, from + 1);
      if (step.keys.startsWith('penfold serve')) await served(path.join(folder, 'serve.log'));
      await terminal.quiet();
      const text = terminal.screen.text();
      const lines = text.slice(before).split('\n');
      // What comes last is the prompt of the next step.
      before = text.length - (lines.at(-1) ?? '').length;
      const tabs = step.keys.includes('⇥') ? `\n# keys: ${step.keys}` : '';
      parts.push(
        `# ${step.counts ? `${1 + STEPS.filter((one) => one.counts).indexOf(step)}. ` : ''}${step.note}${tabs}\n${lines.slice(0, -1).join('\n')}\n`,
      );
    }
    // Off the record: the server ends before its folder goes.
    await terminal.type('kill %1; wait; exit\r');
    await terminal.end();
    const commands = STEPS.filter((step) => step.counts).length;
    return (
      header(commands) +
      parts
        .join('\n')
        .replaceAll(path.join(folder, 'penfold'), '/var/lib/penfold')
        .replaceAll(/[^\S\n]+$/gm, '')
    );
  } finally {
    terminal.kill();
  }
}

/** A person reads what it says before he goes on. */
async function served(log: string): Promise<void> {
  while (!/ serves /.test(await readFile(log, 'utf8'))) await delay(50);
}

function header(commands: number): string {
  return [
    `# A newcomer's first session with Penfold, ${commands} commands (numbered); the rest is looking things up.`,
    '# Recorded by scripts/newcomer-session.ts from real programs at a terminal; the data directory has been given',
    '# another name. Lines with # say why and, with ⇥ for the Tab key, what was typed.',
    '',
    '',
  ].join('\n');
}
