/** Role groups (exchange-behaviour.md §1.1): which there are, and who may be in one. What a role may do is in management. */
import type { AccountKind, MailboxRight, RoleGroup } from './model.ts';

/** From the one that may most to the one that may least. */
export const ROLE_GROUPS = [
  'Organization Management',
  'Server Management',
  'Recipient Management',
  'View-Only Organization Management',
] as const satisfies readonly RoleGroup[];

/** The built-in Administrator is in it for good, so that nobody locks himself out. */
export const ADMINISTRATORS_GROUP: RoleGroup = 'Organization Management';

export const MAILBOX_RIGHTS = ['FullAccess', 'ReadPermission', 'SendAs'] as const satisfies readonly MailboxRight[];

/** Accounts that log on: the others can hold neither roles nor rights. */
export const logsOn = (kind: AccountKind): boolean => kind === 'user' || kind === 'administrator';
