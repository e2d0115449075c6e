/**
 * Brings scheduling messages that were delivered into the calendars of their recipients (RFC 5546, RFC 6047). Follows
 * behind the delivery, which is durable by then: whatever goes wrong here is logged and never the mail's affair. What
 * is missed (a crash, a full queue) is made up for when the person answers the mail (`ensured`).
 */
import type { Account } from '../directory/model.ts';
import type { Log } from '../observe/log.ts';
import type { Mailbox, MailboxDatabase } from '../store/api.ts';
import type { DeliveredCopy } from '../transport/api.ts';
import type { Calendars, Stage, StoredItem } from './calendar-folder.ts';
import { applied, type Person, type SchedulingMessage } from './itip.ts';
import { schedulingMessageOf } from './scheduling-part.ts';

/** Copies that wait; more at once than any organization is invited to. */
export const WAITING_INVITATIONS = 10_000;
const AT_ONCE = 2;

export interface DeliveredInvitationsOptions {
  readonly calendars: Calendars;
  /** @throws Failure UNAVAILABLE when the database of the account is not served here */
  readonly databaseOf: (account: Account) => MailboxDatabase;
  readonly log: Log;
}

export class DeliveredInvitations {
  readonly #options: DeliveredInvitationsOptions;
  readonly #waiting: DeliveredCopy[] = [];
  readonly #running = new Set<Promise<void>>();

  constructor(options: DeliveredInvitationsOptions) {
    this.#options = options;
  }

  /** Never waits, never throws. */
  readonly follow = (copy: DeliveredCopy): void => {
    if (!copy.mayHold('text/calendar')) return;
    if (this.#waiting.length >= WAITING_INVITATIONS) {
      this.#options.log.warn(
        { user: copy.account.userPrincipalName },
        'an invitation was not looked at: too many wait',
      );
      return;
    }
    this.#waiting.push(copy);
    if (this.#running.size >= AT_ONCE) return;
    const worker = this.#work().finally(() => this.#running.delete(worker));
    this.#running.add(worker);
  };

  /** Copies that were followed before this call are in the calendars. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  async #work(): Promise<void> {
    for (let copy = this.#waiting.shift(); copy !== undefined; copy = this.#waiting.shift()) await this.#take(copy);
  }

  async #take({ account, folder, uid }: DeliveredCopy): Promise<void> {
    const { databaseOf, log, calendars } = this.#options;
    if (account.mailbox === null) return;
    try {
      const database = databaseOf(account);
      const mailbox = await database.open(account.mailbox.id);
      try {
        const message = await schedulingMessageOf(mailbox, folder, uid);
        if (message === null) return;
        const person = personOf(account);
        const changed = await takeIn(
          calendars,
          { mailbox, stage: (options) => database.stage(options) },
          message,
          person,
        );
        log.info({ user: account.userPrincipalName, method: message.method, changed }, 'scheduling message');
      } finally {
        mailbox.close();
      }
    } catch (error) {
      log.error({ user: account.userPrincipalName, error: String(error) }, 'a scheduling message was not taken in');
    }
  }
}

export const personOf = (account: Account): Person => ({
  addresses: new Set(
    [account.userPrincipalName, ...(account.mailbox?.addresses ?? [])].map((address) => address.toLowerCase()),
  ),
});

export interface CalendarPlace {
  readonly mailbox: Mailbox;
  readonly stage: Stage;
}

/** Whether the calendar has changed by the message. @throws Failure */
export function takeIn(
  calendars: Calendars,
  { mailbox, stage }: CalendarPlace,
  message: SchedulingMessage,
  person: Person,
): Promise<boolean> {
  return calendars.change(mailbox, stage, async (calendar) => {
    const known = await calendar.find(message.item.id);
    const item = applied(known?.item ?? null, message, person);
    if (item !== null) await calendar.save(item, known);
    return item !== null;
  });
}

/** The item that a mail is about, taken in now when it is not there yet. Null: none. @throws Failure */
export async function ensured(
  calendars: Calendars,
  place: CalendarPlace,
  message: SchedulingMessage,
  person: Person,
): Promise<StoredItem | null> {
  const find = (): Promise<StoredItem | null> =>
    calendars.read(place.mailbox, (calendar) => calendar.find(message.item.id));
  const known = await find();
  if (known !== null || message.method !== 'REQUEST') return known;
  await takeIn(calendars, place, message, person);
  return find();
}
