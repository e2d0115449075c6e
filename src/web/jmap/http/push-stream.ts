/**
 * What one client is told by push (RFC 8620 §7.1): states of the types it asked for, in all accounts of the person,
 * from the mailboxes, wherever they are, and from the directory. Holds what has not been sent yet, newest state by
 * type, so that a client that reads slowly costs no more than one that reads at once. Knows no transport.
 */
import { createHash } from 'node:crypto';
import type { Directory, DirectoryChange } from '../../../directory/api.ts';
import { Failure } from '../../../observe/failure.ts';
import type { Log } from '../../../observe/log.ts';
import { nextSessionId } from '../../../frontend/session-id.ts';
import type { SignIns } from '../../session/sign-ins.ts';
import type { DirectoryType, JmapAccount, States } from '../capability.ts';
import { accountsOf } from './accounts.ts';
import type { SignedInCaller } from './answering.ts';
import type { Following } from './back-end.ts';
import type { JmapFrontEnd } from './front-end.ts';
import { ACCOUNTS_OF_STREAM } from './limits.ts';

/** A cmdlet changes several objects at once. */
const DIRECTORY_COALESCE_MS = 20;
/** A shared mailbox that could not be followed is tried again. */
const TRY_AGAIN_MS = 10_000;

/** States by account: `changed` of a StateChange. */
export type Changed = Readonly<Record<string, States>>;

export interface PushSink {
  /** There is something to `take`. */
  ready(): void;
  /** It is over: the client may come again, and hears then why if it may not. */
  ended(reason: string): void;
}

export interface PushStreamsOptions {
  readonly directory: Directory;
  readonly frontEnd: JmapFrontEnd;
  readonly signIns: SignIns;
  readonly log: Log;
}

export class PushStreams {
  readonly #options: PushStreamsOptions;

  constructor(options: PushStreamsOptions) {
    this.#options = options;
  }

  /** `types` null: all. Close it. @throws Failure UNAVAILABLE when his own mailbox cannot be followed */
  async open(signedIn: SignedInCaller, types: ReadonlySet<string> | null, sink: PushSink): Promise<PushStream> {
    const stream = new PushStream(this.#options, signedIn, types, sink);
    try {
      await stream.begin();
      return stream;
    } catch (error) {
      stream.close();
      throw error;
    }
  }
}

export class PushStream {
  readonly #options: PushStreamsOptions;
  readonly #signedIn: SignedInCaller;
  readonly #types: ReadonlySet<string> | null;
  readonly #sink: PushSink;
  readonly #session = nextSessionId();
  readonly #directoryTypes: readonly DirectoryType[];
  readonly #followsMailboxes: boolean;
  /** By account id. */
  readonly #accounts = new Map<string, JmapAccount>();
  readonly #followings = new Map<string, Following | 'soon'>();
  readonly #states = new Map<string, Record<string, string>>();
  #pending = new Map<string, Record<string, string>>();
  readonly #due = new Set<string>();
  #reading: NodeJS.Timeout | null = null;
  #again: NodeJS.Timeout | null = null;
  #undo: Array<() => void> = [];
  #isClosed = false;

