/** Who may do what: rights on mailboxes and memberships of role groups. */
import { Failure } from '../../../observe/failure.ts';
import { type AuditValues, permissionValues } from '../../audit.ts';
import { type AccountId, accountId, type MailboxPermission, type MailboxRight, type RoleGroup } from '../../model.ts';
import { ADMINISTRATORS_GROUP, logsOn, MAILBOX_RIGHTS, ROLE_GROUPS } from '../../roles.ts';
import { existingAccount } from './accounts.ts';
import { jsonOf, textOf, wordOf } from './rows.ts';
import type { Reader, Row, Transaction } from './seam.ts';

export interface PermissionFilter {
  readonly mailbox?: AccountId;
  readonly user?: AccountId;
}

export async function readPermissions(reader: Reader, filter: PermissionFilter): Promise<readonly MailboxPermission[]> {
  return (await permissionRows(reader, filter)).map(permissionOf);
}

export async function setPermission(transaction: Transaction, given: MailboxPermission): Promise<void> {
  const unknown = given.rights.find((right) => !MAILBOX_RIGHTS.includes(right));
  if (unknown !== undefined)
    throw new Failure('CANNOT', `AccessRights must be of ${MAILBOX_RIGHTS.join(', ')}, not ${unknown}`);
  const rights = MAILBOX_RIGHTS.filter((right) => given.rights.includes(right));
  const owner = await existingAccount(transaction, given.mailbox);
  const user = await existingAccount(transaction, given.user);
  if (owner.mailbox === null) throw new Failure('CANNOT', `${owner.alias} has no mailbox to have rights on`);
  if (owner.id === user.id) throw new Failure('CANNOT', `${owner.alias} has every right on the own mailbox already`);
  if (!logsOn(user.kind) && rights.length > 0)
    throw new Failure('CANNOT', `${user.alias} never logs on (${user.kind}) and cannot hold rights`);
  const [now] = await readPermissions(transaction, { mailbox: owner.id, user: user.id });
  if (rights.length === 0)
    await transaction.run('DELETE FROM permission WHERE mailbox = ? AND "user" = ?', owner.id, user.id);
  else
    await transaction.run(
      `INSERT INTO permission (mailbox, "user", rights) VALUES (?, ?, ?)
       ON CONFLICT (mailbox, "user") DO UPDATE SET rights = excluded.rights`,
      owner.id,
      user.id,
      JSON.stringify(rights),
    );
  transaction.note('permission', owner.id);
  transaction.audit(
    'MailboxPermission',
    `${owner.alias}\\${user.alias}`,
    permissionValues(user.alias, now?.rights ?? []),
    permissionValues(user.alias, rights),
  );
}

/** @throws Failure NONEXISTENT */
export async function readRoleGroups(reader: Reader, id: AccountId): Promise<readonly RoleGroup[]> {
  const account = await existingAccount(reader, id);
  const rows = await reader.all('SELECT role_group FROM role_member WHERE account = ?', id);
  const stored = new Set(rows.map((row) => wordOf(row, 'role_group', ROLE_GROUPS)));
  return ROLE_GROUPS.filter(
    (group) => stored.has(group) || (group === ADMINISTRATORS_GROUP && account.kind === 'administrator'),
  );
}

/** In the order of aliases. */
export async function readRoleMembers(reader: Reader, group: RoleGroup): Promise<readonly AccountId[]> {
  checkGroup(group);
  const rows = await reader.all(
    `SELECT id FROM account
     WHERE id IN (SELECT account FROM role_member WHERE role_group = ?) OR kind = ?
     ORDER BY alias`,
    group,
    group === ADMINISTRATORS_GROUP ? 'administrator' : '',
  );
  return rows.map((row) => accountId(textOf(row, 'id')));
}

