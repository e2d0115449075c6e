/** Email/set (RFC 8621 §4.6). */
import { MethodArguments } from '../arguments.ts';
import type { Method, MethodCall } from '../dispatch.ts';
import type { JsonObject } from '../json.ts';
import { carryOutSet, SET_ARGUMENTS } from '../set-call.ts';
import { type MailContext, writableAccountOf } from './context.ts';
import { createEmail } from './email-create.ts';
import { inView } from './email-methods.ts';
import { changeEmails, destroyEmails } from './email-set.ts';
import { MAIL } from './names.ts';

/** The answer of Email/set, also of the implicit call behind EmailSubmission/set. @throws MethodError, Failure */
export async function setEmails({
  context,
  args: given,
  createdIds,
}: Pick<MethodCall<MailContext>, 'context' | 'args' | 'createdIds'>): Promise<JsonObject> {
  const args = new MethodArguments(given, SET_ARGUMENTS);
  const account = await writableAccountOf(context, args);
  const answer = await carryOutSet(args, createdIds, {
    state: () => inView(account, (_view, state) => Promise.resolve(state)),
    create: (record, idOf) => createEmail(account, record, idOf, Date.now()),
    update: (patches, idOf) => inView(account, (view) => changeEmails(view, patches, idOf)),
    destroy: (ids) => inView(account, (view) => destroyEmails(view, ids)),
  });
  return { accountId: args.id('accountId'), ...answer };
}

export const emailSet: Method<MailContext> = { name: 'Email/set', capability: MAIL, run: setEmails };
