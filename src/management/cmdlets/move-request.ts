/**
 * New-, Get-, Suspend-, Resume-, Remove-MoveRequest and Get-MoveRequestStatistics: mailboxes on their way to another
 * database (exchange-behaviour.md §11). A request is an entry of the directory; the back end that serves the target
 * finds it there and does the work.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Directory } from '../../directory/api.ts';
import { ACTIVE_MOVES, type MoveRequest, type MoveStatus } from '../../directory/move-request.ts';
import type { DatabaseRecord } from '../../directory/model.ts';
import { boolean, enumeration, formatTimeSpan, text } from '../../directory/settings/value-types.ts';
import { Failure } from '../../observe/failure.ts';
import type {
  ChangingCmdlet,
  Cmdlet,
  CmdletCall,
  CmdletObject,
  ManagementServices,
  Parameter,
  Plan,
  ReadingCmdlet,
} from '../cmdlet.ts';
import {
  completeDatabase,
  databaseNamed,
  domainControllerParameter,
  identityParameter,
  identityType,
  mailboxNamed,
  nothingCalled,
} from './identity.ts';
import { shortName } from './mailbox.ts';
import { sizeCell } from './mailbox-statistics.ts';
import { MAY_CHANGE_RECIPIENTS, MAY_READ_RECIPIENTS, oneMailbox } from './recipient-facts.ts';
import { applying } from './results.ts';

/** How often somebody who waits looks. */
const LOOK_MS = 500;
const STATUSES = [
  'Queued',
  'InProgress',
  'AutoSuspended',
  'Suspended',
  'CompletionInProgress',
  'Completed',
  'Failed',
] as const satisfies readonly MoveStatus[];

/** Names of what a request is about. */
interface Named {
  readonly request: MoveRequest;
  readonly alias: string;
  readonly displayName: string;
  readonly source: string;
  readonly target: string;
}

async function named(directory: Directory, databases: readonly DatabaseRecord[], request: MoveRequest): Promise<Named> {
  const account = await directory.account(request.account);
  const nameOf = (id: string): string => databases.find((one) => one.id === id)?.name ?? '';
  return {
    request,
    alias: account?.alias ?? '',
    displayName: account?.displayName ?? '',
    source: nameOf(request.source),
    target: nameOf(request.target),
  };
}

/** @throws Failure NONEXISTENT when there is no request for the mailbox */
async function requestFor(directory: Directory, typed: string): Promise<Named> {
  const [requests, databases] = [await directory.moveRequests(), await directory.databases()];
  const byId = requests.find((one) => one.id === typed.trim().toLowerCase());
  const account = byId === undefined ? await mailboxNamed(directory, typed) : null;
  const found = byId ?? requests.find((one) => one.account === account?.id);
  if (found !== undefined) return named(directory, databases, found);
  const all = await Promise.all(requests.map((one) => named(directory, databases, one)));
  throw nothingCalled(
    'move request',
    typed,
    all.map(({ alias }) => alias),
  );
}

const completeMove = async ({ directory }: ManagementServices): Promise<readonly string[]> => {
  const databases = await directory.databases();
  const all = await Promise.all((await directory.moveRequests()).map((one) => named(directory, databases, one)));
  return all.map(({ alias }) => alias);
};

const anyMove = identityParameter({
  help: 'The mailbox, as Get-Mailbox takes it, or the GUID of a request. Without it: all.',
  complete: completeMove,
});
const oneMove = identityParameter({
  required: true,
  help: 'The mailbox that is moved, as Get-Mailbox takes it, or the GUID of its request.',
  complete: completeMove,
});
const targetDatabase: Parameter<string> = {
  name: 'TargetDatabase',
  type: identityType,
  required: true,
  position: 2,
  help: 'The mailbox database it moves to, on any server, of any engine.',
  complete: completeDatabase,
};
const batchName: Parameter<string> = {
  name: 'BatchName',
  type: text({ max: 256 }),
  help: 'A word for moves that belong together; Get-MoveRequest -BatchName finds them.',
};
const suspendWhenReady: Parameter<boolean> = {
  name: 'SuspendWhenReadyToComplete',
  type: boolean,
  isSwitch: true,
  help: 'Copies everything and then waits for Resume-MoveRequest: the switch comes when it suits.',
};
const suspend: Parameter<boolean> = {
  name: 'Suspend',
  type: boolean,
  isSwitch: true,
  help: 'Makes the request and begins nothing until Resume-MoveRequest.',
};
const wait: Parameter<boolean> = {
  name: 'Wait',
  type: boolean,
  isSwitch: true,
  help: 'Shows how far it is until it ends; interrupting ends the showing, not the move.',
};

