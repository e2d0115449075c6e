/** Get-/New-/Set-/Remove-AcceptedDomain: the domains this organization takes mail for (exchange-behaviour.md §11). */
import type { AcceptedDomain, AcceptedDomainType, RoleGroup } from '../../directory/model.ts';
import { checkedDomain, domainKey } from '../../directory/names.ts';
import { boolean, enumeration } from '../../directory/settings/value-types.ts';
import { Failure } from '../../observe/failure.ts';
import type { ChangingCmdlet, Cmdlet, CmdletObject, Parameter, ReadingCmdlet } from '../cmdlet.ts';
import { completeDomain, domainControllerParameter, domainNamed, identityParameter, identityType } from './identity.ts';
import { applying } from './results.ts';

const MAY_CHANGE: readonly RoleGroup[] = ['Organization Management'];
const MAY_READ: readonly RoleGroup[] = [
  ...MAY_CHANGE,
  'Server Management',
  'Recipient Management',
  'View-Only Organization Management',
];

const DOMAIN_TYPES = [
  'Authoritative',
  'InternalRelay',
  'ExternalRelay',
] as const satisfies readonly AcceptedDomainType[];
const TYPE_HELP =
  'Authoritative: all its mailboxes are here, other addresses are refused. InternalRelay, ExternalRelay: mail for addresses that are not here goes on to another system.';

const shown = (domain: AcceptedDomain): CmdletObject => ({
  Identity: domain.name,
  Name: domain.name,
  DomainName: domain.name,
  DomainType: domain.type,
  Default: domain.isDefault,
});

const domainType: Parameter<AcceptedDomainType> = {
  name: 'DomainType',
  type: enumeration(DOMAIN_TYPES),
  help: TYPE_HELP,
};
const makeDefault: Parameter<boolean> = {
  name: 'MakeDefault',
  type: boolean,
  help: 'True: new mailboxes get their address in this domain, and postmaster mail comes from it. The old default gives way.',
};

const anyIdentity = identityParameter({ help: 'One domain. Without it: all.', complete: completeDomain });
const getAcceptedDomain: ReadingCmdlet = {
  name: 'Get-AcceptedDomain',
  changes: false,
  synopsis: 'Shows the domains the organization takes mail for.',
  parameters: [anyIdentity, domainControllerParameter],
  examples: [{ line: 'Get-AcceptedDomain', says: 'All of them, and which is the default.' }],
  roles: MAY_READ,
  columns: ['Name', 'DomainName', 'DomainType', 'Default'],
  async *run({ args, services }) {
    const typed = args.optional(anyIdentity);
    const domains =
      typed === undefined ? await services.directory.domains() : [await domainNamed(services.directory, typed)];
    for (const domain of domains) yield shown(domain);
  },
};

const newName: Parameter<string> = {
  name: 'Name',
  type: identityType,
  position: 1,
  required: true,
  help: 'The domain. Exchange keeps a label beside it; give that here and the domain as -DomainName, and the label is dropped.',
};
const domainName: Parameter<string> = {
  name: 'DomainName',
  type: identityType,
  help: 'The domain, where Name is only a label.',
};

