/**
 * What a person may send now: quota, sizes, recipients, rates, addresses of others (exchange-behaviour.md §9.1–9.3,
 * §3.5). Read from the directory for each message, so that a change acts on the next one. Knows no socket.
 */
import type { Directory } from '../../directory/api.ts';
import type { Account } from '../../directory/model.ts';
import { type Reply, reply } from '../grammar/reply.ts';
import type { MailAddress } from '../grammar/address.ts';
import type { Transport } from '../../transport/api.ts';
import type { RateLimiter } from './rate-limit.ts';
import { ownsAddress } from './sender-rights.ts';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** Null: he may. @throws Failure UNAVAILABLE */
export async function overQuota(
  directory: Directory,
  transport: Pick<Transport, 'usage'>,
  account: Account,
): Promise<Reply | null> {
  if (account.mailbox === null) return null;
  const { prohibitSendQuota } = await directory.effectiveQuotas(account.id);
  if (prohibitSendQuota === Infinity) return null;
  const used = await transport.usage(account);
  // Null: the session is not on the mailbox's server, which is so while that cannot take it.
  if (used === null || used < prohibitSendQuota) return null;
  return reply(
    552,
    '5.2.2',
    `your mailbox is full and cannot send: ${used} of ${prohibitSendQuota} octets are used (ProhibitSendQuota)`,
  );
}

/** ThrottlingPolicy MessageRateLimit: messages a minute of one person, whatever connector they come by. */
export async function overRate(
  directory: Directory,
  rates: RateLimiter,
  account: Account,
  now: number,
): Promise<Reply | null> {
  const { messageRateLimit } = await directory.effectiveThrottling(account.id);
  if (messageRateLimit === Infinity) return null;
  const seconds = rates.take(`policy ${account.id}`, messageRateLimit, now, MINUTE_MS);
  if (seconds === 0) return null;
  const text = `MessageRateLimit of your throttling policy, ${messageRateLimit} messages a minute, is reached`;
  return reply(451, '4.7.0', `${text}, try again in ${seconds} seconds`);
}

/** ThrottlingPolicy RecipientRateLimit, and RecipientLimits of the mailbox or the organization for one message. */
export async function overRecipients(
  directory: Directory,
  rates: RateLimiter,
  account: Account,
  alreadyNamed: number,
  now: number,
): Promise<Reply | null> {
  const { recipientLimits } = await directory.mailboxSettings(account.id);
  const { maxRecipientEnvelopeLimit } = await directory.organization();
  // The mailbox's own value overrides the organization's (§9.1).
  const limit = recipientLimits === Infinity ? maxRecipientEnvelopeLimit : recipientLimits;
  if (alreadyNamed >= limit) return reply(550, '5.5.3', `too many recipients: ${limit} are allowed`);
  const { recipientRateLimit } = await directory.effectiveThrottling(account.id);
  if (recipientRateLimit === Infinity) return null;
  const seconds = rates.take(`recipients ${account.id}`, recipientRateLimit, now, DAY_MS);
  if (seconds === 0) return null;
  const text = `RecipientRateLimit of your throttling policy, ${recipientRateLimit} recipients a day, is reached`;
  return reply(451, '4.7.0', `${text}, try again in ${Math.ceil(seconds / 3600)} hours`);
}

/** Octets; Infinity: the organization's value counts. Between people here the mailbox's value overrides it (§9.1). */
export async function maxSendSize(directory: Directory, account: Account): Promise<number> {
  const [{ maxSendSize: own }, organization] = await Promise.all([
    directory.mailboxSettings(account.id),
    directory.organization(),
  ]);
  return own === Infinity ? organization.maxSendSize : own;
}

/** His own addresses, and those of mailboxes he has SendAs on. */
export async function maySendAs(directory: Directory, account: Account, address: MailAddress): Promise<boolean> {
  if (ownsAddress(account, address)) return true;
  const other = await directory.accountByAddress(`${address.localPart}@${address.domain}`);
  if (other === null) return false;
  const permissions = await directory.permissions({ mailbox: other.id, user: account.id });
  return permissions.some((one) => one.user === account.id && one.rights.includes('SendAs'));
}
