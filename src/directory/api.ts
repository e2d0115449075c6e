/**
 * The directory as everyone else sees it; SQLite and PostgreSQL fill it, with one conformance suite for both.
 *
 * Reads are asynchronous because an engine may be remote; what a logon reads is kept, so that it costs no query the
 * second time and is answered as last known while the directory is away. What is not known then, and every write,
 * fails with UNAVAILABLE: never with an answer that says something does not exist.
 * Every write is validated, made in one transaction, and announced to `watch` in every process that has the
 * directory open, within a second.
 */
import type { MailboxId } from '../store/model.ts';
import type { AppPasswords } from './app-password.ts';
import type { LastUses } from './last-use.ts';
import type { MoveRequests } from './move-request.ts';
import type {
  AcceptedDomain,
  Account,
  AccountId,
  AccountKind,
  Actor,
  AuditEntry,
  ClientAccessServerSettings,
  ClientAccessSettings,
  ComponentRequest,
  ConnectorId,
  Credentials,
  DatabaseId,
  DatabaseRecord,
  DatabaseSettings,
  DisconnectedMailbox,
  ImapSettings,
  MailboxPermission,
  MailboxSettings,
  Organization,
  PopSettings,
  Quotas,
  ReceiveConnector,
  RoleGroup,
  Server,
  ServerId,
  ServiceName,
  ServiceState,
  Site,
  SiteId,
  ThrottlingLimits,
  ThrottlingPolicy,
} from './model.ts';
import type { PreferencesOfAccounts } from './preferences.ts';
import type { WebSessions } from './web-session.ts';

/** Names the kind of thing that changed, so that a service re-reads only that. `null` id: any of them. */
export interface DirectoryChange {
  readonly kind:
    | 'organization'
    | 'site'
    | 'server'
    | 'database'
    | 'account'
    | 'domain'
    | 'connector'
    | 'service'
    | 'pop-settings'
    | 'imap-settings'
    | 'client-access-server'
    | 'throttling-policy'
    | 'permission'
    | 'component'
    | 'role'
    | 'move-request'
    /** The account's, whose id it is, as in the next two. */
    | 'web-session'
    | 'app-password'
    | 'preferences';
  readonly id: string | null;
}

/** The first address is the primary one. */
export interface NewMailbox {
  readonly database: DatabaseId;
  readonly addresses: readonly string[];
  /** A disconnected mailbox of this database, with the mail in it; left out: a new one. */
  readonly id?: MailboxId;
}

export interface NewAccount {
  readonly kind: AccountKind;
  readonly displayName: string;
  readonly alias: string;
  readonly userPrincipalName: string;
  /** Null: account without mailbox. */
  readonly mailbox: NewMailbox | null;
  /** Null: no password, cannot log on. */
  readonly credentials: Credentials | null;
}

export interface AccountPatch {
  /** Of built-in accounts it stays; a kind without a password takes the one there was away. */
  readonly kind?: AccountKind;
  readonly enabled?: boolean;
  readonly displayName?: string;
  readonly alias?: string;
  readonly userPrincipalName?: string;
  readonly addresses?: readonly string[];
  /** A new password ends the web sessions of the account; null takes its app passwords away, too. */
  readonly credentials?: Credentials | null;
  /** Id of the web session in which its owner changes the password: that one goes on. */
  readonly keepWebSession?: string;
  /**
   * Enable-, Connect-Mailbox: gives the account one; Disable-Mailbox: null takes it away, its settings and the rights
   * on it too, and leaves it disconnected.
   */
  readonly mailbox?: NewMailbox | null;
}

export interface Page {
  /** At most this many, 1–10,000. */
  readonly limit: number;
  /** Alias to continue behind. */
  readonly after?: string;
}

export interface AuditQuery {
  /** Milliseconds since 1970; `until` is excluded. */
  readonly from?: number;
  readonly until?: number;
  readonly user?: string;
  readonly command?: string;
  readonly object?: string;
  /** At most this many, 1–10,000. */
  readonly limit: number;
}

