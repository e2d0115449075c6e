/**
 * Sending an Email (RFC 8621 §7.5): the rules of SMTP submission, asked in the order in which they cost, and their
 * replies as errors of JMAP. What passes is on disk before it is acknowledged, and goes through transport like mail
 * that came by SMTP (src/smtp/server/intake.ts).
 */
import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import type { Directory } from '../../../directory/api.ts';
import type { Account } from '../../../directory/model.ts';
import { decodeWords } from '../../../message/encoded-word.ts';
import { headerLength } from '../../../message/fragment.ts';
import { Failure } from '../../../observe/failure.ts';
import type { Reply } from '../../../smtp/grammar/reply.ts';
import { fieldText, type HeaderField, headerFields } from '../../../smtp/server/header-fields.ts';
import type { RateLimiter } from '../../../smtp/server/rate-limit.ts';
import { completedFields, refusedHeader, withoutBcc } from '../../../smtp/server/submitted-header.ts';
import { refusedRoute } from '../../../smtp/server/submitted-recipient.ts';
import { maxSendSize, maySendAs, overQuota, overRate, overRecipients } from '../../../smtp/server/submission-limits.ts';
import type { Mailbox } from '../../../store/api.ts';
import type { FolderId } from '../../../store/model.ts';
import type { Transport } from '../../../transport/api.ts';
import type { HeldMail, HeldMailSpool } from '../../../transport/held/held-mail.ts';
import { MESSAGE_BYTES } from '../../../wire/limits.ts';
import { isId } from '../arguments.ts';
import { isObject, type Json, type JsonObject, property } from '../json.ts';
import { SetError, type SetErrorType } from '../method-error.ts';
import type { OpenAccount } from '../mail/context.ts';
import { contentOf, threadIdOf } from '../mail/ids.ts';
import { MailView } from '../mail/mail-view.ts';
import { checkedRelease, envelopeOfHeader, givenEnvelope, type SubmissionEnvelope, utcTime } from './envelope.ts';
import { type Identity, identitiesOf } from './identities.ts';
import { submissionObject, type Memo, type Submissions } from './submissions.ts';

