/** New-, Get- and Set-MailboxDatabase: where mailboxes lie, and the quotas and retention they share (exchange-behaviour.md §9.2, §11). */
import { isAbsolute, normalize } from 'node:path';
import { withoutPassword } from '../../directory/audit.ts';
import type { DatabaseRecord, DatabaseSettings, RoleGroup, Server } from '../../directory/model.ts';
import { nameKey } from '../../directory/names.ts';
import { databaseSchema } from '../../directory/settings/database.ts';
import { checkQuotas } from '../../directory/settings/rules.ts';
import { NO_SERVER } from '../../directory/settings/schema.ts';
import { boolean, text, type ValueType } from '../../directory/settings/value-types.ts';
import { Failure } from '../../observe/failure.ts';
import type {
  ChangingCmdlet,
  Cmdlet,
  CmdletCall,
  CmdletObject,
  ManagementServices,
  Parameter,
  ReadingCmdlet,
} from '../cmdlet.ts';
import { everyAccount } from '../mailboxes.ts';
import { checkPlace, isOverNetwork } from '../server-places.ts';
import {
  completeDatabase,
  databaseNamed,
  domainControllerParameter,
  identityParameter,
  identityType,
  serverNamed,
  serverOf,
  serverParameter,
} from './identity.ts';
import { applying } from './results.ts';
import {
  changesOf,
  changeText,
  patchFrom,
  planText,
  settingCells,
  settingParameters,
  warnOfEffects,
} from './settings-parameters.ts';

const MAY_CHANGE: readonly RoleGroup[] = ['Organization Management', 'Server Management'];
const MAY_READ: readonly RoleGroup[] = [...MAY_CHANGE, 'Recipient Management', 'View-Only Organization Management'];

const shown = async (
  { directory }: ManagementServices,
  record: DatabaseRecord,
  server: Server | undefined,
): Promise<CmdletObject> => ({
  Identity: record.name,
  Name: record.name,
  Server: server?.name ?? '',
  EdbFilePath: withoutPassword(record.location),
  Engine: record.engine,
  ...settingCells(databaseSchema, await directory.databaseSettings(record.id)),
  Guid: record.id,
});

const anyIdentity = identityParameter({ help: 'One database. Without it: all.', complete: completeDatabase });
const onServer: Parameter<string> = {
  name: 'Server',
  type: identityType,
  help: 'Only databases of this server.',
  complete: async ({ directory }) => (await directory.servers()).map((server) => server.name),
};
const status: Parameter<boolean> = {
  name: 'Status',
  type: boolean,
  isSwitch: true,
  help: 'Adds how many mailboxes are in it, and how many disconnected ones.',
};

/** Mailboxes of each database, by id; accounts are gone through once. */
async function mailboxCounts({ directory }: ManagementServices): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for await (const { mailbox } of everyAccount(directory))
    if (mailbox !== null) counts.set(mailbox.database, (counts.get(mailbox.database) ?? 0) + 1);
  return counts;
}

const getMailboxDatabase: ReadingCmdlet = {
  name: 'Get-MailboxDatabase',
  changes: false,
  synopsis: 'Shows mailbox databases: where they lie, quotas, retention.',
  parameters: [anyIdentity, onServer, status, domainControllerParameter],
  examples: [
    { line: 'Get-MailboxDatabase', says: 'All of them.' },
    {
      line: 'Get-MailboxDatabase -Status | Format-List',
      says: 'With their settings and how many mailboxes they hold.',
    },
  ],
  roles: MAY_READ,
  columns: ['Name', 'Server', 'EdbFilePath', 'ProhibitSendReceiveQuota', 'DeletedItemRetention', 'MailboxRetention'],
  async *run({ args, services }) {
    const { directory } = services;
    const typed = args.optional(anyIdentity);
    const typedServer = args.optional(onServer);
    const server = typedServer === undefined ? null : await serverNamed(directory, typedServer);
    const servers = await directory.servers();
    const counts = args.optional(status) === true ? await mailboxCounts(services) : null;
    const left = counts === null ? [] : await directory.disconnectedMailboxes();
    const wanted = typed === undefined ? await directory.databases() : [await databaseNamed(directory, typed)];
    for (const record of wanted) {
      if (server !== null && record.server !== server.id) continue;
      const object = await shown(
        services,
        record,
        servers.find((one) => one.id === record.server),
      );
      yield counts === null
        ? object
        : {
            ...object,
            Mailboxes: counts.get(record.id) ?? 0,
            DisconnectedMailboxes: left.filter((one) => one.database === record.id).length,
          };
    }
  },
};

