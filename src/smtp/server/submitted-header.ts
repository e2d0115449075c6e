/**
 * The header of a message that a person submits, by SMTP or by JMAP (RFC 6409 §6, §8; RFC 8621 §7.5): who may stand in
 * From and Sender, what is completed, what is taken out. Knows no session.
 */
import type { Buffer } from 'node:buffer';
import type { Directory } from '../../directory/api.ts';
import type { Account } from '../../directory/model.ts';
import { type Reply, reply } from '../grammar/reply.ts';
import { fieldText, type HeaderField, withoutFields } from './header-fields.ts';
import { mailboxList } from './sender-rights.ts';
import { maySendAs } from './submission-limits.ts';
import { dateField, messageIdField } from './trace.ts';

const NOT_YOURS = 'you may not send as this address: From and Sender must be addresses of your own mailbox';

/** Null: he may send it. `account` undefined: nobody has logged on. @throws Failure UNAVAILABLE */
export async function refusedHeader(
  directory: Directory,
  account: Account | undefined,
  header: Buffer,
  fields: readonly HeaderField[],
): Promise<Reply | null> {
  // RFC 5322 §4 has no NUL: readers that drop it would see a From or Sender that was garbage here.
  if (header.includes(0)) return reply(550, '5.6.0', 'message refused: its header contains a NUL');
  const from = fields.filter((field) => field.name === 'from');
  const senders = fields.filter((field) => field.name === 'sender');
  if (account === undefined || from.length !== 1 || senders.length > 1)
    return reply(550, '5.6.0', 'a message needs exactly one From field and at most one Sender field');
  for (const field of [...from, ...senders]) {
    const addresses = mailboxList(fieldText(header, field));
    if (addresses === null)
      return reply(550, '5.6.0', `the ${field.name === 'from' ? 'From' : 'Sender'} field cannot be read`);
    for (const address of addresses)
      if (!(await maySendAs(directory, account, address))) return reply(550, '5.7.60', NOT_YOURS);
  }
  return null;
}

/** Date and Message-ID where they are missing (RFC 6409 §8.2, §8.3). */
export function completedFields(
  fields: readonly HeaderField[],
  at: number,
  serverName: string,
): { readonly text: string /** With angle brackets; null: it has one. */; readonly messageId: string | null } {
  const date = fields.some((field) => field.name === 'date') ? '' : dateField(at);
  if (fields.some((field) => field.name === 'message-id')) return { text: date, messageId: null };
  const field = messageIdField(serverName);
  return { text: date + field, messageId: field.slice(field.indexOf('<')).trim() };
}

/** RFC 5322 §3.6.3: Bcc must not reach its other readers. */
export const withoutBcc = (header: Buffer, fields: readonly HeaderField[]): Buffer =>
  withoutFields(
    header,
    fields.filter((field) => field.name === 'bcc'),
  );
