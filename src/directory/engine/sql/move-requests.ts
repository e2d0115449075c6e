/** Move requests, and the transactions that decide about moves (directory/move-request.ts). */
import { randomUUID } from 'node:crypto';
import { Failure } from '../../../observe/failure.ts';
import { type MailboxId, mailboxId } from '../../../store/model.ts';
import { type Actor, accountId, type DatabaseId, databaseId, type ServerId, serverId } from '../../model.ts';
import {
  ACTIVE_MOVES,
  type MoveClaim,
  type MoveProgress,
  type MoveRequest,
  type MoveRequests,
  type MoveStatus,
  type NewMoveRequest,
  NO_PROGRESS,
} from '../../move-request.ts';
import { existingAccount } from './accounts.ts';
import { jsonOf, numberOf, textOf, wordOf } from './rows.ts';
import type { Reader, Row, Transaction } from './seam.ts';
import { databaseName } from './topology.ts';

const STATUSES = [
  'Queued',
  'InProgress',
  'AutoSuspended',
  'Suspended',
  'CompletionInProgress',
  'Completed',
  'Failed',
] as const satisfies readonly MoveStatus[];

type Write = <T>(work: (transaction: Transaction) => Promise<T>) => Promise<T>;

/** The part of the directory that is about moves. */
export function moveRequestsOf(reader: Reader, actor: Actor, write: Write): MoveRequests {
  return {
    moveRequests: async () => (await reader.all('SELECT * FROM move_request ORDER BY created_at, id')).map(requestOf),
    addMoveRequest: (request) => write((to) => add(to, actor, request)),
    changeMoveRequest: (id, change) => write((to) => changeByAdmin(to, id, change)),
    removeMoveRequest: (id) => write((to) => remove(to, id)),
    claimMove: (id, server, untilMs) => write((to) => claim(to, id, server, untilMs)),
    reportMove: (held, report) => write((to) => reportOf(to, held, report)),
    releaseMove: (held) =>
      write(async (to) => {
        await to.run('UPDATE move_request SET claimed_until = 0 WHERE id = ? AND fence = ?', held.id, held.fence);
      }),
    openCutOver: (held) => write((to) => openCutOver(to, held)),
    completeMove: (held, cutOver, progress) => write((to) => complete(to, held, cutOver, progress)),
    keepMailbox: (mailbox, place) => write((to) => keep(to, mailbox, place)),
    // Through a transaction: an answer of yesterday could bring an empty mailbox to life, or shut one for good.
    placeOfMailbox: (mailbox) => write((to) => placeOf(to, mailbox)),
  };
}

async function existing(reader: Reader, id: string): Promise<MoveRequest> {
  const row = await reader.get('SELECT * FROM move_request WHERE id = ?', id);
  if (row === null) throw new Failure('NONEXISTENT', 'there is no such move request');
  return requestOf(row);
}

/** @throws Failure NONEXISTENT, INUSE, CANNOT */
async function claimed(reader: Reader, { id, fence }: MoveClaim): Promise<MoveRequest> {
  const request = await existing(reader, id);
  if (request.fence !== fence) throw new Failure('INUSE', 'another server works on this move');
  if (request.status === 'Suspended') throw new Failure('CANNOT', 'the move request was suspended');
  return request;
}

async function placeOf(reader: Reader, mailbox: MailboxId): Promise<DatabaseId | null> {
  const row = await reader.get('SELECT database FROM account WHERE mailbox = ?', mailbox);
  return row === null ? null : databaseId(textOf(row, 'database'));
}

