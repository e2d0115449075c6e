/** Options that several commands share, and how their values are read. */
import { readFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type DataLayout, dataLayout } from '../config/data-directory.ts';
import { CommandError } from './output.ts';

export interface DataOption {
  readonly data: string;
}

/** Every command finds its instance this way. */
export function withData(command: Command): Command {
  return command.addOption(
    new Option('--data <dir>', 'data directory of the instance').env('PENFOLD_DATA').default('./data'),
  );
}

export function layoutOf(options: DataOption): DataLayout {
  return dataLayout(options.data);
}

export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new InvalidArgumentError(`must be a whole number from ${least} to ${most}.`);
    }
    return value;
  };
}

/**
 * First line of the file; `-` is stdin. Passwords never stand on a command line, where every user can see them.
 * `option`: where the file was named.
 */
export async function readPassword(file: string, option = '--password-file'): Promise<string> {
  const what = option.includes('password') ? 'password' : option === '--join' ? 'token' : 'URL';
  let text: string;
  try {
    text = await readFile(file === '-' ? '/dev/stdin' : file, 'utf8');
  } catch (error) {
    throw new CommandError(`the ${what} file ${file} cannot be read`, {
      cause: error,
      next: `Write the ${what} into a file that only you can read, and name it with ${option}. "-" reads it from stdin.`,
    });
  }
  const password = text.split(/\r?\n/, 1)[0] ?? '';
  if (password === '') throw new CommandError(`the first line of ${file} is empty: it has to be the ${what}`);
  return password;
}
