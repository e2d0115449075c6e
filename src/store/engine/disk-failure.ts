/** Errors of the disk as what a mail program may show; for every engine that keeps files. */
import { Failure } from '../../observe/failure.ts';

/** System errors as what a mail program may show; anything else stays what it is. */
export function asFailure(reason: unknown): unknown {
  const code = errorCode(reason);
  if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG') {
    return new Failure('UNAVAILABLE', 'The server has no space left for mail at the moment.', { cause: reason });
  }
  if (code === 'EIO' || code === 'EROFS' || code === 'EMFILE' || code === 'ENFILE') {
    return new Failure('UNAVAILABLE', 'The mailbox cannot be written at the moment.', { cause: reason });
  }
  return reason;
}

export function errorCode(reason: unknown): string | null {
  return reason instanceof Error && 'code' in reason && typeof reason.code === 'string' ? reason.code : null;
}
