/**
 * Who and what exists: organization, sites, servers, databases, accounts with mailboxes, domains, connectors,
 * settings. No mail. Names, defaults and ranges follow Exchange (exchange-behaviour.md §1–3); each setting's
 * type, range, default and help stand once, in settings/.
 */
import type { TextFormat } from '../message/render/wish.ts';
import type { MailboxId } from '../store/model.ts';

declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };
export type AccountId = Brand<string, 'AccountId'>;
export type ServerId = Brand<string, 'ServerId'>;
export type SiteId = Brand<string, 'SiteId'>;
export type DatabaseId = Brand<string, 'DatabaseId'>;
export type ConnectorId = Brand<string, 'ConnectorId'>;

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the one place where brands are put on
const as = <T>(value: string): T => value as T;
export const accountId = (text: string): AccountId => as(text);
export const serverId = (text: string): ServerId => as(text);
export const siteId = (text: string): SiteId => as(text);
export const databaseId = (text: string): DatabaseId => as(text);
export const connectorId = (text: string): ConnectorId => as(text);

export interface Organization extends TransportConfig {
  readonly name: string;
}

/** Get-/Set-TransportConfig (exchange-behaviour.md §9.1): limits of the whole organization. Sizes in bytes, Infinity is `unlimited`. */
export interface TransportConfig {
  readonly maxReceiveSize: number;
  readonly maxSendSize: number;
  readonly maxRecipientEnvelopeLimit: number;
  /** Addresses that reports and quota mails come from and go to; empty: postmaster@ the default accepted domain. */
  readonly externalPostmasterAddress: string;
}

/** Get-/Set-ClientAccessServer: what all client-facing services of one server have in common. */
export interface ClientAccessServerSettings {
  /** Address, range or CIDR of load balancers that put a PROXY protocol header in front of a connection. */
  readonly proxyProtocolIpRanges: readonly string[];
  /** Where other back ends ask this one (ADR 11). */
  readonly backEndHttpsPort: number;
}

export interface Site {
  readonly id: SiteId;
  readonly name: string;
}

export interface Server {
  readonly id: ServerId;
  readonly name: string;
  readonly fqdn: string;
  /** Host name or address where other servers dial it; left out, or empty in a change: the FQDN (internal-address.ts). */
  readonly internalAddress?: string;
  readonly site: SiteId;
  readonly frontEnd: boolean;
  readonly backEnd: boolean;
}

export interface DatabaseRecord {
  readonly id: DatabaseId;
  readonly name: string;
  readonly server: ServerId;
  readonly engine: 'sqlite' | 'postgres';
  /** Directory below the server's data directory, or a connection URL. */
  readonly location: string;
}

/** Sizes in bytes, Infinity is `unlimited`; times in seconds (exchange-behaviour.md §9.2). Warning < prohibit send ≤ prohibit send and receive. */
export interface Quotas {
  readonly issueWarningQuota: number;
  readonly prohibitSendQuota: number;
  readonly prohibitSendReceiveQuota: number;
  readonly recoverableItemsQuota: number;
  readonly recoverableItemsWarningQuota: number;
}

/** Get-/Set-MailboxDatabase. */
export interface DatabaseSettings extends Quotas {
  readonly mountAtStartup: boolean;
  readonly deletedItemRetention: number;
  readonly mailboxRetention: number;
}

/** Get-/Set-Mailbox: what is not the account's identity (exchange-behaviour.md §9, §11). */
export interface MailboxSettings extends Quotas {
  /** True: the database's quotas count and those here are ignored. */
  readonly useDatabaseQuotaDefaults: boolean;
  readonly useDatabaseRetentionDefaults: boolean;
  readonly retainDeletedItemsFor: number;
  /** True: what is purged from recoverable items stays until retention ends. */
  readonly singleItemRecoveryEnabled: boolean;
  readonly maxSendSize: number;
  readonly maxReceiveSize: number;
  readonly recipientLimits: number;
  readonly hiddenFromAddressListsEnabled: boolean;
  /** Name of a policy; empty: the organization's, then the global one. */
  readonly throttlingPolicy: string;
  /** BCP 47 tag for what the server writes to this person. */
  readonly language: string;
}

