/** From a logon to the session on its mailbox, by the way that places.ts describes. */
import type { BackendLink, BackendSession, HandOver } from '../backend/link.ts';
import type { Directory } from '../directory/api.ts';
import type { Server } from '../directory/model.ts';
import { BackEndStates } from './back-end-states.ts';
import { Places } from './places.ts';
import type { MailProtocol } from './reception.ts';

/** The way to a back end. */
export interface ReachedBackEnd extends BackendLink {
  /** It is known not to answer: others are asked before it. */
  readonly isDown?: boolean;
}

/** Null: there is none (not a back end, or not reachable from here). */
export type Links = (server: Server, protocol: MailProtocol) => ReachedBackEnd | null;

export class Locator implements BackendLink {
  readonly #links: Links;
  readonly #places: Places;
  readonly #states: BackEndStates;

  constructor(directory: Directory, links: Links) {
    this.#links = links;
    this.#places = new Places(directory);
    this.#states = new BackEndStates(directory);
  }

  close(): void {
    this.#places.close();
    this.#states.close();
  }

  /** @throws Failure CONTACTADMIN (no mailbox), UNAVAILABLE (its server is not known or not reachable), as the back end */
  open(handOver: HandOver): Promise<BackendSession> {
    const { protocol, logon } = handOver;
    const ways = {
      to: (server: Server) => this.#links(server, protocol),
      refusal: (server: Server['id']) => this.#states.refusal(server, protocol),
    };
    return this.#places.at(logon.mailbox, ways, (link, mailbox) => {
      const account = logon.account.id === mailbox.id ? mailbox : logon.account;
      return link.open({ ...handOver, logon: { ...handOver.logon, account, mailbox } });
    });
  }
}
