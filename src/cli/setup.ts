/** `penfold setup`: an organization for real use, or one more server of one. POP3 and IMAP4 are installed, Manual and stopped. */
import { type Command, Option } from 'commander';
import { localActor } from './local-actor.ts';
import { type DataOption, layoutOf, readPassword, wholeNumber, withData } from './options.ts';
import { CommandError, EXIT, print } from './output.ts';

const ROLES = ['front-end', 'back-end', 'both'] as const;
const FIRST_SITE = 'Default-First-Site';
const FIRST_DATABASE = 'Mailbox Database 1';
/** 65535 less the highest standard port. */
const HIGHEST_OFFSET = 62_000;

interface SetupOptions extends DataOption {
  readonly fqdn: string;
  readonly domain?: string;
  readonly organization?: string;
  readonly server?: string;
  readonly site?: string;
  readonly createSite?: true;
  readonly role: (typeof ROLES)[number];
  /** False for --no-database. */
  readonly database?: string | false;
  readonly adminPasswordFile?: string;
  readonly directoryUrl?: string;
  readonly directoryUrlFile?: string;
  readonly join?: string;
  readonly internalAddress?: string;
  readonly bind?: string;
  readonly portOffset?: number;
}

export function addSetup(program: Command): void {
  withData(program.command('setup'))
    .description(
      'make an organization: server, administrator, mailbox database, certificates, receive connectors; or join one',
    )
    .requiredOption('--fqdn <name>', 'name of this server on the network, as clients type it')
    .option('--domain <domain>', 'domain of the mail addresses (required for a new organization)')
    .option('--organization <name>', 'name of the organization (default: the domain)')
    .option('--server <name>', 'short name of this server (default: first part of the FQDN, in capitals)')
    .option('--site <name>', `site of this server (default: ${FIRST_SITE})`)
    .option('--create-site', 'make the site when the organization has none of that name')
    .addOption(new Option('--role <role>', 'what this server is').choices(ROLES).default('both'))
    .option('--database <name>', `name of its mailbox database (default: ${FIRST_DATABASE}, or the next number)`)
    .option('--no-database', 'a back end without a mailbox database of its own')
    .option('--admin-password-file <file>', "file with the Administrator's password (default: one is made and shown)")
    .option('--directory-url <url>', 'PostgreSQL database for the directory of several servers, without a password')
    .option('--directory-url-file <file>', 'file with that URL, password included; "-" reads it from stdin')
    .option(
      '--join <file>',
      'join the organization that made the token in this file (penfold server join-token); "-": stdin',
    )
    .option('--internal-address <host>', 'where the other servers reach this one (default: the FQDN)')
    .option('--bind <address>', 'address to listen on (default: all)')
    .addOption(
      new Option('--port-offset <number>', 'listen on the standard ports plus this').argParser(
        wholeNumber(0, HIGHEST_OFFSET),
      ),
    )
    .addHelpText(
      'after',
      `
Examples:
  penfold setup --data /var/lib/penfold --domain example.org --fqdn mail.example.org
  penfold setup --domain example.org --fqdn mail1.example.org --site Paris --directory-url-file url.txt
  penfold setup --join token.txt --fqdn mail2.example.org --site Rome --create-site --role back-end`,
    )
    .action(setup);
}

async function setup(options: SetupOptions): Promise<void> {
  const { isSetUp } = await import('../main/open-directory.ts');
  const layout = layoutOf(options);
  if (isSetUp(layout)) {
    throw new CommandError(`${layout.root} is set up already`, {
      next: `Run it: penfold serve --data ${options.data}. To begin anew, name another folder with --data.`,
    });
  }
  if (options.join === undefined) await first(options);
  else await joined(options, options.join);
}

const serverPlan = (options: SetupOptions) => ({
  server: options.server ?? (options.fqdn.split('.', 1)[0] ?? options.fqdn).toUpperCase(),
  fqdn: options.fqdn,
  role: options.role,
  ...(options.internalAddress === undefined ? {} : { internalAddress: options.internalAddress }),
});

async function portsOf({ bind, portOffset }: SetupOptions) {
  if (bind === undefined && portOffset === undefined) return null;
  const { isIP } = await import('node:net');
  if (bind !== undefined && isIP(bind) === 0) throw wrongUse(`--bind ${bind} is no IP address`);
  const { shiftedPorts } = await import('../main/organization.ts');
  return shiftedPorts(portOffset ?? 0, bind ?? null);
}