  constructor(
    options: PushStreamsOptions,
    signedIn: SignedInCaller,
    types: ReadonlySet<string> | null,
    sink: PushSink,
  ) {
    this.#options = options;
    this.#signedIn = signedIn;
    this.#types = types;
    this.#sink = sink;
    const { capabilities } = options.frontEnd;
    this.#directoryTypes = capabilities
      .flatMap(({ directoryTypes = [] }) => directoryTypes)
      .filter(({ type }) => this.#wants(type));
    this.#followsMailboxes = capabilities.some(({ mailboxPush }) =>
      mailboxPush?.types.some((type) => this.#wants(type)),
    );
  }

  async begin(): Promise<void> {
    const { directory, signIns } = this.#options;
    this.#undo.push(
      signIns.whileSignedIn(this.#signedIn.who, (reason) => this.#end(reason)),
      directory.watch((change) => this.#changedDirectory(change)),
    );
    await this.#lookForAccounts();
    const { user } = this.#signedIn.caller;
    const own = this.#accounts.get(user.id);
    if (own !== undefined) await this.#follow(own);
    await Promise.all([
      ...[...this.#accounts.values()].filter((one) => one !== own).map((one) => this.#followOrTryAgain(one)),
      this.#readDirectory(
        [...this.#accounts.keys()].flatMap((id) => this.#directoryTypes.map((one) => dueOf(id, one))),
      ),
    ]);
    // What there is at the beginning is no news.
    this.#pending = new Map();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const step of this.#undo) step();
    for (const following of this.#followings.values()) if (following !== 'soon') following.close();
    if (this.#reading !== null) clearTimeout(this.#reading);
    if (this.#again !== null) clearTimeout(this.#again);
  }

  /** What has changed since it was last asked; null: nothing. */
  take(): Changed | null {
    if (this.#pending.size === 0) return null;
    const changed = Object.fromEntries(this.#pending);
    this.#pending = new Map();
    return changed;
  }

  /** Everything as it is now. */
  all(): Changed {
    return Object.fromEntries(this.#states);
  }

  /** Names all states that the client knows behind the last `take` (RFC 8620 §7.3). */
  get eventId(): string {
    const sorted = [...this.#states]
      .map(([account, states]) => [account, Object.entries(states).sort(byName)] as const)
      .sort(byName);
    return createHash('sha256').update(JSON.stringify(sorted)).digest('base64url').slice(0, 22);
  }

  #wants(type: string): boolean {
    return this.#types === null || this.#types.has(type);
  }

  #end(reason: string): void {
    if (this.#isClosed) return;
    this.close();
    this.#sink.ended(reason);
  }

  async #lookForAccounts(): Promise<void> {
    const { directory } = this.#options;
    const accounts = await accountsOf(directory, this.#signedIn.caller.user);
    const known = new Set<string>();
    for (const account of accounts.slice(0, ACCOUNTS_OF_STREAM)) {
      known.add(account.owner.id);
      this.#accounts.set(account.owner.id, account);
    }
    for (const id of this.#accounts.keys()) {
      if (known.has(id)) continue;
      this.#accounts.delete(id);
      this.#states.delete(id);
      this.#pending.delete(id);
      const following = this.#followings.get(id);
      if (following !== undefined && following !== 'soon') following.close();
      this.#followings.delete(id);
    }
  }

  /** @throws Failure */
  async #follow({ owner }: JmapAccount): Promise<void> {
    const { id } = owner;
    if (owner.mailbox === null || !this.#followsMailboxes || this.#followings.has(id)) return;
    this.#followings.set(id, 'soon');
    try {
      const following = await this.#options.frontEnd.follow({
        caller: this.#signedIn.caller,
        owner,
        session: this.#session,
        changed: (states) => this.#changed(id, states),
        ended: () => this.#lost(id),
      });
      if (this.#isClosed || this.#followings.get(id) !== 'soon') following.close();
      else {
        this.#followings.set(id, following);
        this.#changed(id, following.states);
      }
    } catch (error) {
      if (this.#followings.get(id) === 'soon') this.#followings.delete(id);
      throw error;
    }
  }

  async #followOrTryAgain(account: JmapAccount): Promise<void> {
    try {
      await this.#follow(account);
    } catch (error) {
      if (!(error instanceof Failure))
        this.#options.log.error({ err: error, account: account.owner.id }, 'a shared mailbox cannot be followed');
      this.#tryAgain();
    }
  }

  /** One that is not his own comes back by itself; with his own the stream ends, and the client comes back. */
  #lost(id: string): void {
    this.#followings.delete(id);
    if (id === this.#signedIn.caller.user.id) this.#end('the mailbox is not followed any more');
    else this.#tryAgain();
  }

  #tryAgain(): void {
    if (this.#isClosed) return;
    this.#again ??= setTimeout(() => {
      this.#again = null;
      void this.#lookAgain();
    }, TRY_AGAIN_MS).unref();
  }

  async #lookAgain(): Promise<void> {
    try {
      await this.#lookForAccounts();
    } catch (error) {
      this.#options.log.warn({ err: error }, 'the accounts of a stream could not be read');
      this.#tryAgain();
      return;
    }
    await Promise.all([...this.#accounts.values()].map((one) => this.#followOrTryAgain(one)));
  }

  #changedDirectory(change: DirectoryChange): void {
    const { user } = this.#signedIn.caller;
    if (change.kind === 'permission') void this.#lookAgain();
    for (const [id, account] of this.#accounts)
      for (const one of this.#directoryTypes) if (one.concerns(change, account, user)) this.#due.add(dueOf(id, one));
    if (this.#due.size === 0) return;
    this.#reading ??= setTimeout(() => {
      this.#reading = null;
      const due = [...this.#due];
      this.#due.clear();
      this.#readDirectory(due).catch((error: unknown) =>
        this.#options.log.warn({ err: error }, 'a change of the directory could not be told to a client'),
      );
    }, DIRECTORY_COALESCE_MS);
  }

  async #readDirectory(due: readonly string[]): Promise<void> {
    const { user } = this.#signedIn.caller;
    for (const [id, account] of this.#accounts) {
      const states: Record<string, string> = {};
      for (const one of this.#directoryTypes)
        if (due.includes(dueOf(id, one))) states[one.type] = await one.state(account, user);
      this.#changed(id, states);
    }
  }

  /** Only what is another state than the last one counts. */
  #changed(id: string, states: States): void {
    if (this.#isClosed || !this.#accounts.has(id)) return;
    const known = this.#states.get(id) ?? {};
    const news = Object.entries(states).filter(([type, state]) => this.#wants(type) && known[type] !== state);
    if (news.length === 0) return;
    const changed = Object.fromEntries(news);
    this.#states.set(id, { ...known, ...changed });
    this.#pending.set(id, { ...this.#pending.get(id), ...changed });
    this.#sink.ready();
  }
}

const dueOf = (account: string, { type }: DirectoryType): string => `${account} ${type}`;
const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);
