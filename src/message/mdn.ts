/**
 * Read receipts: whether a message asks for one that may be sent without asking its reader (RFC 8098 §2.1), and the
 * notification itself (RFC 8098 §3, with UTF-8 addresses RFC 6533 §4). Pure: who sends it, and that it is sent once,
 * is transport/read-receipts.ts.
 */
import { Buffer } from 'node:buffer';
import { type Address, parseAddressList } from './address-list.ts';
import { parseDate } from './date.ts';
import { addrSpec, phrase, unstructuredValue } from './encode-words.ts';
import { decodeWords } from './encoded-word.ts';
import { findField, findFields } from './headers.ts';
import { messageIdOf } from './message-id.ts';
import { fieldValue } from './octet-string.ts';

/** Keyword of a message whose receipt has been sent or refused (RFC 3503 §3). */
export const MDN_SENT = '$MDNSent';

/** Seconds between the time in our Received field and INTERNALDATE: both are taken from one clock reading. */
const RECEIVED_SLACK = 2;
/** Seconds a message may be on its way from its Received field into its folder: long transfers, a waiting queue. */
export const DELIVERY_SLACK = 15 * 60;
/** Octets of the header that are looked at: what is longer asks for nothing. */
export const HEADER_OCTETS = 64 * 1024;

/** What `Disposition-Notification-To` and `disposition-notification-to` have in common. */
const USUAL = Buffer.from('otification-', 'latin1');
const CAPITALS = Buffer.from('OTIFICATION-', 'latin1');
const HEADER_END = Buffer.from('\r\n\r\n', 'latin1');

/** Octets of the header with its empty line; all of them when there is no empty line. */
export function headerOctets(message: Buffer): number {
  if (message[0] === 13 && message[1] === 10) return 2;
  const at = message.indexOf(HEADER_END);
  return at < 0 ? message.length : at + 4;
}

/**
 * Cheap, because it is asked for every message that is downloaded: two native searches tell almost always that there
 * is nothing to read. A field name in wildly mixed case passes for none; no program writes one, and no receipt is lost
 * that anybody may rely on (RFC 8098 §2.1: a request can always be ignored).
 */
export function asksForReceipt(message: Buffer): boolean {
  const size = Math.min(headerOctets(message), HEADER_OCTETS);
  const header = message.subarray(0, size);
  if (header.indexOf(USUAL) < 0 && header.indexOf(CAPITALS) < 0) return false;
  return /^disposition-notification-to[ \t]*:/im.test(message.toString('latin1', 0, size));
}

export interface ReceivedMessage {
  /** Up to and with the empty line. */
  readonly header: Buffer;
  /** Seconds since 1970. */
  readonly internalDate: number;
  readonly saveDate: number;
  /** Addresses of the mailbox, lower case. */
  readonly owner: readonly string[];
  /** Whether a host name in a Received field is one of this organization's own. */
  readonly isOwnHost: (name: string) => boolean;
}

export interface ReceiptRequest {
  /** Where the receipt goes: the one address of Disposition-Notification-To, UTF-8. */
  readonly localPart: string;
  readonly domain: string;
  /** With angle brackets; null: the message has none. */
  readonly messageId: string | null;
  /** Value of the Original-Recipient field, `type;address`; null: there is none. */
  readonly originalRecipient: string | null;
  readonly subject: string;
}

export type ReceiptDecision =
  | { readonly wanted: true; readonly request: ReceiptRequest }
  /** `why`: for the log. */
  | { readonly wanted: false; readonly why: string };

const no = (why: string): ReceiptDecision => ({ wanted: false, why });

/**
 * RFC 8098 §2.1: automatically only to the one address that the message also came from; never for a notification, for
 * a list (RFC 3834 §2 says why), or for one that asks for something unknown. And only for what was delivered here: a
 * message that was imported or appended had its receipt where it came from (exchange-behaviour.md §5.4).
 */
export function receiptFor(message: ReceivedMessage): ReceiptDecision {
  const { header } = message;
  const value = (name: string): string | null => {
    const field = findField(header, name);
    return field === null
      ? null
      : fieldValue(header.toString('latin1', field.valueStart, field.end), 0, field.end - field.valueStart);
  };
  const asking = findFields(header, 'disposition-notification-to');
  if (asking.length === 0) return no('nobody asked');
  if (asking.length > 1) return no('asked twice');
  const addresses = parseAddressList(value('disposition-notification-to') ?? '').filter((each) => each.host !== null);
  const [to] = addresses;
  if (to === undefined || to.mailbox === null || to.mailbox === '' || !to.host) return no('no address to send it to');
  if (!addresses.every((each) => isSame(each, to))) return no('several addresses to send it to');
  const path = value('return-path');
  if (path === null) return no('no Return-Path');
  const [sender] = parseAddressList(path);
  if (sender === undefined || !sender.mailbox) return no('the null path');
  if (!isSame(sender, to)) return no('the sender is another');
  if (/^\s*multipart\/report\b/i.test(value('content-type') ?? '')) return no('a report itself');
  if (/^list-[a-z]+[ \t]*:/im.test(header.toString('latin1', 0, HEADER_OCTETS))) return no('from a list');
  if (/^\s*(?:list|bulk|junk)\b/i.test(value('precedence') ?? '')) return no('bulk mail');
  const automatic = value('auto-submitted');
  if (automatic !== null && !/^\s*no\b/i.test(automatic)) return no('sent by a program');
  if (/=\s*required\b/i.test(value('disposition-notification-options') ?? '')) return no('an option is required');
  if (!wasDeliveredHere(message, value('received'))) return no('not delivered here');
  const original = value('original-recipient');
  return {
    wanted: true,
    request: {
      localPart: utf8(to.mailbox),
      domain: utf8(to.host),
      messageId: bracketed(messageIdOf(value('message-id') ?? '')),
      originalRecipient: original !== null && /^[\w-]+[ \t]*;[\x21-\x7e \t]+$/.test(original) ? original : null,
      subject: decodeWords(value('subject') ?? '', null),
    },
  };
}

