/** `penfold …`: all commands. What a command does is loaded when it runs, so that --help and mistakes answer at once. */
import { Command, CommanderError, Help, type Option } from 'commander';
import { addConfig } from './config.ts';
import { addDoctor } from './doctor.ts';
import { addDomain } from './domain.ts';
import { addExport } from './export.ts';
import { addImport } from './import.ts';
import { addLockOut } from './lock-out.ts';
import { addMailbox } from './mailbox.ts';
import { EXIT, followReader, report } from './output.ts';
import { addPassword } from './password.ts';
import { addServe } from './serve.ts';
import { addServer } from './server.ts';
import { addService } from './service.ts';
import { addSessions } from './sessions.ts';
import { addSetup } from './setup.ts';
import { addShell } from './shell/command.ts';
import { addStart } from './start.ts';
import { addStatus } from './status.ts';
import { addVerify } from './verify.ts';
import { version } from './version.ts';
import { addWhyCannotLogOn } from './why-cannot-log-on.ts';

/** Runs one command line; resolves with the exit code when the command has ended. */
export async function runProgram(words: readonly string[]): Promise<number> {
  const program = buildProgram();
  process.exitCode = EXIT.done;
  followReader(words[0] === 'serve' || words[0] === 'start');
  try {
    if (isCmdlet(words[0] ?? '', program)) {
      const { runOneShot } = await import('./shell/one-shot.ts');
      return await runOneShot(words);
    }
    await program.parseAsync(words, { from: 'user' });
    return typeof process.exitCode === 'number' ? process.exitCode : EXIT.done;
  } catch (error) {
    // Commander has said what was wrong already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    return report(error);
  }
}

const VERB_AND_NOUN = /^[a-z]+-[a-z][a-z0-9]*$/i;
const VERB =
  /^(add|clear|convertto|disable|dismount|enable|export|format|get|group|import|invoke|measure|mount|move|new|out|read|remove|restore|resume|retry|search|select|set|sort|start|stop|suspend|test|update|where)-/i;

/** `penfold Get-Mailbox`, `penfold Gte-Mailbox`: commands never have capital letters, cmdlets a verb. */
function isCmdlet(word: string, program: Command): boolean {
  if (!VERB_AND_NOUN.test(word) || !(VERB.test(word) || /[A-Z]/.test(word))) return false;
  return !program.commands.some((command) => command.name() === word || command.aliases().includes(word));
}

export function buildProgram(): Command {
  const program = new Command('penfold');
  program
    .description('A mail server: POP3, IMAP4 and SMTP')
    .version(version())
    .showSuggestionAfterError()
    .showHelpAfterError('(add --help for what there is)')
    .exitOverride()
    .addHelpText(
      'after',
      `
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 what it is about is not there, 4 done with problems that were reported.
Cmdlets of Exchange run as they are (penfold Get-Mailbox), or in the shell, which completes and explains: penfold shell
Every command finds its instance by --data DIR or the environment variable PENFOLD_DATA.`,
    );
  addStart(program);
  addSetup(program);
  addServe(program);
  addStatus(program);
  addShell(program);
  addServer(program);
  addService(program);
  addMailbox(program);
  addPassword(program);
  addDomain(program);
  addImport(program);
  addExport(program);
  addVerify(program);
  addSessions(program);
  addLockOut(program);
  addWhyCannotLogOn(program);
  addDoctor(program);
  addConfig(program);
  for (const command of everyCommand(program)) {
    command.exitOverride().showSuggestionAfterError().configureHelp({ optionDescription });
  }
  return program;
}

const help = new Help();
function optionDescription(option: Option): string {
  return `${help.optionDescription(option)}${option.mandatory ? ' (required)' : ''}`;
}

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap((child) => everyCommand(child))];
}
