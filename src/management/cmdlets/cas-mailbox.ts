/**
 * Get-/Set-CASMailbox: what one mailbox may use and how it is shown, and with -ProtocolSettings what its owner has to
 * set a mail program to (exchange-behaviour.md §2, §7).
 */
import { type ClientSettingsSide, clientSettings } from '../../directory/client-settings.ts';
import type { ClientAccessSettings, ConnectionSetting, Server } from '../../directory/model.ts';
import { clientAccessSchema } from '../../directory/settings/client-access.ts';
import { checkClientAccess } from '../../directory/settings/rules.ts';
import { boolean, connectionSetting } from '../../directory/settings/value-types.ts';
import type {
  Cell,
  ChangingCmdlet,
  Cmdlet,
  CmdletObject,
  ManagementServices,
  Parameter,
  ReadingCmdlet,
} from '../cmdlet.ts';
import { domainControllerParameter, type MailboxAccount, mailboxNamed, serverOfMailbox } from './identity.ts';
import { addressesFrom, addressText, emailAddresses, primarySmtpAddress } from './mail-addresses.ts';
import { filterParameter } from './opath-filter.ts';
import {
  anyMailbox,
  listMailboxes,
  MAY_CHANGE_RECIPIENTS,
  MAY_READ_RECIPIENTS,
  oneMailbox,
  resultSize,
} from './recipient-facts.ts';
import { applying } from './results.ts';
import { openSessions } from './running-server.ts';
import {
  changesOf,
  patchFrom,
  planText,
  settingCells,
  settingParameters,
  warnOfEffects,
} from './settings-parameters.ts';

const protocolSettings: Parameter<boolean> = {
  name: 'ProtocolSettings',
  type: boolean,
  isSwitch: true,
  help: 'Adds server, port and encryption for POP3, IMAP4 and SMTP, inside and outside the network, best first.',
};

const texts = (settings: readonly ConnectionSetting[]): readonly Cell[] =>
  settings.map((one) => connectionSetting.format(one));

/** The model that the settings page shows (§7.1): published for the server that serves the mailbox. */
async function protocolCells(services: ManagementServices, server: Server): Promise<CmdletObject> {
  const { directory } = services;
  const { internal, external } = clientSettings({
    pop: await directory.popSettings(server.id),
    imap: await directory.imapSettings(server.id),
    connectors: await directory.connectors(server.id),
  });
  const cells = (side: ClientSettingsSide, name: 'External' | 'Internal'): CmdletObject => ({
    [`${name}ImapSettings`]: texts(side.imap),
    [`${name}PopSettings`]: texts(side.pop),
    [`${name}SmtpSettings`]: texts(side.smtp),
  });
  return { ...cells(external, 'External'), ...cells(internal, 'Internal') };
}

/** Clients of a mailbox on a server without a front end come through this one. */
async function frontEndOf(services: ManagementServices, account: MailboxAccount): Promise<Server> {
  const server = await serverOfMailbox(services.directory, account);
  return server.frontEnd ? server : services.server;
}

async function shown(
  services: ManagementServices,
  account: MailboxAccount,
  withProtocols: boolean,
): Promise<CmdletObject> {
  const settings = await services.directory.clientAccess(account.id);
  return {
    Identity: account.alias,
    Name: account.displayName,
    PrimarySmtpAddress: account.mailbox.primaryAddress,
    EmailAddresses: account.mailbox.addresses,
    ...settingCells(clientAccessSchema, settings),
    ...(withProtocols ? await protocolCells(services, await frontEndOf(services, account)) : {}),
    Guid: account.id,
  };
}

const getCasMailbox: ReadingCmdlet = {
  name: 'Get-CASMailbox',
  changes: false,
  synopsis: 'Shows which protocols a mailbox may use, and how its messages are rendered.',
  description:
    'Access follows the switches of the person who logs on, not those of a shared mailbox he opens. An identity that names nothing is an error; Exchange shows all mailboxes then.',
  parameters: [anyMailbox, protocolSettings, filterParameter, resultSize, domainControllerParameter],
  examples: [
    { line: 'Get-CASMailbox', says: 'All mailboxes and what they may use.' },
    { line: 'Get-CASMailbox <Mailbox>', says: 'One mailbox.' },
    {
      line: 'Get-CASMailbox <Mailbox> -ProtocolSettings | Format-List *Settings',
      says: 'What the owner has to set a mail program to.',
    },
    { line: 'Get-CASMailbox -Filter {PopEnabled -eq $false}', says: 'Mailboxes that may not use POP3.' },
    { line: 'Get-CASMailbox | Where PopEnabled -eq $false', says: 'The same, chosen by the shell.' },
  ],
  roles: MAY_READ_RECIPIENTS,
  columns: ['Name', 'OWAEnabled', 'PopEnabled', 'ImapEnabled', 'SmtpClientAuthenticationDisabled'],
  async *run(call) {
    const { args, services } = call;
    const withProtocols = args.optional(protocolSettings) ?? false;
    const typed = args.optional(anyMailbox);
    if (typed !== undefined) {
      yield await shown(services, await mailboxNamed(services.directory, typed), withProtocols);
      return;
    }
    yield* listMailboxes(call, (account) => shown(services, account, withProtocols));
  },
};