/**
 * Budgets of one protocol (exchange-behaviour.md §9.3): milliseconds of server time a user may overspend, regains an
 * hour, and the balance below which he is refused. Infinity is `unlimited`.
 */
export interface ThrottlingBudget {
  readonly maxConcurrency: number;
  readonly maxBurst: number;
  readonly rechargeRate: number;
  readonly cutoffBalance: number;
}
export interface ThrottlingLimits {
  readonly popMaxConcurrency: number;
  readonly popMaxBurst: number;
  readonly popRechargeRate: number;
  readonly popCutoffBalance: number;
  readonly imapMaxConcurrency: number;
  readonly imapMaxBurst: number;
  readonly imapRechargeRate: number;
  readonly imapCutoffBalance: number;
  readonly owaMaxConcurrency: number;
  readonly owaMaxBurst: number;
  readonly owaRechargeRate: number;
  readonly owaCutoffBalance: number;
  /** Messages a minute by POP3/IMAP4 users over SMTP. */
  readonly messageRateLimit: number;
  /** Recipients in 24 hours. */
  readonly recipientRateLimit: number;
}
export interface ThrottlingPolicy {
  readonly name: string;
  readonly scope: 'Regular' | 'Organization' | 'Global';
  /** What is set; the rest comes from the organization's policy, then from the global one. */
  readonly limits: Partial<ThrottlingLimits>;
}

/** FullAccess: logs on to the mailbox; SendAs: submits with its addresses. */
export type MailboxRight = 'FullAccess' | 'ReadPermission' | 'SendAs';
export interface MailboxPermission {
  readonly mailbox: AccountId;
  readonly user: AccountId;
  readonly rights: readonly MailboxRight[];
}

/** A component is active only if every requester says so (exchange-behaviour.md §4). */
export type ComponentName =
  | 'PopProxy'
  | 'ImapProxy'
  | 'FrontendTransport'
  | 'HubTransport'
  | 'OwaProxy'
  | 'ServerWideOffline';
