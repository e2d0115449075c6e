/** `penfold password set` */
import type { Command } from 'commander';
import { localActor } from './local-actor.ts';
import { warnOfWeakPassword } from './mailbox.ts';
import { type DataOption, layoutOf, readPassword, withData } from './options.ts';
import { CommandError, print } from './output.ts';

export function addPassword(program: Command): void {
  const password = program.command('password').description('passwords of accounts');
  withData(password.command('set'))
    .description('give an account a new password; takes effect at the next logon, and ends web sessions')
    .argument('<address>', 'address or logon name')
    .requiredOption('--password-file <file>', 'file whose first line is the password; - is stdin')
    .addHelpText('after', '\nExample:\n  penfold password set ada@example.org --password-file secret.txt')
    .action(async (address: string, options: DataOption & { passwordFile: string }) => {
      const text = await readPassword(options.passwordFile);
      const { openDirectory } = await import('../main/open-directory.ts');
      const { credentialsOfAccount } = await import('../auth/app-passwords.ts');
      const directory = await openDirectory(layoutOf(options));
      try {
        const account = await directory.accountByLogonName(address);
        if (account === null) {
          throw new CommandError(`there is no account ${address}`, {
            exitCode: 3,
            next: 'All there are: penfold mailbox list',
          });
        }
        await directory
          .as(localActor('password set'))
          .changeAccount(account.id, { credentials: await credentialsOfAccount(directory, account.id, text) });
        await warnOfWeakPassword(text);
        print(`password of ${account.userPrincipalName} set`);
      } finally {
        await directory.close();
      }
    });
}
