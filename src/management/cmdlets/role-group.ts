/** Get-RoleGroup, Get-/Add-/Remove-RoleGroupMember: who may run which cmdlets (exchange-behaviour.md §1.1). */
import type { Account, RoleGroup } from '../../directory/model.ts';
import { enumeration } from '../../directory/settings/value-types.ts';
import { Failure } from '../../observe/failure.ts';
import type { CmdletCall, ChangingCmdlet, Cmdlet, Parameter, ReadingCmdlet } from '../cmdlet.ts';
import { ROLE_GROUPS } from '../roles.ts';
import { accountNamed, completeMailbox, identityType } from './identity.ts';
import { applying } from './results.ts';

/** Whoever says who may do what could make himself anything: only those who may do everything already. */
const MAY_CHANGE: readonly RoleGroup[] = ['Organization Management'];
const MAY_READ: readonly RoleGroup[] = [...MAY_CHANGE, 'View-Only Organization Management'];

const groupType = enumeration(ROLE_GROUPS.map((group) => group.name));

const anyGroup: Parameter<RoleGroup> = {
  name: 'Identity',
  type: groupType,
  position: 1,
  fromPipeline: true,
  help: 'One role group. Without it: all.',
};
const group: Parameter<RoleGroup> = { ...anyGroup, required: true, help: 'The role group.' };
const member: Parameter<string> = {
  name: 'Member',
  type: identityType,
  position: 2,
  required: true,
  help: 'The account: alias, address or logon name.',
  complete: completeMailbox,
};

async function membersOf({ services: { directory } }: CmdletCall, name: RoleGroup): Promise<readonly Account[]> {
  const members: Account[] = [];
  for (const id of await directory.roleMembers(name)) {
    const account = await directory.account(id);
    if (account !== null) members.push(account);
  }
  return members;
}

const getRoleGroup: ReadingCmdlet = {
  name: 'Get-RoleGroup',
  changes: false,
  synopsis: 'Shows the role groups: what their members may do, and who they are.',
  description:
    'Each cmdlet says in its help which role groups may run it. A person in several groups may run what any of them may. The built-in Administrator is in Organization Management for good.',
  parameters: [anyGroup],
  examples: [{ line: 'Get-RoleGroup', says: 'All four.' }],
  roles: MAY_READ,
  columns: ['Name', 'Members', 'Description'],
  async *run(call) {
    const wanted = call.args.optional(anyGroup);
    for (const { name, description } of ROLE_GROUPS) {
      if (wanted !== undefined && name !== wanted) continue;
      const members = await membersOf(call, name);
      yield {
        Identity: name,
        Name: name,
        Members: members.map((one) => one.userPrincipalName),
        Description: description,
      };
    }
  },
};

const getRoleGroupMember: ReadingCmdlet = {
  name: 'Get-RoleGroupMember',
  changes: false,
  synopsis: 'Shows who is in a role group.',
  parameters: [group],
  examples: [{ line: 'Get-RoleGroupMember "Organization Management"', says: 'Who may do everything.' }],
  roles: MAY_READ,
  columns: ['Name', 'UserPrincipalName', 'DisplayName', 'Enabled'],
  async *run(call) {
    for (const account of await membersOf(call, call.args.get(group))) {
      yield {
        Identity: account.userPrincipalName,
        Name: account.alias,
        UserPrincipalName: account.userPrincipalName,
        DisplayName: account.displayName,
        Enabled: account.enabled,
      };
    }
  },
};

const addRoleGroupMember: ChangingCmdlet = {
  name: 'Add-RoleGroupMember',
  changes: true,
  synopsis: 'Lets a person run the cmdlets of a role group.',
  parameters: [group, member],
  examples: [
    {
      line: 'Add-RoleGroupMember "Recipient Management" -Member <Mailbox>',
      says: 'A person who looks after mailboxes and cannot touch the servers.',
    },
  ],
  roles: MAY_CHANGE,
  columns: [],
  async plan(call) {
    const { args, services } = call;
    const name = args.get(group);
    const account = await accountNamed(services.directory, args.get(member));
    if (account.kind === 'guest' || account.kind === 'anonymous')
      throw new Failure('CANNOT', `the built-in account ${account.alias} can be in no role group`);
    const now = await services.directory.roleGroups(account.id);
    return {
      what: `Add ${account.userPrincipalName} to role group ${name}`,
      dangerous: false,
      apply: () =>
        applying(async () => {
          if (now.includes(name)) call.warn(`${account.userPrincipalName} is in ${name} already`);
          else await services.directory.setRoleGroups(account.id, [...now, name]);
        }),
    };
  },
};

const removeRoleGroupMember: ChangingCmdlet = {
  name: 'Remove-RoleGroupMember',
  changes: true,
  synopsis: 'Takes a person out of a role group. Counts at once.',
  parameters: [group, member],
  examples: [
    {
      line: 'Remove-RoleGroupMember "Recipient Management" -Member <Mailbox> -Confirm:$false',
      says: 'Without a question.',
    },
  ],
  roles: MAY_CHANGE,
  columns: [],
  async plan(call) {
    const { args, services } = call;
    const name = args.get(group);
    const account = await accountNamed(services.directory, args.get(member));
    const now = await services.directory.roleGroups(account.id);
    if (account.kind === 'administrator' && name === 'Organization Management')
      throw new Failure('CANNOT', 'the built-in Administrator is in Organization Management for good');
    return {
      what: `Remove ${account.userPrincipalName} from role group ${name}`,
      dangerous: true,
      apply: () =>
        applying(async () => {
          if (!now.includes(name)) {
            call.warn(`${account.userPrincipalName} is not in ${name}`);
            return;
          }
          await services.directory.setRoleGroups(
            account.id,
            now.filter((one) => one !== name),
          );
        }),
    };
  },
};

export const roleGroupCmdlets: readonly Cmdlet[] = [
  getRoleGroup,
  getRoleGroupMember,
  addRoleGroupMember,
  removeRoleGroupMember,
];