const PARAMETERS = settingParameters(clientAccessSchema);

/** Protocols whose open sessions a change ends. */
function endedProtocols(before: ClientAccessSettings, after: ClientAccessSettings): ReadonlyArray<'pop3' | 'imap'> {
  const ended: Array<'pop3' | 'imap'> = [];
  if (before.popEnabled && !after.popEnabled) ended.push('pop3');
  if (before.imapEnabled && !after.imapEnabled) ended.push('imap');
  return ended;
}

const setCasMailbox: ChangingCmdlet = {
  name: 'Set-CASMailbox',
  changes: true,
  synopsis: 'Changes which protocols a mailbox may use, and how its messages are rendered.',
  description:
    'The four rendering values of a protocol count, and can be set, only while PopUseProtocolDefaults or ImapUseProtocolDefaults is false. Nothing has to be restarted.',
  parameters: [
    oneMailbox,
    ...PARAMETERS.map((one) => one.parameter),
    emailAddresses,
    primarySmtpAddress,
    domainControllerParameter,
  ],
  examples: [
    { line: 'Set-CASMailbox <Mailbox> -PopEnabled $false -ImapEnabled $true', says: 'IMAP4 yes, POP3 no.' },
    {
      line: 'Set-CASMailbox <Mailbox> -ImapUseProtocolDefaults $false -ImapMessagesRetrievalMimeFormat TextOnly',
      says: 'Plain text only for this mailbox over IMAP4.',
    },
    {
      line: 'Get-CASMailbox | Set-CASMailbox -SmtpClientAuthenticationDisabled $true -WhatIf',
      says: 'Shows what it would mean to stop all mailboxes from sending over SMTP.',
    },
    {
      line: 'Set-CASMailbox <Mailbox> -PopEnabled $true -PopKeepMessagesOnServer $true',
      says: 'POP3 deletes nothing.',
    },
  ],
  roles: MAY_CHANGE_RECIPIENTS,
  columns: [],
  async plan(call) {
    const { directory } = call.services;
    const account = await mailboxNamed(directory, call.args.get(oneMailbox));
    const before = await directory.clientAccess(account.id);
    const patch = clientAccessSchema.check(patchFrom(call.args, PARAMETERS, before));
    const after = clientAccessSchema.merge(before, patch);
    checkClientAccess(clientAccessSchema, patch, after);
    const changes = changesOf(clientAccessSchema, before, patch);
    const addresses = addressesFrom(call.args, account);
    const moved = addresses === undefined ? '' : addressText(account, addresses);
    const server = await serverOfMailbox(directory, account);
    const count = (protocol: 'pop3' | 'imap'): number =>
      openSessions(call.services, server, protocol, (user) => user === account.userPrincipalName);
    const ended = endedProtocols(before, after).reduce((sum, protocol) => sum + count(protocol), 0);
    const head = `Set CASMailbox ${account.alias}`;
    const ending = ended === 0 ? '' : ` ${ended} open session${ended === 1 ? ' ends' : 's end'}.`;
    return {
      what:
        moved !== '' && changes.length === 0
          ? `${head}: ${moved}`
          : `${planText(head, changes)}${ending}${moved === '' ? '' : ` ${moved}.`}`,
      dangerous: ended > 0,
      apply: () =>
        applying(async () => {
          if (changes.length > 0) await directory.setClientAccess(account.id, patch);
          if (addresses !== undefined && moved !== '') await directory.changeAccount(account.id, { addresses });
          if (changes.length > 0 || moved === '')
            warnOfEffects(call, head, changes, count('pop3') + count('imap') - ended);
        }),
    };
  },
};

export const casMailboxCmdlets: readonly Cmdlet[] = [getCasMailbox, setCasMailbox];
