/**
 * Mailboxes on other servers of the organization (ADR 9): which server has each, one LMTP transaction a server, the
 * next eligible one where the first cannot be reached, the owner where a server says who that is. All of it before the
 * message is sent, so that whom nobody takes has a failure and holds up nobody else.
 */
import { downLast, type Placement, type PlacedMailbox } from '../../directory/placement.ts';
import type { Server, ServerId } from '../../directory/model.ts';
import { Failure } from '../../observe/failure.ts';
import { printForwarded } from '../../smtp/grammar/forwarded.ts';
import { RemoteTrouble } from '../../smtp/client/failure.ts';
import { OwnedElsewhere } from '../../store/api.ts';
import type { Envelope, Recipient } from '../api.ts';
import type { ServerLinks } from './links.ts';
import { openServerTarget, type ServerTarget } from './server-target.ts';

export interface RemoteDeliveryOptions {
  /** This server. */
  readonly server: ServerId;
  readonly placement: Placement;
  readonly links: ServerLinks;
}

/** Servers asked for one mailbox: its eligible ones, and owners that those name. */
const ASKED_PER_MAILBOX = 5;

export interface Placed {
  /** In mailbox databases of this server. */
  readonly local: readonly Recipient[];
  readonly targets: readonly ServerTarget[];
  readonly failed: ReadonlyArray<{ readonly recipient: Recipient; readonly failure: Failure }>;
}

/** A recipient on the way to its server. */
interface Search {
  readonly recipient: Recipient;
  /** Still to be asked, the best first. */
  candidates: readonly Server[];
  asked: number;
  failure: Failure;
}

export class RemoteDelivery {
  readonly #options: RemoteDeliveryOptions;

  constructor(options: RemoteDeliveryOptions) {
    this.#options = options;
  }

  /** A back end here may open it. @throws Failure UNAVAILABLE */
  async isHere(mailbox: PlacedMailbox): Promise<boolean> {
    const { placement, server } = this.#options;
    return (await placement.of(mailbox)).some(({ id }) => id === server);
  }

  /** `claim` asks a database of this server. @throws Failure UNAVAILABLE when the directory cannot be asked */
  async place(
    envelope: Envelope,
    recipients: readonly Recipient[],
    prefixBytes: number,
    claim: (recipient: Recipient) => Promise<void>,
  ): Promise<Placed> {
    const placed = { local: new Array<Recipient>(), targets: new Array<ServerTarget>(), failed: new Array<Failed>() };
    let searches = await Promise.all(recipients.map((recipient) => this.#begin(recipient)));
    while (searches.length > 0) {
      const groups = new Map<Server, Search[]>();
      for (const search of searches) {
        const [next, ...rest] = search.candidates;
        if (next === undefined || search.asked >= ASKED_PER_MAILBOX) {
          placed.failed.push({ recipient: search.recipient, failure: search.failure });
          continue;
        }
        search.candidates = rest;
        search.asked += 1;
        const group = groups.get(next);
        if (group === undefined) groups.set(next, [search]);
        else group.push(search);
      }
      const again = await Promise.all(
        [...groups].map(([server, group]) =>
          server.id === this.#options.server
            ? this.#here(group, claim, placed.local)
            : this.#there(server, group, envelope, prefixBytes, placed),
        ),
      );
      searches = again.flat();
    }
    return placed;
  }

  async #begin(recipient: Recipient): Promise<Search> {
    const { placement, links } = this.#options;
    const candidates = downLast(await placement.of(recipient.mailbox), (id) => links.isDown(id));
    const failure = new Failure('UNAVAILABLE', 'The mailbox database of this recipient has no server now.');
    return { recipient, candidates, asked: 0, failure };
  }

  /** Returns those that have to look further. */
  async #here(
    group: readonly Search[],
    claim: (recipient: Recipient) => Promise<void>,
    local: Recipient[],
  ): Promise<readonly Search[]> {
    const { databases } = await this.#options.placement.topology();
    const again: Search[] = [];
    for (const search of group) {
      const { recipient } = search;
      try {
        // A SQLite database has one server: nobody else can have the mailbox open.
        if (databases.get(recipient.mailbox.database)?.engine === 'postgres') await claim(recipient);
        local.push(recipient);
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        await this.#refused(search, error);
        again.push(search);
      }
    }
    return again;
  }

  async #there(
    server: Server,
    group: readonly Search[],
    envelope: Envelope,
    prefixBytes: number,
    placed: { readonly targets: ServerTarget[]; readonly failed: Failed[] },
  ): Promise<readonly Search[]> {
    const { links } = this.#options;
    const again: Search[] = [];
    try {
      const { target, refused } = await openServerTarget({
        links,
        server,
        recipients: group.map(({ recipient }) => recipient),
        envelope,
        forward: forwardLine(envelope, prefixBytes),
      });
      if (target !== null) placed.targets.push(target);
      for (const search of group) {
        const failure = refused.get(search.recipient);
        if (failure === undefined) continue;
        if (failure instanceof OwnedElsewhere || failure instanceof RemoteTrouble) {
          await this.#refused(search, failure);
          again.push(search);
        } else placed.failed.push({ recipient: search.recipient, failure });
      }
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      for (const search of group) search.failure = error;
      again.push(...group);
    }
    return again;
  }

  /** The owner that was named is asked next. */
  async #refused(search: Search, failure: Failure): Promise<void> {
    search.failure = failure;
    if (!(failure instanceof OwnedElsewhere)) return;
    const { servers } = await this.#options.placement.topology();
    const owner = [...servers.values()].find(({ id }) => id === failure.owner);
    if (owner !== undefined) search.candidates = [owner, ...search.candidates.filter(({ id }) => id !== owner.id)];
  }
}

interface Failed {
  readonly recipient: Recipient;
  readonly failure: Failure;
}

function forwardLine(envelope: Envelope, prefixBytes: number): string {
  const { id, session, receivedAt, ignoreQuota, origin } = envelope;
  return printForwarded({
    id,
    session: session ?? null,
    receivedAt,
    prefixBytes,
    ignoreQuota: ignoreQuota === true,
    origin: origin ?? null,
  });
}