const name: Parameter<string> = {
  name: 'Name',
  type: text({ min: 1, max: 64, pattern: /^[^\\/]*$/, accepts: '1–64 characters without / and \\' }),
  required: true,
  position: 1,
  help: 'The name of the database; unique in the organization.',
};
const LOCATION_LENGTH = 1024;
const location: Parameter<string> = {
  name: 'EdbFilePath',
  aliases: ['Location'],
  type: text({ min: 1, max: LOCATION_LENGTH }),
  help: 'The folder it lies in, below the data directory unless absolute. Without it: databases/ and its name. Exchange names a file here.',
};
/** It holds a password, mostly. */
const connectionUrl: ValueType<string> = (() => {
  const read = (value: unknown): string | undefined =>
    typeof value === 'string' && value.length <= LOCATION_LENGTH && /^postgres(?:ql)?:\/\/./.test(value)
      ? value
      : undefined;
  return {
    kind: 'SecureString',
    accepts: 'a URL such as postgres://penfold@host/mailboxes; typed without a value it is asked for',
    choices: null,
    read,
    store: (value: string) => value,
    parse: read,
    format: () => '*****',
  };
})();
const postgresUrl: Parameter<string> = {
  name: 'PostgresUrl',
  type: connectionUrl,
  secret: true,
  help: 'The database lies in this database of a PostgreSQL server, and every back end of the site of its server can serve it. In the shell leave the value out: it is asked for and stands in no history. Not in Exchange.',
};
const SETTINGS = settingParameters(databaseSchema);

interface Place {
  readonly engine: DatabaseRecord['engine'];
  readonly location: string;
}

/** @throws Failure CANNOT, ALREADYEXISTS, NOPERM */
function placeOf(
  { args, caller }: CmdletCall,
  typed: string,
  server: Server,
  databases: readonly DatabaseRecord[],
): Place {
  const url = args.optional(postgresUrl);
  if (url === undefined) {
    const place = checkedLocation(args.optional(location) ?? locationFor(typed), server, databases);
    checkPlace(caller, 'EdbFilePath', place);
    return { engine: 'sqlite', location: place };
  }
  if (args.has(location))
    throw new Failure('CANNOT', 'one of -EdbFilePath and -PostgresUrl says where it lies, not both');
  // Servers would connect to wherever he says.
  if (isOverNetwork(caller))
    throw new Failure('NOPERM', '-PostgresUrl is set on a server itself, not over the network');
  const other = databases.find((one) => one.location === url);
  if (other !== undefined) throw new Failure('ALREADYEXISTS', `${other.name} lies in that database already`);
  return { engine: 'postgres', location: url };
}

/** `databases/sales-2`, as setup names the first one. */
const locationFor = (typed: string): string => `databases/${nameKey(typed).replaceAll(/[^a-z0-9]+/g, '-')}`;

/** @throws Failure CANNOT, ALREADYEXISTS: two databases in one folder would be one */
function checkedLocation(typed: string, server: Server, databases: readonly DatabaseRecord[]): string {
  const place = normalize(typed).replace(/\/+$/, '');
  if (place === '' || place === '.' || (!isAbsolute(place) && place.split('/').includes('..')))
    throw new Failure('CANNOT', `-EdbFilePath must name a folder below the data directory, or an absolute one`);
  const within = (a: string, b: string): boolean => a === b || a.startsWith(`${b}/`);
  const other = databases.find(
    (one) => one.server === server.id && (within(place, one.location) || within(one.location, place)),
  );
  if (other !== undefined)
    throw new Failure('ALREADYEXISTS', `${place} is where ${other.name} lies (${other.location})`);
  return place;
}

