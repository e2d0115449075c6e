/**
 * What an admin types for "which one": a name, an alias, an address, a GUID, a logon name, `Server\Name`
 * (exchange-behaviour.md §2, §3.3), resolved to the object. An identity that names nothing is an error with the
 * nearest name, never "all of them" (a documented trap of Exchange, §2); one that names two asks for a better one.
 */
import { nearestName } from '../../config/nearest-name.ts';
import type { Directory } from '../../directory/api.ts';
import {
  type AcceptedDomain,
  type Account,
  accountId,
  type DatabaseRecord,
  type MailboxRecord,
  type ReceiveConnector,
  type Server,
  type Site,
  type ThrottlingPolicy,
} from '../../directory/model.ts';
import { domainKey, nameKey } from '../../directory/names.ts';
import { text, type ValueType } from '../../directory/settings/value-types.ts';
import { Failure } from '../../observe/failure.ts';
import type { Arguments, ManagementServices, Parameter } from '../cmdlet.ts';
import { everyAccount } from '../mailboxes.ts';

export const IDENTITY_LENGTH = 320;
/** "Did you mean" looks at so many aliases with the same first letter. */
const SUGGESTIONS_FROM = 2000;
/** Tab offers this many names at most. */
const COMPLETIONS = 50;

/** Any identity. Empty and `$null` are refused: they would mean "all of them" to Exchange's Get. */
export const identityType: ValueType<string> = text({
  min: 1,
  max: IDENTITY_LENGTH,
  accepts: 'the name of one object',
});

interface IdentityOptions {
  readonly name?: string;
  readonly required?: boolean;
  readonly position?: number;
  readonly aliases?: readonly string[];
  readonly help: string;
  complete?(services: ManagementServices, typed: string): Promise<readonly string[]>;
}

/** `-Identity`, first by position and from the pipeline. */
export function identityParameter(options: IdentityOptions): Parameter<string> {
  return { name: 'Identity', position: 1, fromPipeline: true, ...options, type: identityType };
}

export const serverParameter: Parameter<string> = {
  name: 'Server',
  type: identityType,
  fromPipeline: true,
  help: 'Name, host name or GUID of a server. Without it: the server this runs on.',
  complete: async ({ directory }) => (await directory.servers()).map((server) => server.name),
};

/** Scripts written for Exchange name one; Penfold's directory is one database and needs none. */
export const domainControllerParameter: Parameter<string> = {
  name: 'DomainController',
  type: identityType,
  help: 'Taken and ignored, for scripts written for Exchange: the directory has no domain controllers.',
};

/** @throws Failure NONEXISTENT "there is no X called Y; did you mean Z?" */
export function nothingCalled(what: string, typed: string, known: Iterable<string>): Failure {
  const nearest = nearestName(typed, known);
  return new Failure(
    'NONEXISTENT',
    `there is no ${what} called "${typed}"${nearest === null ? '' : `; did you mean "${nearest}"?`}`,
  );
}

function ambiguous(what: string, typed: string, full: readonly string[]): Failure {
  return new Failure('CANNOT', `"${typed}" may be any of ${full.length} ${what}: ${full.slice(0, 10).join(', ')}`);
}

/** `CN=MAIL1,CN=Servers,…` and `/o=First/ou=…/cn=MAIL1` name what their own CN says. */
function commonName(typed: string): string {
  if (typed.startsWith('/')) return /\/cn=([^/]+)$/i.exec(typed)?.[1] ?? typed;
  return /^cn=((?:[^,\\]|\\.)+)(?:,|$)/i.exec(typed)?.[1]?.replaceAll(/\\(.)/g, '$1') ?? typed;
}

