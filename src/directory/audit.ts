/**
 * The audit log as every engine keeps it: how long, who is entered, and how an object reads before and after, by
 * Exchange's names. Secrets are never in it. Pure.
 */
import type {
  AcceptedDomain,
  Account,
  AccountKind,
  Actor,
  DatabaseRecord,
  MailboxRight,
  Server,
  ServiceState,
  ThrottlingPolicy,
} from './model.ts';
import type { SettingsSchema } from './settings/schema.ts';
import { throttlingLimitsSchema } from './settings/throttling.ts';
import { boolean } from './settings/value-types.ts';

/** Older entries are purged when a directory opens and once a day. */
export const AUDIT_RETENTION_DAYS = 90;
/** Beyond these the oldest go. */
export const AUDIT_ENTRIES_KEPT = 1_000_000;
/** Stands for every secret. */
export const SECRET = '*****';
/** Who changes the directory when nobody is named. */
export const SERVER_ACTOR: Actor = { user: 'server', via: 'server', command: '' };

export type AuditValues = Readonly<Record<string, string>>;

export interface AuditDifference {
  readonly action: 'created' | 'changed' | 'removed';
  readonly before: AuditValues | null;
  readonly after: AuditValues | null;
}

/** Null on one side: the object came or went, everything counts. Null as a result: nothing changed. */
export function auditDifference(before: AuditValues | null, after: AuditValues | null): AuditDifference | null {
  if (before === null) return after === null ? null : { action: 'created', before, after };
  if (after === null) return { action: 'removed', before, after };
  const was: Record<string, string> = {};
  const is: Record<string, string> = {};
  let changed = false;
  for (const [name, text] of Object.entries(before)) {
    if (after[name] === text) continue;
    was[name] = text;
    changed = true;
  }
  for (const [name, text] of Object.entries(after)) {
    if (before[name] === text) continue;
    is[name] = text;
    changed = true;
  }
  return changed ? { action: 'changed', before: was, after: is } : null;
}

/** Every setting of an object by Exchange's name. */
export const settingsValues = <S extends object>(schema: SettingsSchema<S>, settings: S): AuditValues =>
  Object.fromEntries(schema.format(settings));

const RECIPIENT_TYPES: Readonly<Record<AccountKind, string>> = {
  user: 'UserMailbox',
  administrator: 'Administrator',
  guest: 'Guest',
  anonymous: 'Anonymous',
  shared: 'SharedMailbox',
  room: 'RoomMailbox',
  equipment: 'EquipmentMailbox',
};

/** What an admin calls an account: `Mailbox` with one, `User` without. */
export const accountObjectKind = (account: Pick<Account, 'mailbox'>): string =>
  account.mailbox === null ? 'User' : 'Mailbox';

/** `database`: name of the one that holds the mailbox. */
export function accountValues(account: Account, database: string): AuditValues {
  const person = {
    DisplayName: account.displayName,
    Alias: account.alias,
    UserPrincipalName: account.userPrincipalName,
    RecipientTypeDetails: RECIPIENT_TYPES[account.kind],
    AccountDisabled: boolean.format(!account.enabled),
  };
  if (account.mailbox === null) return person;
  return { ...person, Database: database, EmailAddresses: account.mailbox.addresses.join(', ') };
}

/** `site`: its name. */
export const serverValues = (server: Server, site: string): AuditValues => ({
  Name: server.name,
  Fqdn: server.fqdn,
  ...(server.internalAddress === undefined ? {} : { InternalAddress: server.internalAddress }),
  Site: site,
  FrontEnd: boolean.format(server.frontEnd),
  BackEnd: boolean.format(server.backEnd),
});

/** Where a mailbox database lies, for people and logs: a connection URL may hold a password. */
export const withoutPassword = (location: string): string =>
  location
    .replace(/^([a-z][a-z0-9+.-]*:\/\/[^/@:]*):.*@/i, `$1:${SECRET}@`)
    .replaceAll(/([?&](?:ssl)?password=)[^&]*/gi, `$1${SECRET}`);

/** `server`: its name. */
export const databaseValues = (database: DatabaseRecord, server: string): AuditValues => ({
  Name: database.name,
  Server: server,
  Engine: database.engine,
  Location: withoutPassword(database.location),
});

export const domainValues = (domain: AcceptedDomain): AuditValues => ({
  DomainName: domain.name,
  DomainType: domain.type,
  Default: boolean.format(domain.isDefault),
});

export const serviceValues = (state: ServiceState): AuditValues => ({
  StartupType: state.startupType,
  Status: state.running ? 'Running' : 'Stopped',
});

/** What a policy sets; what it inherits does not stand in it. */
export function policyValues(policy: ThrottlingPolicy): AuditValues {
  const values: Record<string, string> = { Name: policy.name, ThrottlingPolicyScope: policy.scope };
  for (const row of throttlingLimitsSchema.rows) {
    const value: unknown = Reflect.get(policy.limits, row.key);
    if (value !== undefined) values[row.name] = row.type.format(value);
  }
  return values;
}

/** `user` has `rights` on a mailbox; none: null, the entry is not there. */
export const permissionValues = (user: string, rights: readonly MailboxRight[]): AuditValues | null =>
  rights.length === 0 ? null : { User: user, AccessRights: rights.join(', ') };
