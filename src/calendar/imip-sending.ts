/**
 * Scheduling mail on its way: a submission of the person it comes from, under the limits that his mail has (quota,
 * rates, number of recipients), into mailboxes of this organization. Whoever cannot be reached has a status in the
 * words of RFC 5545 §3.8.8.3; the calendar of the sender has changed already and stays so.
 */
import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import type { Directory } from '../directory/api.ts';
import type { Account } from '../directory/model.ts';
import { Failure } from '../observe/failure.ts';
import type { Log } from '../observe/log.ts';
import { parseAddress } from '../smtp/grammar/address.ts';
import type { Reply } from '../smtp/grammar/reply.ts';
import type { RateLimiter } from '../smtp/server/rate-limit.ts';
import { maxSendSize, overQuota, overRate, overRecipients } from '../smtp/server/submission-limits.ts';
import { receivedField, returnPathField } from '../smtp/server/trace.ts';
import type { Recipient, Transport } from '../transport/api.ts';
import { imipMail, type ImipMail } from './imip-mail.ts';

/** RFC 5545 §3.8.8.3: sent; not known here; not reachable. */
export type ScheduleStatus = '1.2' | '3.7' | '5.1';

export interface ImipSenderOptions {
  readonly directory: Directory;
  readonly transport: Pick<Transport, 'begin' | 'route' | 'usage'>;
  /** Of people, shared with SMTP submission: a message counts once, however it is sent. */
  readonly rates: RateLimiter;
  readonly serverName: string;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

export interface OutgoingImip extends Omit<ImipMail, 'from' | 'messageId' | 'at'> {
  /** Whose mailbox it comes from. */
  readonly owner: Account;
  /** Who sends it: the owner, or somebody with full access. */
  readonly user: Account;
  readonly remoteAddress: string;
}

export class ImipSender {
  readonly #options: ImipSenderOptions;

  constructor(options: ImipSenderOptions) {
    this.#options = options;
  }

  get now(): number {
    return (this.#options.now ?? Date.now)();
  }

  /** He may send to so many now; counts them. @throws Failure OVERQUOTA, LIMIT */
  async admit(user: Account, owner: Account, recipients: number): Promise<void> {
    const { directory, transport, rates } = this.#options;
    refuse(await overQuota(directory, transport, owner), 'OVERQUOTA');
    refuse(await overRate(directory, rates, user, this.now), 'LIMIT');
    for (let named = 0; named < recipients; named += 1)
      refuse(await overRecipients(directory, rates, user, named, this.now), 'LIMIT');
  }

  /** By address. Admitted before. Never rejects for one recipient. */
  async send(mail: OutgoingImip): Promise<ReadonlyMap<string, ScheduleStatus>> {
    const { directory, transport, serverName, log } = this.#options;
    const statuses = new Map<string, ScheduleStatus>();
    const recipients: Recipient[] = [];
    for (const { address } of mail.to) {
      const recipient = await this.#recipient(address);
      statuses.set(address, recipient === null ? '3.7' : '5.1');
      if (recipient !== null) recipients.push(recipient);
    }
    if (recipients.length === 0) return statuses;
    const at = this.now;
    const id = randomUUID();
    const address = mail.owner.mailbox?.primaryAddress ?? mail.owner.userPrincipalName;
    const messageId = `${id}@${serverName}`;
    const bytes = imipMail({ ...mail, from: { name: mail.owner.displayName, address }, messageId, at });
    if (bytes.length > (await maxSendSize(directory, mail.user)))
      throw new Failure('TOOBIG', 'the invitation is larger than your mailbox may send');
    const trace =
      returnPathField(address) +
      receivedField({
        greeting: 'EHLO',
        clientName: '',
        clientAddress: mail.remoteAddress,
        serverName,
        authenticated: true,
        tlsCipher: null,
        smtpUtf8: false,
        id,
        recipient: recipients.length === 1 ? (recipients[0]?.address ?? null) : null,
        at,
      });
    const message = transport.begin(
      {
        id,
        reversePath: address,
        recipients,
        receivedAt: at,
        origin: {
          clientAddress: mail.remoteAddress,
          clientName: '',
          connector: 'calendar',
          authenticated: true,
          messageId: `<${messageId}>`,
          subject: mail.subject,
        },
      },
      Buffer.from(trace),
    );
    try {
      await message.write(bytes);
    } catch (error) {
      await message.abort();
      throw error;
    }
    const { delivered, failed } = await message.finish();
    // One mailbox may have been named by several of its addresses.
    const reached = new Set(delivered.map(({ mailbox: { id: reachedId } }) => reachedId));
    for (const one of recipients) if (reached.has(one.mailbox.id)) statuses.set(one.address, '1.2');
    for (const { recipient, failure } of failed)
      log.info({ user: mail.user.userPrincipalName, recipient: recipient.address, code: failure.code }, 'not invited');
    return statuses;
  }

  async #recipient(address: string): Promise<Recipient | null> {
    const parsed = parseAddress(address);
    if (parsed === null) return null;
    const route = await this.#options.transport.route(parsed.localPart, parsed.domain);
    return route.kind === 'local' ? { ...route.recipient, address } : null;
  }
}

function refuse(reply: Reply | null, code: 'OVERQUOTA' | 'LIMIT'): void {
  if (reply !== null) throw new Failure(code, reply.lines.join(' '));
}
