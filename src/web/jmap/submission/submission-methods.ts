/** EmailSubmission/get, /changes, /query, /queryChanges, /set (RFC 8621 §7). */
import { MethodArguments } from '../arguments.ts';
import type { JmapContext } from '../capability.ts';
import type { Method, MethodCall } from '../dispatch.ts';
import { carryOutGet, GET_ARGUMENTS } from '../get-call.ts';
import { isObject, type Json, type JsonObject, property } from '../json.ts';
import { MethodError, SetError } from '../method-error.ts';
import { accountOf, type OpenAccount, writableAccountOf } from '../mail/context.ts';
import { setEmails } from '../mail/email-set-method.ts';
import { SUBMISSION } from '../mail/names.ts';
import { queryWindow, WINDOW_ARGUMENTS } from '../query-window.ts';
import { carryOutSet, eachOf, SET_ARGUMENTS, type SetAnswer } from '../set-call.ts';
import { readSubmissionFilter, readSubmissionSort } from './query.ts';
import { type Submission, submissionObject, undoStatusOf } from './submissions.ts';
import { spoolError, submit, type SubmissionParts } from './submitting.ts';

const PROPERTIES = [
  'id',
  'identityId',
  'emailId',
  'threadId',
  'envelope',
  'sendAt',
  'undoStatus',
  'deliveryStatus',
  'dsnBlobIds',
  'mdnBlobIds',
];
/** Ids in one answer; more are never remembered. */
const QUERY_LIMIT = 1000;

export function submissionMethods(parts: SubmissionParts): readonly Method<JmapContext>[] {
  const { submissions } = parts;
  return [
    {
      name: 'EmailSubmission/get',
      capability: SUBMISSION,
      run: async ({ context, args: given }) => {
        const args = new MethodArguments(given, GET_ARGUMENTS);
        const { owner } = await accountOf(context, args);
        const records = new Map(submissions.all(owner.id).map((one) => [one.id, submissionObject(one)]));
        const answer = carryOutGet(args, PROPERTIES, records);
        return { accountId: args.id('accountId'), state: submissions.state(owner.id), ...answer };
      },
    },
    {
      name: 'EmailSubmission/changes',
      capability: SUBMISSION,
      run: async ({ context, args: given }) => {
        const args = new MethodArguments(given, ['accountId', 'sinceState', 'maxChanges']);
        const { owner } = await accountOf(context, args);
        const oldState = args.optionalText('sinceState') ?? '';
        const most = args.whole('maxChanges', 1, Number.MAX_SAFE_INTEGER);
        const changes = submissions.since(owner.id, oldState);
        const count = changes === null ? 0 : changes.created.length + changes.updated.length + changes.destroyed.length;
        if (changes === null || count > most)
          throw new MethodError('cannotCalculateChanges', 'this state is not known here any more; begin anew');
        const newState = submissions.state(owner.id);
        return { accountId: args.id('accountId'), oldState, newState, hasMoreChanges: false, ...changes };
      },
    },
    {
      name: 'EmailSubmission/query',
      capability: SUBMISSION,
      run: async ({ context, args: given }) => {
        const args = new MethodArguments(given, ['accountId', 'filter', 'sort', ...WINDOW_ARGUMENTS]);
        const { owner } = await accountOf(context, args);
        const fits = readSubmissionFilter(args.object('filter'));
        const found = submissions
          .all(owner.id)
          .filter((one) => fits(one, undoStatusOf(one)))
          .toSorted(readSubmissionSort(args.list('sort')));
        const window = queryWindow(args, found.length, QUERY_LIMIT, (id) => found.findIndex((one) => one.id === id));
        return {
          accountId: args.id('accountId'),
          queryState: submissions.state(owner.id),
          canCalculateChanges: false,
          position: window.start,
          ids: found.slice(window.start, window.start + window.count).map(({ id }) => id),
          ...(args.flag('calculateTotal') ? { total: found.length } : {}),
          ...(window.limit === null ? {} : { limit: window.limit }),
        };
      },
    },
    {
      name: 'EmailSubmission/queryChanges',
      capability: SUBMISSION,
      run: () => Promise.reject(new MethodError('cannotCalculateChanges', 'ask the query again')),
    },
    { name: 'EmailSubmission/set', capability: SUBMISSION, run: (call) => set(parts, call) },
  ];
}

