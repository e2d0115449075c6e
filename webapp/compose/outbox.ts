/**
 * A message on the server: kept as a draft in place of the one before, sent, taken back. In each step the text is
 * stored anew before the earlier form goes, so that a refusal loses nothing.
 */
import type { JmapClient } from '../jmap/client.ts';
import { SetRefused } from '../jmap/errors.ts';
import type { SetError } from '../jmap/method.ts';
import type { StoredDraft } from './draft-saver.ts';
import { emailObject, type EmailParts } from './email-object.ts';
import { wireAddress } from './fields/address-list.ts';
import { type Attachment, type Message, recipientsOfMessage } from './message.ts';
import { attachmentsGet, emailSet, PART_PROPERTIES, presenceGet, rolesGet, submissionSet } from './methods.ts';
import { SendRefused } from './send-failure.ts';

export interface StoredAs {
  readonly stored: StoredDraft;
  /** The earlier draft was gone already: somebody else has changed or removed it. */
  readonly wasElsewhere: boolean;
}

/** @throws SetRefused and what calls throw */
export async function storeDraft(
  client: JmapClient,
  message: Message,
  parts: EmailParts,
  earlier: StoredDraft | null,
): Promise<StoredAs> {
  const { accountId } = message.sender;
  const { drafts } = await foldersOf(client, accountId);
  const email = emailObject(message, parts, { mailboxId: drafts, isDraft: true });
  const answer = await client.call(emailSet, { accountId, create: { draft: email } });
  const emailId = createdId(answer.created, answer.notCreated, 'draft');
  const wasElsewhere = earlier !== null && !(await removeDraft(client, earlier));
  return { stored: { accountId, emailId }, wasElsewhere };
}

/** False: it was not there any more. */
export async function removeDraft(client: JmapClient, { accountId, emailId }: StoredDraft): Promise<boolean> {
  const answer = await client.call(emailSet, { accountId, destroy: [emailId] });
  return answer.notDestroyed?.[emailId]?.type !== 'notFound';
}

export async function isThere(client: JmapClient, { accountId, emailId }: StoredDraft): Promise<boolean> {
  const { list } = await client.call(presenceGet, { accountId, ids: [emailId], properties: ['id', 'keywords'] });
  return list.length > 0;
}

/**
 * The files of a message as its stored form has them: what was uploaded is kept for some hours only, and what stood in
 * the earlier draft went with it.
 */
export async function storedAttachments(
  client: JmapClient,
  { accountId, emailId }: StoredDraft,
  written: readonly Attachment[],
): Promise<ReadonlyMap<string, string>> {
  const { list } = await client.call(attachmentsGet, {
    accountId,
    ids: [emailId],
    properties: ['id', 'attachments'],
    bodyProperties: PART_PROPERTIES,
  });
  const blobs = new Map<string, string>();
  const parts = list[0]?.attachments ?? [];
  const files = parts.filter((part) => !written.some(({ inline }) => inline !== null && inline.cid === part.cid));
  for (const { inline, key } of written) {
    const part = inline === null ? files.shift() : parts.find(({ cid }) => cid === inline.cid);
    if (part !== undefined && part.blobId !== null) blobs.set(key, part.blobId);
  }
  return blobs;
}

export interface SendWish {
  readonly earlier: StoredDraft | null;
  /** Seconds in which it can be taken back. */
  readonly holdFor: number;
  /** Or when it goes out, milliseconds since 1970. */
  readonly sendAt: number | null;
}

export interface Sent {
  readonly accountId: string;
  readonly emailId: string;
  readonly submissionId: string;
  /** The original was not marked before. */
  readonly marked: Message['answered'];
}

/** @throws SendRefused, SetRefused and what calls throw */
export async function send(client: JmapClient, message: Message, parts: EmailParts, wish: SendWish): Promise<Sent> {
  const { sender } = message;
  const { accountId } = sender;
  const { drafts, sent } = await foldersOf(client, accountId);
  const email = emailObject(message, parts, { mailboxId: drafts, isDraft: false });
  const [set, submission] = await client.together(async (call) => {
    const created = call(emailSet, { accountId, create: { message: email } });
    const submitted = call(submissionSet, {
      accountId,
      create: {
        submission: { identityId: sender.identityId, emailId: '#message', envelope: envelopeOf(message, wish) },
      },
      onSuccessUpdateEmail: {
        '#submission': {
          'keywords/$draft': null,
          ...(sent === null ? {} : { [`mailboxIds/${drafts}`]: null, [`mailboxIds/${sent}`]: true }),
        },
      },
    });
    return Promise.all([created.answer, settled(submitted.answer)]);
  });
  const emailId = createdId(set.created, set.notCreated, 'message');
  const stored: StoredDraft = { accountId, emailId };
  // From here on this is the draft, whether it goes out or not.
  if (wish.earlier !== null) await removeDraft(client, wish.earlier).catch(() => false);
  if ('failure' in submission) throw new SendRefused(stored, 'serverFail', submission.failure, []);
  const refused = submission.answer.notCreated?.['submission'];
  if (refused !== undefined) throw refusal(stored, refused);
  const submissionId = createdId(submission.answer.created, submission.answer.notCreated, 'submission');
  const marked = message.answered === null ? null : await markAnswered(client, message.answered);
  return { accountId, emailId, submissionId, marked };
}

