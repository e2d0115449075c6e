/**
 * Delivery status notifications (RFC 3464) as `multipart/report` (RFC 6522): for messages that were delivered, and for
 * those that were accepted and could not be. Pure: facts in, bytes out.
 */
import { Buffer } from 'node:buffer';
import { unstructuredValue } from './encode-words.ts';

export interface DeliveredRecipient {
  readonly address: string;
  /** ORCPT: type and address as the sender gave them (RFC 3461 §4.2); null: none. */
  readonly original: { readonly type: string; readonly address: string } | null;
}

export interface FailedRecipient extends DeliveredRecipient {
  /** The SMTP reply that ended it: code, enhanced status, text. */
  readonly reply: string;
}

export interface DeliveryFacts<Recipient = DeliveredRecipient> {
  /** Reverse-path of the message: who is told. */
  readonly to: string;
  readonly from: string;
  readonly reportingHost: string;
  /** ENVID (RFC 3461 §4.4); null: none. */
  readonly envelopeId: string | null;
  readonly recipients: readonly Recipient[];
  /** The header of the message, up to and with its empty line. */
  readonly header: Buffer;
  /** Without angle brackets; unique. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly arrivedAt: number;
  readonly at: number;
}

const ASCII = /^[\x20-\x7e]*$/;
/** Header octets that go into the third part: a header of many kilobytes tells a person nothing more. */
export const DSN_HEADER_OCTETS = 64 * 1024;

export function deliveredNotification(facts: DeliveryFacts): Buffer {
  return notification(facts, {
    subject: 'Delivered: your message has arrived',
    says: [
      'Your message has been delivered to:',
      '',
      ...facts.recipients.map(({ address }) => `  ${address}`),
      '',
      'It does not say that anybody has read it.',
    ],
    status: () => ['Action: delivered', 'Status: 2.1.5'],
  });
}

export function failedNotification(facts: DeliveryFacts<FailedRecipient>): Buffer {
  return notification(facts, {
    subject: 'Not delivered: your message has not reached everybody',
    says: [
      'Your message could not be delivered to:',
      '',
      ...facts.recipients.flatMap(({ address, reply }) => [`  ${address}`, `    ${clean(reply)}`]),
      '',
      'It is not tried any more.',
    ],
    status: ({ reply }) => [
      'Action: failed',
      `Status: ${/^[245]\d\d ([245]\.\d{1,3}\.\d{1,3})\b/.exec(reply)?.[1] ?? '5.0.0'}`,
      `Diagnostic-Code: smtp; ${clean(reply)}`,
    ],
  });
}

/** One line of ASCII, as RFC 3464 §2.3.6 wants it. */
const clean = (text: string): string => text.replaceAll(/[^\x20-\x7e]+/g, '?').slice(0, 900);

function notification<Recipient extends DeliveredRecipient>(
  facts: DeliveryFacts<Recipient>,
  words: {
    readonly subject: string;
    readonly says: readonly string[];
    readonly status: (recipient: Recipient) => readonly string[];
  },
): Buffer {
  const boundary = `=_${facts.id.replaceAll(/[^A-Za-z0-9]/g, '').slice(0, 40)}`;
  const header = facts.header.subarray(0, DSN_HEADER_OCTETS);
  // RFC 6533 §3: addresses or headers beyond ASCII need the global forms.
  const isGlobal = ![facts.to, ...facts.recipients.map((one) => one.address)].every((text) => ASCII.test(text));
  const eightBit = isGlobal || header.some((octet) => octet > 0x7f);
  const front = [
    `From: Mail Delivery System <${facts.from}>`,
    `To: <${facts.to}>`,
    `Subject: ${unstructuredValue(words.subject)}`,
    `Date: ${mailDate(facts.at)}`,
    `Message-ID: <${facts.id}>`,
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=delivery-status;\r\n boundary="${boundary}"`,
    '',
    `--${boundary}`,
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    '',
    ...words.says,
    '',
    `--${boundary}`,
    `Content-Type: message/${isGlobal ? 'global-delivery-status' : 'delivery-status'}`,
    ...(isGlobal ? ['Content-Transfer-Encoding: 8bit'] : []),
    '',
    ...(facts.envelopeId === null ? [] : [`Original-Envelope-Id: ${facts.envelopeId}`]),
    `Reporting-MTA: dns; ${facts.reportingHost}`,
    `Arrival-Date: ${mailDate(facts.arrivedAt)}`,
    '',
    ...facts.recipients.flatMap((recipient) => [
      ...(recipient.original === null
        ? []
        : [`Original-Recipient: ${recipient.original.type};${recipient.original.address}`]),
      `Final-Recipient: ${ASCII.test(recipient.address) ? 'rfc822' : 'utf-8'};${recipient.address}`,
      ...words.status(recipient),
      '',
    ]),
    `--${boundary}`,
    `Content-Type: ${isGlobal ? 'message/global-headers' : 'text/rfc822-headers'}`,
    ...(eightBit ? ['Content-Transfer-Encoding: 8bit'] : []),
    '',
    '',
  ];
  return Buffer.concat([
    Buffer.from(front.join('\r\n'), 'utf8'),
    header,
    Buffer.from(`${header.subarray(-2).equals(Buffer.from('\r\n')) ? '' : '\r\n'}--${boundary}--\r\n`),
  ]);
}

const mailDate = (at: number): string => new Date(at).toUTCString().replace('GMT', '+0000');
