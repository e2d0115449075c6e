/** `penfold status`: is it running, and what is it doing? */
import type { Command } from 'commander';
import { type DataOption, withData } from './options.ts';
import { print } from './output.ts';
import { running } from './sessions.ts';

export function addStatus(program: Command): void {
  withData(program.command('status'))
    .description('what the running server is doing; exit code 3 when none runs')
    .option('--json', 'one JSON object')
    .addHelpText('after', '\nExample:\n  penfold status')
    .action(async (options: DataOption & { json?: boolean }) => {
      const status = await (await running(options)).status();
      if (options.json === true) {
        print(JSON.stringify(status));
        return;
      }
      print(`${status.server}, Penfold ${status.version}, process ${status.pid}${status.draining ? ', stopping' : ''}`);
      print(`since ${new Date(status.since).toISOString()}, ${status.sessions} sessions`);
      for (const service of status.services) {
        print(
          `  ${service.service.padEnd(20)}${service.startupType.padEnd(11)}${service.running ? 'running' : 'stopped'}`,
        );
      }
      for (const listener of status.listeners) {
        print(`  ${listener.service.padEnd(20)}${listener.host}:${listener.port} (${listener.security})`);
      }
      for (const { service, text } of status.problems) process.stderr.write(`  ${service}: ${text}\n`);
    });
}