/** Name, host name, GUID or distinguished name. @throws Failure NONEXISTENT */
export async function serverNamed(directory: Directory, typed: string): Promise<Server> {
  const servers = await directory.servers();
  const word = nameKey(commonName(typed.trim()));
  const found = servers.find(
    (server) => nameKey(server.name) === word || domainKey(server.fqdn) === domainKey(word) || server.id === word,
  );
  if (found !== undefined) return found;
  throw nothingCalled(
    'server',
    typed,
    servers.map((server) => server.name),
  );
}

/** Name or GUID. @throws Failure NONEXISTENT */
export async function siteNamed(directory: Directory, typed: string): Promise<Site> {
  const sites = await directory.sites();
  const word = nameKey(commonName(typed.trim()));
  const found = sites.find((site) => nameKey(site.name) === word || site.id === word);
  if (found !== undefined) return found;
  throw nothingCalled(
    'site',
    typed,
    sites.map((site) => site.name),
  );
}

/** What `-Server` means in a call: the one named, or the server this runs on. @throws Failure NONEXISTENT */
export async function serverOf(services: ManagementServices, args: Arguments): Promise<Server> {
  const typed = args.optional(serverParameter);
  return typed === undefined ? services.server : serverNamed(services.directory, typed);
}

/** `Server\Name`, the name alone where it is unique, or the GUID. @throws Failure NONEXISTENT, CANNOT (ambiguous) */
export async function connectorNamed(
  services: ManagementServices,
  typed: string,
): Promise<{ readonly connector: ReceiveConnector; readonly server: Server }> {
  const { directory } = services;
  const servers = await directory.servers();
  const word = nameKey(commonName(typed.trim()));
  const all: Array<{ readonly connector: ReceiveConnector; readonly server: Server }> = [];
  for (const server of servers)
    for (const connector of await directory.connectors(server.id)) all.push({ connector, server });
  const byId = all.find(({ connector }) => connector.id === word);
  if (byId !== undefined) return byId;
  // A name may hold a backslash itself, so whole names are compared, with and without the server.
  const found = all.filter(
    ({ connector, server }) =>
      nameKey(connector.name) === word ||
      nameKey(`${server.name}\\${connector.name}`) === word ||
      nameKey(`${server.fqdn}\\${connector.name}`) === word,
  );
  const here = found.filter(({ server }) => server.id === services.server.id);
  const [only, second] = here.length > 0 ? here : found;
  if (only === undefined)
    throw nothingCalled(
      'receive connector',
      typed,
      all.map(({ connector }) => connector.name),
    );
  if (second !== undefined)
    throw ambiguous(
      'receive connectors',
      typed,
      found.map(({ connector, server }) => `"${server.name}\\${connector.name}"`),
    );
  return only;
}

/** @throws Failure NONEXISTENT */
export async function domainNamed(directory: Directory, typed: string): Promise<AcceptedDomain> {
  const domains = await directory.domains();
  const word = domainKey(commonName(typed.trim()));
  const found = domains.find((domain) => domainKey(domain.name) === word);
  if (found !== undefined) return found;
  throw nothingCalled(
    'accepted domain',
    typed,
    domains.map((domain) => domain.name),
  );
}

/** Name, GUID, or `Server\Name`. @throws Failure NONEXISTENT */
export async function databaseNamed(directory: Directory, typed: string): Promise<DatabaseRecord> {
  const [databases, servers] = [await directory.databases(), await directory.servers()];
  const word = nameKey(commonName(typed.trim()));
  const found = databases.find((database) => {
    const server = servers.find((one) => one.id === database.server);
    return (
      nameKey(database.name) === word ||
      database.id === word ||
      nameKey(`${server?.name ?? ''}\\${database.name}`) === word
    );
  });
  if (found !== undefined) return found;
  throw nothingCalled(
    'mailbox database',
    typed,
    databases.map((database) => database.name),
  );
}

/** @throws Failure NONEXISTENT */
export async function throttlingPolicyNamed(directory: Directory, typed: string): Promise<ThrottlingPolicy> {
  const policies = await directory.throttlingPolicies();
  const word = nameKey(commonName(typed.trim()));
  const found = policies.find((policy) => nameKey(policy.name) === word);
  if (found !== undefined) return found;
  throw nothingCalled(
    'throttling policy',
    typed,
    policies.map((policy) => policy.name),
  );
}

