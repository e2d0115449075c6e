/**
 * The directory as everyone else sees it; SQLite fills it now, PostgreSQL later, one conformance suite for both.
 *
 * Reads are asynchronous because an engine may be remote; an engine keeps a cache so that a logon costs no query.
 * Every write is validated, made in one transaction, and announced to `watch` in every process that has the
 * directory open, within a second.
 */
import type {
  AcceptedDomain,
  Account,
  AccountId,
  AccountKind,
  ClientAccessSettings,
  ConnectorId,
  Credentials,
  DatabaseId,
  DatabaseRecord,
  ImapSettings,
  Organization,
  PopSettings,
  ReceiveConnector,
  Server,
  ServerId,
  ServiceName,
  ServiceState,
  Site,
} from './model.ts';

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
    | 'imap-settings';
  readonly id: string | null;
}

export interface NewAccount {
  readonly kind: AccountKind;
  readonly displayName: string;
  readonly alias: string;
  readonly userPrincipalName: string;
  /** Null: account without mailbox. The first address is the primary one. */
  readonly mailbox: { readonly database: DatabaseId; readonly addresses: readonly string[] } | null;
  /** Null: no password, cannot log on. */
  readonly credentials: Credentials | null;
}

export interface AccountPatch {
  readonly enabled?: boolean;
  readonly displayName?: string;
  readonly alias?: string;
  readonly userPrincipalName?: string;
  readonly addresses?: readonly string[];
  readonly credentials?: Credentials | null;
}

export interface Page {
  /** At most this many, 1–10,000. */
  readonly limit: number;
  /** Alias to continue behind. */
  readonly after?: string;
}

/** @throws Failure ALREADYEXISTS, NONEXISTENT, CANNOT (value out of range: the text names the range), UNAVAILABLE */
export interface Directory {
  organization(): Promise<Organization>;
  setOrganization(patch: Partial<Organization>): Promise<Organization>;
  sites(): Promise<readonly Site[]>;
  servers(): Promise<readonly Server[]>;
  databases(): Promise<readonly DatabaseRecord[]>;
  domains(): Promise<readonly AcceptedDomain[]>;
  addDomain(domain: AcceptedDomain): Promise<void>;

  addSite(name: string): Promise<Site>;
  addServer(server: Omit<Server, 'id'>): Promise<Server>;
  addDatabase(database: Omit<DatabaseRecord, 'id'>): Promise<DatabaseRecord>;

  /** Logon name → account: UPN, primary or proxy address, DOMAIN\alias, alias (exchange-behaviour.md §6.2). Null: unknown. */
  accountByLogonName(name: string): Promise<Account | null>;
  accountByAddress(address: string): Promise<Account | null>;
  account(id: AccountId): Promise<Account | null>;
  accounts(page: Page): Promise<readonly Account[]>;
  addAccount(account: NewAccount): Promise<Account>;
  /** All or none: `--count 10000` is one transaction per thousand. */
  addAccounts(accounts: readonly NewAccount[]): Promise<readonly Account[]>;
  changeAccount(id: AccountId, patch: AccountPatch): Promise<Account>;
  removeAccount(id: AccountId): Promise<void>;
  credentials(id: AccountId): Promise<Credentials | null>;

  clientAccess(id: AccountId): Promise<ClientAccessSettings>;
  setClientAccess(id: AccountId, patch: Partial<ClientAccessSettings>): Promise<ClientAccessSettings>;

  popSettings(server: ServerId): Promise<PopSettings>;
  setPopSettings(server: ServerId, patch: Partial<PopSettings>): Promise<PopSettings>;
  imapSettings(server: ServerId): Promise<ImapSettings>;
  setImapSettings(server: ServerId, patch: Partial<ImapSettings>): Promise<ImapSettings>;

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

  /** Called after a change, made here or in another process. Returns the way to stop. */
  watch(listener: (change: DirectoryChange) => void): () => void;
  close(): Promise<void>;
}