/** @throws Failure ALREADYEXISTS, NONEXISTENT, CANNOT (value out of range: the text names the range), UNAVAILABLE */
export interface Directory extends MoveRequests, WebSessions, AppPasswords, LastUses, PreferencesOfAccounts {
  organization(): Promise<Organization>;
  setOrganization(patch: Partial<Organization>): Promise<Organization>;
  /** Bytes that servers share and nobody else reads, sealed by whoever keeps them here. Null: there are none. */
  organizationSecret(name: string): Promise<Uint8Array | null>;
  /**
   * Null takes it away. `onlyIfAbsent`: what is there stays, so that servers that make one at once agree on the first.
   * Returns what counts now.
   */
  setOrganizationSecret(name: string, value: Uint8Array | null, onlyIfAbsent?: boolean): Promise<Uint8Array | null>;
  sites(): Promise<readonly Site[]>;
  servers(): Promise<readonly Server[]>;
  databases(): Promise<readonly DatabaseRecord[]>;
  domains(): Promise<readonly AcceptedDomain[]>;
  addDomain(domain: AcceptedDomain): Promise<void>;

  /** Refuses to change the default away without a new one. */
  changeDomain(name: string, patch: Partial<Omit<AcceptedDomain, 'name'>>): Promise<AcceptedDomain>;
  /** @throws Failure INUSE while mailboxes have addresses in it, CANNOT for the default one */
  removeDomain(name: string): Promise<void>;

  databaseSettings(id: DatabaseId): Promise<DatabaseSettings>;
  setDatabaseSettings(id: DatabaseId, patch: Partial<DatabaseSettings>): Promise<DatabaseSettings>;

  addSite(name: string): Promise<Site>;
  changeSite(id: SiteId, patch: Partial<Omit<Site, 'id'>>): Promise<Site>;
  /** @throws Failure INUSE while servers are in it */
  removeSite(id: SiteId): Promise<void>;
  addServer(server: Omit<Server, 'id'>): Promise<Server>;
  /** @throws Failure INUSE when the back end goes while databases live on it */
  changeServer(id: ServerId, patch: Partial<Omit<Server, 'id'>>): Promise<Server>;
  /** With its settings, connectors and services. @throws Failure INUSE while databases live on it */
  removeServer(id: ServerId): Promise<void>;
  addDatabase(database: Omit<DatabaseRecord, 'id'>): Promise<DatabaseRecord>;
  /** Says where it is from now on; its files or tables are not touched. */
  changeDatabase(id: DatabaseId, patch: Partial<Omit<DatabaseRecord, 'id' | 'engine'>>): Promise<DatabaseRecord>;
  /** @throws Failure INUSE while mailboxes are in it, disconnected ones too */
  removeDatabase(id: DatabaseId): Promise<void>;

  /** Logon name → account: UPN, primary or proxy address, DOMAIN\alias, alias (exchange-behaviour.md §6.2). Null: unknown. */
  accountByLogonName(name: string): Promise<Account | null>;
  accountByAddress(address: string): Promise<Account | null>;
  /** By mailNickname alone, which delegates name a mailbox by (exchange-behaviour.md §6.2). */
  accountByAlias(alias: string): Promise<Account | null>;
  account(id: AccountId): Promise<Account | null>;
  accounts(page: Page): Promise<readonly Account[]>;
  addAccount(account: NewAccount): Promise<Account>;
  /** All or none, in one transaction: about 50 µs each on the event loop, so `--count 10000` comes in hundreds. */
  addAccounts(accounts: readonly NewAccount[]): Promise<readonly Account[]>;
  changeAccount(id: AccountId, patch: AccountPatch): Promise<Account>;
  /** Its mailbox stays as a disconnected one. @throws Failure CANNOT for built-in accounts */
  removeAccount(id: AccountId): Promise<void>;
  /** Newest first. */
  disconnectedMailboxes(): Promise<readonly DisconnectedMailbox[]>;
  /** After its mail was deleted, or so that it will be. */
  forgetMailbox(id: MailboxId): Promise<void>;
  credentials(id: AccountId): Promise<Credentials | null>;

