/**
 * Add-/Get-/Remove-MailboxPermission (FullAccess, ReadPermission) and Add-/Get-/Remove-RecipientPermission (SendAs, in
 * Exchange on premises Add-ADPermission -ExtendedRights "Send As"): who else opens a mailbox, who sends in its name
 * (exchange-behaviour.md §11).
 */
import type { Directory } from '../../directory/api.ts';
import type { Account, MailboxPermission, MailboxRight } from '../../directory/model.ts';
import { boolean, enumeration, listOf, type ValueType } from '../../directory/settings/value-types.ts';
import { Failure } from '../../observe/failure.ts';
import type { ChangingCmdlet, Cmdlet, CmdletCall, CmdletObject, Parameter, Plan, ReadingCmdlet } from '../cmdlet.ts';
import {
  accountNamed,
  completeMailbox,
  domainControllerParameter,
  identityType,
  type MailboxAccount,
  mailboxNamed,
} from './identity.ts';
import { shortName } from './mailbox.ts';
import { anyMailbox, MAY_CHANGE_RECIPIENTS, MAY_READ_RECIPIENTS, oneMailbox } from './recipient-facts.ts';
import { applying } from './results.ts';

/** The two pairs of cmdlets differ in their words and in the rights they deal with. */
interface Words {
  readonly noun: 'MailboxPermission' | 'RecipientPermission';
  readonly aliases: {
    readonly add: readonly string[];
    readonly get: readonly string[];
    readonly remove: readonly string[];
  };
  readonly person: Parameter<string>;
  readonly rights: Parameter<readonly MailboxRight[]>;
  readonly deals: readonly MailboxRight[];
  /** Property that names the person, as Exchange has it. */
  readonly column: 'User' | 'Trustee';
  /** In examples. */
  readonly example: string;
  /** Given when none is said; null: has to be said. */
  readonly initial: readonly MailboxRight[] | null;
}

const MAILBOX_RIGHTS = ['FullAccess', 'ReadPermission'] as const satisfies readonly MailboxRight[];

/** Exchange writes `Send As`, `Send-As` and `SendAs`. */
const sendAsRight: ValueType<MailboxRight> = {
  ...enumeration(['SendAs'] as const),
  accepts: 'SendAs',
  parse: (typed) => (/^\s*send[ -]?as\s*$/i.test(typed) ? 'SendAs' : undefined),
};

const person = (name: 'User' | 'Trustee', aliases: readonly string[]): Parameter<string> => ({
  name,
  aliases,
  type: identityType,
  help: 'Alias, address, GUID or user principal name of the one who gets or has the right.',
  complete: completeMailbox,
});

const ON_MAILBOXES: Words = {
  noun: 'MailboxPermission',
  aliases: { add: [], get: [], remove: [] },
  person: person('User', []),
  rights: {
    name: 'AccessRights',
    type: listOf(enumeration(MAILBOX_RIGHTS)),
    help: 'FullAccess: opens the mailbox over IMAP4 and POP3, as name@example.org/alias. ReadPermission: kept, opens nothing. SendAs has cmdlets of its own: Add-RecipientPermission.',
  },
  deals: MAILBOX_RIGHTS,
  column: 'User',
  example: 'FullAccess',
  initial: null,
};
const ON_RECIPIENTS: Words = {
  noun: 'RecipientPermission',
  aliases: { add: ['Add-ADPermission'], get: ['Get-ADPermission'], remove: ['Remove-ADPermission'] },
  person: person('Trustee', ['User']),
  rights: {
    name: 'AccessRights',
    aliases: ['ExtendedRights'],
    type: listOf(sendAsRight),
    help: 'SendAs, the only one there is: sends with the addresses of the mailbox. Without it: SendAs.',
  },
  deals: ['SendAs'],
  column: 'Trustee',
  example: 'SendAs',
  initial: ['SendAs'],
};

