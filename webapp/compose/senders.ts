/** Whom a message can come from: the identities of every mailbox in which one may send. */
import type { JmapClient } from '../jmap/client.ts';
import { MethodRefused } from '../jmap/errors.ts';
import { CAPABILITIES, ownAccount } from '../jmap/session.ts';
import { type Address, keyOf } from './fields/address-list.ts';
import type { Sender } from './message.ts';
import { identityGet } from './methods.ts';

/** One's own mailbox first. @throws NoSender */
export async function sendersOf(client: JmapClient): Promise<readonly Sender[]> {
  const { accounts } = client.session;
  const own = ownAccount(client.session);
  const able = Object.entries(accounts)
    .filter(([, account]) => Object.hasOwn(account.accountCapabilities, CAPABILITIES.submission) && !account.isReadOnly)
    .toSorted(([one], [other]) => Number(other === own) - Number(one === own));
  const lists = await Promise.all(able.map(([accountId]) => identitiesOf(client, accountId, accountId === own)));
  const senders = lists.flat();
  if (senders.length === 0) throw new NoSender();
  return senders;
}

/** Nobody may send: the account is read-only, or has no address. */
export class NoSender extends Error {
  constructor() {
    super('there is no address that you may send from');
    this.name = 'NoSender';
  }
}

async function identitiesOf(client: JmapClient, accountId: string, isOwn: boolean): Promise<readonly Sender[]> {
  try {
    const { list } = await client.call(identityGet, { accountId, ids: null });
    return list.map(({ id, name, email, replyTo, bcc }) => ({ accountId, identityId: id, name, email, replyTo, bcc }));
  } catch (error) {
    // A shared mailbox that is away must not keep anybody from writing in his own.
    if (!isOwn && error instanceof MethodRefused) return [];
    throw error;
  }
}

/**
 * The one that was written to, in the mailbox in which the mail is; else the first of that mailbox; else of any.
 * @param preferred addresses in their order
 */
export function senderFor(senders: readonly Sender[], accountId: string, preferred: readonly Address[]): Sender {
  const here = senders.filter((one) => one.accountId === accountId);
  const named = preferred.map(keyOf);
  const byAddress = (all: readonly Sender[]): Sender | undefined =>
    named.flatMap((key) => all.filter((one) => keyOf(one) === key))[0];
  const sender = byAddress(here) ?? here[0] ?? byAddress(senders) ?? senders[0];
  if (sender === undefined) throw new NoSender();
  return sender;
}
