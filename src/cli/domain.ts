/** `penfold domain …`: accepted domains. */
import { type Command, Option } from 'commander';
import type { AcceptedDomainType } from '../directory/model.ts';
import { localActor } from './local-actor.ts';
import { type DataOption, layoutOf, withData } from './options.ts';
import { print, table } from './output.ts';

const TYPES = ['Authoritative', 'InternalRelay', 'ExternalRelay'] as const satisfies readonly AcceptedDomainType[];

export function addDomain(program: Command): void {
  const domain = program.command('domain').description('domains this organization takes mail for');
  withData(domain.command('add'))
    .description('accept mail for a domain')
    .argument('<domain>')
    .addOption(new Option('--type <type>', 'who holds its mailboxes').choices(TYPES).default('Authoritative'))
    .option('--default', 'bare user names mean this domain')
    .addHelpText('after', '\nExample:\n  penfold domain add example.org')
    .action(async (name: string, options: DataOption & { type: AcceptedDomainType; default?: boolean }) => {
      const { openDirectory } = await import('../main/open-directory.ts');
      const directory = await openDirectory(layoutOf(options));
      try {
        const domain = { name, type: options.type, isDefault: options.default === true };
        await directory.as(localActor('domain add')).addDomain(domain);
        print(`mail for ${name} is accepted`);
      } finally {
        await directory.close();
      }
    });
  withData(domain.command('list'))
    .description('all accepted domains')
    .addHelpText('after', '\nExample:\n  penfold domain list')
    .action(async (options: DataOption) => {
      const { openDirectory } = await import('../main/open-directory.ts');
      const directory = await openDirectory(layoutOf(options));
      try {
        const domains = await directory.domains();
        print(
          table(
            ['DOMAIN', 'TYPE', 'DEFAULT'],
            domains.map((one) => [one.name, one.type, one.isDefault ? 'yes' : '']),
          ),
        );
      } finally {
        await directory.close();
      }
    });
}