async function add(transaction: Transaction, actor: Actor, given: NewMoveRequest): Promise<MoveRequest> {
  const account = await existingAccount(transaction, given.account);
  const { mailbox } = account;
  if (mailbox === null) throw new Failure('CANNOT', `${account.alias} has no mailbox`);
  const target = await databaseName(transaction, given.target);
  if (mailbox.database === given.target)
    throw new Failure('CANNOT', `the mailbox of ${account.alias} lies in ${target} already`);
  const there = await transaction.get('SELECT status FROM move_request WHERE account = ?', given.account);
  if (there !== null) {
    const status = textOf(there, 'status');
    const hint = `Remove-MoveRequest ${account.alias}`;
    throw new Failure('ALREADYEXISTS', `there is a move request for ${account.alias} already (${status}): ${hint}`);
  }
  const request: MoveRequest = {
    id: randomUUID(),
    account: given.account,
    mailbox: mailbox.id,
    source: mailbox.database,
    target: given.target,
    status: given.isSuspended ? 'Suspended' : 'Queued',
    batchName: given.batchName,
    suspendWhenReadyToComplete: given.suspendWhenReadyToComplete,
    requestedBy: actor.user,
    createdAt: transaction.at,
    progress: NO_PROGRESS,
    owner: null,
    claimedUntil: 0,
    fence: 0,
  };
  await transaction.run(
    `INSERT INTO move_request (id, account, mailbox, source, target, status, batch_name, suspend_when_ready,
       requested_by, created_at, progress, owner, claimed_until, fence, cut_over, cut_overs)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, 0, 0, 0, 0)`,
    request.id,
    request.account,
    request.mailbox,
    request.source,
    request.target,
    request.status,
    request.batchName,
    Number(request.suspendWhenReadyToComplete),
    request.requestedBy,
    request.createdAt,
    JSON.stringify(request.progress),
  );
  transaction.note('move-request', request.id);
  transaction.audit('MoveRequest', account.alias, null, {
    SourceDatabase: await databaseName(transaction, request.source),
    TargetDatabase: target,
    Status: request.status,
    ...(request.batchName === '' ? {} : { BatchName: request.batchName }),
  });
  return request;
}

async function changeByAdmin(
  transaction: Transaction,
  id: string,
  change: Parameters<MoveRequests['changeMoveRequest']>[1],
): Promise<MoveRequest> {
  const before = await existing(transaction, id);
  const { alias } = await existingAccount(transaction, before.account);
  if (before.status === 'Completed' || before.status === 'CompletionInProgress')
    throw new Failure('CANNOT', `the move of ${alias} is ${before.status}`);
  const status = change.status ?? before.status;
  const suspends = change.suspendWhenReadyToComplete ?? before.suspendWhenReadyToComplete;
  // Resumed: what went wrong before counts no more, and it is tried at once.
  const progress = status === 'Queued' ? { ...before.progress, failures: 0, retryAt: 0, message: '' } : before.progress;
  await transaction.run(
    'UPDATE move_request SET status = ?, suspend_when_ready = ?, progress = ? WHERE id = ?',
    status,
    Number(suspends),
    JSON.stringify(progress),
    id,
  );
  transaction.note('move-request', id);
  transaction.audit(
    'MoveRequest',
    alias,
    { Status: before.status, SuspendWhenReadyToComplete: String(before.suspendWhenReadyToComplete) },
    { Status: status, SuspendWhenReadyToComplete: String(suspends) },
  );
  return { ...before, status, suspendWhenReadyToComplete: suspends, progress };
}

async function remove(transaction: Transaction, id: string): Promise<void> {
  const before = await existing(transaction, id);
  const { alias } = await existingAccount(transaction, before.account);
  if (before.status === 'CompletionInProgress' && before.claimedUntil > transaction.at)
    throw new Failure('INUSE', `the move of ${alias} is being completed; try again in a moment`);
  await transaction.run('DELETE FROM move_request WHERE id = ?', id);
  transaction.note('move-request', id);
  transaction.audit('MoveRequest', alias, { Status: before.status }, null);
}

async function claim(
  transaction: Transaction,
  id: string,
  server: ServerId,
  untilMs: number,
): Promise<MoveRequest | null> {
  const row = await transaction.get('SELECT * FROM move_request WHERE id = ?', id);
  if (row === null) return null;
  const before = requestOf(row);
  if (!ACTIVE_MOVES.includes(before.status)) return null;
  // A server that comes back finds its own claim, of the process before.
  if (before.claimedUntil > transaction.at && before.owner !== server) return null;
  const fence = before.fence + 1;
  await transaction.run(
    'UPDATE move_request SET owner = ?, claimed_until = ?, fence = ? WHERE id = ?',
    server,
    untilMs,
    fence,
    id,
  );
  return { ...before, owner: server, claimedUntil: untilMs, fence };
}

async function reportOf(
  transaction: Transaction,
  held: MoveClaim,
  report: Parameters<MoveRequests['reportMove']>[1],
): Promise<MoveRequest> {
  const before = await claimed(transaction, held);
  const status = report.status ?? before.status;
  const progress = { ...before.progress, ...report.progress };
  await transaction.run(
    'UPDATE move_request SET status = ?, progress = ?, claimed_until = ? WHERE id = ?',
    status,
    JSON.stringify(progress),
    report.untilMs,
    held.id,
  );
  if (status !== before.status) transaction.note('move-request', held.id);
  return { ...before, status, progress, claimedUntil: report.untilMs };
}

