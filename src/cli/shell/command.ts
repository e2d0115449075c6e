/** `penfold shell`: at a terminal for people, from a file or a pipe for scripts. */
import { type Command, Option } from 'commander';
import { type DataOption, layoutOf, withData } from '../options.ts';

interface ShellOptions extends DataOption {
  readonly file?: string;
  readonly command?: string;
  readonly keepGoing?: boolean;
}

export function addShell(program: Command): void {
  withData(program.command('shell'))
    .description("the admin shell: Exchange's cmdlets with completion, help and pipelines")
    .option('-f, --file <file>', 'run the lines of this file; - is stdin')
    .addOption(new Option('-c, --command <line>', 'run this line').conflicts('file'))
    .option('--keep-going', 'go on after an error (exit code 4 then)')
    .addHelpText(
      'after',
      `
Examples:
  penfold shell
  penfold shell -c 'Get-Mailbox | Sort-Object Name | Format-Table'
  penfold shell -f settings.txt

A single cmdlet needs no shell; quote what the system's shell would change ($true, {a,b}, <, |):
  penfold Set-PopSettings -ExternalConnectionSettings '{mail.example.org:995:SSL}'`,
    )
    .action(async (options: ShellOptions) => {
      process.exitCode = await shell(options);
    });
}

async function shell(options: ShellOptions): Promise<number> {
  const { openDoor } = await import('../../main/door.ts');
  const door = await openDoor(layoutOf(options), 'shell');
  try {
    if (options.file === undefined && options.command === undefined && process.stdin.isTTY && process.stdout.isTTY) {
      const { interactiveShell } = await import('./interactive.ts');
      const { version } = await import('../version.ts');
      return await interactiveShell(door, version());
    }
    const { linesOf, runScript } = await import('./script.ts');
    const { TerminalConsole } = await import('./console.ts');
    const stopped = new AbortController();
    const stop = (): void => stopped.abort();
    process.once('SIGINT', stop);
    try {
      const { command, file = '-' } = options;
      return await runScript(command === undefined ? linesOf(file) : only(command), {
        door,
        serverName: door.server.name,
        console: new TerminalConsole(),
        signal: stopped.signal,
        keepGoing: options.keepGoing === true,
        name: command === undefined ? (file === '-' ? 'input' : file) : 'the line given',
      });
    } finally {
      process.off('SIGINT', stop);
    }
  } finally {
    await door.close();
  }
}

async function* only(line: string): AsyncGenerator<string> {
  yield* line.split('\n');
}
