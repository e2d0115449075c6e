/** PostgreSQL's errors as the directory's; codes: its manual, appendix A. */
import pg from 'pg';
import { Failure } from '../../../observe/failure.ts';
import { ConnectionLost } from './connection.ts';

const UNIQUE_AND_THE_LIKE = '23';
const UNTRANSLATABLE = '22021';
const LOCK_NOT_AVAILABLE = '55P03';
const QUERY_CANCELED = '57014';
const READ_ONLY = '25006';
/** The transaction lost against another one and can be tried again as it was. */
const AGAIN = new Set(['40001', '40P01']);
/** Connection exceptions, and a server that shuts down, crashed or starts. */
const GONE = /^(?:08|57P)/;

export const away = (cause?: unknown): Failure =>
  new Failure('UNAVAILABLE', 'the directory is away for the moment; try again later', { cause });

export const isAgain = (error: unknown): boolean => error instanceof pg.DatabaseError && AGAIN.has(error.code ?? '');

/** The connection is no longer good for anything, whatever was asked. */
export const isLost = (error: unknown): boolean =>
  error instanceof ConnectionLost ||
  (error instanceof pg.DatabaseError && (GONE.test(error.code ?? '') || error.code === READ_ONLY));

/** What is no error of PostgreSQL stays as it is. */
export function failureOf(error: unknown): unknown {
  if (isLost(error)) return away(error);
  if (!(error instanceof pg.DatabaseError)) return error;
  const code = error.code ?? '';
  if (code.startsWith(UNIQUE_AND_THE_LIKE))
    return new Failure('ALREADYEXISTS', 'the name is taken, or something it refers to is missing', { cause: error });
  if (code === UNTRANSLATABLE) return new Failure('CANNOT', 'a text must not contain NUL', { cause: error });
  if (code === LOCK_NOT_AVAILABLE || code === QUERY_CANCELED)
    return new Failure('UNAVAILABLE', 'the directory is busy; try again', { cause: error });
  return new Failure('UNAVAILABLE', 'the directory cannot be used now', { cause: error });
}
