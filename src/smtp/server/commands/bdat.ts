/**
 * BDAT (RFC 3030): a message in counted pieces. The octets of a refused BDAT are read and thrown away, so that no part
 * of a message is ever taken for a command. BINARYMIME is not offered: the store keeps messages as lines.
 */
import type { Buffer } from 'node:buffer';
import { READ_AHEAD_BYTES, SMTP_CHUNK_BYTES, SMTP_DISCARD_BYTES } from '../../../wire/limits.ts';
import { reply } from '../../grammar/reply.ts';
import type { MailTransaction, SmtpContext } from '../context.ts';
import { LineEndGuard } from '../data-reader.ts';
import { BARE_LINE_END, MessageIntake, TOO_BIG } from '../intake.ts';

const ARGUMENT = /^(\d{1,15})(?: +(LAST))?$/i;

export async function bdat(context: SmtpContext, argument: Buffer): Promise<void> {
  const parsed = ARGUMENT.exec(argument.toString('latin1'));
  const size = Number(parsed?.[1] ?? Number.NaN);
  if (parsed === null || size > SMTP_CHUNK_BYTES) {
    // Without a usable count nobody knows where the next command begins.
    context.finish(reply(501, '5.5.4', 'BDAT needs a number of octets and perhaps LAST, closing connection'));
    return;
  }
  const last = parsed[2] !== undefined;
  const { transaction } = context;
  if (transaction === null || transaction.recipients.length === 0 || !context.connector.chunkingEnabled) {
    await discard(context, size);
    if (context.over) return;
    if (!context.connector.chunkingEnabled) context.protocolError(reply(502, '5.5.1', 'BDAT is not offered'));
    else if (transaction === null) context.protocolError(reply(503, '5.5.1', 'send MAIL FROM and RCPT TO first'));
    else context.respond(reply(554, '5.5.1', 'no valid recipients'));
    return;
  }
  transaction.chunks ??= new GuardedIntake(context, transaction, await context.maxMessageSize());
  await receive(context, transaction, transaction.chunks, size);
  if (context.over) return;
  const { refusal } = transaction.chunks;
  if (refusal !== null) {
    // RFC 3030 §2: the transaction has failed; what the client has still in flight meets 503.
    await context.reset();
    context.respond(refusal);
    return;
  }
  if (!last) {
    context.respond(reply(250, '2.0.0', `${size} octets received`));
    return;
  }
  context.transaction = null;
  context.respond(await transaction.chunks.finish());
}

/** The intake of a chunked message, with the line-end guard that DATA has in its decoder. */
class GuardedIntake extends MessageIntake {
  readonly #guard = new LineEndGuard();

  override async write(chunk: Buffer): Promise<void> {
    this.#guard.watch(chunk);
    await super.write(chunk);
  }

  override async finish(): ReturnType<MessageIntake['finish']> {
    if (this.#guard.hasBareLineEnd) this.refuse(BARE_LINE_END);
    return super.finish();
  }
}

async function receive(context: SmtpContext, transaction: MailTransaction, intake: MessageIntake, size: number) {
  if (intake.bytes + size > (await context.maxMessageSize())) intake.refuse(TOO_BIG);
  let left = size;
  while (left > 0) {
    context.awaitClient();
    const chunk = await context.connection.readChunk(Math.min(left, READ_AHEAD_BYTES));
    if (chunk === null || intake.isHopeless) {
      context.over = true;
      transaction.chunks = null;
      await intake.abort();
      return;
    }
    left -= chunk.length;
    await intake.write(chunk);
  }
}

async function discard(context: SmtpContext, size: number): Promise<void> {
  let left = size;
  while (left > 0 && context.discardedBytes <= SMTP_DISCARD_BYTES) {
    context.awaitClient();
    const chunk = await context.connection.readChunk(Math.min(left, READ_AHEAD_BYTES));
    if (chunk === null) break;
    left -= chunk.length;
    context.discardedBytes += chunk.length;
  }
  if (left > 0)
    context.finish(reply(421, '4.7.0', `${context.connector.fqdn} too much unwanted data, closing connection`));
}
