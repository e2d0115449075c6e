/** `penfold config …`: the configuration file, without starting anything. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { layoutOf, type DataOption, withData } from './options.ts';
import { print } from './output.ts';

const PASSWORD_IN_URL = /(\/\/[^/@:]*):[^/@]*@/g;

export function addConfig(program: Command): void {
  const config = program.command('config').description('look at the configuration file');
  withData(config.command('check'))
    .description('read the file and show what the server would use')
    .option('--config <file>', 'configuration file (default: penfold.toml in the data directory)')
    .addHelpText('after', '\nExample:\n  penfold config check --data /var/lib/penfold')
    .action(async (options: DataOption & { config?: string }) => {
      const { readConfiguration } = await import('../config/read.ts');
      const file = options.config ?? layoutOf(options).configuration;
      const configuration = await readConfiguration(file);
      if (!existsSync(file)) process.stderr.write(`There is no ${file}; these are the defaults.\n`);
      for (const [section, keys] of Object.entries(configuration)) {
        print(`[${section}]`);
        for (const [key, value] of Object.entries(keys))
          print(`${key} = ${JSON.stringify(value).replace(PASSWORD_IN_URL, '$1:***@')}`);
      }
    });
  config
    .command('reference')
    .description('print what every key means (Markdown)')
    .addHelpText('after', '\nExample:\n  penfold config reference | less')
    .action(async () => {
      const { configurationReference } = await import('../config/reference.ts');
      process.stdout.write(configurationReference());
    });
}
