/** Who may do what: rights on mailboxes and memberships of role groups. Kept in bounded maps once read. */
import { Failure } from '../../../observe/failure.ts';
import type { DirectoryChange } from '../../api.ts';
import { type AuditValues, permissionValues } from '../../audit.ts';
import {
  type AccountId,
  accountId,
  type Actor,
  type MailboxPermission,
  type MailboxRight,
  type RoleGroup,
} from '../../model.ts';
import { ADMINISTRATORS_GROUP, logsOn, MAILBOX_RIGHTS, ROLE_GROUPS } from '../../roles.ts';
import { type Accounts, ACCOUNTS_CACHED } from './accounts.ts';
import type { DirectoryFile, Transaction } from './file.ts';
import { LruMap } from './lru.ts';
import { jsonOf, type Row, textOf, wordOf } from './rows.ts';

export interface PermissionFilter {
  readonly mailbox?: AccountId;
  readonly user?: AccountId;
}

export class Rights {
  readonly #file: DirectoryFile;
  readonly #accounts: Accounts;
  readonly #permissions = new LruMap<string, readonly MailboxPermission[]>(ACCOUNTS_CACHED);
  readonly #roles = new LruMap<AccountId, readonly RoleGroup[]>(ACCOUNTS_CACHED);

  constructor(file: DirectoryFile, accounts: Accounts) {
    this.#file = file;
    this.#accounts = accounts;
  }

  forget(change: DirectoryChange): void {
    if (change.kind === 'permission') this.#permissions.clear();
    if (change.kind === 'role' || change.kind === 'account') this.#roles.clear();
  }

  permissions(filter: PermissionFilter): readonly MailboxPermission[] {
    const key = `${filter.mailbox ?? ''} ${filter.user ?? ''}`;
    const known = this.#permissions.get(key);
    if (known !== undefined) return known;
    const permissions = this.#permissionRows(filter).map(permissionOf);
    this.#permissions.set(key, permissions);
    return permissions;
  }