export type ComponentRequester = 'HealthAPI' | 'Maintenance' | 'Sidelined' | 'Functional' | 'Deployment';
export interface ComponentRequest {
  readonly component: ComponentName;
  readonly requester: ComponentRequester;
  readonly state: 'Active' | 'Inactive';
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Role groups, each a bundle of cmdlets (exchange-behaviour.md §1.1). */
export type RoleGroup =
  | 'Organization Management'
  | 'Server Management'
  | 'Recipient Management'
  | 'View-Only Organization Management';

/** Who makes a change, for the audit log. */
export interface Actor {
  /** Logon name, or `local:<system user>` for a command on the server itself. */
  readonly user: string;
  readonly via: 'shell' | 'command' | 'api' | 'web' | 'server';
  /** Cmdlet or command that does it. */
  readonly command: string;
}

export interface AuditEntry {
  readonly id: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly actor: Actor;
  /** `created`, `changed`, `removed`, or what a command did that changes no directory object. */
  readonly action: string;
  readonly objectKind: string;
  /** Name a person knows it by: alias, `server\\connector`, … */
  readonly object: string;
  /** Values that changed, before and after, by their Exchange names; secrets as `*****`. Null: was or is not there. */
  readonly before: Readonly<Record<string, string>> | null;
  readonly after: Readonly<Record<string, string>> | null;
}

/**
 * `user`: a person. `administrator`: the built-in account, which never logs on by POP3 or IMAP4. `guest`,
 * `anonymous`: built in, refused everywhere. `shared`, `room`, `equipment`: mailboxes without a password.
 */
export type AccountKind = 'user' | 'administrator' | 'guest' | 'anonymous' | 'shared' | 'room' | 'equipment';

export interface Account {
  readonly id: AccountId;
  readonly kind: AccountKind;
  readonly enabled: boolean;
  readonly displayName: string;
  /** Unique, lower case; mailNickname. */
  readonly alias: string;
  /** Unique, lower case; what people type to log on. */
  readonly userPrincipalName: string;
  /** Null: an account without mailbox. */
  readonly mailbox: MailboxRecord | null;
}

export interface MailboxRecord {
  readonly id: MailboxId;
  readonly database: DatabaseId;
  /** Lower case in the domain, case kept in the local part, compared without case. */
  readonly primaryAddress: string;
  /** All addresses, the primary one included. */
  readonly addresses: readonly string[];
}

/** Mail of a mailbox that was removed or disabled: kept for MailboxRetention of its database, and can be connected again. */
export interface DisconnectedMailbox {
  readonly id: MailboxId;
  readonly database: DatabaseId;
  /** Of the account that had it. */
  readonly alias: string;
  readonly displayName: string;
  readonly addresses: readonly string[];
  /** Milliseconds since 1970. */
  readonly at: number;
}

export type AcceptedDomainType = 'Authoritative' | 'InternalRelay' | 'ExternalRelay';

export interface AcceptedDomain {
  readonly name: string;
  readonly type: AcceptedDomainType;
  readonly isDefault: boolean;
}

/** Stored password verifiers of one account: argon2id for PLAIN and LOGIN, salted keys for SCRAM (RFC 5802 §3). */
export interface Credentials {
  readonly argon2id: string;
  readonly scramSha256: ScramVerifier;
}

export interface ScramVerifier {
  readonly iterations: number;
  readonly salt: Uint8Array;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

/** The components an admin starts and stops; display and short names stand in services.ts. */
export type ServiceName =
  | 'pop3'
  | 'pop3-backend'
  | 'imap4'
  | 'imap4-backend'
  | 'frontend-transport'
  | 'transport'
  | 'web';

export interface ServiceState {
  readonly service: ServiceName;
  readonly startupType: 'Automatic' | 'Manual' | 'Disabled';
  /** What the admin wants: the running server follows it within a second. */
  readonly running: boolean;
}

/** `host:port` of a listener; host is an address of this machine. */
export interface Binding {
  readonly address: string;
  readonly port: number;
}

export interface ConnectionSetting {
  readonly host: string;
  readonly port: number;
  readonly encryption: 'SSL' | 'TLS' | 'none';
}

export type LoginType = 'PlainTextLogin' | 'PlainTextAuthentication' | 'SecureLogin';
export type CalendarItemRetrievalOption = 'iCalendar' | 'IntranetUrl' | 'InternetUrl' | 'Custom';
export type MimeTextFormat = TextFormat;
export type LogRollOver = 'Hourly' | 'Daily' | 'Weekly' | 'Monthly';

/** Get-/Set-PopSettings and -ImapSettings of one server (exchange-behaviour.md §1.2). Times in seconds, sizes in bytes. */
export interface MailProtocolSettings {
  readonly authenticatedConnectionTimeout: number;
  readonly preAuthenticatedConnectionTimeout: number;
  readonly banner: string;
  readonly unencryptedOrTlsBindings: readonly Binding[];
  readonly sslBindings: readonly Binding[];
  readonly proxyTargetPort: number;
  readonly internalConnectionSettings: readonly ConnectionSetting[];
  readonly externalConnectionSettings: readonly ConnectionSetting[];
  readonly x509CertificateName: string;
  readonly loginType: LoginType;
  readonly enableGssapiAndNtlmAuth: boolean;
  readonly extendedProtectionPolicy: 'None' | 'Allow' | 'Require';
  readonly enforceCertificateErrors: boolean;
  readonly maxConnections: number;
  readonly maxConnectionFromSingleIp: number;
  readonly maxConnectionsPerUser: number;
  readonly maxCommandSize: number;
  readonly calendarItemRetrievalOption: CalendarItemRetrievalOption;
  readonly owaServerUrl: string;
  readonly messageRetrievalMimeFormat: MimeTextFormat;
  readonly enableExactRfc822Size: boolean;
  readonly suppressReadReceipt: boolean;
  readonly protocolLogEnabled: boolean;
  readonly logFileLocation: string;
  readonly logFileRollOverSettings: LogRollOver;
  readonly logPerFileSizeQuota: number;
  /** Ours: seconds a file is kept, bytes of all of them, and how a line looks. */
  readonly logMaxAge: number;
  readonly logMaxDirectorySize: number;
  readonly logFormat: 'Csv' | 'Json';
}

export interface PopSettings extends MailProtocolSettings {
  readonly messageRetrievalSortOrder: 'Ascending' | 'Descending';
  /** Ours: seconds between two logons to one mailbox (RFC 2449 §6.5); 0: none. */
  readonly loginDelay: number;
}

export interface ImapSettings extends MailProtocolSettings {
  readonly showHiddenFoldersEnabled: boolean;
}

/** Per-mailbox client access: Get-/Set-CASMailbox (exchange-behaviour.md §2). */
export interface ClientAccessSettings {
  readonly popEnabled: boolean;
  readonly imapEnabled: boolean;
  readonly popUseProtocolDefaults: boolean;
  readonly imapUseProtocolDefaults: boolean;
  readonly popMessagesRetrievalMimeFormat: MimeTextFormat;
  readonly imapMessagesRetrievalMimeFormat: MimeTextFormat;
  readonly popEnableExactRfc822Size: boolean;
  readonly imapEnableExactRfc822Size: boolean;
  readonly popForceICalForCalendarRetrievalOption: boolean;
  readonly imapForceICalForCalendarRetrievalOption: boolean;
  readonly popSuppressReadReceipt: boolean;
  readonly imapSuppressReadReceipt: boolean;
  /** Ours: POP3 DELE is answered and not carried out (exchange-behaviour.md §13). */
  readonly popKeepMessagesOnServer: boolean;
  readonly owaEnabled: boolean;
  readonly smtpClientAuthenticationDisabled: boolean;
}

export type ConnectorAuthMechanism =
  | 'Tls'
  | 'Integrated'
  | 'BasicAuth'
  | 'BasicAuthRequireTLS'
  | 'ExchangeServer'
  | 'ExternalAuthoritative';
export type PermissionGroup =
  | 'AnonymousUsers'
  | 'ExchangeUsers'
  | 'ExchangeServers'
  | 'ExchangeLegacyServers'
  | 'Partners';

/** Get-/Set-ReceiveConnector (exchange-behaviour.md §3.2, §3.4). Times in seconds, sizes in bytes, Infinity is `unlimited`. */
export interface ReceiveConnector {
  readonly id: ConnectorId;
  readonly server: ServerId;
  readonly name: string;
  readonly transportRole: 'FrontendTransport' | 'HubTransport';
  readonly enabled: boolean;
  readonly bindings: readonly Binding[];
  /** Ours: bindings with TLS from the first byte (RFC 8314 §3.3); Exchange has none. */
  readonly implicitTlsBindings: readonly Binding[];
  readonly remoteIpRanges: readonly string[];
  readonly fqdn: string;
  readonly banner: string;
  readonly authMechanism: readonly ConnectorAuthMechanism[];
  readonly permissionGroups: readonly PermissionGroup[];
  readonly requireTls: boolean;
  readonly advertiseClientSettings: boolean;
  readonly maxMessageSize: number;
  readonly maxRecipientsPerMessage: number;
  readonly messageRateLimit: number;
  readonly messageRateSource: 'None' | 'IPAddress' | 'User' | 'All';
  readonly connectionTimeout: number;
  readonly connectionInactivityTimeout: number;
  readonly maxInboundConnection: number;
  readonly maxInboundConnectionPerSource: number;
  readonly maxInboundConnectionPercentagePerSource: number;
  readonly maxProtocolErrors: number;
  readonly maxLogonFailures: number;
  readonly tarpitInterval: number;
  readonly authTarpitInterval: number;
  readonly maxHopCount: number;
  readonly maxLocalHopCount: number;
  readonly maxHeaderSize: number;
  readonly protocolLoggingLevel: 'None' | 'Verbose';
  readonly sizeEnabled: 'Enabled' | 'Disabled' | 'EnabledWithoutValue';
  readonly chunkingEnabled: boolean;
  readonly binaryMimeEnabled: boolean;
  readonly eightBitMimeEnabled: boolean;
  readonly enhancedStatusCodesEnabled: boolean;
  readonly pipeliningEnabled: boolean;
  readonly deliveryStatusNotificationEnabled: boolean;
  readonly bareLinefeedRejectionEnabled: boolean;
  readonly requireEhloDomain: boolean;
  readonly rejectSingleLabelRecipientDomains: boolean;
  readonly rejectReservedTopLevelRecipientDomains: boolean;
  readonly rejectReservedSecondLevelRecipientDomains: boolean;
  /** `<I>issuer<S>subject` of the certificate to show; empty: the one for Fqdn. */
  readonly tlsCertificateName: string;
  readonly comment: string;
}
