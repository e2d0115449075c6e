/** What the message tracking log hears of one message: where it came from, and for whom it went where. */
import type { Envelope, Recipient } from './api.ts';
import type { Failure } from '../observe/failure.ts';
import type { TrackingEvent, TrackingLog } from './tracking-log.ts';

export interface Tracked {
  readonly envelope: Envelope;
  readonly bytes: number;
  /** Into mailboxes of this server. */
  readonly delivered: readonly Recipient[];
  /** To the servers of their mailboxes, which log the rest. */
  readonly sent: readonly Recipient[];
  readonly failed: ReadonlyArray<{ readonly recipient: Recipient; readonly failure: Failure }>;
}

export function track(tracking: TrackingLog, { envelope, bytes, delivered, sent, failed }: Tracked): void {
  const { id, reversePath, origin, recipients } = envelope;
  const common = {
    clientIp: origin?.clientAddress ?? '',
    clientHostname: origin?.clientName ?? '',
    connectorId: origin?.connector ?? '',
    internalMessageId: id,
    messageId: origin?.messageId ?? '',
    totalBytes: bytes,
    subject: origin?.subject ?? '',
    sender: reversePath,
    returnPath: reversePath === '' ? '<>' : reversePath,
    directionality: origin?.authenticated === false ? ('Incoming' as const) : ('Originating' as const),
    recipientStatus: [],
  };
  const write = (event: Pick<TrackingEvent, 'eventId' | 'source'>, those: readonly Recipient[]): void => {
    if (those.length > 0) tracking.write({ ...common, ...event, recipients: those.map((one) => one.address) });
  };
  write(origin === undefined ? { eventId: 'DSN', source: 'DSN' } : { eventId: 'RECEIVE', source: 'SMTP' }, recipients);
  write({ eventId: 'DELIVER', source: 'STOREDRIVER' }, delivered);
  write({ eventId: 'SEND', source: 'SMTP' }, sent);
  if (failed.length === 0) return;
  tracking.write({
    ...common,
    eventId: 'FAIL',
    source: 'STOREDRIVER',
    recipients: failed.map(({ recipient }) => recipient.address),
    recipientStatus: failed.map(({ failure }) => `${failure.code}: ${failure.message.replaceAll(';', ',')}`),
  });
}
