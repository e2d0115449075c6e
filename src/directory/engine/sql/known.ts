/**
 * What this process knows of the directory: everything that logons, routing and sessions read is kept once read, in
 * bounded regions, so that none of it costs a question the second time and none of it is lost while the directory is
 * away. A change anywhere outdates what it touches. Writes never read here.
 */
import type { DirectoryChange } from '../../api.ts';
import type { AppPassword, AppPasswordVerifier } from '../../app-password.ts';
import {
  type AcceptedDomain,
  type Account,
  type AccountId,
  accountId,
  type ClientAccessServerSettings,
  type ClientAccessSettings,
  type ComponentRequest,
  type Credentials,
  type DatabaseId,
  type DatabaseRecord,
  type DatabaseSettings,
  type ImapSettings,
  type MailboxPermission,
  type MailboxSettings,
  type Organization,
  type PopSettings,
  type ReceiveConnector,
  type RoleGroup,
  type Server,
  type ServerId,
  type ServiceState,
  type Site,
  type ThrottlingPolicy,
} from '../../model.ts';
import { addressKey } from '../../names.ts';
import type { WebSession, WebSessionTokens } from '../../web-session.ts';
import type { AccountSettings } from './account-settings.ts';
import { findByAddress, findByAlias, findByLogonName, noAccount, readAccount, readCredentials } from './accounts.ts';
import { readAppPasswordVerifiers } from './app-passwords.ts';
import { readComponentRequests } from './component-requests.ts';
import { readConnectors } from './connectors.ts';
import { readDomains } from './domains.ts';
import { readDatabaseSettings } from './mailbox-databases.ts';
import { readOrganization } from './organization.ts';
import type { ProtocolSettings } from './protocol-settings.ts';
import { Region } from './region.ts';
import { type PermissionFilter, readPermissions, readRoleGroups } from './rights.ts';
import type { OnRefused, Reader } from './seam.ts';
import { readServices } from './service-states.ts';
import { readPolicies } from './throttling-policies.ts';
import { noServer, readDatabases, readServers, readSites } from './topology.ts';
import { readWebSessionTokens } from './web-sessions.ts';

/** Accounts kept in memory, about 1 KiB each with verifiers. */
export const ACCOUNTS_CACHED = 20_000;
/** Names → account; an account is asked for by two or three. */
export const NAMES_CACHED = 50_000;
/** Servers and databases whose settings are kept, far more than one organization has. */
export const SERVERS_CACHED = 1000;

/** The one key of a region that holds one thing. */
const ALL = 'all';

/** Settings that have a class of their own, shared with the writes. */
export interface SettingsTables {
  readonly clientAccess: AccountSettings<ClientAccessSettings>;
  readonly mailbox: AccountSettings<MailboxSettings>;
  readonly pop: ProtocolSettings<PopSettings>;
  readonly imap: ProtocolSettings<ImapSettings>;
  readonly clientAccessServer: ProtocolSettings<ClientAccessServerSettings>;
}

export class Known {
  readonly #reader: Reader;
  readonly #tables: SettingsTables;
  readonly #onRefused: OnRefused;

  readonly #organization = new Region<typeof ALL, Organization>(1);
  readonly #sites = new Region<typeof ALL, readonly Site[]>(1);
  readonly #servers = new Region<typeof ALL, readonly Server[]>(1);
  readonly #databases = new Region<typeof ALL, readonly DatabaseRecord[]>(1);
  readonly #domains = new Region<typeof ALL, readonly AcceptedDomain[]>(1);
  readonly #policies = new Region<typeof ALL, readonly ThrottlingPolicy[]>(1);
  readonly #databaseSettings = new Region<DatabaseId, DatabaseSettings>(SERVERS_CACHED);
  readonly #pop = new Region<ServerId, PopSettings>(SERVERS_CACHED);
  readonly #imap = new Region<ServerId, ImapSettings>(SERVERS_CACHED);
  readonly #clientAccessServers = new Region<ServerId, ClientAccessServerSettings>(SERVERS_CACHED);
  readonly #connectors = new Region<ServerId, readonly ReceiveConnector[]>(SERVERS_CACHED);
  readonly #services = new Region<ServerId, readonly ServiceState[]>(SERVERS_CACHED);
  readonly #components = new Region<ServerId, readonly ComponentRequest[]>(SERVERS_CACHED);
  readonly #byLogonName = new Region<string, AccountId>(NAMES_CACHED);
  readonly #byAddress = new Region<string, AccountId>(NAMES_CACHED);
  readonly #byAlias = new Region<string, AccountId>(NAMES_CACHED);
  readonly #accounts = new Region<AccountId, Account>(ACCOUNTS_CACHED);
  readonly #credentials = new Region<AccountId, Credentials>(ACCOUNTS_CACHED);
  readonly #clientAccess = new Region<AccountId, ClientAccessSettings>(ACCOUNTS_CACHED);
  readonly #mailboxSettings = new Region<AccountId, MailboxSettings>(ACCOUNTS_CACHED);
  readonly #permissions = new Region<string, readonly MailboxPermission[]>(ACCOUNTS_CACHED);
  readonly #appPasswords = new Region<AccountId, ReadonlyArray<AppPassword & AppPasswordVerifier>>(ACCOUNTS_CACHED);
  readonly #webSessions = new Region<AccountId, ReadonlyArray<WebSession & WebSessionTokens>>(ACCOUNTS_CACHED);
  readonly #roles = new Region<AccountId, readonly RoleGroup[]>(ACCOUNTS_CACHED);

