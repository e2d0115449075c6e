/**
 * Rules between settings (exchange-behaviour.md §1.3, §2, §3.4). A broken rule refuses the change; what a load
 * balancer may legitimately do (ports that match no binding) is a warning for the admin.
 */
import { Failure } from '../../observe/failure.ts';
import type {
  ClientAccessSettings,
  ConnectionSetting,
  MailboxSettings,
  MailProtocolSettings,
  Quotas,
  ThrottlingLimits,
} from '../model.ts';
import type { SettingsSchema } from './schema.ts';
import type { ConnectorSettings } from './receive-connector.ts';
import { binding as bindingType, byteSize, connectionSetting, UNLIMITED } from './value-types.ts';

/** @throws Failure CANNOT */
export function checkMailProtocolSettings(settings: MailProtocolSettings): void {
  if (settings.calendarItemRetrievalOption === 'Custom' && settings.owaServerUrl === '')
    throw new Failure('CANNOT', 'CalendarItemRetrievalOption Custom needs OwaServerUrl');
  for (const one of settings.sslBindings)
    if (one.port !== 0 && settings.unencryptedOrTlsBindings.some((other) => sameSocket(one, other)))
      throw new Failure('CANNOT', `${bindingType.format(one)} stands in SSLBindings and in UnencryptedOrTLSBindings`);
}

/** What is allowed and probably not meant, in plain words, for the admin who just changed it. */
export function mailProtocolWarnings(settings: MailProtocolSettings): readonly string[] {
  const warnings: string[] = [];
  const advertised = [...settings.internalConnectionSettings, ...settings.externalConnectionSettings];
  for (const one of advertised) {
    const [name, bindings] =
      one.encryption === 'SSL'
        ? (['SSLBindings', settings.sslBindings] as const)
        : (['UnencryptedOrTLSBindings', settings.unencryptedOrTlsBindings] as const);
    if (!bindings.some((bound) => bound.port === one.port))
      warnings.push(`${connectionSetting.format(one)} is advertised, but no entry of ${name} has port ${one.port}`);
  }
  if (advertised.length > 0 && !advertised.some((one) => sameHost(one, settings.x509CertificateName)))
    warnings.push(`X509CertificateName ${settings.x509CertificateName} is not among the advertised host names`);
  if (settings.loginType === 'PlainTextLogin')
    warnings.push('LoginType PlainTextLogin lets passwords cross the network in the clear');
  return warnings;
}

/**
 * A server without one of the roles has no use for the other side's values (§1.3).
 * @throws Failure CANNOT
 */
export function checkScope<S extends object>(
  schema: SettingsSchema<S>,
  patch: Partial<S>,
  server: { readonly name: string; readonly frontEnd: boolean; readonly backEnd: boolean },
): void {
  for (const row of schema.rows) {
    if (Reflect.get(patch, row.key) === undefined) continue;
    if (row.scope === 'frontEnd' && !server.frontEnd)
      throw new Failure('CANNOT', `${row.name} is read-only on ${server.name}: it has no front end`);
    if (row.scope === 'backEnd' && !server.backEnd)
      throw new Failure('CANNOT', `${row.name} is read-only on ${server.name}: it has no back end`);
  }
}

/** Settings that count only without protocol defaults (§2). */
const POP_OWN = [
  'popMessagesRetrievalMimeFormat',
  'popEnableExactRfc822Size',
  'popForceICalForCalendarRetrievalOption',
  'popSuppressReadReceipt',
] as const satisfies ReadonlyArray<keyof ClientAccessSettings>;
const IMAP_OWN = [
  'imapMessagesRetrievalMimeFormat',
  'imapEnableExactRfc822Size',
  'imapForceICalForCalendarRetrievalOption',
  'imapSuppressReadReceipt',
] as const satisfies ReadonlyArray<keyof ClientAccessSettings>;

/** @throws Failure CANNOT when a value is set that the protocol defaults would hide */
export function checkClientAccess(
  schema: SettingsSchema<ClientAccessSettings>,
  patch: Partial<ClientAccessSettings>,
  merged: ClientAccessSettings,
): void {
  const check = (keys: ReadonlyArray<keyof ClientAccessSettings>, hidden: boolean, by: string): void => {
    if (!hidden) return;
    for (const key of keys) {
      if (patch[key] === undefined) continue;
      const name = schema.rows.find((row) => row.key === key)?.name ?? key;
      throw new Failure('CANNOT', `${name} can be set only while ${by} is false`);
    }
  };
  check(POP_OWN, merged.popUseProtocolDefaults, 'PopUseProtocolDefaults');
  check(IMAP_OWN, merged.imapUseProtocolDefaults, 'ImapUseProtocolDefaults');
}

