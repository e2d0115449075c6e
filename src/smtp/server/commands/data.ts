/** DATA (RFC 5321 §4.1.1.4): the message up to CRLF.CRLF, streamed to the intake. */
import type { Buffer } from 'node:buffer';
import { READ_AHEAD_BYTES } from '../../../wire/limits.ts';
import { type Reply, reply } from '../../grammar/reply.ts';
import type { SmtpContext } from '../context.ts';
import { DataDecoder } from '../data-reader.ts';
import { BARE_LINE_END, MessageIntake } from '../intake.ts';

export async function data(context: SmtpContext, argument: Buffer): Promise<void> {
  const { transaction } = context;
  if (argument.length > 0) {
    context.protocolError(reply(501, '5.5.4', 'DATA takes no argument'));
    return;
  }
  if (transaction === null || transaction.chunks !== null) {
    context.protocolError(reply(503, '5.5.1', 'send MAIL FROM and RCPT TO first'));
    return;
  }
  if (transaction.recipients.length === 0) {
    context.respond(reply(554, '5.5.1', 'no valid recipients'));
    return;
  }
  const intake = new MessageIntake(context, transaction, await context.maxMessageSize());
  context.respond(reply(354, null, 'start mail input; end with <CRLF>.<CRLF>'));
  let answer: Reply | null;
  try {
    answer = await receive(context, intake);
  } catch (error) {
    await intake.abort();
    throw error;
  }
  context.transaction = null;
  if (answer === null) {
    await intake.abort();
    context.over = true;
    return;
  }
  if (answer.code === 421) context.finish(answer);
  else context.respond(answer);
}

/** Null: the client went away in the middle; nothing is kept (RFC 5321 §4.1.1.10). */
async function receive(context: SmtpContext, intake: MessageIntake): Promise<Reply | null> {
  const { connection } = context;
  const decoder = new DataDecoder();
  for (;;) {
    context.awaitClient();
    const chunk = await connection.readChunk(READ_AHEAD_BYTES);
    if (chunk === null) return null;
    const { content, consumed, ended } = decoder.decode(chunk);
    if (decoder.hasBareLineEnd) intake.refuse(BARE_LINE_END);
    if (content.length > 0) await intake.write(content);
    if (ended) {
      connection.unread(chunk.subarray(consumed));
      return intake.finish();
    }
    if (intake.isHopeless) {
      await intake.abort();
      return reply(421, '4.3.0', `${context.connector.fqdn} message far beyond the limit, closing connection`);
    }
  }
}
