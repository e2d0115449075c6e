/** Deleted messages that can still be brought back (`urn:penfold:params:jmap:recoverable`, ADR 12 §2). */
import * as v from 'valibot';
import { getAnswer, method, queryAnswer } from '../../jmap/method.ts';

const itemSchema = v.object({
  id: v.string(),
  subject: v.nullable(v.string()),
  from: v.nullable(v.array(v.object({ name: v.nullable(v.string()), email: v.string() }))),
  size: v.number(),
  receivedAt: v.string(),
  deletedAt: v.string(),
  goneAt: v.string(),
  mailboxId: v.nullable(v.string()),
  mailboxName: v.nullable(v.string()),
});
export type RecoverableItem = v.InferOutput<typeof itemSchema>;

/** Shown at once; older ones are found by a word. */
export const ITEMS_SHOWN = 200;

export const recoverableQuery = method('RecoverableItem/query', 'recoverable', queryAnswer);
export const recoverableGet = method('RecoverableItem/get', 'recoverable', getAnswer(itemSchema));
export const recoverableRestore = method(
  'RecoverableItem/restore',
  'recoverable',
  v.object({
    accountId: v.string(),
    restored: v.record(v.string(), v.object({ mailboxId: v.string() })),
    notFound: v.array(v.string()),
  }),
);
