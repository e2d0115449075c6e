/** Get-Session and Stop-Session: who is on this server now, and the way to end it. Not in Exchange. */
import type { RoleGroup } from '../../directory/model.ts';
import { addressKey } from '../../directory/names.ts';
import { enumeration } from '../../directory/settings/value-types.ts';
import { Failure } from '../../observe/failure.ts';
import type { ChangingCmdlet, Cmdlet, CmdletObject, ManagementServices, Parameter, ReadingCmdlet } from '../cmdlet.ts';
import type { SessionFacts } from '../control/api.ts';
import { completeMailbox, identityParameter, identityType } from './identity.ts';
import { applying } from './results.ts';
import { runningServer } from './running-server.ts';

const MAY_CHANGE: readonly RoleGroup[] = ['Organization Management', 'Server Management'];
const MAY_READ: readonly RoleGroup[] = [...MAY_CHANGE, 'Recipient Management', 'View-Only Organization Management'];

const user: Parameter<string> = {
  name: 'User',
  type: identityType,
  help: 'Only sessions of this user.',
  complete: completeMailbox,
};
const protocol: Parameter<string> = {
  name: 'Protocol',
  type: enumeration(['IMAP', 'POP3', 'SMTP', 'WEB']),
  help: 'Only sessions of this protocol.',
};

const shown = (services: ManagementServices, session: SessionFacts): CmdletObject => ({
  Identity: session.id,
  Server: services.server.name,
  Protocol: session.protocol.toUpperCase(),
  User: session.user,
  ClientAddress: session.clientAddress,
  Since: new Date(session.since).toISOString(),
  Encryption: session.encryption ?? 'none',
});

/** A name without a domain means the alias part. */
function isOf(session: SessionFacts, typed: string): boolean {
  const own = addressKey(session.user);
  const word = addressKey(typed);
  return own === word || own.split('@')[0] === word;
}

const getSession: ReadingCmdlet = {
  name: 'Get-Session',
  changes: false,
  synopsis: 'Shows the sessions that are open on this server: who, from where, since when, how encrypted.',
  parameters: [user, protocol],
  examples: [
    { line: 'Get-Session', says: 'All open sessions.' },
    {
      line: 'Get-Session -Protocol IMAP | Where Encryption -eq none',
      says: 'Those that cross the network in the clear.',
    },
  ],
  roles: MAY_READ,
  columns: ['Identity', 'Protocol', 'User', 'ClientAddress', 'Since', 'Encryption'],
  async *run({ args, services }) {
    const [ofUser, ofProtocol] = [args.optional(user), args.optional(protocol)];
    for (const session of runningServer(services).sessions()) {
      if (ofUser !== undefined && !isOf(session, ofUser)) continue;
      if (ofProtocol !== undefined && session.protocol.toUpperCase() !== ofProtocol) continue;
      yield shown(services, session);
    }
  },
};

const identity = identityParameter({
  help: 'Id of the session, as Get-Session shows it.',
  complete: ({ running }) => Promise.resolve((running?.sessions() ?? []).map((session) => session.id)),
});

const stopSession: ChangingCmdlet = {
  name: 'Stop-Session',
  changes: true,
  synopsis: 'Ends an open session; the client is told so and may connect again.',
  parameters: [identity, user],
  examples: [
    { line: 'Get-Session -Protocol POP3 | Stop-Session -Confirm:$false', says: 'Ends all POP3 sessions.' },
    { line: 'Stop-Session -User nobody@example.org -WhatIf', says: 'Shows how many sessions of one user would end.' },
  ],
  roles: MAY_CHANGE,
  columns: [],
  plan(call) {
    const { args, services } = call;
    const running = runningServer(services);
    const [id, ofUser] = [args.optional(identity), args.optional(user)];
    if (id === undefined && ofUser === undefined)
      throw new Failure('CANNOT', 'Stop-Session needs -Identity (an id of Get-Session) or -User');
    const sessions = running
      .sessions()
      .filter((one) => (id === undefined || one.id === id) && (ofUser === undefined || isOf(one, ofUser)));
    if (id !== undefined && sessions.length === 0)
      throw new Failure('NONEXISTENT', `there is no open session ${id}. All there are: Get-Session`);
    const list = sessions.map((one) => `${one.id} (${one.protocol.toUpperCase()}, ${one.user}, ${one.clientAddress})`);
    return Promise.resolve({
      what: `Stop Session ${list.join(', ') || 'of nobody: none is open'}`,
      dangerous: sessions.length > 0,
      apply: () =>
        applying(async () => {
          for (const session of sessions) {
            if (!running.endSession(session.id)) continue;
            await services.directory.recordAudit({
              action: 'ended',
              objectKind: 'session',
              object: session.id,
              before: { Protocol: session.protocol, User: session.user, ClientAddress: session.clientAddress },
              after: null,
            });
          }
        }),
    });
  },
};

export const sessionCmdlets: readonly Cmdlet[] = [getSession, stopSession];
