/** `penfold setup`: an organization for real use. POP3 and IMAP4 are installed, Manual and stopped. */
import type { Command } from 'commander';
import { type DataOption, layoutOf, readPassword, withData } from './options.ts';
import { CommandError, print } from './output.ts';

interface SetupOptions extends DataOption {
  readonly domain: string;
  readonly fqdn: string;
  readonly organization?: string;
  readonly server?: string;
  readonly site: string;
  readonly database: string;
  readonly adminPasswordFile?: string;
}

export function addSetup(program: Command): void {
  withData(program.command('setup'))
    .description('make an organization: server, administrator, mailbox database, certificates, receive connectors')
    .requiredOption('--domain <domain>', 'domain of the mail addresses')
    .requiredOption('--fqdn <name>', 'name of this server on the network, as clients type it')
    .option('--organization <name>', 'name of the organization (default: the domain)')
    .option('--server <name>', 'short name of this server (default: first part of the FQDN, in capitals)')
    .option('--site <name>', 'site of this server', 'Default-First-Site')
    .option('--database <name>', 'name of the mailbox database', 'Mailbox Database 1')
    .option('--admin-password-file <file>', "file with the Administrator's password (default: one is made and shown)")
    .addHelpText(
      'after',
      `
Example:
  penfold setup --data /var/lib/penfold --domain example.org --fqdn mail.example.org`,
    )
    .action(setup);
}

async function setup(options: SetupOptions): Promise<void> {
  const { mkdir, writeFile } = await import('node:fs/promises');
  const { isSetUp, openDirectory, ownServer } = await import('../main/open-directory.ts');
  const { createData } = await import('../main/create-data.ts');
  const { openCertificates } = await import('../main/certificates.ts');
  const { openOrganizationSecrets } = await import('../main/organization-secrets.ts');
  const { configurationTemplate } = await import('../config/reference.ts');
  const { generatePassword } = await import('../auth/password-policy.ts');
  const { makeCredentials } = await import('../auth/verifiers.ts');
  const { silentLog } = await import('../observe/log.ts');
  const layout = layoutOf(options);
  if (isSetUp(layout)) {
    throw new CommandError(`${layout.root} is set up already`, {
      next: `Run it: penfold serve --data ${options.data}. To begin anew, name another folder with --data.`,
    });
  }
  const given = options.adminPasswordFile === undefined ? null : await readPassword(options.adminPasswordFile);
  const password = given ?? generatePassword();
  const server = options.server ?? (options.fqdn.split('.', 1)[0] ?? options.fqdn).toUpperCase();
  const plan = {
    organization: options.organization ?? options.domain,
    site: options.site,
    server,
    fqdn: options.fqdn,
    domain: options.domain,
    database: options.database,
    administrator: await makeCredentials(password),
  };
  await mkdir(layout.root, { recursive: true, mode: 0o700 });
  await createData(layout, plan);
  const directory = await openDirectory(layout);
  try {
    const certificates = await openCertificates(layout, directory, await ownServer(directory, ''), silentLog);
    certificates.close();
    await openOrganizationSecrets(layout, directory);
    await writeFile(layout.configuration, configurationTemplate(new Map([['server.name', server]])), {
      flag: 'wx',
      mode: 0o640,
    }).catch((error: unknown) => {
      // An admin may have written his own before.
      if (!(error instanceof Error && Reflect.get(error, 'code') === 'EEXIST')) throw error;
    });
    const data = options.data === './data' ? '' : ` --data ${options.data}`;
    print(`Organization ${plan.organization} is set up in ${layout.root}.

  Server             ${server} (${options.fqdn}), site ${options.site}
  Mail domain        ${options.domain}
  Mailbox database   ${options.database}
  Administrator      administrator@${options.domain}${given === null ? `   password: ${password}   (shown this once)` : ''}
  Configuration      ${layout.configuration}
  Authority          ${certificates.authorityFile} (clients trust this, until you bring a public certificate)

POP3 and IMAP4 are installed, Manual and stopped. What to do next:
  penfold mailbox create ADDRESS --password-file FILE${data}
  penfold service enable imap4${data}
  penfold serve${data}
  penfold shell${data}     the cmdlets of Exchange, with completion and help`);
  } finally {
    await directory.close();
  }
}