const moveObject = ({ request, alias, displayName, source, target }: Named): CmdletObject => ({
  Identity: alias,
  DisplayName: displayName,
  Status: request.status,
  SourceDatabase: source,
  TargetDatabase: target,
  BatchName: request.batchName,
  PercentComplete: percentOf(request),
  RequestGuid: request.id,
});

/** 95 is for what is copied; the last steps are short. */
function percentOf({ status, progress }: MoveRequest): number {
  if (status === 'Completed') return 100;
  if (status === 'AutoSuspended') return 95;
  if (progress.bytes === 0) return progress.contents === 0 ? 0 : 95;
  return Math.min(95, Math.floor((progress.bytesDone * 95) / progress.bytes));
}

const dateOf = (at: number): string | null => (at === 0 ? null : new Date(at).toISOString());

/** Copying to the end, at the pace so far; null: cannot be told. */
function secondsLeft({ progress, status }: MoveRequest, now: number): number | null {
  const { startedAt, bytes, bytesDone } = progress;
  const spent = (now - startedAt) / 1000;
  if (status !== 'InProgress' || startedAt === 0 || bytesDone === 0 || spent < 1) return null;
  return Math.ceil(((bytes - bytesDone) * spent) / bytesDone);
}

function statisticsObject(one: Named, servers: ReadonlyMap<string, string>, now: number): CmdletObject {
  const { request } = one;
  const { progress } = request;
  const ended = progress.completedAt === 0 ? now : progress.completedAt;
  const left = secondsLeft(request, now);
  return {
    Identity: one.alias,
    DisplayName: one.displayName,
    Status: request.status,
    PercentComplete: percentOf(request),
    TotalMailboxSize: sizeCell(progress.bytes),
    BytesTransferred: sizeCell(progress.bytesDone),
    TotalMailboxItemCount: progress.contents,
    ItemsTransferred: progress.contentsDone,
    SourceDatabase: one.source,
    TargetDatabase: one.target,
    MRSServerName: request.owner === null ? '' : (servers.get(request.owner) ?? ''),
    QueuedTimestamp: dateOf(request.createdAt),
    StartTimestamp: dateOf(progress.startedAt),
    CompletionTimestamp: dateOf(progress.completedAt),
    OverallDuration: formatTimeSpan(Math.max(0, Math.round((ended - request.createdAt) / 1000))),
    EstimatedTimeLeft: left === null ? null : formatTimeSpan(left),
    LastLockMilliseconds: progress.lockedMs,
    CutOvers: progress.cutOvers,
    Passes: progress.passes,
    Failures: progress.failures,
    NextRetry: dateOf(progress.retryAt),
    Message: progress.message,
    BatchName: request.batchName,
    RequestedBy: request.requestedBy,
    RequestGuid: request.id,
  };
}

/** Shows how far a request is until nobody works on it any more. */
async function waitFor(call: CmdletCall, id: string): Promise<void> {
  const { directory } = call.services;
  while (!call.signal.aborted) {
    const request = (await directory.moveRequests()).find((one) => one.id === id);
    if (request === undefined || !ACTIVE_MOVES.includes(request.status)) return;
    const { contents, contentsDone } = request.progress;
    const left = secondsLeft(request, Date.now());
    const rest = left === null ? '' : `, about ${formatTimeSpan(left)} left`;
    call.progress(percentOf(request), 100, `${request.status}, ${contentsDone} of ${contents} messages${rest}`);
    await delay(LOOK_MS, undefined, { signal: call.signal }).catch(() => {});
  }
}