const inheritance: Parameter<'All'> = {
  name: 'InheritanceType',
  type: enumeration(['All']),
  help: 'Taken and ignored, for scripts written for Exchange: a right counts for the whole mailbox.',
};
const autoMapping: Parameter<boolean> = {
  name: 'AutoMapping',
  type: boolean,
  help: 'Taken and ignored, for scripts written for Exchange: it is about Outlook over MAPI.',
};

interface Entry {
  readonly mailbox: MailboxAccount;
  readonly user: Account;
  /** All of them, those of the other pair of cmdlets included. */
  readonly now: readonly MailboxRight[];
  readonly asked: readonly MailboxRight[];
}

/** @throws Failure NONEXISTENT, CANNOT */
async function entryFrom({ args, services }: CmdletCall, words: Words): Promise<Entry> {
  const { directory } = services;
  const mailbox = await mailboxNamed(directory, args.get(oneMailbox));
  const user = await accountNamed(directory, args.get(words.person));
  const asked = args.optional(words.rights) ?? words.initial ?? [];
  if (asked.length === 0) throw new Failure('CANNOT', `say which right: -AccessRights ${words.deals.join(' or ')}`);
  const [known] = await directory.permissions({ mailbox: mailbox.id, user: user.id });
  return { mailbox, user, now: known?.rights ?? [], asked };
}

const shown = (words: Words, mailbox: Account, user: Account, rights: readonly MailboxRight[]): CmdletObject => ({
  Identity: mailbox.alias,
  [words.column]: user.userPrincipalName,
  AccessRights: rights,
});

const required = <T>(parameter: Parameter<T>): Parameter<T> => ({ ...parameter, required: true });

function addCmdlet(words: Words): ChangingCmdlet {
  const takesRights = words.initial === null ? required(words.rights) : words.rights;
  return {
    name: `Add-${words.noun}`,
    aliases: words.aliases.add,
    changes: true,
    synopsis:
      words.noun === 'MailboxPermission'
        ? 'Lets somebody open a mailbox beside its owner.'
        : 'Lets somebody send with the addresses of a mailbox.',
    parameters: [oneMailbox, required(words.person), takesRights, inheritance, autoMapping, domainControllerParameter],
    examples: [
      {
        line: `Add-${words.noun} <Mailbox> -${words.column} Administrator -AccessRights ${words.example} -WhatIf`,
        says: 'Shows what the right would be.',
      },
    ],
    roles: MAY_CHANGE_RECIPIENTS,
    columns: ['Identity', words.column, 'AccessRights'],
    async plan(call): Promise<Plan> {
      const { mailbox, user, now, asked } = await entryFrom(call, words);
      checkHolder(mailbox, user);
      const fresh = asked.filter((right) => !now.includes(right));
      const head = `Add ${words.noun} on ${mailbox.alias} for ${shortName(user)}`;
      const rights = [...now, ...fresh];
      return {
        what: `${head}: ${fresh.length === 0 ? 'nothing to change, the right is there already' : fresh.join(', ')}`,
        dangerous: false,
        apply: () =>
          applying(async () => {
            if (fresh.length === 0) call.warn(`${head}: the right is there already`);
            else await call.services.directory.setPermission({ mailbox: mailbox.id, user: user.id, rights });
            return [
              shown(
                words,
                mailbox,
                user,
                rights.filter((right) => words.deals.includes(right)),
              ),
            ];
          }),
      };
    },
  };
}

/** As the directory refuses it, before -WhatIf tells otherwise. @throws Failure CANNOT */
function checkHolder(mailbox: Account, user: Account): void {
  if (mailbox.id === user.id)
    throw new Failure('CANNOT', `${mailbox.alias} has every right on the own mailbox already`);
  if (user.kind !== 'user' && user.kind !== 'administrator')
    throw new Failure('CANNOT', `${user.alias} never logs on (${user.kind}) and cannot hold rights`);
}

