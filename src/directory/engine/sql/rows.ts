/** Rows to the types of model.ts. Every column is checked, so that a damaged directory is noticed here. */
import { Failure } from '../../../observe/failure.ts';
import { mailboxId } from '../../../store/model.ts';
import {
  type AcceptedDomain,
  type AcceptedDomainType,
  type Account,
  type AccountKind,
  accountId,
  type Credentials,
  type DatabaseRecord,
  databaseId,
  type Organization,
  type Server,
  type ServiceState,
  serverId,
  type Site,
  siteId,
} from '../../model.ts';
import { NO_SERVER } from '../../settings/schema.ts';
import { transportConfigSchema } from '../../settings/transport-config.ts';
import type { OnRefused, Row } from './seam.ts';

const damaged = (column: string): Failure =>
  new Failure('CORRUPTION', `the directory is damaged (column ${column}); restore it from a backup`);

export function textOf(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw damaged(column);
  return value;
}

export function numberOf(row: Row, column: string): number {
  const value = row[column];
  if (typeof value !== 'number') throw damaged(column);
  return value;
}

export function bytesOf(row: Row, column: string): Uint8Array {
  const value = row[column];
  if (!(value instanceof Uint8Array)) throw damaged(column);
  // A Buffer of PostgreSQL's driver may be a window of something larger.
  return new Uint8Array(value);
}

export function wordOf<T extends string>(row: Row, column: string, words: readonly T[]): T {
  const value = row[column];
  const word = words.find((one) => one === value);
  if (word === undefined) throw damaged(column);
  return word;
}

export const DOMAIN_TYPES = [
  'Authoritative',
  'InternalRelay',
  'ExternalRelay',
] as const satisfies readonly AcceptedDomainType[];
export const ACCOUNT_KINDS = [
  'user',
  'administrator',
  'guest',
  'anonymous',
  'shared',
  'room',
  'equipment',
] as const satisfies readonly AccountKind[];
export const STARTUP_TYPES = ['Automatic', 'Manual', 'Disabled'] as const satisfies ReadonlyArray<
  ServiceState['startupType']
>;
export const ENGINES = ['sqlite', 'postgres'] as const satisfies ReadonlyArray<DatabaseRecord['engine']>;

export const organizationOf = (row: Row, onRefused: OnRefused): Organization => ({
  ...transportConfigSchema.load(jsonOf(row, 'transport_config'), NO_SERVER, onRefused),
  name: textOf(row, 'name'),
});

export const siteOf = (row: Row): Site => ({ id: siteId(textOf(row, 'id')), name: textOf(row, 'name') });

export function serverOf(row: Row): Server {
  const internalAddress = textOf(row, 'internal_address');
  return {
    id: serverId(textOf(row, 'id')),
    name: textOf(row, 'name'),
    fqdn: textOf(row, 'fqdn'),
    ...(internalAddress === '' ? {} : { internalAddress }),
    site: siteId(textOf(row, 'site')),
    frontEnd: numberOf(row, 'front_end') === 1,
    backEnd: numberOf(row, 'back_end') === 1,
  };
}

export const databaseOf = (row: Row): DatabaseRecord => ({
  id: databaseId(textOf(row, 'id')),
  name: textOf(row, 'name'),
  server: serverId(textOf(row, 'server')),
  engine: wordOf(row, 'engine', ENGINES),
  location: textOf(row, 'location'),
});

export const domainOf = (row: Row): AcceptedDomain => ({
  name: textOf(row, 'name'),
  type: wordOf(row, 'type', DOMAIN_TYPES),
  isDefault: numberOf(row, 'is_default') === 1,
});

/** `addresses` in their order, the primary one first. */
export function accountOf(row: Row, addresses: readonly string[]): Account {
  const mailbox = row['mailbox'];
  const [primaryAddress] = addresses;
  if (mailbox !== null && primaryAddress === undefined) throw damaged('address');
  return {
    id: accountId(textOf(row, 'id')),
    kind: wordOf(row, 'kind', ACCOUNT_KINDS),
    enabled: numberOf(row, 'enabled') === 1,
    displayName: textOf(row, 'display_name'),
    alias: textOf(row, 'alias'),
    userPrincipalName: textOf(row, 'upn'),
    mailbox:
      mailbox === null || primaryAddress === undefined
        ? null
        : {
            id: mailboxId(textOf(row, 'mailbox')),
            database: databaseId(textOf(row, 'database')),
            primaryAddress,
            addresses,
          },
  };
}

export const credentialsOf = (row: Row): Credentials => ({
  argon2id: textOf(row, 'argon2id'),
  scramSha256: {
    iterations: numberOf(row, 'scram_sha256_iterations'),
    salt: bytesOf(row, 'scram_sha256_salt'),
    storedKey: bytesOf(row, 'scram_sha256_stored_key'),
    serverKey: bytesOf(row, 'scram_sha256_server_key'),
  },
});

export function jsonOf(row: Row, column: string): unknown {
  try {
    const parsed: unknown = JSON.parse(textOf(row, column));
    return parsed;
  } catch (cause) {
    throw new Failure('CORRUPTION', `the directory is damaged (column ${column}); restore it from a backup`, {
      cause,
    });
  }
}
