/** Get-MessageTrackingLog: where a message came from and where it went (exchange-behaviour.md §9.8). */
import type { RoleGroup } from '../../directory/model.ts';
import { enumeration, integer, listOf, text } from '../../directory/settings/value-types.ts';
import { Failure } from '../../observe/failure.ts';
import type { TrackingEventId, TrackingQuery, TrackingRecord, TrackingSource } from '../../transport/tracking-log.ts';
import type { Arguments, CmdletObject, Parameter, ReadingCmdlet } from '../cmdlet.ts';
import { dateTime } from './date-time.ts';
import { domainControllerParameter, serverOf, serverParameter } from './identity.ts';
import { sizeCell } from './mailbox-statistics.ts';
import { runningServer } from './running-server.ts';

/** Who looks after mailboxes is asked where a message is, too. */
const MAY_READ: readonly RoleGroup[] = [
  'Organization Management',
  'Server Management',
  'Recipient Management',
  'View-Only Organization Management',
];
const DEFAULT_RESULT_SIZE = 1000;
const VALUE_LENGTH = 1000;

const start: Parameter<number> = { name: 'Start', type: dateTime, help: 'Events from then on.' };
const end: Parameter<number> = { name: 'End', type: dateTime, help: 'Events before then.' };
const eventId: Parameter<TrackingEventId> = {
  name: 'EventId',
  type: enumeration(['RECEIVE', 'DELIVER', 'SEND', 'FAIL', 'DSN']),
  help: 'Only events of this kind.',
};
const source: Parameter<TrackingSource> = {
  name: 'Source',
  type: enumeration(['SMTP', 'STOREDRIVER', 'DSN']),
  help: 'Only events that this part of the server wrote.',
};
const line = text({ min: 1, max: VALUE_LENGTH });
const sender: Parameter<string> = { name: 'Sender', type: line, help: 'Address of the sender, whole.' };
const recipients: Parameter<readonly string[]> = {
  name: 'Recipients',
  type: listOf(line),
  help: 'Addresses of recipients, whole; one of them is enough.',
};
const subject: Parameter<string> = { name: 'MessageSubject', type: line, help: 'Part of the subject, in any case.' };
const messageId: Parameter<string> = {
  name: 'MessageId',
  type: line,
  help: 'The Message-ID of the header, with its angle brackets.',
};
const internalMessageId: Parameter<string> = {
  name: 'InternalMessageId',
  type: line,
  help: 'What the Received field and the logs call it here.',
};
const resultSize: Parameter<number> = {
  name: 'ResultSize',
  type: integer({ min: 1, unlimited: true }),
  help: `At most this many, the oldest first; ${DEFAULT_RESULT_SIZE} without it, or Unlimited.`,
};

/** @throws Failure CANNOT when nothing can lie between Start and End */
function queryFrom(args: Arguments): TrackingQuery {
  const query: { -readonly [K in keyof TrackingQuery]: TrackingQuery[K] } = {};
  const [from, until] = [args.optional(start), args.optional(end)];
  if (from !== undefined && until !== undefined && from >= until)
    throw new Failure('CANNOT', '-End must be later than -Start, and is itself not in the range');
  const given = {
    start: from,
    end: until,
    eventId: args.optional(eventId),
    source: args.optional(source),
    sender: args.optional(sender),
    recipients: args.optional(recipients),
    subject: args.optional(subject),
    messageId: args.optional(messageId),
    internalMessageId: args.optional(internalMessageId),
  };
  for (const [key, value] of Object.entries(given)) if (value !== undefined) Reflect.set(query, key, value);
  return query;
}

const shown = (record: TrackingRecord): CmdletObject => ({
  Timestamp: record.timestamp,
  EventId: record.eventId,
  Source: record.source,
  Sender: record.sender,
  Recipients: record.recipients,
  RecipientStatus: record.recipientStatus,
  MessageSubject: record.subject,
  TotalBytes: sizeCell(record.totalBytes),
  RecipientCount: record.recipients.length,
  ReturnPath: record.returnPath,
  ClientIp: record.clientIp,
  ClientHostname: record.clientHostname,
  ServerHostname: record.serverHostname,
  ConnectorId: record.connectorId,
  Directionality: record.directionality,
  InternalMessageId: record.internalMessageId,
  MessageId: record.messageId,
});

export const getMessageTrackingLog: ReadingCmdlet = {
  name: 'Get-MessageTrackingLog',
  changes: false,
  synopsis: 'Shows which messages came in, from where, and what became of each.',
  description:
    'Kept for 30 days. Subjects as they were sent, never a body. RECEIVE: taken over SMTP; DELIVER: in a mailbox; FAIL: refused for good; DSN: a report about it was made.',
  parameters: [
    start,
    end,
    eventId,
    source,
    sender,
    recipients,
    subject,
    messageId,
    internalMessageId,
    resultSize,
    serverParameter,
    domainControllerParameter,
  ],
  examples: [
    { line: 'Get-MessageTrackingLog -Recipients <Mailbox> -EventId DELIVER', says: 'What arrived in a mailbox.' },
    {
      line: 'Get-MessageTrackingLog -Sender ada@example.org -Start 2026-11-23 | Format-Table Timestamp,EventId,Recipients',
      says: 'What became of what somebody sent since then.',
    },
    { line: 'Get-MessageTrackingLog -EventId FAIL -ResultSize 20', says: 'Messages that could not be delivered.' },
  ],
  roles: MAY_READ,
  columns: ['Timestamp', 'EventId', 'Source', 'Sender', 'Recipients', 'MessageSubject'],
  async *run(call) {
    const { args, services, signal } = call;
    const server = await serverOf(services, args);
    if (server.id !== services.server.id)
      throw new Failure('UNAVAILABLE', `the log of ${server.name} lies there; run the cmdlet on ${server.name}`);
    const query = { ...queryFrom(args), signal };
    const most = args.optional(resultSize) ?? DEFAULT_RESULT_SIZE;
    let count = 0;
    for await (const record of runningServer(services).messageTracking(query)) {
      if (count === most) {
        call.warn(`there are more than ${most}; -ResultSize Unlimited shows all`);
        return;
      }
      count += 1;
      yield shown(record);
    }
  },
};