/**
 * The topmost Received field is ours and for this mailbox, its time is INTERNALDATE, and the message came into this
 * folder right then: a client that appends an old message, or an import, cannot have all of that.
 */
function wasDeliveredHere(message: ReceivedMessage, received: string | null): boolean {
  const { internalDate, saveDate, isOwnHost, owner } = message;
  if (received === null) return false;
  // Missing where there were several recipients (RFC 5321 §7.2).
  const recipient = /\sfor\s+<([^>]*)>/i.exec(received)?.[1];
  if (recipient !== undefined && !owner.includes(utf8(recipient).toLowerCase())) return false;
  const host = /(?:^|\s)by\s+([^\s;()]+)/i.exec(received)?.[1];
  const at = parseDate(received.slice(received.lastIndexOf(';') + 1));
  if (host === undefined || at === null || !isOwnHost(host.toLowerCase())) return false;
  if (Math.abs(at.seconds - internalDate) > RECEIVED_SLACK) return false;
  return saveDate >= internalDate - RECEIVED_SLACK && saveDate - internalDate <= DELIVERY_SLACK;
}

/** RFC 8098 §2.1: the local part counts case, the domain does not. */
const isSame = (one: Address, other: Address): boolean =>
  one.mailbox === other.mailbox && one.host?.toLowerCase() === other.host?.toLowerCase();

/** What is no plain id, or longer than a line, is better left out than repeated. */
const bracketed = (id: string | null): string | null =>
  id !== null && /^[\x21-\x7e]{1,900}$/.test(id) ? `<${id}>` : null;

const utf8 = (octets: string): string => Buffer.from(octets, 'latin1').toString('utf8');

export interface ReceiptFacts {
  readonly request: ReceiptRequest;
  /** On whose behalf. */
  readonly recipient: { readonly displayName: string; readonly address: string };
  /** Host name of the server that writes it. */
  readonly reportingHost: string;
  /** Without angle brackets; unique. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

const ASCII = /^[\x20-\x7e]*$/;

/**
 * The whole message. `displayed` is the type that senders' programs show as "read", and Exchange's; the text for
 * people says what really happened. The mode `automatic-action/MDN-sent-automatically` says that nobody was asked.
 */
export function readReceipt({ request, recipient, reportingHost, id, at }: ReceiptFacts): Buffer {
  const { messageId, originalRecipient, subject } = request;
  const to = addrSpec(request.localPart, request.domain);
  const date = new Date(at).toUTCString().replace('GMT', '+0000');
  const boundary = `=_${id.replaceAll(/[^A-Za-z0-9]/g, '').slice(0, 40)}`;
  // RFC 6533 §4: an address that is no ASCII needs the global forms of the report.
  const isGlobal = !ASCII.test(recipient.address) || !ASCII.test(to);
  const reportType = isGlobal ? 'message/global-disposition-notification' : 'message/disposition-notification';
  const lines = [
    `From: ${phrase(recipient.displayName)} <${recipient.address}>`,
    `To: <${to}>`,
    `Subject: ${unstructuredValue(`Read: ${subject}`)}`,
    `Date: ${date}`,
    `Message-ID: <${id}>`,
    ...(messageId === null ? [] : [`In-Reply-To: ${messageId}`, `References: ${messageId}`]),
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    `Content-Type: multipart/report; report-type=disposition-notification;\r\n boundary="${boundary}"`,
    '',
    `--${boundary}`,
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    '',
    `Your message to ${recipient.address}`,
    ...(subject === '' ? [] : [`with the subject "${subject.slice(0, 500)}"`]),
    `was downloaded by the recipient's mail program on ${date}.`,
    '',
    'This receipt was sent by the mail server. It does not say that the message has been read or understood.',
    '',
    `--${boundary}`,
    `Content-Type: ${reportType}`,
    ...(isGlobal ? ['Content-Transfer-Encoding: 8bit'] : []),
    '',
    `Reporting-UA: ${reportingHost}; Penfold`,
    ...(originalRecipient === null ? [] : [`Original-Recipient: ${originalRecipient}`]),
    `Final-Recipient: ${ASCII.test(recipient.address) ? 'rfc822' : 'utf-8'};${recipient.address}`,
    ...(messageId === null ? [] : [`Original-Message-ID: ${messageId}`]),
    'Disposition: automatic-action/MDN-sent-automatically; displayed',
    '',
    `--${boundary}--`,
    '',
  ];
  return Buffer.from(lines.join('\r\n'), 'utf8');
}
