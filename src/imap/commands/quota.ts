/**
 * GETQUOTA, GETQUOTAROOT, SETQUOTA (RFC 9208): one quota root, the mailbox, with one resource, STORAGE. The limit is
 * ProhibitSendReceiveQuota; who has none has a root without resources. Limits are an admin's matter, never a client's.
 */
import { Failure } from '../../observe/failure.ts';
import type { CommandOf, FolderOnlyName } from '../grammar/ast.ts';
import { writeFolderName } from '../grammar/write-response.ts';
import { type Completion, ok, type Session } from '../session/context.ts';
import { folderNamed } from './folders.ts';

/** The only root there is. Clients show its name to people, and an empty one as nothing. */
const ROOT = 'Mailbox';
/** STORAGE counts in units of 1,024 octets (RFC 9208 §5.1). */
const UNIT = 1024;

export function getQuota(session: Session, { root }: CommandOf<'GETQUOTA'>): Completion {
  checkRoot(root);
  writeQuota(session);
  return ok('GETQUOTA completed.');
}

export function getQuotaRoot(session: Session, command: CommandOf<FolderOnlyName>): Completion {
  const folder = folderNamed(session, command.folder);
  session.out.ascii('* QUOTAROOT ');
  writeFolderName(session.out, folder.name, false).ascii(` "${ROOT}"\r\n`);
  writeQuota(session);
  return ok('GETQUOTAROOT completed.');
}

/** RFC 9208 §4.1.3: QUOTASET is not offered. */
export function setQuota(_session: Session, { root }: CommandOf<'SETQUOTA'>): never {
  checkRoot(root);
  throw new Failure('NOPERM', 'Quotas are set by your administrator.');
}

function checkRoot(root: string): void {
  if (root !== ROOT) throw new Failure('NONEXISTENT', 'There is no such quota root.');
}

function writeQuota({ mailbox, out, settings }: Session): void {
  const limit = settings.storageLimit(mailbox.id);
  const resources =
    limit === Infinity ? '' : `STORAGE ${Math.ceil(mailbox.usage().bytes / UNIT)} ${Math.floor(limit / UNIT)}`;
  out.ascii(`* QUOTA "${ROOT}" (${resources})\r\n`);
}