async function first(options: SetupOptions): Promise<void> {
  const { generatePassword } = await import('../auth/password-policy.ts');
  const { makeCredentials } = await import('../auth/verifiers.ts');
  const { setUpFirst } = await import('../main/set-up.ts');
  const { domain } = options;
  if (domain === undefined) throw wrongUse('a new organization needs --domain; one more server needs --join');
  if (options.role === 'front-end' || options.database === false)
    throw wrongUse(
      'the first server holds the mailbox of the Administrator, who is postmaster: it is a back end with a database',
    );
  const given = options.adminPasswordFile === undefined ? null : await readPassword(options.adminPasswordFile);
  const password = given ?? generatePassword();
  const layout = layoutOf(options);
  const organization = options.organization ?? domain;
  const made = await setUpFirst(layout, {
    plan: {
      ...serverPlan(options),
      organization,
      domain,
      site: options.site ?? FIRST_SITE,
      database: options.database ?? FIRST_DATABASE,
      administrator: await makeCredentials(password),
    },
    directoryUrl: await directoryUrlOf(options),
    ports: await portsOf(options),
  });
  const data = dataWords(options);
  print(`Organization ${organization} is set up in ${layout.root}.

  Server             ${made.server.name} (${made.server.fqdn}), site ${made.site.name}
  Mail domain        ${domain}
  Mailbox database   ${made.database?.name ?? ''}
  Administrator      administrator@${domain}${given === null ? `   password: ${password}   (shown this once)` : ''}
  Configuration      ${layout.configuration}
  Authority          ${made.authorityFile} (clients trust this, until you bring a public certificate)

POP3 and IMAP4 are installed, Manual and stopped. What to do next:
  penfold mailbox create ADDRESS --password-file FILE${data}
  penfold service enable imap4${data}
  penfold serve${data}
  penfold shell${data}     the cmdlets of Exchange, with completion and help`);
}

async function joined(options: SetupOptions, file: string): Promise<void> {
  const { parseJoinToken } = await import('../main/join-token.ts');
  const { setUpJoined } = await import('../main/set-up.ts');
  const notHere = (['domain', 'organization', 'adminPasswordFile', 'directoryUrl', 'directoryUrlFile'] as const).find(
    (option) => options[option] !== undefined,
  );
  if (notHere !== undefined) {
    const flag = notHere.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw wrongUse(`--${flag} is for a new organization; with --join it comes from the one that is joined`);
  }
  const layout = layoutOf(options);
  const made = await setUpJoined(layout, {
    token: parseJoinToken(await readPassword(file, '--join')),
    plan: serverPlan(options),
    site: options.site ?? FIRST_SITE,
    createSite: options.createSite === true,
    database: options.database === false ? null : options.database,
    ports: await portsOf(options),
    actor: localActor('setup --join'),
  });
  const data = dataWords(options);
  print(`${made.server.name} (${made.server.fqdn}) has joined the organization.

  Site               ${made.site.name}
  Role               ${options.role}
  Mailbox database   ${made.database?.name ?? 'none'}
  Configuration      ${layout.configuration}

POP3 and IMAP4 are installed, Manual and stopped. What to do next:
  penfold service enable imap4${data}
  penfold serve${data}`);
}

const dataWords = ({ data }: DataOption): string => (data === './data' ? '' : ` --data ${data}`);

async function directoryUrlOf({ directoryUrl, directoryUrlFile }: SetupOptions): Promise<string | null> {
  if (directoryUrlFile !== undefined) {
    if (directoryUrl !== undefined) throw wrongUse('give --directory-url or --directory-url-file, not both');
    return readPassword(directoryUrlFile, '--directory-url-file');
  }
  // Every user of the machine can read a command line.
  if (directoryUrl !== undefined && /^[a-z]+:\/\/[^/@]*:[^/@]*@|[?&]password=/i.test(directoryUrl))
    throw wrongUse(
      'a URL with a password does not belong on a command line: write it into a file that only you can read, and name that with --directory-url-file',
    );
  return directoryUrl ?? null;
}

const wrongUse = (text: string): CommandError => new CommandError(text, { exitCode: EXIT.usage });
