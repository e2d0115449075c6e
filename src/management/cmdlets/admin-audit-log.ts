/** Get-AdminAuditLog: who changed what, when, from which value to which (Exchange: Search-AdminAuditLog). */
import type { AuditQuery } from '../../directory/api.ts';
import type { AuditEntry, RoleGroup } from '../../directory/model.ts';
import { integer, listOf, text } from '../../directory/settings/value-types.ts';
import { Failure } from '../../observe/failure.ts';
import type { Cmdlet, CmdletObject, Parameter, ReadingCmdlet } from '../cmdlet.ts';
import { dateTime } from './date-time.ts';

const MAY_READ: readonly RoleGroup[] = ['Organization Management', 'View-Only Organization Management'];
const DEFAULT_RESULTS = 1000;
const MOST_RESULTS = 10_000;
/** Lists of users, cmdlets and objects are asked for one by one: so many questions at most. */
const MOST_QUESTIONS = 100;
const DAY_MS = 86_400_000;

const startDate: Parameter<number> = { name: 'StartDate', type: dateTime, help: 'Changes from then on.' };
const endDate: Parameter<number> = {
  name: 'EndDate',
  type: dateTime,
  help: 'Changes before then. A date without a time counts as a whole day.',
};
const names = listOf(text({ min: 1, max: 320 }));
const cmdlets: Parameter<readonly string[]> = {
  name: 'Cmdlets',
  type: names,
  help: 'Changes by these cmdlets only.',
};
const userIds: Parameter<readonly string[]> = {
  name: 'UserIds',
  aliases: ['Caller'],
  type: names,
  help: 'Changes by these people only: logon names, or local:NAME for commands on the server itself.',
};
const objectIds: Parameter<readonly string[]> = {
  name: 'ObjectIds',
  type: names,
  help: 'Changes of these objects only, by the names the log shows.',
};
const resultSize: Parameter<number> = {
  name: 'ResultSize',
  type: integer({ min: 1, max: MOST_RESULTS }),
  help: `At most so many, the newest ones (${DEFAULT_RESULTS} when missing).`,
};

const getAdminAuditLog: ReadingCmdlet = {
  name: 'Get-AdminAuditLog',
  aliases: ['Search-AdminAuditLog'],
  changes: false,
  synopsis: 'Shows who changed what, when, and what it was before; newest first.',
  description:
    'Every change through the shell, commands, the admin API and the web pages is here, written in the same transaction as the change itself. Secrets show as *****. Entries are kept 90 days.',
  parameters: [startDate, endDate, cmdlets, userIds, objectIds, resultSize],
  examples: [
    { line: 'Get-AdminAuditLog', says: 'The latest changes.' },
    {
      line: 'Get-AdminAuditLog -Cmdlets Set-PopSettings,Set-ImapSettings -ResultSize 10',
      says: 'The last ten of two cmdlets.',
    },
    {
      line: 'Search-AdminAuditLog -StartDate 2026-11-01 -EndDate 2026-11-30 | Format-List',
      says: 'A month, with all values.',
    },
  ],
  roles: MAY_READ,
  columns: ['RunDate', 'Caller', 'CmdletName', 'Action', 'ObjectModified', 'ModifiedProperties'],
  async *run({ args, services, signal }) {
    const limit = args.optional(resultSize) ?? DEFAULT_RESULTS;
    const from = args.optional(startDate);
    const until = args.optional(endDate);
    const wholeDay = until !== undefined && new Date(until).getHours() + new Date(until).getMinutes() === 0;
    const range = {
      limit,
      ...(from === undefined ? {} : { from }),
      ...(until === undefined ? {} : { until: until + (wholeDay ? DAY_MS : 0) }),
    };
    const found = new Map<number, AuditEntry>();
    for (const query of queries(range, args.optional(userIds), args.optional(cmdlets), args.optional(objectIds))) {
      signal.throwIfAborted();
      for (const entry of await services.directory.auditLog(query)) found.set(entry.id, entry);
    }
    const newest = [...found.values()].toSorted((a, b) => b.id - a.id).slice(0, limit);
    for (const entry of newest) yield shown(entry);
  },
};

/** Every combination; a list that was not given stands for all. @throws Failure CANNOT */
function queries(
  range: AuditQuery,
  users: readonly string[] | undefined,
  commands: readonly string[] | undefined,
  objects: readonly string[] | undefined,
): readonly AuditQuery[] {
  let all: readonly AuditQuery[] = [range];
  const widen = (key: 'user' | 'command' | 'object', values: readonly string[] | undefined): void => {
    if (values !== undefined) all = all.flatMap((one) => values.map((value) => ({ ...one, [key]: value })));
  };
  widen('user', users);
  widen('command', commands);
  widen('object', objects);
  if (all.length > MOST_QUESTIONS)
    throw new Failure('CANNOT', `that is ${all.length} combinations; ${MOST_QUESTIONS} at most. Name fewer`);
  return all;
}

function shown(entry: AuditEntry): CmdletObject {
  const values = (side: AuditEntry['before']): readonly string[] =>
    Object.entries(side ?? {}).map(([name, value]) => `${name}: ${value}`);
  const modified = new Set([...Object.keys(entry.before ?? {}), ...Object.keys(entry.after ?? {})]);
  return {
    RunDate: new Date(entry.at).toISOString(),
    Caller: entry.actor.user,
    CmdletName: entry.actor.command,
    Via: entry.actor.via,
    Action: entry.action,
    ObjectType: entry.objectKind,
    ObjectModified: entry.object,
    ModifiedProperties: [...modified],
    OldValues: values(entry.before),
    NewValues: values(entry.after),
  };
}

export const adminAuditLogCmdlets: readonly Cmdlet[] = [getAdminAuditLog];
