/** `penfold mailbox …` */
import type { Command } from 'commander';
import type { Account } from '../directory/model.ts';
import { localActor } from './local-actor.ts';
import { type DataOption, layoutOf, readPassword, wholeNumber, withData } from './options.ts';
import { CommandError, print, table } from './output.ts';
import { Progress } from './progress.ts';

const MOST = 1_000_000;

export function addMailbox(program: Command): void {
  const mailbox = program.command('mailbox').description('mailboxes of this organization');
  addCreate(mailbox);
  addList(mailbox);
  addShow(mailbox);
  addRemove(mailbox);
}

interface CreateOptions extends DataOption {
  readonly passwordFile: string;
  readonly count?: number;
  readonly name?: string;
  readonly database?: string;
}

function addCreate(mailbox: Command): void {
  withData(mailbox.command('create'))
    .description('make a mailbox, or many')
    .argument('<address>', 'its address; with --count, %d is the number')
    .requiredOption('--password-file <file>', 'file whose first line is the password; - is stdin')
    .option('--count <n>', 'make this many, numbered from 1', wholeNumber(1, MOST))
    .option('--name <text>', 'display name (default: the part before @)')
    .option('--database <name>', 'mailbox database (default: the first)')
    .addHelpText(
      'after',
      `
Examples:
  penfold mailbox create ada@example.org --password-file secret.txt --name "Ada Lovelace"
  penfold mailbox create 'load%d@example.org' --count 10000 --password-file secret.txt

With --count all mailboxes start with the one password of the file, and with one verifier made of it. That is for
trials and load tests; give people their own: penfold password set ADDRESS`,
    )
    .action(async (address: string, options: CreateOptions) => {
      const password = await readPassword(options.passwordFile);
      const { openDirectory } = await import('../main/open-directory.ts');
      const { createMailboxes } = await import('../management/mailboxes.ts');
      const { makeCredentials } = await import('../auth/verifiers.ts');
      const directory = await openDirectory(layoutOf(options));
      const progress = new Progress(options.count ?? 0);
      try {
        const made = await createMailboxes(directory.as(localActor('mailbox create')), {
          address,
          count: options.count ?? null,
          displayName: options.name ?? null,
          database: options.database ?? null,
          credentials: await makeCredentials(password),
          onProgress: (done) => progress.show(done, () => `${done} mailboxes`),
        });
        progress.clear();
        const first = made[0]?.mailbox?.primaryAddress ?? '';
        const last = made.at(-1)?.mailbox?.primaryAddress ?? '';
        await warnOfWeakPassword(password);
        print(made.length === 1 ? `created ${first}` : `created ${made.length} mailboxes, ${first} to ${last}`);
      } finally {
        progress.clear();
        await directory.close();
      }
    });
}

/** The administrator decides; what people choose themselves is held to the policy. */
export async function warnOfWeakPassword(password: string): Promise<void> {
  const { checkNewPassword } = await import('../auth/password-policy.ts');
  try {
    checkNewPassword(password);
  } catch (error) {
    process.stderr.write(
      `penfold: note: ${error instanceof Error ? error.message : String(error)} It was set all the same.\n`,
    );
  }
}

function addList(mailbox: Command): void {
  withData(mailbox.command('list'))
    .description('all mailboxes')
    .option('--limit <n>', 'at most this many', wholeNumber(1, MOST), 1000)
    .addHelpText('after', '\nExample:\n  penfold mailbox list --limit 20')
    .action(async (options: DataOption & { limit: number }) => {
      const { openDirectory } = await import('../main/open-directory.ts');
      const { everyAccount } = await import('../management/mailboxes.ts');
      const directory = await openDirectory(layoutOf(options));
      try {
        const rows: string[][] = [];
        let more = false;
        for await (const account of everyAccount(directory)) {
          if (account.mailbox === null) continue;
          if (rows.length === options.limit) {
            more = true;
            break;
          }
          rows.push([
            account.mailbox.primaryAddress,
            account.displayName,
            account.kind,
            account.enabled ? 'yes' : 'no',
          ]);
        }
        print(table(['ADDRESS', 'NAME', 'KIND', 'ENABLED'], rows));
        if (more) process.stderr.write(`Only the first ${options.limit}; see more with --limit.\n`);
      } finally {
        await directory.close();
      }
    });
}

function addShow(mailbox: Command): void {
  withData(mailbox.command('show'))
    .description('one mailbox: addresses, database, what it may use')
    .argument('<address>')
    .addHelpText('after', '\nExample:\n  penfold mailbox show ada@example.org')
    .action(async (address: string, options: DataOption) => {
      const { openDirectory } = await import('../main/open-directory.ts');
      const { accountWithMailbox } = await import('../management/mailboxes.ts');
      const directory = await openDirectory(layoutOf(options));
      try {
        const account = await accountWithMailbox(directory, address);
        const access = await directory.clientAccess(account.id);
        const databases = await directory.databases();
        const facts: Array<[string, string]> = [
          ['Name', account.displayName],
          ['Kind', account.kind],
          ['Enabled', account.enabled ? 'yes' : 'no'],
          ['Alias', account.alias],
          ['Logs on as', account.userPrincipalName],
          ['Primary address', account.mailbox?.primaryAddress ?? ''],
          ['Addresses', account.mailbox?.addresses.join(', ') ?? ''],
          ['Database', databases.find((one) => one.id === account.mailbox?.database)?.name ?? ''],
          ['Mailbox id', account.mailbox?.id ?? ''],
          ['IMAP4', access.imapEnabled ? 'on' : 'off'],
          ['POP3', access.popEnabled ? 'on' : 'off'],
          ['SMTP submission', access.smtpClientAuthenticationDisabled ? 'off' : 'on'],
        ];
        for (const [name, value] of facts) print(`${name.padEnd(17)}${value}`);
      } finally {
        await directory.close();
      }
    });
}

interface RemoveOptions extends DataOption {
  readonly purge?: boolean;
  readonly yes?: boolean;
}

function addRemove(mailbox: Command): void {
  withData(mailbox.command('remove'))
    .description('take the account away; its mail stays in the database unless --purge is given')
    .argument('<address>')
    .option('--purge', 'delete its mail, too, for good')
    .option('--yes', 'do not ask')
    .addHelpText('after', '\nExample:\n  penfold mailbox remove ada@example.org --yes')
    .action(async (address: string, options: RemoveOptions) => {
      const { openInstance } = await import('../main/instance.ts');
      const instance = await openInstance(layoutOf(options), localActor('mailbox remove'));
      try {
        const account = await instance.accountWithMailbox(address);
        if (account.kind === 'administrator') throw new CommandError('the built-in Administrator cannot be removed');
        await confirm(account, options);
        await instance.removeMailbox(account, options.purge === true);
        print(`removed ${account.mailbox?.primaryAddress}${options.purge === true ? ' and all of its mail' : ''}`);
      } finally {
        await instance.close();
      }
    });
}

async function confirm(account: Account, options: RemoveOptions): Promise<void> {
  if (options.yes === true) return;
  const what = `${account.mailbox?.primaryAddress} (${account.displayName})`;
  if (!process.stdin.isTTY)
    throw new CommandError(`not removed: ${what}`, { next: 'Say --yes to remove without being asked.' });
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(
    `Remove ${what}${options.purge === true ? ' AND ALL OF ITS MAIL' : ''}? [y/N] `,
  );
  terminal.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new CommandError('not removed');
}