const newMailboxDatabase: ChangingCmdlet = {
  name: 'New-MailboxDatabase',
  changes: true,
  synopsis: 'Makes a mailbox database.',
  description:
    'The running server opens it within a second. New mailboxes go there with New-Mailbox -Database. A database cannot be removed or renamed yet.',
  parameters: [
    name,
    serverParameter,
    location,
    postgresUrl,
    ...SETTINGS.map((one) => one.parameter),
    domainControllerParameter,
  ],
  examples: [
    {
      line: 'New-MailboxDatabase "Archive 2026" -ProhibitSendReceiveQuota 50GB -ProhibitSendQuota 49GB -IssueWarningQuota 48GB -WhatIf',
      says: 'Shows where it would lie, with larger quotas.',
    },
    {
      line: 'New-MailboxDatabase "Paris" -PostgresUrl postgres://penfold@db.example.org/paris -WhatIf',
      says: 'Shows what a database on PostgreSQL would be, served by all back ends of the site.',
    },
  ],
  roles: MAY_CHANGE,
  columns: ['Name', 'Server', 'EdbFilePath'],
  async plan(call) {
    const { args, services } = call;
    const { directory } = services;
    const typed = args.get(name).trim();
    const server = await serverOf(services, args);
    if (!server.backEnd) throw new Failure('CANNOT', `server ${server.name} has no back end to hold mailboxes`);
    const databases = await directory.databases();
    const twin = databases.find((one) => nameKey(one.name) === nameKey(typed));
    if (twin !== undefined) throw new Failure('ALREADYEXISTS', `the mailbox database ${twin.name} exists already`);
    const place = placeOf(call, typed, server, databases);
    const defaults = databaseSchema.defaults(NO_SERVER);
    const patch = databaseSchema.check(patchFrom<DatabaseSettings>(args, SETTINGS, defaults));
    checkQuotas(databaseSchema.merge(defaults, patch));
    const changes = changesOf(databaseSchema, defaults, patch);
    const others = changes.length === 0 ? '' : `. Other than the defaults: ${changeText(changes)}`;
    return {
      what: `New MailboxDatabase "${typed}" on ${server.name} in ${place.engine === 'sqlite' ? place.location : 'PostgreSQL'}${others}`,
      dangerous: false,
      apply: () =>
        applying(async () => {
          const made = await directory.addDatabase({
            name: typed,
            server: server.id,
            ...place,
          });
          if (changes.length > 0) await directory.setDatabaseSettings(made.id, patch);
          return [await shown(services, made, server)];
        }),
    };
  },
};

const identity = identityParameter({ required: true, help: 'The database.', complete: completeDatabase });

const setMailboxDatabase: ChangingCmdlet = {
  name: 'Set-MailboxDatabase',
  changes: true,
  synopsis: 'Changes quotas and retention of the mailboxes in a database.',
  description: 'Mailboxes with UseDatabaseQuotaDefaults false have quotas of their own: Set-Mailbox.',
  parameters: [identity, ...SETTINGS.map((one) => one.parameter), domainControllerParameter],
  examples: [
    {
      line: 'Get-MailboxDatabase | Set-MailboxDatabase -DeletedItemRetention 30.00:00:00',
      says: 'Deleted messages can be recovered for 30 days.',
    },
    {
      line: 'Get-MailboxDatabase | Set-MailboxDatabase -MailboxRetention 60.00:00:00 -WhatIf',
      says: 'Shows what it would mean to keep the mail of removed mailboxes for 60 days.',
    },
  ],
  roles: MAY_CHANGE,
  columns: [],
  async plan(call) {
    const { directory } = call.services;
    const record = await databaseNamed(directory, call.args.get(identity));
    const before = await directory.databaseSettings(record.id);
    const patch = databaseSchema.check(patchFrom(call.args, SETTINGS, before));
    checkQuotas(databaseSchema.merge(before, patch));
    const changes = changesOf(databaseSchema, before, patch);
    const head = `Set MailboxDatabase ${record.name}`;
    const shorter = [
      ...((patch.deletedItemRetention ?? Infinity) < before.deletedItemRetention ? ['deleted messages'] : []),
      ...((patch.mailboxRetention ?? Infinity) < before.mailboxRetention ? ['mail of removed mailboxes'] : []),
    ];
    const loss = shorter.length === 0 ? '' : ` What of ${shorter.join(' and ')} is older goes for good within a day.`;
    return {
      what: `${planText(head, changes)}${loss}`,
      dangerous: loss !== '',
      apply: () =>
        applying(async () => {
          if (changes.length > 0) await directory.setDatabaseSettings(record.id, patch);
          warnOfEffects(call, head, changes, 0);
        }),
    };
  },
};

export const mailboxDatabaseCmdlets: readonly Cmdlet[] = [getMailboxDatabase, newMailboxDatabase, setMailboxDatabase];