const newMoveRequest: ChangingCmdlet = {
  name: 'New-MoveRequest',
  changes: true,
  synopsis: 'Moves a mailbox to another mailbox database while it is in use.',
  description:
    'Everything comes along: folders, messages with UIDs, flags, keywords and dates, recoverable items, subscriptions. Sessions go on until the switch, which takes well under a second, and then connect again by themselves. The copy at the source stays, shut, for MailboxRetention of its database.',
  parameters: [oneMailbox, targetDatabase, batchName, suspendWhenReady, suspend, wait, domainControllerParameter],
  examples: [
    {
      line: 'New-MoveRequest <Mailbox> -TargetDatabase DB2',
      says: 'Moves one mailbox; Get-MoveRequestStatistics shows how far it is.',
    },
    { line: 'New-MoveRequest <Mailbox> DB2 -Wait', says: 'Shows how far it is until it is done.' },
    {
      line: "Get-Mailbox -Database DB1 | New-MoveRequest -TargetDatabase DB2 -BatchName 'DB1 empty'",
      says: 'Moves all mailboxes of a database, a few at a time.',
    },
  ],
  roles: MAY_CHANGE_RECIPIENTS,
  columns: ['DisplayName', 'Status', 'SourceDatabase', 'TargetDatabase', 'PercentComplete'],
  async plan(call): Promise<Plan> {
    const { args, services } = call;
    const { directory } = services;
    const account = await mailboxNamed(directory, args.get(oneMailbox));
    const target = await databaseNamed(directory, args.get(targetDatabase));
    if (account.mailbox.database === target.id)
      throw new Failure('CANNOT', `the mailbox of ${account.alias} lies in ${target.name} already`);
    const databases = await directory.databases();
    const source = databases.find((one) => one.id === account.mailbox.database)?.name ?? '';
    return {
      what: `Move the mailbox of ${shortName(account)} from ${source} to ${target.name}`,
      dangerous: false,
      apply: () =>
        applying(async () => {
          const { id } = await directory.addMoveRequest({
            account: account.id,
            target: target.id,
            batchName: args.optional(batchName) ?? '',
            suspendWhenReadyToComplete: args.optional(suspendWhenReady) === true,
            isSuspended: args.optional(suspend) === true,
          });
          if (args.optional(wait) === true) await waitFor(call, id);
          return [moveObject(await requestFor(directory, id))];
        }),
    };
  },
};

const moveStatus: Parameter<MoveStatus> = {
  name: 'MoveStatus',
  type: enumeration(STATUSES),
  help: 'Only requests with this status.',
};
const toDatabase: Parameter<string> = {
  name: 'TargetDatabase',
  type: identityType,
  help: 'Only moves to this mailbox database.',
  complete: completeDatabase,
};
const fromDatabase: Parameter<string> = {
  name: 'SourceDatabase',
  type: identityType,
  help: 'Only moves out of this mailbox database.',
  complete: completeDatabase,
};
const ofBatch: Parameter<string> = { name: 'BatchName', type: text({ max: 256 }), help: 'Only moves of this batch.' };

async function* wanted(call: CmdletCall): AsyncIterable<Named> {
  const { args, services } = call;
  const { directory } = services;
  const typed = args.optional(anyMove);
  if (typed !== undefined) {
    yield await requestFor(directory, typed);
    return;
  }
  const databases = await directory.databases();
  const idOf = async (parameter: Parameter<string>): Promise<string | null> => {
    const name = args.optional(parameter);
    return name === undefined ? null : (await databaseNamed(directory, name)).id;
  };
  const [target, source] = [await idOf(toDatabase), await idOf(fromDatabase)];
  const [status, batch] = [args.optional(moveStatus), args.optional(ofBatch)?.toLowerCase()];
  for (const request of await directory.moveRequests()) {
    if (target !== null && request.target !== target) continue;
    if (source !== null && request.source !== source) continue;
    if (status !== undefined && request.status !== status) continue;
    if (batch !== undefined && request.batchName.toLowerCase() !== batch) continue;
    yield await named(directory, databases, request);
  }
}

const FILTERS = [anyMove, moveStatus, toDatabase, fromDatabase, ofBatch, domainControllerParameter];

const getMoveRequest: ReadingCmdlet = {
  name: 'Get-MoveRequest',
  changes: false,
  synopsis: 'Shows requests to move mailboxes, those that are done too, until they are removed.',
  parameters: FILTERS,
  examples: [
    { line: 'Get-MoveRequest', says: 'All of them, the oldest first.' },
    { line: 'Get-MoveRequest -MoveStatus Failed | Get-MoveRequestStatistics', says: 'Why moves have failed.' },
  ],
  roles: MAY_READ_RECIPIENTS,
  columns: ['DisplayName', 'Status', 'SourceDatabase', 'TargetDatabase', 'PercentComplete'],
  async *run(call) {
    for await (const one of wanted(call)) yield moveObject(one);
  },
};

