/**
 * JMAP on the mailboxes of this server, for whoever took the request: its own web service or that of another server.
 * Trusts them with who asks, and reads what he may in the directory (ADR 9 §3).
 */
import { Buffer } from 'node:buffer';
import type { LiveQuotas } from '../../../backend/live-quotas.ts';
import type { SessionRegistry } from '../../../backend/sessions.ts';
import { refusedNow } from '../../../auth/still-allowed.ts';
import type { Directory } from '../../../directory/api.ts';
import type { Account, DatabaseId } from '../../../directory/model.ts';
import { Failure } from '../../../observe/failure.ts';
import type { Log } from '../../../observe/log.ts';
import { tally } from '../../../observe/metrics/tally.ts';
import { errorName, traces } from '../../../observe/traces/spans.ts';
import { type Mailbox, type MailboxDatabase, OwnedElsewhere } from '../../../store/api.ts';
import type { Capability, JmapContext } from '../capability.ts';
import { carryOut, type JmapResponse, type Method } from '../dispatch.ts';
import { openBlob } from '../mail/blob-reading.ts';
import type { OpenAccount } from '../mail/context.ts';
import { accountFor } from './accounts.ts';
import type {
  ApiCall,
  Download,
  DownloadCall,
  FollowCall,
  Following,
  JmapBackEnd,
  Uploaded,
  UploadCall,
} from './back-end.ts';
import type { Caller } from './caller.ts';
import { MailboxChanges } from './mailbox-changes.ts';
import { rangeOf } from './ranges.ts';
import type { Uploads } from './uploads.ts';

export interface LocalBackEndOptions {
  readonly directory: Directory;
  /** Open mailbox databases of this server. */
  readonly databases: ReadonlyMap<DatabaseId, MailboxDatabase>;
  readonly quotas: LiveQuotas;
  readonly sessions: SessionRegistry;
  readonly uploads: Uploads;
  readonly capabilities: readonly Capability[];
  readonly log: Log;
}

export class LocalBackEnd implements JmapBackEnd {
  readonly #options: LocalBackEndOptions;
  readonly #methods: ReadonlyMap<string, Method<JmapContext>>;
  readonly #changes: MailboxChanges;

  constructor(options: LocalBackEndOptions) {
    this.#options = options;
    const { capabilities, sessions, log } = options;
    this.#methods = new Map(capabilities.flatMap(({ methods }) => methods.map((one) => [one.name, one])));
    const push = capabilities.flatMap(({ mailboxPush }) => (mailboxPush === undefined ? [] : [mailboxPush]));
    this.#changes = new MailboxChanges({ sessions, push, log });
  }

  /** Ends every stream. */
  close(): void {
    this.#changes.close();
  }

