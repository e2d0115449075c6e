/** `penfold sessions …`: who is connected now. */
import type { Command } from 'commander';
import type { ControlClient } from '../management/control/client.ts';
import { type DataOption, layoutOf, withData } from './options.ts';
import { CommandError, EXIT, print, table } from './output.ts';

export function addSessions(program: Command): void {
  const sessions = program.command('sessions').description('clients that are logged on');
  withData(sessions.command('list', { isDefault: true }))
    .description('all sessions')
    .option('--json', 'one JSON array')
    .addHelpText('after', '\nExample:\n  penfold sessions list')
    .action(async (options: DataOption & { json?: boolean }) => {
      const found = await (await running(options)).sessions();
      if (options.json === true) {
        print(JSON.stringify(found));
        return;
      }
      const rows = found.map((one) => [
        one.id,
        one.protocol,
        one.user,
        one.clientAddress,
        one.encryption ?? 'none',
        new Date(one.since).toISOString(),
      ]);
      print(table(['SESSION', 'PROTOCOL', 'USER', 'FROM', 'TLS', 'SINCE'], rows));
    });
  withData(sessions.command('end'))
    .description('close a session')
    .argument('<session>', 'as listed')
    .addHelpText('after', '\nExample:\n  penfold sessions end 0011223344556677')
    .action(async (id: string, options: DataOption) => {
      await (await running(options)).endSession(id);
      print(`session ${id} ended`);
    });
}

export async function running(options: DataOption): Promise<ControlClient> {
  const { readConfiguration } = await import('../config/read.ts');
  const { runningInstance } = await import('../main/instance.ts');
  const layout = layoutOf(options);
  const client = await runningInstance(layout, await readConfiguration(layout.configuration));
  if (client !== null) return client;
  throw new CommandError(`no server runs on ${layout.root}`, {
    exitCode: EXIT.absent,
    next: 'Start it: penfold serve, or penfold start to try Penfold out. Another one: --data DIR',
  });
}