/**
 * Address, UPN, `DOMAIN\user`, alias, GUID, distinguished name; at last the display name, which must be unique.
 * @throws Failure NONEXISTENT, CANNOT (ambiguous)
 */
export async function accountNamed(directory: Directory, typed: string): Promise<Account> {
  const word = commonName(typed.trim());
  const found =
    (await directory.accountByAddress(word)) ??
    (await directory.accountByLogonName(word)) ??
    (await directory.account(accountId(word.toLowerCase())));
  if (found !== null) return found;
  const namesakes: Account[] = [];
  const aliases: string[] = [];
  for await (const account of everyAccount(directory)) {
    if (nameKey(account.displayName) === nameKey(word) || account.mailbox?.id === word) namesakes.push(account);
    // In an organization of a million the nearest of all would take seconds.
    if (aliases.length < SUGGESTIONS_FROM && account.alias[0] === nameKey(word)[0]) aliases.push(account.alias);
  }
  const [only, second] = namesakes;
  if (only === undefined) throw nothingCalled('mailbox or account', typed, aliases);
  if (second !== undefined)
    throw ambiguous(
      'accounts',
      typed,
      namesakes.map((account) => account.userPrincipalName),
    );
  return only;
}

/** An account that surely has a mailbox. */
export interface MailboxAccount extends Account {
  readonly mailbox: MailboxRecord;
}
export const hasMailbox = (account: Account): account is MailboxAccount => account.mailbox !== null;

/** @throws Failure NONEXISTENT, CANNOT (ambiguous) */
export async function mailboxNamed(directory: Directory, typed: string): Promise<MailboxAccount> {
  const account = await accountNamed(directory, typed);
  if (hasMailbox(account)) return account;
  throw new Failure(
    'NONEXISTENT',
    `${account.userPrincipalName} is an account without a mailbox. Give it one: Enable-Mailbox ${account.userPrincipalName}`,
  );
}

/** The server that holds a mailbox. @throws Failure NONEXISTENT */
export async function serverOfMailbox(directory: Directory, account: MailboxAccount): Promise<Server> {
  const database = (await directory.databases()).find((one) => one.id === account.mailbox.database);
  const server = (await directory.servers()).find((one) => one.id === database?.server);
  if (server === undefined) throw new Failure('NONEXISTENT', `the mailbox database of ${account.alias} is gone`);
  return server;
}

/** For Tab: aliases that begin with what was typed. */
export async function completeMailbox(services: ManagementServices, typed: string): Promise<readonly string[]> {
  const prefix = nameKey(typed);
  const found: string[] = [];
  for await (const account of everyAccount(services.directory)) {
    if (account.mailbox !== null && account.alias.startsWith(prefix)) found.push(account.alias);
    if (found.length >= COMPLETIONS) break;
  }
  return found;
}
export const completeConnector = async (services: ManagementServices): Promise<readonly string[]> =>
  (await services.directory.connectors(services.server.id)).map((connector) => connector.name);
export const completeServer = async ({ directory }: ManagementServices): Promise<readonly string[]> =>
  (await directory.servers()).map((server) => server.name);
export const completeSite = async ({ directory }: ManagementServices): Promise<readonly string[]> =>
  (await directory.sites()).map((site) => site.name);
export const completeDomain = async ({ directory }: ManagementServices): Promise<readonly string[]> =>
  (await directory.domains()).map((domain) => domain.name);
export const completeDatabase = async ({ directory }: ManagementServices): Promise<readonly string[]> =>
  (await directory.databases()).map((database) => database.name);
export const completePolicy = async ({ directory }: ManagementServices): Promise<readonly string[]> =>
  (await directory.throttlingPolicies()).map((policy) => policy.name);