/** @throws Failure CANNOT */
export function checkConnector(connector: ConnectorSettings): void {
  const has = (name: ConnectorSettings['authMechanism'][number]): boolean => connector.authMechanism.includes(name);
  if (has('BasicAuthRequireTLS') && !(has('BasicAuth') && has('Tls')))
    throw new Failure('CANNOT', 'AuthMechanism BasicAuthRequireTLS needs BasicAuth and Tls');
  if (has('ExternalAuthoritative')) {
    if (connector.authMechanism.some((name) => name !== 'ExternalAuthoritative' && name !== 'Tls'))
      throw new Failure('CANNOT', 'AuthMechanism ExternalAuthoritative combines only with Tls');
    if (!connector.permissionGroups.includes('ExchangeServers'))
      throw new Failure('CANNOT', 'AuthMechanism ExternalAuthoritative needs PermissionGroups ExchangeServers');
  }
  if (connector.requireTls && !has('Tls')) throw new Failure('CANNOT', 'RequireTLS needs AuthMechanism Tls');
  if (connector.connectionTimeout <= connector.connectionInactivityTimeout)
    throw new Failure('CANNOT', 'ConnectionTimeout must be longer than ConnectionInactivityTimeout');
  if (connector.binaryMimeEnabled && !connector.chunkingEnabled)
    throw new Failure('CANNOT', 'BinaryMimeEnabled needs ChunkingEnabled');
  if (connector.bindings.length + connector.implicitTlsBindings.length === 0)
    throw new Failure('CANNOT', 'Bindings must name at least one address and port');
  if (connector.remoteIpRanges.length === 0) throw new Failure('CANNOT', 'RemoteIPRanges must name at least one range');
  for (const one of connector.implicitTlsBindings)
    if (one.port !== 0 && connector.bindings.some((other) => sameSocket(one, other)))
      throw new Failure('CANNOT', `${bindingType.format(one)} stands in ImplicitTlsBindings and in Bindings`);
}

const anySize = byteSize({ min: 0, max: Number.MAX_SAFE_INTEGER, unlimited: true });
const sizeText = (bytes: number): string => anySize.format(bytes);

/**
 * Warning < ProhibitSend ≤ ProhibitSendReceive (§9.2). A warning that is Unlimited warns never and fits everywhere.
 * @throws Failure CANNOT
 */
export function checkQuotas(quotas: Quotas): void {
  const { issueWarningQuota, prohibitSendQuota, prohibitSendReceiveQuota } = quotas;
  const { recoverableItemsQuota, recoverableItemsWarningQuota } = quotas;
  const refuse = (lower: string, low: number, words: string, upper: string, high: number): never => {
    throw new Failure('CANNOT', `${lower} (${sizeText(low)}) must be ${words} ${upper} (${sizeText(high)})`);
  };
  if (issueWarningQuota !== UNLIMITED && issueWarningQuota >= prohibitSendQuota)
    refuse('IssueWarningQuota', issueWarningQuota, 'less than', 'ProhibitSendQuota', prohibitSendQuota);
  if (prohibitSendQuota > prohibitSendReceiveQuota)
    refuse('ProhibitSendQuota', prohibitSendQuota, 'at most', 'ProhibitSendReceiveQuota', prohibitSendReceiveQuota);
  if (recoverableItemsWarningQuota !== UNLIMITED && recoverableItemsWarningQuota >= recoverableItemsQuota)
    refuse(
      'RecoverableItemsWarningQuota',
      recoverableItemsWarningQuota,
      'less than',
      'RecoverableItemsQuota',
      recoverableItemsQuota,
    );
}

const OWN_QUOTAS = [
  'issueWarningQuota',
  'prohibitSendQuota',
  'prohibitSendReceiveQuota',
  'recoverableItemsQuota',
  'recoverableItemsWarningQuota',
] as const satisfies ReadonlyArray<keyof Quotas>;

/** What was set and does not count, in plain words, for the admin who just set it (§9.2). */
export function mailboxWarnings(patch: Partial<MailboxSettings>, merged: MailboxSettings): readonly string[] {
  const warnings: string[] = [];
  if (merged.useDatabaseQuotaDefaults && OWN_QUOTAS.some((key) => patch[key] !== undefined))
    warnings.push('the quotas of the mailbox are ignored while UseDatabaseQuotaDefaults is true');
  if (merged.useDatabaseRetentionDefaults && patch.retainDeletedItemsFor !== undefined)
    warnings.push('RetainDeletedItemsFor is ignored while UseDatabaseRetentionDefaults is true');
  return warnings;
}

/**
 * Who is refused before he is delayed has no budget to overspend (§9.3).
 * @throws Failure CANNOT
 */
export function checkThrottling(limits: ThrottlingLimits): void {
  const budgets = [
    ['Pop', limits.popMaxBurst, limits.popCutoffBalance],
    ['Imap', limits.imapMaxBurst, limits.imapCutoffBalance],
    ['Owa', limits.owaMaxBurst, limits.owaCutoffBalance],
  ] as const;
  for (const [prefix, burst, cutoff] of budgets)
    if (cutoff < burst)
      throw new Failure(
        'CANNOT',
        `${prefix}CutoffBalance (${cutoff} ms) must not be below ${prefix}MaxBurst (${burst === UNLIMITED ? 'Unlimited' : `${burst} ms`})`,
      );
}

const sameSocket = (a: { address: string; port: number }, b: { address: string; port: number }): boolean =>
  a.port === b.port && a.address === b.address;
const sameHost = (one: ConnectionSetting, name: string): boolean => one.host.toLowerCase() === name.toLowerCase();
