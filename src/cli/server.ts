/** `penfold server …`: what has to be done on a server itself about the servers of the organization. */
import type { Command } from 'commander';
import { localActor } from './local-actor.ts';
import { type DataOption, layoutOf, withData } from './options.ts';
import { CommandError, EXIT, print } from './output.ts';

const UNITS: ReadonlyMap<string, number> = new Map([
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

export function addServer(program: Command): void {
  const server = program
    .command('server')
    .description('servers of the organization (more: penfold Get-ExchangeServer)');
  withData(server.command('join-token'))
    .description('make the token with which one more server joins: penfold setup --join')
    .option('--expires <time>', 'how long it counts: 30m, 1h, 7d at most', '1h')
    .option('--file <file>', 'write it into this new file, which only you can read (default: print it)')
    .addHelpText(
      'after',
      `
Example:
  penfold server join-token --file token.txt

It works once, and the one made before it does not count any more. It holds the password of the directory: take it to the
new server the way you would take a password there, and delete it. This is a command and no cmdlet because it needs files
of this server that nobody gets over the network.`,
    )
    .action(joinToken);
  withData(server.command('new-authority'))
    .description('make the authority anew that servers trust each other by, when a server was stolen')
    .addHelpText(
      'after',
      `
Example:
  penfold server new-authority

Servers that run take it within a second; connections that are open stay. First take the server out that is gone
(penfold Remove-ExchangeServer) and change the password of the directory: with it, whoever has the server's disk reads
the new authority, too.`,
    )
    .action(newAuthority);
}

async function newAuthority(options: DataOption): Promise<void> {
  const { openDirectory } = await import('../main/open-directory.ts');
  const { OrganizationSecrets, readSealingKey } = await import('../main/organization-secrets.ts');
  const layout = layoutOf(options);
  const directory = await openDirectory(layout);
  try {
    const sealingKey = await readSealingKey(layout);
    if (sealingKey === null) throw noKey(layout.organizationKey);
    const secrets = new OrganizationSecrets(directory.as(localActor('server new-authority')), sealingKey);
    await secrets.replaceServerAuthority((await directory.organization()).name);
    print('The servers of the organization have a new authority.');
  } finally {
    await directory.close();
  }
}

const noKey = (file: string): CommandError =>
  new CommandError(`${file} is not there`, { next: 'Start the server once: penfold serve' });

async function joinToken(options: DataOption & { expires: string; file?: string }): Promise<void> {
  const { writeFile } = await import('node:fs/promises');
  const { readConfiguration } = await import('../config/read.ts');
  const { directoryUrl, openDirectory } = await import('../main/open-directory.ts');
  const { makeJoinToken } = await import('../main/join-token.ts');
  const { readSealingKey } = await import('../main/organization-secrets.ts');
  const layout = layoutOf(options);
  const lifeMs = duration(options.expires);
  const directory = await openDirectory(layout);
  try {
    const url = await directoryUrl(layout, await readConfiguration(layout.configuration));
    if (url === null)
      throw new CommandError(
        'this organization keeps its directory in a file of this server, where no other can reach it',
        {
          next: 'Servers join an organization whose directory is in PostgreSQL: penfold setup --directory-url-file FILE',
        },
      );
    const sealingKey = await readSealingKey(layout);
    if (sealingKey === null) throw noKey(layout.organizationKey);
    const token = await makeJoinToken(directory.as(localActor('server join-token')), { sealingKey, url, lifeMs });
    if (options.file === undefined) {
      print(token);
      return;
    }
    await writeFile(options.file, `${token}\n`, { mode: 0o600, flag: 'wx' });
    print(
      `The token is in ${options.file} and counts for ${options.expires}. On the new server: penfold setup --join ${options.file} --fqdn NAME`,
    );
  } finally {
    await directory.close();
  }
}

function duration(text: string): number {
  const [, number, unit = ''] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  const ms = Number(number) * (UNITS.get(unit) ?? Number.NaN);
  if (ms > 0) return ms;
  throw new CommandError(`--expires ${text} is no time`, { exitCode: EXIT.usage, next: 'Such as 30m, 1h, 2d.' });
}
