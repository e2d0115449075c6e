/**
 * Get-/New-/Set-/Remove-ADSite: groups of servers that are near each other (exchange-behaviour.md §8). Exchange reads
 * them from Active Directory and makes none; Penfold's directory is its own.
 */
import type { RoleGroup, Site } from '../../directory/model.ts';
import type { ChangingCmdlet, Cmdlet, CmdletCall, CmdletObject, Parameter, ReadingCmdlet } from '../cmdlet.ts';
import { completeSite, domainControllerParameter, identityParameter, identityType, siteNamed } from './identity.ts';
import { applying } from './results.ts';

const MAY_CHANGE: readonly RoleGroup[] = ['Organization Management'];
const MAY_READ: readonly RoleGroup[] = [
  ...MAY_CHANGE,
  'Server Management',
  'Recipient Management',
  'View-Only Organization Management',
];

async function shown({ services }: CmdletCall, site: Site): Promise<CmdletObject> {
  const servers = (await services.directory.servers()).filter((server) => server.site === site.id);
  return { Identity: site.name, Name: site.name, Servers: servers.map((server) => server.name), Guid: site.id };
}

const anyIdentity = identityParameter({ help: 'Name or GUID of one site. Without it: all.', complete: completeSite });

const getSite: ReadingCmdlet = {
  name: 'Get-ADSite',
  changes: false,
  synopsis: 'Shows the sites and the servers in them.',
  parameters: [anyIdentity, domainControllerParameter],
  examples: [{ line: 'Get-ADSite', says: 'All sites.' }],
  roles: MAY_READ,
  columns: ['Name', 'Servers'],
  async *run(call) {
    const { directory } = call.services;
    const typed = call.args.optional(anyIdentity);
    const sites = typed === undefined ? await directory.sites() : [await siteNamed(directory, typed)];
    for (const site of sites) yield await shown(call, site);
  },
};

const newName: Parameter<string> = {
  name: 'Name',
  type: identityType,
  position: 1,
  required: true,
  help: 'Name of the site, such as the town where its servers stand.',
};

const newSite: ChangingCmdlet = {
  name: 'New-ADSite',
  changes: true,
  synopsis: 'Makes a site, for servers that are to be put there.',
  description: 'A server that joins makes its site by itself: penfold setup --join FILE --site NAME --create-site.',
  parameters: [newName, domainControllerParameter],
  examples: [
    { line: 'New-ADSite Rome', says: 'A site without servers.' },
    { line: 'New-ADSite -Name Milan', says: 'The same by the name of the parameter.' },
  ],
  roles: MAY_CHANGE,
  columns: ['Name', 'Servers'],
  plan(call) {
    const name = call.args.get(newName);
    return Promise.resolve({
      what: `New ADSite ${name}`,
      dangerous: false,
      apply: () => applying(async () => [await shown(call, await call.services.directory.addSite(name))]),
    });
  },
};

const identity = identityParameter({ required: true, help: 'Name or GUID of the site.', complete: completeSite });
const name: Parameter<string> = { name: 'Name', type: identityType, required: true, help: 'Its new name.' };

const setSite: ChangingCmdlet = {
  name: 'Set-ADSite',
  changes: true,
  synopsis: 'Gives a site another name.',
  parameters: [identity, name, domainControllerParameter],
  examples: [{ line: 'Set-ADSite Milan -Name "Northern Italy"', says: 'Its servers stay in it.' }],
  roles: MAY_CHANGE,
  columns: [],
  async plan(call) {
    const { directory } = call.services;
    const site = await siteNamed(directory, call.args.get(identity));
    const next = call.args.get(name);
    return {
      what: `Set ADSite ${site.name}: Name ${site.name} → ${next}`,
      dangerous: false,
      apply: () =>
        applying(async () => {
          await directory.changeSite(site.id, { name: next });
        }),
    };
  },
};

const removeSite: ChangingCmdlet = {
  name: 'Remove-ADSite',
  changes: true,
  synopsis: 'Removes a site that has no servers any more.',
  parameters: [identity, domainControllerParameter],
  examples: [{ line: 'Remove-ADSite Rome -Confirm:$false', says: 'Without a question.' }],
  roles: MAY_CHANGE,
  columns: [],
  async plan(call) {
    const { directory } = call.services;
    const site = await siteNamed(directory, call.args.get(identity));
    return {
      what: `Remove ADSite ${site.name}`,
      dangerous: true,
      apply: () => applying(() => directory.removeSite(site.id)),
    };
  },
};

export const adSiteCmdlets: readonly Cmdlet[] = [getSite, newSite, setSite, removeSite];
