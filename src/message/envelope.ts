/**
 * ENVELOPE (RFC 9051 §7.5.2): date, subject, from, sender, reply-to, to, cc, bcc, in-reply-to, message-id. Text is
 * the original bytes: encoded words stay encoded, raw 8-bit travels in literals.
 */
import type { Address } from './address-list.ts';
import type { ByteSink } from './byte-sink.ts';
import { writeNstring } from './imap-string.ts';
import type { MessageHeader } from './message-header.ts';

/** `(…)` without a label. */
export function writeEnvelope(out: ByteSink, message: MessageHeader): void {
  const from = message.addresses('from');
  const sender = message.addresses('sender');
  const replyTo = message.addresses('reply-to');
  out.byte(OPEN);
  writeNstring(out, message.value('date'));
  out.byte(SPACE);
  writeNstring(out, message.value('subject'));
  writeAddresses(out, from);
  // "If the Sender or Reply-To fields are absent or empty, the server sets them to From."
  writeAddresses(out, sender.length > 0 ? sender : from);
  writeAddresses(out, replyTo.length > 0 ? replyTo : from);
  writeAddresses(out, message.addresses('to'));
  writeAddresses(out, message.addresses('cc'));
  writeAddresses(out, message.addresses('bcc'));
  out.byte(SPACE);
  writeNstring(out, message.value('in-reply-to'));
  out.byte(SPACE);
  writeNstring(out, message.value('message-id'));
  out.byte(CLOSE);
}

const SPACE = 0x20;
const OPEN = 0x28;
const CLOSE = 0x29;

function writeAddresses(out: ByteSink, addresses: readonly Address[]): void {
  if (addresses.length === 0) {
    out.octets(' NIL');
    return;
  }
  out.octets(' (');
  for (const { name, route, mailbox, host } of addresses) {
    out.byte(OPEN);
    writeNstring(out, name);
    out.byte(SPACE);
    writeNstring(out, route);
    out.byte(SPACE);
    writeNstring(out, mailbox);
    out.byte(SPACE);
    writeNstring(out, host);
    out.byte(CLOSE);
  }
  out.byte(CLOSE);
}
