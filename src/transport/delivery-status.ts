/**
 * Sends the notifications that a sender asked for with NOTIFY=SUCCESS (RFC 3461 §5.2.7) when all that asked have their
 * message, and those about mail that was accepted and could not be delivered (RFC 5321 §6.1). Only senders with a mailbox here can be told: nothing leaves the organization yet.
 */
import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { type DeliveryFacts, deliveredNotification, failedNotification } from '../message/dsn.ts';
import type { Log } from '../observe/log.ts';
import type { Envelope, Recipient, Transport } from './api.ts';

export interface DeliveryStatusOptions {
  readonly transport: Pick<Transport, 'begin' | 'route'>;
  readonly reportingHost: string;
  readonly log: Log;
  readonly now: () => number;
}

/** Never rejects: the message itself has been delivered. */
export async function notifyOfDelivery(
  options: DeliveryStatusOptions,
  envelope: Envelope,
  delivered: readonly Recipient[],
  header: Buffer,
): Promise<void> {
  const asking = delivered.filter((recipient) => recipient.dsn?.notify?.has('SUCCESS') === true);
  if (asking.length === 0) return;
  const recipients = asking.map(({ address, dsn }) => ({ address, original: dsn?.original ?? null }));
  await notify(options, envelope, (facts) => deliveredNotification({ ...facts, header, recipients }));
}

/** For mail that was accepted and cannot reach these any more. Never rejects. */
export async function notifyOfFailure(
  options: DeliveryStatusOptions,
  envelope: Envelope,
  failed: ReadonlyArray<{ readonly address: string; readonly reply: string }>,
  header: Buffer,
): Promise<void> {
  const recipients = failed.map((one) => ({ ...one, original: null }));
  await notify(options, envelope, (facts) => failedNotification({ ...facts, header, recipients }));
}

async function notify(
  { log, transport, reportingHost, now }: DeliveryStatusOptions,
  envelope: Envelope,
  notification: (facts: Omit<DeliveryFacts, 'header' | 'recipients'>) => Buffer,
): Promise<void> {
  // RFC 3461 §6: nothing is ever sent to the null path.
  if (envelope.reversePath === '') return;
  try {
    const at = envelope.reversePath.lastIndexOf('@');
    const route = await transport.route(envelope.reversePath.slice(0, at), envelope.reversePath.slice(at + 1));
    if (route.kind !== 'local') {
      log.info({ message: envelope.id }, 'no delivery status notification: its address cannot be reached');
      return;
    }
    const bytes = notification({
      to: envelope.reversePath,
      from: `postmaster@${reportingHost}`,
      reportingHost,
      envelopeId: envelope.dsn?.envelopeId ?? null,
      id: `${randomUUID()}@${reportingHost}`,
      arrivedAt: envelope.receivedAt,
      at: now(),
    });
    const message = transport.begin(
      { id: `${envelope.id}-dsn`, reversePath: '', recipients: [route.recipient], receivedAt: now() },
      Buffer.from('Return-Path: <>\r\n'),
    );
    try {
      await message.write(bytes);
    } catch (error) {
      await message.abort();
      throw error;
    }
    const { failed } = await message.finish();
    log.info({ message: envelope.id, sent: failed.length === 0 }, 'delivery status notification');
  } catch (error) {
    log.error({ message: envelope.id, error: String(error) }, 'a delivery status notification failed');
  }
}