const getMoveRequestStatistics: ReadingCmdlet = {
  name: 'Get-MoveRequestStatistics',
  changes: false,
  synopsis: 'Shows how far a move is, how long its last lock was, and what went wrong.',
  description:
    'Sizes are of contents, each once, however many folders show it. LastLockMilliseconds is how long changes of sessions waited at the switch.',
  parameters: [...FILTERS.slice(0, -1), wait, domainControllerParameter],
  examples: [
    { line: 'Get-MoveRequestStatistics', says: 'Of all requests.' },
    { line: 'Get-MoveRequest | Get-MoveRequestStatistics | Format-List', says: 'With everything that is known.' },
  ],
  roles: MAY_READ_RECIPIENTS,
  columns: ['DisplayName', 'Status', 'TotalMailboxSize', 'BytesTransferred', 'PercentComplete', 'EstimatedTimeLeft'],
  async *run(call) {
    const { directory } = call.services;
    const servers = new Map((await directory.servers()).map(({ id, name }) => [String(id), name]));
    for await (const one of wanted(call)) {
      if (call.args.optional(wait) === true) await waitFor(call, one.request.id);
      const now = (await directory.moveRequests()).find(({ id }) => id === one.request.id) ?? one.request;
      yield statisticsObject({ ...one, request: now }, servers, Date.now());
    }
  },
};

const suspendMoveRequest: ChangingCmdlet = {
  name: 'Suspend-MoveRequest',
  changes: true,
  synopsis: 'Lets a move stand still; what has been copied stays, and the mailbox is served where it was.',
  parameters: [oneMove, domainControllerParameter],
  examples: [{ line: 'Suspend-MoveRequest <Mailbox> -Confirm:$false', says: 'Until Resume-MoveRequest.' }],
  roles: MAY_CHANGE_RECIPIENTS,
  columns: [],
  async plan({ args, services }): Promise<Plan> {
    const { request, alias } = await requestFor(services.directory, args.get(oneMove));
    return {
      what: `Suspend the move of ${alias}, which is ${request.status}`,
      dangerous: true,
      apply: () =>
        applying(async () => void (await services.directory.changeMoveRequest(request.id, { status: 'Suspended' }))),
    };
  },
};

const resumeMoveRequest: ChangingCmdlet = {
  name: 'Resume-MoveRequest',
  changes: true,
  synopsis: 'Goes on with a move that was suspended, has failed, or waits to be completed.',
  parameters: [oneMove, suspendWhenReady, domainControllerParameter],
  examples: [{ line: 'Resume-MoveRequest <Mailbox>', says: 'Goes on with what has been copied.' }],
  roles: MAY_CHANGE_RECIPIENTS,
  columns: [],
  async plan({ args, services }): Promise<Plan> {
    const { request, alias } = await requestFor(services.directory, args.get(oneMove));
    const waits = args.optional(suspendWhenReady) === true;
    return {
      what: `Resume the move of ${alias}, which is ${request.status}${waits ? '; it waits again before it completes' : ''}`,
      dangerous: false,
      apply: () =>
        applying(async () => {
          await services.directory.changeMoveRequest(request.id, {
            status: 'Queued',
            suspendWhenReadyToComplete: waits,
          });
        }),
    };
  },
};

const removeMoveRequest: ChangingCmdlet = {
  name: 'Remove-MoveRequest',
  changes: true,
  synopsis: 'Forgets a move that is done, or calls off one that is not: the mailbox stays where it is.',
  parameters: [oneMove, domainControllerParameter],
  examples: [
    { line: 'Get-MoveRequest -MoveStatus Completed | Remove-MoveRequest -Confirm:$false', says: 'Tidies up.' },
  ],
  roles: MAY_CHANGE_RECIPIENTS,
  columns: [],
  async plan({ args, services }): Promise<Plan> {
    const { request, alias, source } = await requestFor(services.directory, args.get(oneMove));
    const what = request.status === 'Completed' ? 'which is done' : `which is ${request.status}: it stays in ${source}`;
    return {
      what: `Remove the move request of ${alias}, ${what}`,
      dangerous: true,
      apply: () => applying(() => services.directory.removeMoveRequest(request.id)),
    };
  },
};

export const moveRequestCmdlets: readonly Cmdlet[] = [
  newMoveRequest,
  getMoveRequest,
  getMoveRequestStatistics,
  suspendMoveRequest,
  resumeMoveRequest,
  removeMoveRequest,
];
