/**
 * Role groups: who may run what (exchange-behaviour.md §1.1). Each cmdlet names its groups; here stand the groups
 * themselves and the one place where a caller is let in or refused. Pure.
 */
import type { RoleGroup } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';
import type { Caller } from './cmdlet.ts';

export interface RoleGroupFacts {
  readonly name: RoleGroup;
  readonly description: string;
}

export const ROLE_GROUPS: readonly RoleGroupFacts[] = [
  { name: 'Organization Management', description: 'Runs every cmdlet, and says who else may run which.' },
  {
    name: 'Server Management',
    description: 'Settings of servers: POP3, IMAP4 and SMTP, services, databases, queues; no mailboxes.',
  },
  {
    name: 'Recipient Management',
    description: 'Mailboxes: makes, changes and removes them, their permissions and their protocols; no servers.',
  },
  { name: 'View-Only Organization Management', description: 'Reads everything and runs the tests; changes nothing.' },
];

export function mayRun(cmdlet: { readonly roles: readonly RoleGroup[] }, caller: Pick<Caller, 'roles'>): boolean {
  return cmdlet.roles.some((group) => caller.roles.includes(group));
}

/** @throws Failure NOPERM naming the groups that may */
export function checkMayRun(
  cmdlet: { readonly name: string; readonly roles: readonly RoleGroup[] },
  caller: Pick<Caller, 'user' | 'roles'>,
): void {
  if (mayRun(cmdlet, caller)) return;
  const mine = caller.roles.length === 0 ? 'is in no role group' : `is in ${caller.roles.join(', ')}`;
  throw new Failure(
    'NOPERM',
    `${cmdlet.name} is for members of ${cmdlet.roles.join(' or ')}; ${caller.user} ${mine}. Who may change that: Add-RoleGroupMember`,
  );
}
