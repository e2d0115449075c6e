/**
 * APPEND (RFC 9051 §6.3.12) with APPENDUID (RFC 4315 §3) and APPENDLIMIT (RFC 7889). The message streams from the
 * socket into the store's spool and is never held here (field-study.md B15); OK means it is durable.
 */
import { Failure, ProtocolViolation } from '../../observe/failure.ts';
import type { StagedMessage } from '../../store/api.ts';
import type { AppendPrefix, CommandOf } from '../grammar/ast.ts';
import { AnswerCutShort, type Completion, ok, type Session } from '../session/context.ts';
import { targetFolder } from './folders.ts';

export async function append(session: Session, command: CommandOf<'APPEND'>): Promise<Completion> {
  const prefix = command.first;
  let folder;
  try {
    folder = targetFolder(session, command.folder);
    refuseSize(session, prefix);
  } catch (error) {
    // RFC 9051 §4.3: a client that waits for `+` sends nothing after a NO; the bytes of others are read and dropped.
    if (!(await session.reader.discardMessage())) throw new AnswerCutShort('APPEND: too much to skip');
    throw error;
  }
  const staged = await receive(session);
  if (staged === null) return ok('APPEND was broken off.');
  try {
    const { flags, internalDate } = prefix;
    const done = await session.mailbox.append(
      folder.id,
      staged,
      {
        flags: flags.flags,
        keywords: flags.keywords,
        ...(internalDate === null ? {} : { internalDate }),
      },
      session.origin,
    );
    return ok('APPEND completed.', `APPENDUID ${done.uidValidity} ${done.uid}`);
  } finally {
    await staged.release();
  }
}

function refuseSize(session: Session, prefix: AppendPrefix): void {
  const most = session.settings.maxMessageSize;
  if (prefix.literal.size > most) {
    throw new Failure('TOOBIG', `A message may have at most ${most} bytes here.`);
  }
  if (prefix.literal.size === 0) throw new Failure('CANNOT', 'A message without a single byte cannot be stored.');
}

/** Null when the client went away in the middle. */
async function receive(session: Session): Promise<StagedMessage | null> {
  const sink = session.stage({ maxBytes: session.settings.maxMessageSize });
  const failures: Error[] = [];
  let kept = false;
  try {
    const complete = await session.reader.message(async (chunk) => {
      session.touch();
      if (failures.length > 0) return;
      try {
        await sink.write(chunk);
      } catch (error) {
        // The bytes that are still to come belong to this literal: they are read to the end before the answer.
        failures.push(error instanceof Error ? error : new Error(String(error)));
      }
    });
    if (!complete) return null;
    const behind = await session.reader.finishAppend();
    if (behind === null) return null;
    if (behind !== 'complete') {
      if ('name' in behind) throw behind.error;
      if (!(await session.reader.discardMessage())) throw new AnswerCutShort('APPEND: too much to skip');
      throw new ProtocolViolation('APPEND: several messages at once (MULTIAPPEND) are not offered by this server');
    }
    const [failure] = failures;
    if (failure !== undefined) throw failure;
    kept = true;
    return await sink.finish();
  } finally {
    if (!kept) await sink.abort();
  }
}