  setPermission(actor: Actor, given: MailboxPermission): void {
    const unknown = given.rights.find((right) => !MAILBOX_RIGHTS.includes(right));
    if (unknown !== undefined)
      throw new Failure('CANNOT', `AccessRights must be of ${MAILBOX_RIGHTS.join(', ')}, not ${unknown}`);
    const rights = MAILBOX_RIGHTS.filter((right) => given.rights.includes(right));
    this.#file.write(actor, (transaction) => {
      const owner = this.#accounts.existing(given.mailbox);
      const user = this.#accounts.existing(given.user);
      if (owner.mailbox === null) throw new Failure('CANNOT', `${owner.alias} has no mailbox to have rights on`);
      if (owner.id === user.id)
        throw new Failure('CANNOT', `${owner.alias} has every right on the own mailbox already`);
      if (!logsOn(user.kind) && rights.length > 0)
        throw new Failure('CANNOT', `${user.alias} never logs on (${user.kind}) and cannot hold rights`);
      const now = this.permissions({ mailbox: owner.id, user: user.id })[0]?.rights ?? [];
      if (rights.length === 0)
        this.#file.run('DELETE FROM permission WHERE mailbox = ? AND user = ?', owner.id, user.id);
      else
        this.#file.run(
          'INSERT INTO permission (mailbox, user, rights) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET rights = ?3',
          owner.id,
          user.id,
          JSON.stringify(rights),
        );
      transaction.note('permission', owner.id);
      transaction.audit(
        'MailboxPermission',
        `${owner.alias}\\${user.alias}`,
        permissionValues(user.alias, now),
        permissionValues(user.alias, rights),
      );
    });
  }

  roleGroups(id: AccountId): readonly RoleGroup[] {
    const known = this.#roles.get(id);
    if (known !== undefined) return known;
    const account = this.#accounts.existing(id);
    const rows = this.#file.all('SELECT role_group FROM role_member WHERE account = ?', id);
    const stored = new Set(rows.map((row) => wordOf(row, 'role_group', ROLE_GROUPS)));
    const groups = ROLE_GROUPS.filter(
      (group) => stored.has(group) || (group === ADMINISTRATORS_GROUP && account.kind === 'administrator'),
    );
    this.#roles.set(id, groups);
    return groups;
  }

  /** In the order of aliases. */
  roleMembers(group: RoleGroup): readonly AccountId[] {
    checkGroup(group);
    return this.#file
      .all(
        `SELECT id FROM account
         WHERE id IN (SELECT account FROM role_member WHERE role_group = ?1)
            OR (?1 = '${ADMINISTRATORS_GROUP}' AND kind = 'administrator')
         ORDER BY alias`,
        group,
      )
      .map((row) => accountId(textOf(row, 'id')));
  }

  setRoleGroups(actor: Actor, id: AccountId, given: readonly RoleGroup[]): void {
    for (const group of given) checkGroup(group);
    const groups = ROLE_GROUPS.filter((group) => given.includes(group));
    this.#file.write(actor, (transaction) => {
      const account = this.#accounts.existing(id);
      if (!logsOn(account.kind) && groups.length > 0)
        throw new Failure('CANNOT', `${account.alias} never logs on (${account.kind}) and cannot be in a role group`);
      if (account.kind === 'administrator' && !groups.includes(ADMINISTRATORS_GROUP))
        throw new Failure('CANNOT', `the built-in Administrator stays in ${ADMINISTRATORS_GROUP} for good`);
      const now = this.roleGroups(id);
      this.#file.run('DELETE FROM role_member WHERE account = ?', id);
      for (const group of groups)
        this.#file.run('INSERT INTO role_member (role_group, account) VALUES (?, ?)', group, id);
      transaction.note('role', id);
      transaction.audit(
        'RoleGroupMember',
        account.alias,
        { RoleGroups: now.join(', ') },
        { RoleGroups: groups.join(', ') },
      );
    });
  }

  /** Of an account that goes: its roles, what it held and what others held on it. */
  removeAllOf(transaction: Transaction, id: AccountId): AuditValues {
    const groups = this.#file.all('SELECT role_group FROM role_member WHERE account = ?', id);
    if (groups.length > 0) {
      this.#file.run('DELETE FROM role_member WHERE account = ?', id);
      transaction.note('role', id);
    }
    return {
      ...(groups.length > 0 ? { RoleGroups: groups.map((row) => textOf(row, 'role_group')).join(', ') } : {}),
      ...this.#removePermissions(transaction, [
        ...this.#permissionRows({ mailbox: id }),
        ...this.#permissionRows({ user: id }),
      ]),
    };
  }

  /** Of a mailbox that goes while its account stays. */
  removeAllOn(transaction: Transaction, mailbox: AccountId): AuditValues {
    return this.#removePermissions(transaction, this.#permissionRows({ mailbox }));
  }

  #removePermissions(transaction: Transaction, rows: readonly Row[]): AuditValues {
    if (rows.length === 0) return {};
    const alias = (one: AccountId): string => this.#accounts.existing(one).alias;
    const permissions = rows.map(permissionOf);
    for (const { mailbox, user } of permissions)
      this.#file.run('DELETE FROM permission WHERE mailbox = ? AND user = ?', mailbox, user);
    for (const mailbox of new Set(permissions.map((one) => one.mailbox))) transaction.note('permission', mailbox);
    const texts = permissions.map(
      ({ mailbox, user, rights }) => `${alias(user)} on ${alias(mailbox)}: ${rights.join(', ')}`,
    );
    return { MailboxPermissions: texts.join('; ') };
  }

  #permissionRows({ mailbox, user }: PermissionFilter): readonly Row[] {
    if (mailbox !== undefined && user !== undefined)
      return this.#file.all('SELECT * FROM permission WHERE mailbox = ? AND user = ?', mailbox, user);
    if (mailbox !== undefined) return this.#file.all('SELECT * FROM permission WHERE mailbox = ?', mailbox);
    if (user !== undefined) return this.#file.all('SELECT * FROM permission WHERE user = ?', user);
    return this.#file.all('SELECT * FROM permission');
  }
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