  clientAccess(id: AccountId): Promise<ClientAccessSettings>;
  setClientAccess(id: AccountId, patch: Partial<ClientAccessSettings>): Promise<ClientAccessSettings>;

  mailboxSettings(id: AccountId): Promise<MailboxSettings>;
  setMailboxSettings(id: AccountId, patch: Partial<MailboxSettings>): Promise<MailboxSettings>;
  /** The mailbox's own values or the database's, whichever count now. */
  effectiveQuotas(id: AccountId): Promise<Quotas>;

  /** By mailbox, or by user who has them. */
  permissions(filter: {
    readonly mailbox?: AccountId;
    readonly user?: AccountId;
  }): Promise<readonly MailboxPermission[]>;
  /** Replaces the rights of one user on one mailbox; none takes the entry away. */
  setPermission(permission: MailboxPermission): Promise<void>;

  throttlingPolicies(): Promise<readonly ThrottlingPolicy[]>;
  /** @throws Failure CANNOT for the global policy and for a second one of scope Organization */
  setThrottlingPolicy(policy: ThrottlingPolicy): Promise<ThrottlingPolicy>;
  removeThrottlingPolicy(name: string): Promise<void>;
  /** Own policy, then the organization's, then the global one, value by value. */
  effectiveThrottling(id: AccountId): Promise<ThrottlingLimits>;

  /** Every request that was made for this server; a component without one is active. */
  componentRequests(server: ServerId): Promise<readonly ComponentRequest[]>;
  setComponentRequest(server: ServerId, request: Omit<ComponentRequest, 'at'>): Promise<ComponentRequest>;

  /** Accounts that may run cmdlets. The built-in Administrator is a member of Organization Management for good. */
  roleGroups(account: AccountId): Promise<readonly RoleGroup[]>;
  roleMembers(group: RoleGroup): Promise<readonly AccountId[]>;
  setRoleGroups(account: AccountId, groups: readonly RoleGroup[]): Promise<void>;

  /**
   * The same directory with a name on every change it makes: each write leaves an audit entry in the same transaction.
   * Changes through a directory without an actor are entered as `server`.
   */
  as(actor: Actor): Directory;
  /** Newest first. */
  auditLog(query: AuditQuery): Promise<readonly AuditEntry[]>;
  /** For what changes mail and no directory object (import, restore, end of a session). */
  recordAudit(entry: Omit<AuditEntry, 'id' | 'at' | 'actor'>): Promise<void>;

  popSettings(server: ServerId): Promise<PopSettings>;
  setPopSettings(server: ServerId, patch: Partial<PopSettings>): Promise<PopSettings>;
  imapSettings(server: ServerId): Promise<ImapSettings>;
  setImapSettings(server: ServerId, patch: Partial<ImapSettings>): Promise<ImapSettings>;
  clientAccessServer(server: ServerId): Promise<ClientAccessServerSettings>;
  setClientAccessServer(
    server: ServerId,
    patch: Partial<ClientAccessServerSettings>,
  ): Promise<ClientAccessServerSettings>;

  connectors(server: ServerId): Promise<readonly ReceiveConnector[]>;
  addConnector(connector: Omit<ReceiveConnector, 'id'>): Promise<ReceiveConnector>;
  changeConnector(id: ConnectorId, patch: Partial<Omit<ReceiveConnector, 'id' | 'server'>>): Promise<ReceiveConnector>;
  removeConnector(id: ConnectorId): Promise<void>;

  services(server: ServerId): Promise<readonly ServiceState[]>;
  setService(
    server: ServerId,
    service: ServiceName,
    patch: Partial<Omit<ServiceState, 'service'>>,
  ): Promise<ServiceState>;

  /** False while the directory is away: reads answer what was known last, writes are refused. */
  isReachable(): boolean;
  /** Called after a change, made here or in another process. Returns the way to stop. */
  watch(listener: (change: DirectoryChange) => void): () => void;
  close(): Promise<void>;
}
