/**
 * The change feed of mailboxes as states of JMAP (RFC 8620 §7.1): one open handle a mailbox, however many follow it;
 * changes that come together are told as one, and only what has become another state. Each follower is a session of
 * the mailbox (backend/sessions.ts): seen by admins, ended by them, by a right that goes and by a mailbox that moves.
 */
import type { LiveSession, Listed, SessionRegistry } from '../../../backend/sessions.ts';
import type { Account } from '../../../directory/model.ts';
import { Failure } from '../../../observe/failure.ts';
import type { Log } from '../../../observe/log.ts';
import type { FolderView, Mailbox } from '../../../store/api.ts';
import type { FolderId, MailboxId } from '../../../store/model.ts';
import type { MailboxPush, States } from '../capability.ts';
import type { FollowCall, Following } from './back-end.ts';
import { COALESCE_MS, WARM_MS } from './limits.ts';

export interface MailboxChangesOptions {
  readonly sessions: SessionRegistry;
  readonly push: readonly MailboxPush[];
  readonly log: Log;
}

export class MailboxChanges {
  readonly #options: MailboxChangesOptions;
  readonly #followed = new Map<MailboxId, Followed>();
  readonly #stop = new AbortController();

  constructor(options: MailboxChangesOptions) {
    this.#options = options;
  }

  /** Ends all of them. */
  close(): void {
    this.#stop.abort();
  }

  /** `mailbox`: a handle of its own, closed here. @throws Failure */
  async follow(call: FollowCall, mailbox: Mailbox): Promise<Following> {
    if (this.#stop.signal.aborted) {
      mailbox.close();
      throw new Failure('UNAVAILABLE', 'The server is going down; try again in a moment.');
    }
    let followed = this.#followed.get(mailbox.id);
    if (followed === undefined) {
      followed = new Followed(mailbox, this.#options, () => this.#followed.delete(mailbox.id));
      this.#followed.set(mailbox.id, followed);
    } else mailbox.close();
    const follower = new Follower(call, mailbox.id, followed, this.#options.sessions, this.#stop.signal);
    followed.add(follower);
    try {
      return { states: await followed.settled(), close: () => follower.leave() };
    } catch (error) {
      follower.leave();
      throw error;
    }
  }
}

/** A mailbox that somebody follows. */
class Followed {
  readonly #mailbox: Mailbox;
  readonly #options: MailboxChangesOptions;
  readonly #over: () => void;
  readonly #followers = new Set<Follower>();
  readonly #unwatch: () => void;
  /** Columns stay loaded for a while behind a change: whoever is told of it asks at once, and the next one comes. */
  readonly #warm = new Map<FolderId, FolderView>();
  #cooling: NodeJS.Timeout | null = null;
  #states: States = {};
  #reading: Promise<void>;
  #isDue = false;

  constructor(mailbox: Mailbox, options: MailboxChangesOptions, over: () => void) {
    this.#mailbox = mailbox;
    this.#options = options;
    this.#over = over;
    this.#unwatch = mailbox.watch(() => this.#changed());
    this.#reading = this.#read().then((states) => {
      this.#states = states;
    });
  }

  add(follower: Follower): void {
    this.#followers.add(follower);
  }

  /** Behind the last one the mailbox is let go of. */
  remove(follower: Follower): void {
    if (!this.#followers.delete(follower) || this.#followers.size > 0) return;
    this.#unwatch();
    this.#cool();
    this.#mailbox.close();
    this.#over();
  }

  /** States that no change before this call is missing in. */
  async settled(): Promise<States> {
    await this.#reading;
    return this.#states;
  }

  /** Called within the commit: nothing is worked out here. */
  #changed(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    const { promise, resolve } = Promise.withResolvers<void>();
    setTimeout(resolve, COALESCE_MS);
    this.#reading = Promise.allSettled([this.#reading, promise]).then(() => this.#tell());
    this.#reading.catch((error: unknown) => this.#failed(error));
  }

  async #tell(): Promise<void> {
    this.#isDue = false;
    if (this.#followers.size === 0) return;
    const states = await this.#read();
    const news = Object.entries(states).filter(([type, state]) => this.#states[type] !== state);
    this.#states = states;
    if (news.length === 0) return;
    const changed = Object.fromEntries(news);
    for (const follower of this.#followers) follower.changed(changed);
  }

  async #read(): Promise<States> {
    await this.#keepWarm();
    const all: Record<string, string> = {};
    for (const push of this.#options.push) Object.assign(all, await push.states(this.#mailbox));
    return all;
  }

  async #keepWarm(): Promise<void> {
    const folders = new Set(this.#mailbox.folders().map(({ id }) => id));
    for (const [id, view] of this.#warm)
      if (!folders.has(id)) {
        this.#warm.delete(id);
        view.close();
      }
    for (const id of folders) {
      if (this.#warm.has(id)) continue;
      const view = await this.#mailbox.view(id);
      // Nobody follows any more, or it was opened meanwhile: one of them is enough.
      if (this.#followers.size === 0 || this.#warm.has(id)) view.close();
      else this.#warm.set(id, view);
    }
    if (this.#cooling !== null) this.#cooling.refresh();
    else if (this.#warm.size > 0) this.#cooling = setTimeout(() => this.#cool(), WARM_MS).unref();
  }

  #cool(): void {
    if (this.#cooling !== null) clearTimeout(this.#cooling);
    this.#cooling = null;
    for (const view of this.#warm.values()) view.close();
    this.#warm.clear();
  }

  /** Who follows without being told would be shown what is not so any more. */
  #failed(error: unknown): void {
    if (this.#followers.size === 0) return;
    this.#options.log.warn({ err: error, mailbox: this.#mailbox.id }, 'a mailbox cannot be followed any more');
    for (const follower of this.#followers) follower.end();
  }
}

class Follower implements Listed {
  readonly facts: LiveSession;
  readonly stop: AbortSignal;
  readonly #call: FollowCall;
  readonly #followed: Followed;
  readonly #sessions: SessionRegistry;
  #isOver = false;

  constructor(call: FollowCall, mailbox: MailboxId, followed: Followed, sessions: SessionRegistry, stop: AbortSignal) {
    this.#call = call;
    this.#followed = followed;
    this.#sessions = sessions;
    this.stop = stop;
    this.facts = factsOf(call, call.owner, mailbox);
    sessions.add(this);
  }

  changed(states: States): void {
    if (!this.#isOver) this.#call.changed(states);
  }

  end(): void {
    if (this.#isOver) return;
    this.leave();
    this.#call.ended();
  }

  leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#followed.remove(this);
    this.#sessions.remove(this);
  }
}

const factsOf = ({ caller, session }: FollowCall, owner: Account, mailbox: MailboxId): LiveSession => ({
  id: session,
  protocol: 'web',
  account: owner.id,
  delegate: caller.user.id,
  appPassword: caller.appPassword,
  user: owner.userPrincipalName,
  mailbox,
  clientAddress: caller.remoteAddress,
  frontEnd: caller.frontEnd,
  tls: caller.tls,
  clientId: new Map(),
  since: Date.now(),
});