/** False: it was too late. The message is a draft again. */
export async function takeBack(client: JmapClient, sent: Sent): Promise<boolean> {
  const { accountId, submissionId, emailId, marked } = sent;
  const folders = await foldersOf(client, accountId);
  const answer = await client.call(submissionSet, {
    accountId,
    update: { [submissionId]: { undoStatus: 'canceled' } },
  });
  if (answer.notUpdated?.[submissionId] !== undefined) return false;
  await client.call(emailSet, {
    accountId,
    update: {
      [emailId]: {
        'keywords/$draft': true,
        [`mailboxIds/${folders.drafts}`]: true,
        ...(folders.sent === null ? {} : { [`mailboxIds/${folders.sent}`]: null }),
      },
    },
  });
  if (marked !== null)
    await client.call(emailSet, {
      accountId: marked.accountId,
      update: { [marked.emailId]: { [`keywords/${KEYWORDS[marked.kind]}`]: null } },
    });
  return true;
}

const KEYWORDS = { reply: '$answered', forward: '$forwarded' } as const;

/** Null: it was marked already, or has gone; the message is sent all the same. */
async function markAnswered(
  client: JmapClient,
  answered: NonNullable<Message['answered']>,
): Promise<Message['answered']> {
  const { accountId, emailId, kind } = answered;
  try {
    const { list } = await client.call(presenceGet, { accountId, ids: [emailId], properties: ['id', 'keywords'] });
    if (list[0] === undefined || list[0].keywords[KEYWORDS[kind]] === true) return null;
    const answer = await client.call(emailSet, {
      accountId,
      update: { [emailId]: { [`keywords/${KEYWORDS[kind]}`]: true } },
    });
    return answer.notUpdated?.[emailId] === undefined ? answered : null;
  } catch {
    return null;
  }
}

/** RFC 4865: how long it is held is said by time passed, so that clocks need not agree. */
function envelopeOf(message: Message, { holdFor, sendAt }: SendWish): object {
  const recipients = [...recipientsOfMessage(message), ...message.sender.bcc].map(({ email }) => wireAddress(email));
  const parameters =
    sendAt !== null ? { HOLDUNTIL: new Date(sendAt).toISOString() } : holdFor > 0 ? { HOLDFOR: String(holdFor) } : null;
  return {
    mailFrom: { email: wireAddress(message.sender.email), parameters },
    rcptTo: [...new Set(recipients)].map((email) => ({ email, parameters: null })),
  };
}

interface Folders {
  readonly drafts: string;
  readonly sent: string | null;
}

const known = new WeakMap<JmapClient, Map<string, Promise<Folders>>>();

/** They keep their ids for as long as somebody is signed in. @throws SetRefused */
function foldersOf(client: JmapClient, accountId: string): Promise<Folders> {
  const ofClient = known.get(client) ?? new Map<string, Promise<Folders>>();
  known.set(client, ofClient);
  const before = ofClient.get(accountId);
  if (before !== undefined) return before;
  const asked = client
    .call(rolesGet, { accountId, ids: null, properties: ['id', 'role'] })
    .then(({ list }): Folders => {
      const withRole = (role: string): string | null => list.find((one) => one.role === role)?.id ?? null;
      const drafts = withRole('drafts');
      if (drafts === null) throw new SetRefused('notFound', 'this mailbox has no folder for drafts');
      return { drafts, sent: withRole('sent') };
    });
  ofClient.set(accountId, asked);
  asked.catch(() => ofClient.delete(accountId));
  return asked;
}

type Created = Readonly<Record<string, { readonly id: string }>> | null | undefined;

function createdId(
  created: Created,
  refused: Readonly<Record<string, SetError>> | null | undefined,
  key: string,
): string {
  const id = created?.[key]?.id;
  if (id !== undefined) return id;
  const { type = 'serverFail', description, properties } = refused?.[key] ?? {};
  throw new SetRefused(type, description ?? type, properties ?? []);
}

const settled = <Answer>(
  answer: Promise<Answer>,
): Promise<{ readonly answer: Answer } | { readonly failure: string }> =>
  answer.then(
    (given) => ({ answer: given }),
    (reason: unknown) => ({ failure: reason instanceof Error ? reason.message : String(reason) }),
  );

function refusal(stored: StoredDraft, refused: SetError): SendRefused {
  const { type, description, properties } = refused;
  const recipients = refused['invalidRecipients'];
  const named = Array.isArray(recipients) ? recipients.filter((one) => typeof one === 'string') : [];
  return new SendRefused(stored, type, description ?? type, named.length > 0 ? named : (properties ?? []));
}
