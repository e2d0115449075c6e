/**
 * A directory in memory with one server as setup leaves it, a mailbox, and the door on it: for tests of cmdlets that
 * need no mail. `running` may be given; null: no server runs.
 */
import assert from 'node:assert/strict';
import type { Directory } from '../../src/directory/api.ts';
import { defaultConnectors } from '../../src/directory/connectors.ts';
import { openSqliteDirectory } from '../../src/directory/engine/sqlite/directory.ts';
import type { Account, RoleGroup, Server } from '../../src/directory/model.ts';
import type { RawArguments } from '../../src/management/binding.ts';
import type { Caller, Cell, Cmdlet, CmdletObject, ManagementServices } from '../../src/management/cmdlet.ts';
import { CMDLETS } from '../../src/management/cmdlets/table.ts';
import { createDoor, type ManagementDoor, type RunOptions } from '../../src/management/door.ts';
import type { MailStore, RunningServices } from '../../src/management/services-of-instance.ts';
import { Failure } from '../../src/observe/failure.ts';
import { silentLog } from '../../src/observe/log.ts';

export interface InMemoryOrganization {
  readonly directory: Directory;
  readonly server: Server;
  readonly mailbox: Account;
  readonly door: ManagementDoor;
  /** What the last call warned of. */
  readonly warnings: readonly string[];
  /** Runs to the end, `-Confirm:$false` unless said otherwise. */
  run(
    name: string,
    args?: RawArguments,
    options?: RunOptions & { roles?: readonly RoleGroup[]; via?: Caller['via'] },
  ): Promise<CmdletObject[]>;
  close(): Promise<void>;
}

export const ADMIN: Caller = { user: 'administrator@example.test', roles: ['Organization Management'], via: 'command' };

const noMail = (): never => {
  throw new Failure('UNAVAILABLE', 'these tests have no mail');
};

export async function inMemoryOrganization(
  options: {
    readonly running?: RunningServices | null;
    readonly cmdlets?: readonly Cmdlet[];
    readonly mail?: MailStore;
    readonly transferFolder?: string;
  } = {},
): Promise<InMemoryOrganization> {
  const directory = await openSqliteDirectory({ file: ':memory:' });
  const site = await directory.addSite('Dublin');
  const server = await directory.addServer({
    name: 'MAIL1',
    fqdn: 'mail1.example.test',
    site: site.id,
    frontEnd: true,
    backEnd: true,
  });
  const database = await directory.addDatabase({ name: 'DB1', server: server.id, engine: 'sqlite', location: 'db1' });
  await directory.addDomain({ name: 'example.test', type: 'Authoritative', isDefault: true });
  for (const connector of defaultConnectors(server)) await directory.addConnector(connector);
  const mailbox = await directory.addAccount({
    kind: 'user',
    displayName: 'Ann Other',
    alias: 'ann',
    userPrincipalName: 'ann@example.test',
    mailbox: { database: database.id, addresses: ['ann@example.test', 'a.other@example.test'] },
    credentials: null,
  });
  const services: ManagementServices = {
    directory,
    server,
    mail: options.mail ?? { databaseOf: noMail, purgeMailbox: noMail },
    ...(options.transferFolder === undefined ? {} : { transferFolder: options.transferFolder }),
    running: options.running ?? null,
    log: silentLog,
  };
  const door = createDoor(options.cmdlets ?? CMDLETS, services);
  const warnings: string[] = [];
  return {
    directory,
    server,
    mailbox,
    door,
    warnings,
    run: async (name, args = {}, given = {}) => {
      warnings.length = 0;
      const { roles = ADMIN.roles, via = ADMIN.via, ...rest } = given;
      const objects: CmdletObject[] = [];
      const how = { confirm: false, onWarning: (text: string) => warnings.push(text), ...rest };
      for await (const object of door.run({ ...ADMIN, roles, via }, name, args, how)) objects.push(object);
      return objects;
    },
    close: () => directory.close(),
  };
}

/** The one object a call must give. */
export function only(objects: readonly CmdletObject[]): CmdletObject {
  assert.equal(objects.length, 1);
  return objects[0] ?? assert.fail();
}

/** A property as a person reads it. */
export function shownText(cell: Cell | undefined): string {
  if (cell === undefined) return assert.fail('there is no such property');
  if (cell === null) return '';
  if (typeof cell === 'boolean') return cell ? 'True' : 'False';
  if (typeof cell !== 'object') return String(cell);
  return 'text' in cell ? cell.text : cell.map(shownText).join(', ');
}

export const failure =
  (code: Failure['code'], text: RegExp) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof Failure, String(error));
    assert.match(error.message, text);
    assert.equal(error.code, code);
    return true;
  };
