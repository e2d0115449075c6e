/** `penfold serve`: the server, for real; usually started by systemd (packaging/penfold.service). */
import type { Command } from 'commander';
import { type DataOption, layoutOf, withData } from './options.ts';
import { print } from './output.ts';

export function addServe(program: Command): void {
  withData(program.command('serve'))
    .description('run the server that penfold setup has made, until it is told to stop')
    .option('--config <file>', 'configuration file (default: penfold.toml in the data directory)')
    .addHelpText(
      'after',
      `
Example:
  penfold serve --data /var/lib/penfold

SIGTERM or SIGINT: stop, clients get time to finish (shutdown.drain_seconds); a second one ends it at once.
SIGHUP: read certificates again, open the log file anew (for logrotate).`,
    )
    .action(async (options: DataOption & { config?: string }) => {
      const { runServer } = await import('../main/run.ts');
      const { liveUntilStopped } = await import('../main/lifecycle.ts');
      const { logPlace } = await import('../main/log.ts');
      const { version } = await import('./version.ts');
      const layout = layoutOf(options);
      const run = await runServer(layout, {
        version: version(),
        ...(options.config === undefined ? {} : { configurationFile: options.config }),
      });
      print(
        `Penfold ${version()} serves ${run.server.name} (${run.server.fqdn}). Log: ${logPlace(layout, run.configuration)}`,
      );
      for (const { service, host, port, security } of run.running.listeners()) {
        print(`  ${service.padEnd(20)}${host}:${port} (${security})`);
      }
      const off = (await run.directory.services(run.server.id)).filter((state) => !state.running);
      if (off.length > 0)
        print(`  not running: ${off.map((state) => state.service).join(', ')}   (penfold service enable …)`);
      process.exitCode = await liveUntilStopped(run, {
        drainMs: run.configuration.shutdown.drain_seconds * 1000,
        log: run.log,
        reload: run.reload,
        say: print,
      });
    });
}
