/**
 * Identities (RFC 8621 §6): the addresses a person may send as out of an account, exactly those SMTP submission lets
 * him use, each with what he has set for it. Addresses come and go by the admin; the rest is the person's.
 */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { Directory } from '../../../directory/api.ts';
import type { Account } from '../../../directory/model.ts';
import type { IdentityPreferences } from '../../../directory/preferences.ts';
import { type MailAddress, parseAddress } from '../../../smtp/grammar/address.ts';
import { maySendAs } from '../../../smtp/server/submission-limits.ts';
import type { JsonObject } from '../json.ts';

export interface Identity {
  readonly id: string;
  readonly address: MailAddress;
  readonly settings: IdentityPreferences;
}

const idOf = (email: string): string => `I${Buffer.from(email.toLowerCase()).toString('base64url').slice(0, 254)}`;

/**
 * Of his own account: his addresses, the primary one first, and those of other mailboxes he has SendAs on. Of somebody
 * else's: its addresses, if he has SendAs there.
 */
export async function identitiesOf(directory: Directory, user: Account, owner: Account): Promise<readonly Identity[]> {
  const settings = new Map((await directory.preferences(user.id)).identities.map((one) => [one.email, one]));
  const identities: Identity[] = [];
  const add = async (account: Account, emails: readonly string[]): Promise<void> => {
    for (const email of emails) {
      const address = parseAddress(email);
      if (address === null || identities.some((one) => one.id === idOf(email))) continue;
      if (!(await maySendAs(directory, user, address))) continue;
      const kept = settings.get(email.toLowerCase());
      identities.push({
        id: idOf(email),
        address,
        settings: kept ?? {
          email: email.toLowerCase(),
          name: account.displayName,
          replyTo: null,
          bcc: null,
          textSignature: '',
          htmlSignature: '',
        },
      });
    }
  };
  await add(owner, addressesOf(owner));
  if (owner.id !== user.id) return identities;
  for (const { mailbox, rights } of await directory.permissions({ user: user.id })) {
    if (!rights.includes('SendAs')) continue;
    const other = await directory.account(mailbox);
    if (other !== null && other.mailbox !== null) await add(other, [other.mailbox.primaryAddress]);
  }
  return identities;
}

function addressesOf({ mailbox }: Account): readonly string[] {
  if (mailbox === null) return [];
  return [mailbox.primaryAddress, ...mailbox.addresses.filter((one) => one !== mailbox.primaryAddress)];
}

export function identityObject({ id, address, settings }: Identity): JsonObject {
  return {
    id,
    name: settings.name,
    email: address.text,
    replyTo: settings.replyTo?.map(({ name, email }) => ({ name, email })) ?? null,
    bcc: settings.bcc?.map(({ name, email }) => ({ name, email })) ?? null,
    textSignature: settings.textSignature,
    htmlSignature: settings.htmlSignature,
    mayDelete: false,
  };
}

export const stateOfIdentities = (identities: readonly Identity[]): string =>
  createHash('sha256')
    .update(JSON.stringify(identities.map(identityObject)))
    .digest('base64url')
    .slice(0, 22);
