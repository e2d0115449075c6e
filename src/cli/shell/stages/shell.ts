/** Get-History, Clear-Host, exit, Read-Host, ConvertTo-SecureString, Write-Output: the shell about itself. */
import { Plain, each, none } from '../items.ts';
import { type LocalCmdlet, localHelp } from '../local.ts';

const getHistory: LocalCmdlet = {
  begins: true,
  help: localHelp({
    name: 'Get-History',
    aliases: ['history', 'h'],
    synopsis: 'What was typed before; secrets are not in it.',
    parameters: [{ name: 'Count', kind: 'Int32', position: 1, help: 'The last so many; 50 when missing.' }],
    examples: [
      { line: 'Get-History | Where-Object { $_.CommandLine -like "*Mailbox*" }', says: 'Finds a line again.' },
    ],
  }),
  run: (call) => {
    const lines = call.around.history();
    const count = call.args.number('Count', 1) ?? 50;
    const from = Math.max(0, lines.length - count);
    const objects = lines.slice(from).map((line, at) => ({ Id: from + at + 1, CommandLine: line }));
    return { items: each(objects), columns: ['Id', 'CommandLine'] };
  },
};

const clearHost: LocalCmdlet = {
  begins: true,
  help: localHelp({
    name: 'Clear-Host',
    aliases: ['cls', 'clear'],
    synopsis: 'Clears the screen.',
    parameters: [],
    examples: [{ line: 'Clear-Host', says: 'An empty screen.' }],
  }),
  run: (call) => {
    call.around.clear();
    return { items: none(), columns: null };
  },
};

const exit: LocalCmdlet = {
  begins: true,
  help: localHelp({
    name: 'exit',
    aliases: ['quit', 'logout'],
    synopsis: 'Ends the shell; so does Ctrl-D.',
    parameters: [{ name: 'ExitCode', kind: 'Int32', position: 1, help: 'What the shell ends with; 0 when missing.' }],
    examples: [{ line: 'exit', says: 'Good-bye.' }],
  }),
  run: (call) => {
    call.around.leave((call.args.number('ExitCode', 0) ?? 0) % 256);
    return { items: none(), columns: null };
  },
};

const readHost: LocalCmdlet = {
  begins: true,
  help: localHelp({
    name: 'Read-Host',
    synopsis: 'Asks for a text; with -AsSecureString it is not shown while it is typed.',
    parameters: [
      { name: 'Prompt', position: 1, help: 'What to ask.' },
      { name: 'AsSecureString', kind: 'SwitchParameter', help: 'For passwords.' },
    ],
    examples: [{ line: '$password = Read-Host "Password" -AsSecureString', says: 'Then: New-Mailbox … $password' }],
  }),
  run: async (call) => {
    const prompt = call.args.text('Prompt');
    const text = await call.around.read(
      prompt === null ? '' : `${prompt}: `,
      call.args.on('AsSecureString') ? 'secret' : 'shown',
    );
    return { items: each([new Plain(text)]), columns: null };
  },
};

const convertToSecureString: LocalCmdlet = {
  begins: true,
  help: localHelp({
    name: 'ConvertTo-SecureString',
    synopsis: "Passes a password on, so that lines written for Exchange's shell work.",
    description: 'The text stays text until it reaches the server. It is kept out of the history.',
    parameters: [
      { name: 'String', kind: 'SecureString', position: 1, required: true, help: 'The password.' },
      { name: 'AsPlainText', kind: 'SwitchParameter', help: 'Accepted.' },
      { name: 'Force', kind: 'SwitchParameter', help: 'Accepted.' },
    ],
    examples: [{ line: '$password = ConvertTo-SecureString -AsPlainText -Force -String', says: 'Asks for it.' }],
  }),
  run: (call) => ({ items: each([new Plain(call.args.text('String'))]), columns: null }),
};

export const SHELL: readonly LocalCmdlet[] = [getHistory, clearHost, exit, readHost, convertToSecureString];