async function openCutOver(transaction: Transaction, held: MoveClaim): Promise<number> {
  const { progress } = await claimed(transaction, held);
  const row = await transaction.get('SELECT cut_overs FROM move_request WHERE id = ?', held.id);
  const token = (row === null ? 0 : numberOf(row, 'cut_overs')) + 1;
  const status: MoveStatus = 'CompletionInProgress';
  await transaction.run(
    'UPDATE move_request SET status = ?, cut_over = ?, cut_overs = ?, progress = ? WHERE id = ?',
    status,
    token,
    token,
    JSON.stringify({ ...progress, cutOvers: token }),
    held.id,
  );
  transaction.note('move-request', held.id);
  return token;
}

async function complete(
  transaction: Transaction,
  held: MoveClaim,
  cutOver: number,
  progress: Partial<MoveProgress>,
): Promise<void> {
  const request = await claimed(transaction, held);
  const row = await transaction.get('SELECT cut_over FROM move_request WHERE id = ?', held.id);
  if (row === null || numberOf(row, 'cut_over') !== cutOver)
    throw new Failure('CANNOT', 'the source goes on by itself: the cut-over took too long');
  const account = await existingAccount(transaction, request.account);
  const changed = await transaction.run(
    'UPDATE account SET database = ? WHERE id = ? AND mailbox = ? AND database = ?',
    request.target,
    request.account,
    request.mailbox,
    request.source,
  );
  if (changed !== 1) throw new Failure('CANNOT', 'the mailbox does not lie in the source database any more');
  const status: MoveStatus = 'Completed';
  await transaction.run(
    'UPDATE move_request SET status = ?, cut_over = 0, claimed_until = 0, progress = ? WHERE id = ?',
    status,
    JSON.stringify({ ...request.progress, ...progress, completedAt: transaction.at, failures: 0, message: '' }),
    held.id,
  );
  transaction.note('account', request.account);
  transaction.note('move-request', held.id);
  transaction.audit(
    'Mailbox',
    account.alias,
    { Database: await databaseName(transaction, request.source) },
    { Database: await databaseName(transaction, request.target) },
  );
}

async function keep(transaction: Transaction, mailbox: MailboxId, database: DatabaseId): Promise<boolean> {
  await transaction.run('UPDATE move_request SET cut_over = 0 WHERE mailbox = ? AND source = ?', mailbox, database);
  const place = await placeOf(transaction, mailbox);
  // Removed or disabled meanwhile: its mail stays where it is, for its retention.
  return place === null || place === database;
}

function requestOf(row: Row): MoveRequest {
  const owner = row['owner'];
  return {
    id: textOf(row, 'id'),
    account: accountId(textOf(row, 'account')),
    mailbox: mailboxId(textOf(row, 'mailbox')),
    source: databaseId(textOf(row, 'source')),
    target: databaseId(textOf(row, 'target')),
    status: wordOf(row, 'status', STATUSES),
    batchName: textOf(row, 'batch_name'),
    suspendWhenReadyToComplete: numberOf(row, 'suspend_when_ready') === 1,
    requestedBy: textOf(row, 'requested_by'),
    createdAt: numberOf(row, 'created_at'),
    progress: progressOf(jsonOf(row, 'progress')),
    owner: typeof owner === 'string' ? serverId(owner) : null,
    claimedUntil: numberOf(row, 'claimed_until'),
    fence: numberOf(row, 'fence'),
  };
}

/** What another version has left out has not happened. */
function progressOf(stored: unknown): MoveProgress {
  if (typeof stored !== 'object' || stored === null) return NO_PROGRESS;
  const number = (name: keyof MoveProgress): number => {
    const value: unknown = Reflect.get(stored, name);
    return typeof value === 'number' ? value : 0;
  };
  const message: unknown = Reflect.get(stored, 'message');
  return {
    startedAt: number('startedAt'),
    completedAt: number('completedAt'),
    contents: number('contents'),
    contentsDone: number('contentsDone'),
    bytes: number('bytes'),
    bytesDone: number('bytesDone'),
    passes: number('passes'),
    cutOvers: number('cutOvers'),
    lockedMs: number('lockedMs'),
    failures: number('failures'),
    retryAt: number('retryAt'),
    message: typeof message === 'string' ? message : '',
  };
}
