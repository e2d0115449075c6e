/**
 * Requests of people who have signed in, on their way to the servers that hold the mailboxes: which mailbox a request
 * is about, where that is, what is asked there. Knows no HTTP; opens no mailbox.
 */
import type { Buffer } from 'node:buffer';
import type { Directory } from '../../../directory/api.ts';
import type { Account, Server, ServerId } from '../../../directory/model.ts';
import type { BackEndStates } from '../../../frontend/back-end-states.ts';
import type { Places } from '../../../frontend/places.ts';
import { Failure } from '../../../observe/failure.ts';
import type { Capability } from '../capability.ts';
import { property } from '../json.ts';
import { CORE } from '../mail/names.ts';
import type { JmapRequest } from '../request.ts';
import { accountFor } from './accounts.ts';
import type { Download, DownloadCall, FollowCall, Following, JmapBackEnd, Uploaded, UploadCall } from './back-end.ts';
import type { Caller } from './caller.ts';
import { type Session, Sessions, WEBSOCKET } from './session-object.ts';

export interface JmapFrontEndOptions {
  readonly directory: Directory;
  readonly capabilities: readonly Capability[];
  readonly places: Places;
  readonly states: BackEndStates;
  /** What this server does itself. */
  readonly local: JmapBackEnd;
  /** Null: that server is no back end, or not reachable from here. */
  readonly to: (server: Server) => JmapBackEnd | null;
}

export class JmapFrontEnd {
  readonly capabilities: readonly Capability[];
  /** What `using` may hold. */
  readonly uris: ReadonlySet<string>;
  readonly #options: JmapFrontEndOptions;
  readonly #sessions: Sessions;
  readonly #ofMailboxes: ReadonlySet<string>;

  constructor(options: JmapFrontEndOptions) {
    const { directory, capabilities } = options;
    this.#options = options;
    this.capabilities = capabilities;
    this.uris = new Set([CORE, WEBSOCKET, ...capabilities.map(({ uri }) => uri)]);
    this.#sessions = new Sessions(directory, capabilities);
    this.#ofMailboxes = new Set(
      capabilities
        .filter(({ withoutMailbox }) => withoutMailbox !== true)
        .flatMap(({ methods }) => methods.map(({ name }) => name)),
    );
  }

  close(): void {
    this.#sessions.close();
  }

  session({ user }: Caller): Promise<Session> {
    return this.#sessions.of(user);
  }

  /** The Response object as JSON text, in pieces. @throws Failure */
  async api(caller: Caller, request: JmapRequest, text: Buffer, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    const { state: sessionState } = await this.#sessions.of(caller.user);
    const call = { caller, request, text, sessionState, signal };
    const owner = await this.#ownerOf(caller, request);
    if (owner === null) return this.#options.local.api({ ...call, owner });
    return this.#at(owner, (backEnd, owner) => backEnd.api({ ...call, owner }));
  }

  /** @throws Failure NONEXISTENT */
  async upload(account: string, call: Omit<UploadCall, 'owner'>): Promise<Uploaded> {
    return this.#at(await this.#owner(call.caller, account), (backEnd, owner) => backEnd.upload({ ...call, owner }));
  }

  /** Null: there is no such blob. @throws Failure NONEXISTENT, RangeRefused */
  async download(account: string, call: Omit<DownloadCall, 'owner'>): Promise<Download | null> {
    return this.#at(await this.#owner(call.caller, account), (backEnd, owner) => backEnd.download({ ...call, owner }));
  }

  follow(call: FollowCall): Promise<Following> {
    return this.#at(call.owner, (backEnd, owner) => backEnd.follow({ ...call, owner }));
  }

  #at<T>(owner: Account, use: (backEnd: JmapBackEnd, owner: Account) => Promise<T>): Promise<T> {
    const { places, states, to } = this.#options;
    const ways = { to, refusal: (server: ServerId) => states.refusal(server, 'web') };
    return places.at(owner, ways, use);
  }

  async #owner({ user }: Caller, id: string): Promise<Account> {
    const account = await accountFor(this.#options.directory, user, id);
    if (account === null || account.owner.mailbox === null)
      throw new Failure('NONEXISTENT', 'There is no such account for you.');
    return account.owner;
  }

  /** Of the first call that is about a mailbox of his. Null: there is none. */
  async #ownerOf({ user }: Caller, { calls }: JmapRequest): Promise<Account | null> {
    const asked = new Set<string>();
    for (const { name, args } of calls) {
      const id = this.#ofMailboxes.has(name) ? property(args, 'accountId') : undefined;
      if (typeof id !== 'string' || asked.has(id)) continue;
      asked.add(id);
      const account = await accountFor(this.#options.directory, user, id);
      if (account !== null && account.owner.mailbox !== null) return account.owner;
    }
    return null;
  }
}
