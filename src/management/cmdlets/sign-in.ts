/** Get-/Remove-WebSession and Get-/Remove-AppPassword: where a person is signed in, and what else opens his mailbox. Not in Exchange. */
import type { AppPassword } from '../../directory/app-password.ts';
import type { Account, RoleGroup } from '../../directory/model.ts';
import { text } from '../../directory/settings/value-types.ts';
import { type WebSession, webSessionExpiry } from '../../directory/web-session.ts';
import { Failure } from '../../observe/failure.ts';
import type { ChangingCmdlet, Cmdlet, CmdletObject, Parameter, ReadingCmdlet } from '../cmdlet.ts';
import { accountNamed, completeMailbox, identityParameter, nothingCalled } from './identity.ts';
import { MAY_CHANGE_RECIPIENTS, MAY_READ_RECIPIENTS } from './recipient-facts.ts';
import { applying } from './results.ts';

const MAY_CHANGE: readonly RoleGroup[] = MAY_CHANGE_RECIPIENTS;

const account = identityParameter({
  required: true,
  help: 'The person: address, logon name, alias or GUID.',
  complete: completeMailbox,
});

const when = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

// --- web sessions ---

const sessionId: Parameter<string> = {
  name: 'WebSession',
  type: text({ min: 1, max: 64 }),
  fromPipeline: true,
  help: 'Id of one session, as Get-WebSession shows it. Without it: all of the person.',
};

const sessionObject = (owner: Account, session: WebSession): CmdletObject => ({
  Identity: owner.userPrincipalName,
  WebSession: session.id,
  Created: when(session.createdAt),
  LastUsed: when(session.lastUsedAt),
  Expires: when(webSessionExpiry(session)),
  ClientAddress: session.clientAddress,
  UserAgent: session.userAgent,
});

const getWebSession: ReadingCmdlet = {
  name: 'Get-WebSession',
  changes: false,
  synopsis: 'Shows where a person is signed in to the web app: since when, from where, with what.',
  description:
    'LastUsed is minutes behind. A session ends after 14 days without use and after 30 days in any case; at once when the password changes, the account is disabled or removed, or OWAEnabled is false. Open IMAP4 and POP3 sessions: Get-Session.',
  parameters: [account],
  examples: [{ line: 'Get-WebSession <Mailbox>', says: 'Where one person is signed in.' }],
  roles: MAY_READ_RECIPIENTS,
  columns: ['WebSession', 'Created', 'LastUsed', 'ClientAddress', 'UserAgent'],
  async *run({ args, services: { directory } }) {
    const owner = await accountNamed(directory, args.get(account));
    for (const session of await directory.webSessions(owner.id)) yield sessionObject(owner, session);
  },
};

const removeWebSession: ChangingCmdlet = {
  name: 'Remove-WebSession',
  changes: true,
  synopsis: 'Signs a person out of the web app, in one browser or everywhere. The password stays.',
  parameters: [account, sessionId],
  examples: [
    { line: 'Remove-WebSession <Mailbox> -WhatIf', says: 'Shows which sessions would end.' },
    { line: 'Get-WebSession <Mailbox> | Remove-WebSession -Confirm:$false', says: 'Signs one person out everywhere.' },
  ],
  roles: MAY_CHANGE,
  columns: [],
  async plan({ args, services: { directory } }) {
    const owner = await accountNamed(directory, args.get(account));
    const id = args.optional(sessionId);
    const sessions = (await directory.webSessions(owner.id)).filter((one) => id === undefined || one.id === id);
    if (id !== undefined && sessions.length === 0)
      throw new Failure(
        'NONEXISTENT',
        `${owner.alias} has no web session ${id}. All there are: Get-WebSession ${owner.alias}`,
      );
    const list = sessions.map((one) => `${one.clientAddress} (${one.userAgent.slice(0, 60) || 'unknown program'})`);
    return {
      what: `Sign ${owner.userPrincipalName} out of ${list.join(', ') || 'nothing: nobody is signed in'}`,
      dangerous: sessions.length > 0,
      apply: () =>
        applying(async () => {
          await directory.endWebSessions(
            owner.id,
            sessions.map((one) => one.id),
          );
        }),
    };
  },
};

// --- app passwords ---

/** Not `Name`: mailboxes in a pipeline have one. */
const appPasswordName: Parameter<string> = {
  name: 'AppPassword',
  type: text({ min: 1, max: 64 }),
  fromPipeline: true,
  help: 'Name of one app password, as Get-AppPassword shows it. Without it: all of the person.',
};

const appPasswordObject = (owner: Account, one: AppPassword): CmdletObject => ({
  Identity: owner.userPrincipalName,
  AppPassword: one.name,
  Protocols: [...one.protocols],
  Created: when(one.createdAt),
  LastUsed: when(one.lastUsedAt),
});

const getAppPassword: ReadingCmdlet = {
  name: 'Get-AppPassword',
  changes: false,
  synopsis: 'Shows the app passwords of a person: what for, since when, last used when. Never the passwords.',
  description:
    'People make them in the web app for mail programs and devices. They outlive a change of the password: take them away with Remove-AppPassword where somebody else may know them. LastUsed is minutes behind.',
  parameters: [account],
  examples: [{ line: 'Get-AppPassword <Mailbox>', says: 'Those of one person.' }],
  roles: MAY_READ_RECIPIENTS,
  columns: ['AppPassword', 'Protocols', 'Created', 'LastUsed'],
  async *run({ args, services: { directory } }) {
    const owner = await accountNamed(directory, args.get(account));
    for (const one of await directory.appPasswords(owner.id)) yield appPasswordObject(owner, one);
  },
};

const removeAppPassword: ChangingCmdlet = {
  name: 'Remove-AppPassword',
  changes: true,
  synopsis: 'Takes an app password of a person away, or all of them; sessions that were opened with it end.',
  parameters: [account, appPasswordName],
  examples: [
    { line: 'Remove-AppPassword <Mailbox> -WhatIf', says: 'Shows which app passwords would go.' },
    { line: 'Get-AppPassword <Mailbox> | Remove-AppPassword -Confirm:$false', says: 'Takes all of one person away.' },
  ],
  roles: MAY_CHANGE,
  columns: [],
  async plan({ args, services: { directory } }) {
    const owner = await accountNamed(directory, args.get(account));
    const name = args.optional(appPasswordName);
    const all = await directory.appPasswords(owner.id);
    const chosen = all.filter((one) => name === undefined || one.name.toLowerCase() === name.toLowerCase());
    if (name !== undefined && chosen.length === 0)
      throw nothingCalled(
        'app password',
        name,
        all.map((one) => one.name),
      );
    const list = chosen.map((one) => `"${one.name}" (${one.protocols.join(', ')})`);
    return {
      what: `Remove AppPassword ${list.join(', ') || 'of nobody: there is none'} of ${owner.userPrincipalName}`,
      dangerous: chosen.length > 0,
      apply: () =>
        applying(async () => {
          for (const one of chosen) await directory.removeAppPassword(owner.id, one.id);
        }),
    };
  },
};

export const signInCmdlets: readonly Cmdlet[] = [getWebSession, removeWebSession, getAppPassword, removeAppPassword];
