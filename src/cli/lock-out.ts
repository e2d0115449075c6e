/** `penfold lock-out …`: clients that failed to log on too often. */
import type { Command } from 'commander';
import { type DataOption, withData } from './options.ts';
import { CommandError, EXIT, print, table } from './output.ts';
import { running } from './sessions.ts';

export function addLockOut(program: Command): void {
  const lockOut = program
    .command('lock-out')
    .description('clients that failed to log on too often; each ends by itself');
  withData(lockOut.command('list', { isDefault: true }))
    .description('all that hold now')
    .addHelpText('after', '\nExample:\n  penfold lock-out list')
    .action(async (options: DataOption) => {
      const found = await (await running(options)).lockOuts();
      const rows = found.map((one) => [
        one.address,
        one.user,
        String(one.failures),
        `${Math.ceil(one.remainingMs / 60_000)} min`,
      ]);
      print(table(['FROM', 'USER', 'FAILURES', 'ENDS IN'], rows));
    });
  withData(lockOut.command('lift'))
    .description('let a client try again')
    .argument('<from>', 'its address, as listed')
    .option('--user <name>', 'only for this user')
    .addHelpText('after', '\nExample:\n  penfold lock-out lift 192.0.2.7 --user ada@example.org')
    .action(async (from: string, options: DataOption & { user?: string }) => {
      const lifted = await (await running(options)).liftLockOuts(from, options.user ?? null);
      if (lifted === 0) {
        throw new CommandError(`nothing is held against ${from}`, {
          exitCode: EXIT.absent,
          next: 'All: penfold lock-out list',
        });
      }
      print(`${lifted} lifted`);
    });
}