function removeCmdlet(words: Words): ChangingCmdlet {
  return {
    name: `Remove-${words.noun}`,
    aliases: words.aliases.remove,
    changes: true,
    synopsis:
      words.noun === 'MailboxPermission'
        ? 'Takes the right to open a mailbox away; sessions that hold it open end.'
        : 'Takes the right to send with the addresses of a mailbox away.',
    parameters: [
      oneMailbox,
      required(words.person),
      words.initial === null ? required(words.rights) : words.rights,
      inheritance,
      domainControllerParameter,
    ],
    examples: [
      {
        line: `Get-${words.noun} <Mailbox> | Remove-${words.noun} -WhatIf`,
        says: 'Shows what taking all of them away would do.',
      },
    ],
    roles: MAY_CHANGE_RECIPIENTS,
    columns: [],
    async plan(call): Promise<Plan> {
      const { mailbox, user, now, asked } = await entryFrom(call, words);
      const missing = asked.filter((right) => !now.includes(right));
      if (missing.length > 0)
        throw new Failure('NONEXISTENT', `${shortName(user)} has no ${missing.join(', ')} on ${mailbox.alias}`);
      return {
        what: `Remove ${words.noun} on ${mailbox.alias} from ${shortName(user)}: ${asked.join(', ')}`,
        dangerous: true,
        apply: () =>
          applying(async () => {
            const rights = now.filter((right) => !asked.includes(right));
            await call.services.directory.setPermission({ mailbox: mailbox.id, user: user.id, rights });
          }),
      };
    },
  };
}

/** Of an account that went meanwhile nothing is shown. */
async function permissionObject(
  directory: Directory,
  words: Words,
  permission: MailboxPermission,
): Promise<CmdletObject | null> {
  const rights = permission.rights.filter((right) => words.deals.includes(right));
  const mailbox = await directory.account(permission.mailbox);
  const user = await directory.account(permission.user);
  return rights.length === 0 || mailbox === null || user === null ? null : shown(words, mailbox, user, rights);
}

function getCmdlet(words: Words): ReadingCmdlet {
  return {
    name: `Get-${words.noun}`,
    aliases: words.aliases.get,
    changes: false,
    synopsis:
      words.noun === 'MailboxPermission'
        ? 'Shows who opens a mailbox beside its owner.'
        : 'Shows who sends with the addresses of a mailbox beside its owner.',
    description: 'Only rights that were given are shown: the owner has all of them, and nothing is inherited.',
    parameters: [anyMailbox, words.person, domainControllerParameter],
    examples: [
      { line: `Get-${words.noun} <Mailbox>`, says: 'Who has rights on it.' },
      { line: `Get-${words.noun} -${words.column} Administrator`, says: 'Where somebody has rights.' },
    ],
    roles: MAY_READ_RECIPIENTS,
    columns: ['Identity', words.column, 'AccessRights'],
    async *run({ args, services, signal }) {
      const { directory } = services;
      const [typed, typedPerson] = [args.optional(anyMailbox), args.optional(words.person)];
      const mailbox = typed === undefined ? null : await mailboxNamed(directory, typed);
      const user = typedPerson === undefined ? null : await accountNamed(directory, typedPerson);
      const all = await directory.permissions({
        ...(mailbox === null ? {} : { mailbox: mailbox.id }),
        ...(user === null ? {} : { user: user.id }),
      });
      for (const permission of all) {
        signal.throwIfAborted();
        const object = await permissionObject(directory, words, permission);
        if (object !== null) yield object;
      }
    },
  };
}

/** What the pipeline brings from a Get carries its person and rights, too. */
const piped = (words: Words): Words => ({
  ...words,
  person: { ...words.person, fromPipeline: true },
  // SendAs is the only right on recipients; an Identity that came along must not be taken for one.
  rights: words.initial === null ? { ...words.rights, fromPipeline: true } : words.rights,
});

export const mailboxPermissionCmdlets: readonly Cmdlet[] = [ON_MAILBOXES, ON_RECIPIENTS].flatMap((words) => [
  addCmdlet(words),
  getCmdlet(words),
  removeCmdlet(piped(words)),
]);