export async function setRoleGroups(
  transaction: Transaction,
  id: AccountId,
  given: readonly RoleGroup[],
): Promise<void> {
  for (const group of given) checkGroup(group);
  const groups = ROLE_GROUPS.filter((group) => given.includes(group));
  const account = await existingAccount(transaction, id);
  if (!logsOn(account.kind) && groups.length > 0)
    throw new Failure('CANNOT', `${account.alias} never logs on (${account.kind}) and cannot be in a role group`);
  if (account.kind === 'administrator' && !groups.includes(ADMINISTRATORS_GROUP))
    throw new Failure('CANNOT', `the built-in Administrator stays in ${ADMINISTRATORS_GROUP} for good`);
  const now = await readRoleGroups(transaction, id);
  await transaction.run('DELETE FROM role_member WHERE account = ?', id);
  for (const group of groups)
    await transaction.run('INSERT INTO role_member (role_group, account) VALUES (?, ?)', group, id);
  transaction.note('role', id);
  transaction.audit(
    'RoleGroupMember',
    account.alias,
    { RoleGroups: now.join(', ') },
    { RoleGroups: groups.join(', ') },
  );
}

/** Of an account that goes: its roles, what it held and what others held on it. */
export async function removeAllOf(transaction: Transaction, id: AccountId): Promise<AuditValues> {
  const groups = await transaction.all('SELECT role_group FROM role_member WHERE account = ? ORDER BY role_group', id);
  if (groups.length > 0) {
    await transaction.run('DELETE FROM role_member WHERE account = ?', id);
    transaction.note('role', id);
  }
  const permissions = await removePermissions(transaction, [
    ...(await permissionRows(transaction, { mailbox: id })),
    ...(await permissionRows(transaction, { user: id })),
  ]);
  if (groups.length === 0) return permissions;
  return { RoleGroups: groups.map((row) => textOf(row, 'role_group')).join(', '), ...permissions };
}

/** Of a mailbox that goes while its account stays. */
export async function removeAllOn(transaction: Transaction, mailbox: AccountId): Promise<AuditValues> {
  return removePermissions(transaction, await permissionRows(transaction, { mailbox }));
}

async function removePermissions(transaction: Transaction, rows: readonly Row[]): Promise<AuditValues> {
  const texts: string[] = [];
  for (const { mailbox, user, rights } of rows.map(permissionOf)) {
    const owner = await existingAccount(transaction, mailbox);
    const holder = await existingAccount(transaction, user);
    await transaction.run('DELETE FROM permission WHERE mailbox = ? AND "user" = ?', mailbox, user);
    texts.push(`${holder.alias} on ${owner.alias}: ${rights.join(', ')}`);
  }
  for (const mailbox of new Set(rows.map((row) => textOf(row, 'mailbox')))) transaction.note('permission', mailbox);
  return texts.length === 0 ? {} : { MailboxPermissions: texts.join('; ') };
}

async function permissionRows(reader: Reader, { mailbox, user }: PermissionFilter): Promise<readonly Row[]> {
  const order = 'ORDER BY mailbox, "user"';
  if (mailbox !== undefined && user !== undefined)
    return reader.all('SELECT * FROM permission WHERE mailbox = ? AND "user" = ?', mailbox, user);
  if (mailbox !== undefined) return reader.all(`SELECT * FROM permission WHERE mailbox = ? ${order}`, mailbox);
  if (user !== undefined) return reader.all(`SELECT * FROM permission WHERE "user" = ? ${order}`, user);
  return reader.all(`SELECT * FROM permission ${order}`);
}

function permissionOf(row: Row): MailboxPermission {
  const stored = jsonOf(row, 'rights');
  const rights: readonly MailboxRight[] = Array.isArray(stored)
    ? MAILBOX_RIGHTS.filter((right) => stored.includes(right))
    : [];
  return { mailbox: accountId(textOf(row, 'mailbox')), user: accountId(textOf(row, 'user')), rights };
}

function checkGroup(group: RoleGroup): void {
  if (!ROLE_GROUPS.includes(group))
    throw new Failure('CANNOT', `the role groups are ${ROLE_GROUPS.join(', ')}, not ${group}`);
}
