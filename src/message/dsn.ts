/**
 * Delivery status notifications (RFC 3464) for messages that were delivered, as `multipart/report` (RFC 6522). Pure:
 * facts in, bytes out. What failed is told to the client in its SMTP session and needs no notification.
 */
import { Buffer } from 'node:buffer';
import { unstructuredValue } from './encode-words.ts';

export interface DeliveredRecipient {
  readonly address: string;
  /** ORCPT: type and address as the sender gave them (RFC 3461 §4.2); null: none. */
  readonly original: { readonly type: string; readonly address: string } | null;
}

export interface DeliveryFacts {
  /** Reverse-path of the message: who is told. */
  readonly to: string;
  readonly from: string;
  readonly reportingHost: string;
  /** ENVID (RFC 3461 §4.4); null: none. */
  readonly envelopeId: string | null;
  readonly recipients: readonly DeliveredRecipient[];
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
  const boundary = `=_${facts.id.replaceAll(/[^A-Za-z0-9]/g, '').slice(0, 40)}`;
  const header = facts.header.subarray(0, DSN_HEADER_OCTETS);
  // RFC 6533 §3: addresses or headers beyond ASCII need the global forms.
  const isGlobal = ![facts.to, ...facts.recipients.map((one) => one.address)].every((text) => ASCII.test(text));
  const eightBit = isGlobal || header.some((octet) => octet > 0x7f);
  const names = facts.recipients.map((one) => one.address);
  const front = [
    `From: Mail Delivery System <${facts.from}>`,
    `To: <${facts.to}>`,
    `Subject: ${unstructuredValue('Delivered: your message has arrived')}`,
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
    'Your message has been delivered to:',
    '',
    ...names.map((name) => `  ${name}`),
    '',
    'It does not say that anybody has read it.',
    '',
    `--${boundary}`,
    `Content-Type: message/${isGlobal ? 'global-delivery-status' : 'delivery-status'}`,
    ...(isGlobal ? ['Content-Transfer-Encoding: 8bit'] : []),
    '',
    ...(facts.envelopeId === null ? [] : [`Original-Envelope-Id: ${facts.envelopeId}`]),
    `Reporting-MTA: dns; ${facts.reportingHost}`,
    `Arrival-Date: ${mailDate(facts.arrivedAt)}`,
    '',
    ...facts.recipients.flatMap(({ address, original }) => [
      ...(original === null ? [] : [`Original-Recipient: ${original.type};${original.address}`]),
      `Final-Recipient: ${ASCII.test(address) ? 'rfc822' : 'utf-8'};${address}`,
      'Action: delivered',
      'Status: 2.1.5',
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