export interface SubmissionParts {
  readonly directory: Directory;
  readonly transport: Transport;
  readonly spool: HeldMailSpool;
  readonly submissions: Submissions;
  /** Of people, shared with SMTP submission: a message counts once, however it is sent. */
  readonly rates: RateLimiter;
  /** Name of this server, in fields it completes. */
  readonly serverName: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface Sender {
  readonly user: Account;
  readonly remoteAddress: string;
}

interface StoredEmail {
  readonly folder: FolderId;
  readonly uid: number;
  readonly size: number;
  readonly threadId: string;
}

/** A later time than this ahead means: let it wait. */
const AT_ONCE_MS = 1000;

/** Properties of the EmailSubmission that the server has set. @throws SetError, Failure */
export async function submit(
  parts: SubmissionParts,
  { user, remoteAddress }: Sender,
  account: OpenAccount,
  record: Json,
  idOf: (id: string) => string,
): Promise<JsonObject> {
  const { directory, spool, now } = parts;
  const wish = readWish(record, idOf);
  const identity = await identityOf(parts, user, account.owner, wish.identityId);
  const email = await storedEmail(account.mailbox, wish.emailId);
  const header = await headerOf(account.mailbox, email);
  const fields = headerFields(header);
  throwIfRefused(await refusedHeader(directory, user, header, fields), (reply) =>
    reply.enhanced === '5.7.60' ? 'forbiddenFrom' : 'invalidEmail',
  );
  const at = now();
  const envelope = await envelopeFor(parts, user, identity, wish.envelope, header, fields, at);
  const releaseAt = wish.sendAt === null ? (envelope.releaseAt ?? at) : checkedRelease(wish.sendAt, at);
  await checkSize(directory, user, email.size);
  await checkRecipients(parts, envelope, email.size);
  await checkRates(parts, user, envelope);

  const completed = completedFields(fields, at, parts.serverName);
  const sent = Buffer.concat([Buffer.from(completed.text, 'utf8'), withoutBcc(header, fields)]);
  const text = (name: string): string => {
    const field = fields.find((one) => one.name === name);
    return field === undefined ? '' : fieldText(header, field);
  };
  const memo: Memo = { ...wish, threadId: email.threadId, envelope: JSON.stringify(envelope.json) };
  const id = `S${randomUUID()}`;
  await spool.accept(
    {
      id,
      account: account.owner.id,
      user: user.id,
      reversePath: envelope.mailFrom?.text ?? '',
      recipients: envelope.recipients.map(({ address }) => `${address.localPart}@${address.domain}`),
      acceptedAt: at,
      releaseAt: Math.max(releaseAt, at),
      clientAddress: remoteAddress,
      messageId: completed.messageId ?? text('message-id'),
      subject: decodeWords(text('subject'), null),
      dsn: envelope.dsn,
      notify: Object.fromEntries(
        envelope.recipients.flatMap(({ address, notify }) =>
          notify === null ? [] : [[`${address.localPart}@${address.domain}`, [...notify]]],
        ),
      ),
      memo: JSON.stringify({
        identityId: memo.identityId,
        emailId: memo.emailId,
        threadId: memo.threadId,
        envelope: memo.envelope,
      }),
    },
    messageBytes(sent, account.mailbox, email, header.length),
  );
  if (releaseAt - at > AT_ONCE_MS) spool.schedule(id);
  else await sendNow(parts, account.owner, id);
  const submission = parts.submissions.find(account.owner.id, id);
  return submission === null ? { id } : withoutGiven(submissionObject(submission));
}

/** What nobody could get is an error of the call, and no submission. */
async function sendNow({ spool, submissions }: SubmissionParts, owner: Account, id: string): Promise<void> {
  const mail = await spool.release(id);
  if (mail?.state !== 'final' || Object.values(mail.done).some(({ delivered }) => delivered)) return;
  submissions.forget(owner.id, id);
  throw nobodyReached(mail);
}

function nobodyReached({ facts, done }: HeldMail): SetError {
  const says = facts.recipients.map((address) => `${address}: ${done[address]?.reply ?? ''}`).join('; ');
  return new SetError('invalidRecipients', says.slice(0, 1000), { invalidRecipients: facts.recipients });
}

function withoutGiven(object: JsonObject): JsonObject {
  const { identityId, emailId, ...rest } = object;
  return identityId === emailId ? object : rest;
}

interface Wish {
  readonly identityId: string;
  readonly emailId: string;
  readonly envelope: JsonObject | null;
  readonly sendAt: number | null;
}

function readWish(record: Json, idOf: (id: string) => string): Wish {
  if (!isObject(record)) throw invalid('an EmailSubmission is an object', 'emailId');
  const unknown = Object.keys(record).find(
    (key) => !['identityId', 'emailId', 'envelope', 'sendAt'].includes(key) && record[key] !== null,
  );
  if (unknown !== undefined) throw invalid(`${unknown.slice(0, 100)} is set by the server`, unknown);
  const [identityId, emailId] = ['identityId', 'emailId'].map((name) => {
    const value = property(record, name);
    const id = typeof value === 'string' ? idOf(value) : value;
    if (!isId(id)) throw invalid(`${name} is an id`, name);
    return id;
  });
  const envelope = property(record, 'envelope') ?? null;
  if (envelope !== null && !isObject(envelope)) throw invalid('an envelope is an object', 'envelope');
  const sendAt = property(record, 'sendAt') ?? null;
  return {
    identityId: identityId ?? '',
    emailId: emailId ?? '',
    envelope,
    sendAt: sendAt === null ? null : utcTime('sendAt', sendAt),
  };
}

async function identityOf(parts: SubmissionParts, user: Account, owner: Account, id: string): Promise<Identity> {
  const identities = await identitiesOf(parts.directory, user, owner);
  if (identities.length === 0)
    throw new SetError('forbiddenToSend', 'you have no right to send with an address of this mailbox (SendAs)');
  const identity = identities.find((one) => one.id === id);
  if (identity === undefined) throw invalid('there is no such Identity', 'identityId');
  return identity;
}

async function storedEmail(mailbox: Mailbox, id: string): Promise<StoredEmail> {
  const view = await MailView.open(mailbox);
  try {
    const content = contentOf(id) ?? 0;
    const [place] = view.placements(new Set([content])).get(content) ?? [];
    if (place === undefined) throw invalid('there is no such Email', 'emailId');
    const { columns, folder } = place.view;
    return {
      folder: folder.id,
      uid: place.uid,
      size: columns.size[place.row]!,
      threadId: threadIdOf(columns.thread[place.row]!),
    };
  } finally {
    view.close();
  }
}

async function headerOf(mailbox: Mailbox, { folder, uid }: StoredEmail): Promise<Buffer> {
  for await (const { bytes, pieces } of mailbox.fragments(folder, Uint32Array.of(uid), ['details'])) {
    const { offsets, lengths } = pieces.details ?? { offsets: [], lengths: [] };
    if ((lengths[0] ?? 0) === 0) continue;
    const chunks: Buffer[] = [];
    for await (const chunk of mailbox.read(folder, uid, 0, headerLength(bytes, offsets[0] ?? 0))) chunks.push(chunk);
    return Buffer.concat(chunks);
  }
  throw invalid('there is no such Email', 'emailId');
}

async function* messageBytes(
  header: Buffer,
  mailbox: Mailbox,
  { folder, uid }: StoredEmail,
  bodyStart: number,
): AsyncGenerator<Buffer> {
  yield header;
  yield* mailbox.read(folder, uid, bodyStart, Infinity);
}

async function envelopeFor(
  { directory }: SubmissionParts,
  user: Account,
  identity: Identity,
  given: JsonObject | null,
  header: Buffer,
  fields: readonly HeaderField[],
  at: number,
): Promise<SubmissionEnvelope> {
  if (given === null)
    return envelopeOfHeader(
      header,
      fields,
      identity.address,
      (address) => address.text.toLowerCase() === identity.address.text.toLowerCase(),
    );
  const envelope = givenEnvelope(given, at);
  const { mailFrom } = envelope;
  if (mailFrom !== null && !(await maySendAs(directory, user, mailFrom)))
    throw new SetError('forbiddenMailFrom', `you may not send as ${mailFrom.text}`);
  return envelope;
}

/** The mailbox's or the organization's limit for messages of people (exchange-behaviour.md §9.1). */
async function checkSize(directory: Directory, user: Account, size: number): Promise<void> {
  const limit = Math.min(await maxSendSize(directory, user), MESSAGE_BYTES);
  if (size > limit)
    throw new SetError('tooLarge', `a message has at most ${limit} octets; this one has ${size}`, { maxSize: limit });
}

/** As RCPT does: who cannot get it is named before anything is sent. */
async function checkRecipients(
  { directory, transport }: SubmissionParts,
  { recipients }: SubmissionEnvelope,
  size: number,
): Promise<void> {
  const refused: string[] = [];
  const reasons: string[] = [];
  const refuse = (address: string, reason: string): void => {
    refused.push(address);
    reasons.push(`${address}: ${reason}`);
  };
  for (const { address } of recipients) {
    const route = await transport.route(address.localPart, address.domain);
    if (route.kind !== 'local') {
      refuse(address.text, refusedRoute(route.kind).lines.join(' '));
      continue;
    }
    const { maxReceiveSize } = await directory.mailboxSettings(route.recipient.account.id);
    if (size > maxReceiveSize)
      refuse(address.text, `the message is larger than this mailbox takes: ${maxReceiveSize} octets`);
  }
  if (refused.length > 0)
    throw new SetError('invalidRecipients', reasons.join('; ').slice(0, 1000), { invalidRecipients: refused });
}

/** Quota and throttling policy of the person who sends: last, because what is refused should count for nothing. */
async function checkRates(
  { directory, transport, rates, now }: SubmissionParts,
  user: Account,
  { recipients }: SubmissionEnvelope,
): Promise<void> {
  throwIfRefused(await overQuota(directory, transport, user), () => 'overQuota');
  throwIfRefused(await overRate(directory, rates, user, now()), () => 'rateLimit');
  for (const index of recipients.keys()) {
    const over = await overRecipients(directory, rates, user, index, now());
    if (over?.code === 550) throw new SetError('tooManyRecipients', over.lines.join(' '), { maxRecipients: index });
    throwIfRefused(over, () => 'rateLimit');
  }
}

function throwIfRefused(reply: Reply | null, type: (reply: Reply) => SetErrorType): void {
  if (reply === null) return;
  const name = type(reply);
  throw new SetError(name, reply.lines.join(' '), name === 'invalidEmail' ? { properties: ['from'] } : {});
}

const invalid = (text: string, name: string): SetError =>
  new SetError('invalidProperties', text, { properties: [name] });

/** A spool that takes no more is no fault of the record's properties. */
export function spoolError(error: unknown): SetError | null {
  return error instanceof Failure && error.code === 'LIMIT' ? new SetError('forbiddenToSend', error.message) : null;
}