async function set(
  parts: SubmissionParts,
  call: MethodCall<JmapContext>,
): Promise<ReadonlyArray<{ readonly name: string; readonly args: JsonObject }>> {
  const { context, args: given, createdIds } = call;
  const args = new MethodArguments(given, [...SET_ARGUMENTS, 'onSuccessUpdateEmail', 'onSuccessDestroyEmail']);
  const account = await writableAccountOf(context, args);
  const onSuccess = readOnSuccess(args);
  const { submissions } = parts;
  const { owner } = account;
  /** As they were: one that is destroyed is asked for behind it. */
  const before = new Map(submissions.all(owner.id).map((one) => [one.id, one]));
  const answer = await carryOutSet(args, createdIds, {
    state: () => Promise.resolve(submissions.state(owner.id)),
    create: async (record, idOf) => {
      try {
        return await submit(parts, context, account, record, idOf);
      } catch (error) {
        throw spoolError(error) ?? error;
      }
    },
    update: (patches, idOf) => eachOf(patches, (id, patch) => cancel(parts, account, idOf(id), patch)),
    destroy: (ids) =>
      eachOf(
        ids.map((id) => [id, null] as const),
        (id) => {
          if (submissions.find(owner.id, id) === null)
            throw new SetError('notFound', 'there is no such EmailSubmission');
          submissions.forget(owner.id, id);
          return Promise.resolve();
        },
      ),
  });
  const result = { name: 'EmailSubmission/set', args: { accountId: args.id('accountId'), ...answer } };
  const emailOf = (id: string): string | null =>
    emailIdFor(id, answer, (one) => submissions.find(owner.id, one) ?? before.get(one) ?? null);
  const update: Record<string, Json> = {};
  for (const [id, patch] of Object.entries(onSuccess.update)) {
    const email = emailOf(id);
    if (email !== null) update[email] = patch ?? null;
  }
  const destroy = onSuccess.destroy.map(emailOf).filter((email) => email !== null);
  if (Object.keys(update).length === 0 && destroy.length === 0) return [result];
  // §7.5: one implicit call, its answer behind this one's.
  const emails = await setEmails({ ...call, args: { accountId: args.id('accountId'), update, destroy } });
  return [result, { name: 'Email/set', args: emails }];
}

interface OnSuccess {
  readonly update: JsonObject;
  readonly destroy: readonly string[];
}

/** @throws MethodError */
function readOnSuccess(args: MethodArguments): OnSuccess {
  return { update: args.object('onSuccessUpdateEmail') ?? {}, destroy: args.strings('onSuccessDestroyEmail') ?? [] };
}

/** The Email of a submission that this call has created, changed or destroyed; null: of none. */
function emailIdFor(id: string, answer: SetAnswer, find: (id: string) => Submission | null): string | null {
  const created = id.startsWith('#') ? property(answer.created, id.slice(1)) : undefined;
  const own = isObject(created) ? property(created, 'id') : id;
  if (typeof own !== 'string') return null;
  const succeeded = isObject(created) || Object.hasOwn(answer.updated, own) || answer.destroyed.includes(own);
  return succeeded ? (find(own)?.memo.emailId ?? null) : null;
}

/** @throws SetError */
async function cancel(
  { spool, submissions }: SubmissionParts,
  { owner }: OpenAccount,
  id: string,
  patch: Json,
): Promise<void> {
  const submission = submissions.find(owner.id, id);
  if (submission === null) throw new SetError('notFound', 'there is no such EmailSubmission');
  if (!isObject(patch)) throw new SetError('invalidPatch', 'a patch is an object');
  const other = Object.keys(patch).find((key) => key !== 'undoStatus');
  if (other !== undefined)
    throw new SetError('invalidProperties', `${other.slice(0, 100)} cannot be changed`, { properties: [other] });
  const wanted = property(patch, 'undoStatus');
  const undoStatus = undoStatusOf(submission);
  if (wanted === undefined || wanted === undoStatus) return;
  if (wanted !== 'canceled')
    throw new SetError('invalidProperties', 'undoStatus can be set to canceled', { properties: ['undoStatus'] });
  if (!(await spool.cancel(id))) throw new SetError('cannotUnsend', 'the message is on its way already');
}
