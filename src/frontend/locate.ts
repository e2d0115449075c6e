/**
 * From an account to the session on its mailbox: account → mailbox database → back ends that may serve it, the best
 * first (exchange-behaviour.md §8, ADR 9). Goes on to the next one when one is away, follows referrals, asks the
 * directory once more before it gives up: the mailbox may have moved a moment ago. What is left then is UNAVAILABLE,
 * never a refusal of the password.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { BackendLink, BackendSession, HandOver } from '../backend/link.ts';
import type { Directory } from '../directory/api.ts';
import { type Account, type MailboxRecord, type Server, type ServerId, serverId } from '../directory/model.ts';
import { downLast, Placement } from '../directory/placement.ts';
import { Failure } from '../observe/failure.ts';
import { OwnedElsewhere } from '../store/api.ts';
import { BackEndStates } from './back-end-states.ts';
import { Owners } from './owners.ts';
import type { MailProtocol } from './reception.ts';

/** The way to a back end. */
export interface ReachedBackEnd extends BackendLink {
  /** It is known not to answer: others are asked before it. */
  readonly isDown?: boolean;
}

/** Null: there is none (not a back end, or not reachable from here). */
export type Links = (server: Server, protocol: MailProtocol) => ReachedBackEnd | null;

/** Back ends that send a front end to each other: a mailbox on its way from one to the other goes through two or three. */
export const REFERRALS = 4;
/** Two back ends that each name the other are asked again after this: one of them has not heard of the change yet. */
export const REFERRAL_WAIT_MS = 150;
/** No further back end is tried when a client has waited for so long. */
export const ROUTE_MS = 6_000;

interface Place {
  readonly server: Server;
  readonly link: ReachedBackEnd;
}

export class Locator implements BackendLink {
  readonly #directory: Directory;
  readonly #links: Links;
  readonly #placement: Placement;
  readonly #states: BackEndStates;
  readonly #owners = new Owners();

  constructor(directory: Directory, links: Links) {
    this.#directory = directory;
    this.#links = links;
    this.#placement = new Placement(directory);
    this.#states = new BackEndStates(directory);
  }

  close(): void {
    this.#placement.close();
    this.#states.close();
  }

  /** @throws Failure CONTACTADMIN (no mailbox), UNAVAILABLE (its server is not known or not reachable), as the back end */
  async open(handOver: HandOver): Promise<BackendSession> {
    const until = performance.now() + ROUTE_MS;
    const { account, mailbox } = handOver.logon;
    try {
      return await this.#open(handOver, until);
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'UNAVAILABLE' || performance.now() > until) throw error;
      const now = await this.#directory.account(mailbox.id);
      if (now === null || now.mailbox?.database === mailbox.mailbox?.database) throw error;
      const logon = { account: account.id === now.id ? now : account, mailbox: now };
      return this.#open({ ...handOver, logon }, until);
    }
  }

  async #open(handOver: HandOver, until: number): Promise<BackendSession> {
    const mailbox = mailboxOf(handOver.logon.mailbox);
    const tried = new Set<ServerId>();
    let referred = this.#owners.of(mailbox.id);
    let referrals = 0;
    let last: Failure | null = null;
    for (;;) {
      const place = await this.#next(handOver.protocol, mailbox, referred, tried);
      if (place instanceof Failure) throw last ?? place;
      referred = null;
      tried.add(place.server.id);
      try {
        return await place.link.open(handOver);
      } catch (error) {
        this.#owners.forget(mailbox.id);
        if (!(error instanceof Failure) || error.code !== 'UNAVAILABLE') throw error;
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
  async #next(
    protocol: MailProtocol,
    mailbox: MailboxRecord,
    referred: ServerId | null,
    tried: ReadonlySet<ServerId>,
  ): Promise<Place | Failure> {
    if (referred !== null) {
      const server = (await this.#placement.topology()).servers.get(referred);
      const link = server === undefined || tried.has(referred) ? null : this.#links(server, protocol);
      if (server !== undefined && link !== null) return { server, link };
    }
    const eligible = await this.#placement.of(mailbox);
    if (eligible.length === 0)
      return new Failure('UNAVAILABLE', 'The mailbox database of this account is not known, or no back end serves it');
    const places = new Map<ServerId, Place>();
    let refusal: Failure | null = null;
    for (const server of eligible) {
      if (tried.has(server.id)) continue;
      const link = this.#links(server, protocol);
      const stopped = await this.#states.refusal(server.id, protocol);
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

function mailboxOf({ mailbox }: Account): MailboxRecord {
  if (mailbox === null) throw new Failure('CONTACTADMIN', 'This account has no mailbox');
  return mailbox;
}
