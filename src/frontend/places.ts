/**
 * From a mailbox to the server that serves it: mailbox database → back ends that may serve it, the best first
 * (exchange-behaviour.md §8, ADR 9). Goes on to the next one when one is away, follows referrals, asks the directory
 * once more before it gives up: the mailbox may have moved a moment ago. What is left then is UNAVAILABLE, never a
 * refusal of the password. Knows no protocol: what a server is asked is the caller's.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Directory } from '../directory/api.ts';
import { type Account, type MailboxRecord, type Server, type ServerId, serverId } from '../directory/model.ts';
import { downLast, Placement } from '../directory/placement.ts';
import { Failure } from '../observe/failure.ts';
import { OwnedElsewhere } from '../store/api.ts';
import { Owners } from './owners.ts';

/** Back ends that send a front end to each other: a mailbox on its way from one to the other goes through two or three. */
export const REFERRALS = 4;
/** Two back ends that each name the other are asked again after this: one of them has not heard of the change yet. */
export const REFERRAL_WAIT_MS = 150;
/** No further back end is tried when a client has waited for so long. */
export const ROUTE_MS = 6_000;

/** The way to back ends, of one protocol. */
export interface Ways<Link extends { readonly isDown?: boolean }> {
  /** Null: there is none (not a back end, or not reachable from here). */
  to(server: Server): Link | null;
  /** Why nobody is to be sent there, in words for a client; null: it serves. */
  refusal(server: ServerId): Promise<string | null>;
}

/** Something may have been done though no answer came: nobody else is asked. */
export class OutcomeUnknown extends Failure {
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super('UNAVAILABLE', message, options);
  }
}

export class Places {
  readonly #directory: Directory;
  readonly #placement: Placement;
  readonly #owners = new Owners();

  constructor(directory: Directory) {
    this.#directory = directory;
    this.#placement = new Placement(directory);
  }

  close(): void {
    this.#placement.close();
  }

  /**
   * `use` fails with UNAVAILABLE where it has done nothing: it is tried elsewhere.
   * @throws Failure CONTACTADMIN (no mailbox), UNAVAILABLE (its server is not known or not reachable), what `use` throws
   */
  async at<Link extends { readonly isDown?: boolean }, T>(
    owner: Account,
    ways: Ways<Link>,
    use: (link: Link, owner: Account) => Promise<T>,
  ): Promise<T> {
    const until = performance.now() + ROUTE_MS;
    try {
      return await this.#at(owner, ways, use, until);
    } catch (error) {
      if (!mayGoOn(error) || performance.now() > until) throw error;
      const now = await this.#directory.account(owner.id);
      if (now === null || now.mailbox?.database === owner.mailbox?.database) throw error;
      return this.#at(now, ways, use, until);
    }
  }

  async #at<Link extends { readonly isDown?: boolean }, T>(
    owner: Account,
    ways: Ways<Link>,
    use: (link: Link, owner: Account) => Promise<T>,
    until: number,
  ): Promise<T> {
    const mailbox = mailboxOf(owner);
    const tried = new Set<ServerId>();
    let referred = this.#owners.of(mailbox.id);
    let referrals = 0;
    let last: Failure | null = null;
    for (;;) {
      const place = await this.#next(ways, mailbox, referred, tried);
      if (place instanceof Failure) throw last ?? place;
      referred = null;
      tried.add(place.server.id);
      try {
        return await use(place.link, owner);
      } catch (error) {
        this.#owners.forget(mailbox.id);
        if (!mayGoOn(error)) throw error;
        if (performance.now() > until) throw error;
        last = error;
        if (!(error instanceof OwnedElsewhere)) continue;
        if (++referrals > REFERRALS) throw error;
        referred = serverId(error.owner);
        if (tried.delete(referred)) await wait(REFERRAL_WAIT_MS, undefined, { ref: false });
        this.#owners.learn(mailbox.id, referred);
      }
    }
  }

  /** Where to ask now; the reason when there is nowhere left. */
  async #next<Link extends { readonly isDown?: boolean }>(
    ways: Ways<Link>,
    mailbox: MailboxRecord,
    referred: ServerId | null,
    tried: ReadonlySet<ServerId>,
  ): Promise<{ readonly server: Server; readonly link: Link } | Failure> {
    if (referred !== null) {
      const server = (await this.#placement.topology()).servers.get(referred);
      const link = server === undefined || tried.has(referred) ? null : ways.to(server);
      if (server !== undefined && link !== null) return { server, link };
    }
    const eligible = await this.#placement.of(mailbox);
    if (eligible.length === 0)
      return new Failure('UNAVAILABLE', 'The mailbox database of this account is not known, or no back end serves it');
    const places = new Map<ServerId, { readonly server: Server; readonly link: Link }>();
    let refusal: Failure | null = null;
    for (const server of eligible) {
      if (tried.has(server.id)) continue;
      const link = ways.to(server);
      const stopped = await ways.refusal(server.id);
      if (link === null) refusal ??= new Failure('UNAVAILABLE', `The back end on ${server.name} cannot be reached`);
      else if (stopped !== null) refusal ??= new Failure('UNAVAILABLE', stopped);
      else places.set(server.id, { server, link });
    }
    const order = downLast(
      [...places.values()].map(({ server }) => server),
      (id) => places.get(id)?.link.isDown === true,
    );
    const [best] = order;
    return (
      (best === undefined ? undefined : places.get(best.id)) ??
      refusal ??
      new Failure('UNAVAILABLE', 'No server of this mailbox can be reached now; try again in a moment')
    );
  }
}

const mayGoOn = (error: unknown): error is Failure =>
  error instanceof Failure && error.code === 'UNAVAILABLE' && !(error instanceof OutcomeUnknown);

function mailboxOf({ mailbox }: Account): MailboxRecord {
  if (mailbox === null) throw new Failure('CONTACTADMIN', 'This account has no mailbox');
  return mailbox;
}