  constructor(reader: Reader, tables: SettingsTables, onRefused: OnRefused) {
    this.#reader = reader;
    this.#tables = tables;
    this.#onRefused = onRefused;
  }

  forget({ kind, id }: DirectoryChange): void {
    switch (kind) {
      case 'organization':
        this.#organization.outdateAll();
        this.#byLogonName.outdateAll();
        break;
      case 'site':
        this.#sites.outdateAll();
        break;
      case 'server':
        for (const region of [this.#servers, this.#pop, this.#imap, this.#clientAccessServers]) region.outdateAll();
        for (const region of [this.#connectors, this.#services, this.#components]) region.outdateAll();
        break;
      case 'database':
        this.#databases.outdateAll();
        this.#databaseSettings.outdateAll();
        break;
      case 'domain':
        this.#domains.outdateAll();
        this.#byLogonName.outdateAll();
        break;
      case 'account':
        this.#forgetAccount(id);
        break;
      case 'connector':
        this.#connectors.outdateAll();
        break;
      case 'service':
        this.#services.outdateAll();
        break;
      case 'component':
        this.#components.outdateAll();
        break;
      case 'pop-settings':
        this.#pop.outdateAll();
        break;
      case 'imap-settings':
        this.#imap.outdateAll();
        break;
      case 'client-access-server':
        this.#clientAccessServers.outdateAll();
        break;
      case 'throttling-policy':
        this.#policies.outdateAll();
        break;
      case 'permission':
        this.#permissions.outdateAll();
        break;
      case 'role':
        this.#roles.outdateAll();
        break;
      case 'web-session':
        forgetOne(this.#webSessions, id);
        break;
      case 'app-password':
        forgetOne(this.#appPasswords, id);
        break;
      case 'preferences':
      case 'move-request':
        // Always read afresh.
        break;
    }
  }

  async organization(): Promise<Organization> {
    return this.#organization.get(ALL, () => readOrganization(this.#reader, this.#onRefused));
  }

  async sites(): Promise<readonly Site[]> {
    return this.#sites.get(ALL, () => readSites(this.#reader));
  }

  async servers(): Promise<readonly Server[]> {
    return this.#servers.get(ALL, () => readServers(this.#reader));
  }

  async databases(): Promise<readonly DatabaseRecord[]> {
    return this.#databases.get(ALL, () => readDatabases(this.#reader));
  }

  async databaseSettings(id: DatabaseId): Promise<DatabaseSettings> {
    return this.#databaseSettings.get(id, () => readDatabaseSettings(this.#reader, id, this.#onRefused));
  }

  async domains(): Promise<readonly AcceptedDomain[]> {
    return this.#domains.get(ALL, () => readDomains(this.#reader));
  }

  async policies(): Promise<readonly ThrottlingPolicy[]> {
    return this.#policies.get(ALL, () => readPolicies(this.#reader, this.#onRefused));
  }

  async popSettings(id: ServerId): Promise<PopSettings> {
    return this.#pop.get(id, async () => this.#tables.pop.read(this.#reader, await this.#server(id)));
  }

  async imapSettings(id: ServerId): Promise<ImapSettings> {
    return this.#imap.get(id, async () => this.#tables.imap.read(this.#reader, await this.#server(id)));
  }

  async clientAccessServer(id: ServerId): Promise<ClientAccessServerSettings> {
    const table = this.#tables.clientAccessServer;
    return this.#clientAccessServers.get(id, async () => table.read(this.#reader, await this.#server(id)));
  }

  async connectors(id: ServerId): Promise<readonly ReceiveConnector[]> {
    return this.#connectors.get(id, async () => readConnectors(this.#reader, await this.#server(id), this.#onRefused));
  }

  async services(id: ServerId): Promise<readonly ServiceState[]> {
    return this.#services.get(id, async () => readServices(this.#reader, await this.#server(id)));
  }

  async componentRequests(id: ServerId): Promise<readonly ComponentRequest[]> {
    return this.#components.get(id, async () => readComponentRequests(this.#reader, (await this.#server(id)).id));
  }

  async accountByLogonName(name: string): Promise<Account | null> {
    const id = this.#byLogonName.find(name, async () =>
      findByLogonName(this.#reader, name, await this.domains(), await this.organization()),
    );
    return this.#named(id instanceof Promise ? await id : id);
  }

  async accountByAddress(address: string): Promise<Account | null> {
    const key = addressKey(address);
    const id = this.#byAddress.find(key, () => findByAddress(this.#reader, key));
    return this.#named(id instanceof Promise ? await id : id);
  }

  async accountByAlias(alias: string): Promise<Account | null> {
    const id = this.#byAlias.find(alias, () => findByAlias(this.#reader, alias));
    return this.#named(id instanceof Promise ? await id : id);
  }

  async account(id: AccountId): Promise<Account | null> {
    return this.#named(id);
  }

  /** @throws Failure NONEXISTENT */
  async existingAccount(id: AccountId): Promise<Account> {
    const account = await this.account(id);
    if (account === null) throw noAccount();
    return account;
  }

  async credentials(id: AccountId): Promise<Credentials | null> {
    return this.#credentials.find(id, () => readCredentials(this.#reader, id));
  }

  async clientAccess(id: AccountId): Promise<ClientAccessSettings> {
    return this.#clientAccess.get(id, async () => {
      await this.existingAccount(id);
      return this.#tables.clientAccess.read(this.#reader, id);
    });
  }

  async mailboxSettings(id: AccountId): Promise<MailboxSettings> {
    return this.#mailboxSettings.get(id, async () => {
      await this.existingAccount(id);
      return this.#tables.mailbox.read(this.#reader, id);
    });
  }

  async permissions(filter: PermissionFilter): Promise<readonly MailboxPermission[]> {
    const key = `${filter.mailbox ?? ''} ${filter.user ?? ''}`;
    return this.#permissions.get(key, () => readPermissions(this.#reader, filter));
  }

  async roleGroups(id: AccountId): Promise<readonly RoleGroup[]> {
    return this.#roles.get(id, () => readRoleGroups(this.#reader, id));
  }

  async appPasswordVerifiers(id: AccountId): Promise<ReadonlyArray<AppPassword & AppPasswordVerifier>> {
    return this.#appPasswords.get(id, () => readAppPasswordVerifiers(this.#reader, id));
  }

  async webSessionTokens(id: AccountId): Promise<ReadonlyArray<WebSession & WebSessionTokens>> {
    return (await this.#webSessions.find(id, () => readWebSessionTokens(this.#reader, id))) ?? [];
  }

  /** No promise when it is known: a logon comes through here, and each one less is a turn less. */
  #named(id: AccountId | null): Account | null | Promise<Account | null> {
    return id === null ? null : this.#accounts.find(id, () => readAccount(this.#reader, id));
  }

  /** @throws Failure NONEXISTENT */
  async #server(id: ServerId): Promise<Server> {
    const server = (await this.servers()).find((one) => one.id === id);
    if (server === undefined) throw noServer();
    return server;
  }

  #forgetAccount(id: string | null): void {
    // Any name may lead to the account that changed from now on.
    for (const region of [this.#byLogonName, this.#byAddress, this.#byAlias]) region.outdateAll();
    this.#roles.outdateAll();
    const ofOne = [this.#accounts, this.#credentials, this.#clientAccess, this.#mailboxSettings];
    for (const region of [...ofOne, this.#appPasswords, this.#webSessions]) forgetOne(region, id);
  }
}

function forgetOne(region: Pick<Region<AccountId, unknown>, 'outdate' | 'outdateAll'>, id: string | null): void {
  if (id === null) region.outdateAll();
  else region.outdate(accountId(id));
}
