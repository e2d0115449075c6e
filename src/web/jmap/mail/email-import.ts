/** Email/import and Email/copy (RFC 8621 §4.7, §4.8): Emails out of bytes that are there. */
import type { Buffer } from 'node:buffer';
import { MethodArguments } from '../arguments.ts';
import type { Method } from '../dispatch.ts';
import { isObject, type JsonObject, property } from '../json.ts';
import { MethodError, SetError } from '../method-error.ts';
import { JMAP_LIMITS } from '../request.ts';
import { attempted, type IdOf } from '../set-call.ts';
import { openBlob } from './blob-reading.ts';
import { type MailContext, type OpenAccount, writableAccountOf } from './context.ts';
import { readDestination } from './email-draft.ts';
import { inView } from './email-methods.ts';
import { setEmails } from './email-set-method.ts';
import { foldersOf, storeEmail } from './email-storing.ts';
import { blobIdOf, contentOf } from './ids.ts';
import { keywordsOfEmail } from './keywords.ts';
import { MAIL } from './names.ts';
import { utcDate } from './email-get.ts';

/** What an upload may have: a message beyond it cannot come by JMAP. */
const IMPORT_BYTES = JMAP_LIMITS.maxSizeUpload;

const stateNow = (account: OpenAccount): Promise<string> => inView(account, (_view, state) => Promise.resolve(state));

/** @throws MethodError stateMismatch */
async function checkedState(account: OpenAccount, wanted: string | null): Promise<string> {
  const state = await stateNow(account);
  if (wanted !== null && wanted !== state)
    throw new MethodError('stateMismatch', 'the account has changed since that state');
  return state;
}

interface Created {
  readonly created: JsonObject;
  readonly notCreated: JsonObject;
}

/** @throws MethodError requestTooLarge */
async function createEach(
  records: JsonObject,
  createdIds: Map<string, string>,
  create: (record: JsonObject, idOf: IdOf) => Promise<JsonObject>,
): Promise<Created> {
  if (Object.keys(records).length > JMAP_LIMITS.maxObjectsInSet)
    throw new MethodError('requestTooLarge', `at most ${JMAP_LIMITS.maxObjectsInSet} records a call`);
  const idOf: IdOf = (id) => (id.startsWith('#') ? (createdIds.get(id.slice(1)) ?? id) : id);
  const created = new Map<string, JsonObject>();
  const notCreated = new Map<string, JsonObject>();
  for (const [creation, record] of Object.entries(records)) {
    const outcome = await attempted(() => {
      if (!isObject(record)) throw new SetError('invalidProperties', 'a record is an object');
      return create(record, idOf);
    });
    if ('failed' in outcome) {
      notCreated.set(creation, outcome.failed);
      continue;
    }
    created.set(creation, outcome.value);
    const id = outcome.value['id'];
    if (typeof id === 'string') createdIds.set(creation, id);
  }
  return { created: Object.fromEntries(created), notCreated: Object.fromEntries(notCreated) };
}

/** @throws SetError */
function onlyKnown(record: JsonObject, known: readonly string[]): void {
  const unknown = Object.keys(record).find((key) => !known.includes(key));
  if (unknown !== undefined)
    throw new SetError('invalidProperties', `${unknown.slice(0, 100)} cannot be set`, { properties: [unknown] });
}

/** §4.8. A message that is there already may come a second time: it is another Email. */
export const emailImport: Method<MailContext> = {
  name: 'Email/import',
  capability: MAIL,
  run: async ({ context, args: given, createdIds }) => {
    const args = new MethodArguments(given, ['accountId', 'ifInState', 'emails']);
    const account = await writableAccountOf(context, args);
    const oldState = await checkedState(account, args.optionalText('ifInState'));
    const outcome = await createEach(args.object('emails') ?? {}, createdIds, async (record, idOf) => {
      onlyKnown(record, ['blobId', 'mailboxIds', 'keywords', 'receivedAt']);
      const destination = readDestination(record);
      const folders = foldersOf(account.mailbox, destination.mailboxIds, idOf);
      const blobId = property(record, 'blobId');
      const blob = typeof blobId === 'string' ? await openBlob(account, blobId) : null;
      if (blob === null) throw new SetError('invalidProperties', 'there is no such blob', { properties: ['blobId'] });
      return storeEmail(account, withoutNothing(blob.read()), { ...destination, folders }, IMPORT_BYTES);
    });
    return { accountId: args.id('accountId'), oldState, newState: await stateNow(account), ...outcome };
  },
};