const newAcceptedDomain: ChangingCmdlet = {
  name: 'New-AcceptedDomain',
  changes: true,
  synopsis: 'Takes mail for one more domain.',
  parameters: [newName, domainName, domainType, makeDefault, domainControllerParameter],
  examples: [
    { line: 'New-AcceptedDomain fabrikam.test', says: 'A second domain whose mailboxes are all here.' },
    {
      line: 'New-AcceptedDomain -Name Contoso -DomainName contoso.test -DomainType InternalRelay',
      says: 'A domain that is shared with another system.',
    },
  ],
  roles: MAY_CHANGE,
  columns: ['Name', 'DomainName', 'DomainType', 'Default'],
  async plan(call) {
    const { args, services } = call;
    const label = args.get(newName);
    const name = checkedDomain(args.optional(domainName) ?? label);
    if (args.has(domainName) && domainKey(label) !== domainKey(name))
      call.warn(`the label "${label}" is not kept: Penfold calls a domain by its name`);
    const twin = (await services.directory.domains()).find((one) => domainKey(one.name) === domainKey(name));
    if (twin !== undefined) throw new Failure('ALREADYEXISTS', `the accepted domain ${twin.name} exists already`);
    const domain: AcceptedDomain = {
      name,
      type: args.optional(domainType) ?? 'Authoritative',
      isDefault: args.optional(makeDefault) ?? false,
    };
    return {
      what: `New AcceptedDomain ${name}: DomainType ${domain.type}${domain.isDefault ? ', the new default' : ''}`,
      dangerous: false,
      apply: () =>
        applying(async () => {
          await services.directory.addDomain({ ...domain, isDefault: false });
          if (!domain.isDefault) return [shown(domain)];
          return [shown(await services.directory.changeDomain(name, { isDefault: true }))];
        }),
    };
  },
};

const identity = identityParameter({ required: true, help: 'The domain.', complete: completeDomain });

const setAcceptedDomain: ChangingCmdlet = {
  name: 'Set-AcceptedDomain',
  changes: true,
  synopsis: 'Changes a domain the organization takes mail for.',
  parameters: [identity, domainType, makeDefault, domainControllerParameter],
  examples: [
    { line: 'Set-AcceptedDomain contoso.test -DomainType Authoritative', says: 'All its mailboxes are here now.' },
    { line: 'Set-AcceptedDomain contoso.test -MakeDefault $true -WhatIf', says: 'Shows what a new default means.' },
  ],
  roles: MAY_CHANGE,
  columns: [],
  async plan(call) {
    const { args, services } = call;
    const before = await domainNamed(services.directory, args.get(identity));
    const type = args.optional(domainType) ?? before.type;
    const isDefault = args.optional(makeDefault) ?? before.isDefault;
    if (before.isDefault && !isDefault)
      throw new Failure(
        'CANNOT',
        `${before.name} is the default domain. Make another one the default: Set-AcceptedDomain <domain> -MakeDefault $true`,
      );
    const changes = [
      ...(type === before.type ? [] : [`DomainType ${before.type} → ${type}`]),
      ...(isDefault === before.isDefault ? [] : ['Default False → True']),
    ];
    const head = `Set AcceptedDomain ${before.name}`;
    return {
      what: `${head}: ${changes.join(', ') || 'nothing to change, the values are those already'}`,
      dangerous: false,
      apply: () =>
        applying(async () => {
          if (changes.length === 0) call.warn(`${head}: no setting was changed, the values are those already`);
          else await services.directory.changeDomain(before.name, { type, isDefault });
        }),
    };
  },
};

const removeAcceptedDomain: ChangingCmdlet = {
  name: 'Remove-AcceptedDomain',
  changes: true,
  synopsis: 'Takes no mail for a domain any more.',
  description: 'Refused for the default domain, and while mailboxes have addresses in the domain.',
  parameters: [identity, domainControllerParameter],
  examples: [{ line: 'Remove-AcceptedDomain fabrikam.test -Confirm:$false', says: 'Without a question.' }],
  roles: MAY_CHANGE,
  columns: [],
  async plan(call) {
    const { directory } = call.services;
    const domain = await domainNamed(directory, call.args.get(identity));
    if (domain.isDefault)
      throw new Failure('CANNOT', `${domain.name} is the default domain; make another one the default first`);
    return {
      what: `Remove AcceptedDomain ${domain.name}: mail for it is refused`,
      dangerous: true,
      apply: () => applying(() => directory.removeDomain(domain.name)),
    };
  },
};

export const acceptedDomainCmdlets: readonly Cmdlet[] = [
  getAcceptedDomain,
  newAcceptedDomain,
  setAcceptedDomain,
  removeAcceptedDomain,
];