  async api({ caller, owner, request, sessionState, signal }: ApiCall): Promise<AsyncIterable<Buffer>> {
    const accounts = new OpenAccounts(this.#options, caller);
    const span = traces.current?.alone('jmap request', { 'jmap.calls': request.calls.length }) ?? null;
    try {
      if (owner !== null) await accounts.open(owner);
      const response = await carryOut(request, {
        methods: this.#methods,
        context: {
          account: (id) => accounts.byId(id),
          user: caller.user,
          webSession: caller.webSession,
          appPassword: caller.appPassword,
          remoteAddress: caller.remoteAddress,
        },
        sessionState,
        signal,
        onFault: (error, method) => this.#options.log.error({ err: error, method }, 'a JMAP method failed'),
        onDone: (method, milliseconds) => tally.commands.web.observe(method, milliseconds),
      });
      span?.end();
      return responseText(response);
    } catch (error) {
      span?.end(errorName(error));
      throw error;
    } finally {
      accounts.close();
    }
  }

  /** Whether that mailbox is here, and his to open. @throws Failure as the others */
  async check(caller: Caller, owner: Account): Promise<void> {
    const { mailbox } = await openMailbox(this.#options, owner, caller);
    mailbox.close();
  }

  async upload({ caller, owner, type, body }: UploadCall): Promise<Uploaded> {
    const accounts = new OpenAccounts(this.#options, caller);
    try {
      const { isReadOnly } = await accounts.open(owner);
      if (isReadOnly) throw new Failure('NOPERM', 'This account may only be read.');
    } finally {
      accounts.close();
    }
    return this.#options.uploads.take(owner.id, caller.user.id, type, body);
  }

  async download({ caller, owner, blobId, range, wantsBody }: DownloadCall): Promise<Download | null> {
    const accounts = new OpenAccounts(this.#options, caller);
    try {
      const blob = await openBlob(await accounts.open(owner), blobId);
      if (blob === null) {
        accounts.close();
        return null;
      }
      const { size } = blob;
      const part = size === null || range === null ? null : rangeOf(range, size);
      const bytes = wantsBody ? blob.read(part?.start, part?.end) : nothing();
      return { size, range: part, bytes, close: () => accounts.close() };
    } catch (error) {
      accounts.close();
      throw error;
    }
  }

  async follow(call: FollowCall): Promise<Following> {
    const { mailbox } = await openMailbox(this.#options, call.owner, call.caller);
    return this.#changes.follow(call, mailbox);
  }
}

/** @throws Failure AUTHORIZATIONFAILED, CONTACTADMIN, UNAVAILABLE, OwnedElsewhere */
async function openMailbox(
  { directory, databases, quotas }: LocalBackEndOptions,
  owner: Account,
  { user, appPassword }: Caller,
): Promise<{ readonly mailbox: Mailbox; readonly database: MailboxDatabase }> {
  const asked = { account: user.id, mailbox: owner.id, protocol: 'web', appPassword } as const;
  const refused = await refusedNow(directory, asked);
  if (refused !== null) throw refused.failure;
  if (owner.mailbox === null) throw new Failure('CONTACTADMIN', 'This account has no mailbox.');
  const database = databases.get(owner.mailbox.database);
  if (database === undefined) throw new Failure('UNAVAILABLE', 'The mailbox database is not mounted here.');
  await quotas.load(owner);
  return { mailbox: await database.open(owner.mailbox.id), database };
}

/** The accounts that one request opens, each once. */
class OpenAccounts {
  readonly #options: LocalBackEndOptions;
  readonly #caller: Caller;
  readonly #open = new Map<string, Promise<OpenAccount>>();
  #isClosed = false;

  constructor(options: LocalBackEndOptions, caller: Caller) {
    this.#options = options;
    this.#caller = caller;
  }

  open(owner: Account): Promise<OpenAccount> {
    let open = this.#open.get(owner.id);
    if (open === undefined) this.#open.set(owner.id, (open = this.#opened(owner)));
    return open;
  }

  /** Null as well for a mailbox of another server: a request is for those of one (docs/jmap.md). */
  async byId(id: string): Promise<OpenAccount | null> {
    const { directory, databases } = this.#options;
    const known = this.#open.get(id);
    if (known !== undefined) return known;
    const account = await accountFor(directory, this.#caller.user, id);
    if (account === null || account.owner.mailbox === null) return null;
    if (!databases.has(account.owner.mailbox.database)) return null;
    try {
      return await this.open(account.owner);
    } catch (error) {
      if (error instanceof OwnedElsewhere) return null;
      throw error;
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const open of this.#open.values())
      open.then(
        ({ mailbox }) => mailbox.close(),
        () => {},
      );
  }

  async #opened(owner: Account): Promise<OpenAccount> {
    const { mailbox, database } = await openMailbox(this.#options, owner, this.#caller);
    return {
      owner,
      mailbox,
      isReadOnly: false,
      stage: (options) => database.stage(options),
      uploads: this.#options.uploads.of(owner.id, this.#caller.user.id),
    };
  }
}

/** One answer a piece: none of them holds up the event loop for what all of them together would. */
async function* responseText({ methodResponses, createdIds, sessionState }: JmapResponse): AsyncIterable<Buffer> {
  let before = '{"methodResponses":[';
  for (const one of methodResponses) {
    yield Buffer.from(before + JSON.stringify(one));
    before = ',';
  }
  const ids = createdIds === undefined ? '' : `"createdIds":${JSON.stringify(createdIds)},`;
  const end = `],${ids}"sessionState":${JSON.stringify(sessionState)}}`;
  yield Buffer.from(methodResponses.length === 0 ? before + end : end);
}

async function* nothing(): AsyncIterable<Buffer> {}