/** @throws SetError invalidEmail: no octets at all are no message */
async function* withoutNothing(bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let octets = 0;
  for await (const chunk of bytes) {
    octets += chunk.length;
    yield chunk;
  }
  if (octets === 0) throw new SetError('invalidEmail', 'the blob is empty: that is no message');
}

/** §4.7: into another account, the original destroyed behind it if wanted (RFC 8620 §5.4). */
export const emailCopy: Method<MailContext> = {
  name: 'Email/copy',
  capability: MAIL,
  run: async (call) => {
    const { context, args: given, createdIds } = call;
    const args = new MethodArguments(given, [
      'fromAccountId',
      'ifFromInState',
      'accountId',
      'ifInState',
      'create',
      'onSuccessDestroyOriginal',
      'destroyFromIfInState',
    ]);
    const fromId = args.id('fromAccountId');
    const account = await writableAccountOf(context, args);
    if (fromId === args.id('accountId'))
      throw new MethodError('invalidArguments', 'within one account an Email is put into Mailboxes by Email/set');
    const from = await context.account(fromId);
    if (from === null) throw new MethodError('fromAccountNotFound', `there is no account ${fromId} for you`);
    await checkedState(from, args.optionalText('ifFromInState'));
    const oldState = await checkedState(account, args.optionalText('ifInState'));
    const copied: string[] = [];
    const outcome = await createEach(args.object('create') ?? {}, createdIds, async (record, idOf) => {
      onlyKnown(record, ['id', 'mailboxIds', 'keywords', 'receivedAt']);
      const id = property(record, 'id');
      const original = typeof id === 'string' ? await originalOf(from, idOf(id)) : null;
      if (original === null || typeof id !== 'string') throw new SetError('notFound', 'there is no such Email');
      const destination = readDestination({
        ...record,
        keywords: property(record, 'keywords') ?? original.keywords,
        receivedAt: property(record, 'receivedAt') ?? original.receivedAt,
      });
      const folders = foldersOf(account.mailbox, destination.mailboxIds, idOf);
      const stored = await storeEmail(account, original.bytes, { ...destination, folders }, Infinity);
      copied.push(idOf(id));
      return stored;
    });
    const answer = {
      fromAccountId: fromId,
      accountId: args.id('accountId'),
      oldState,
      newState: await stateNow(account),
      ...outcome,
    };
    if (!args.flag('onSuccessDestroyOriginal') || copied.length === 0) return answer;
    const ifInState = args.optionalText('destroyFromIfInState');
    const destroyed = await setEmails({ ...call, args: { accountId: fromId, ifInState, destroy: copied } });
    return [
      { name: 'Email/copy', args: answer },
      { name: 'Email/set', args: destroyed },
    ];
  },
};

interface Original {
  readonly bytes: AsyncIterable<Buffer>;
  readonly keywords: JsonObject;
  readonly receivedAt: string;
}

async function originalOf(from: OpenAccount, id: string): Promise<Original | null> {
  const content = contentOf(id);
  if (content === null) return null;
  const facts = await inView(from, (view) => {
    const places = view.placements(new Set<number>([content])).get(content);
    const [first] = places ?? [];
    return Promise.resolve(
      places === undefined || first === undefined
        ? null
        : {
            keywords: keywordsOfEmail(places),
            receivedAt: utcDate(first.view.columns.internalDate[first.row]!),
          },
    );
  });
  const blob = facts === null ? null : await openBlob(from, blobIdOf(content));
  return facts === null || blob === null ? null : { ...facts, bytes: blob.read() };
}
