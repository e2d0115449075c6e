/**
 * The JMAP session (RFC 8620 §2) of one person: capabilities, accounts, addresses, and the state by which a client
 * notices that it has become another one. Kept until the directory changes, because every answer names the state.
 */
import { createHash } from 'node:crypto';
import type { Directory, DirectoryChange } from '../../../directory/api.ts';
import type { Account, AccountId } from '../../../directory/model.ts';
import type { Capability } from '../capability.ts';
import type { JsonObject } from '../json.ts';
import { CORE } from '../mail/names.ts';
import { JMAP_LIMITS } from '../request.ts';
import { accountsOf } from './accounts.ts';

export const WEBSOCKET = 'urn:ietf:params:jmap:websocket';
/** Of so many persons; the oldest is forgotten and made again. */
const KEPT_SESSIONS = 10_000;
/** RFC 4790; i;ascii-casemap is what the store compares subjects with. */
const COLLATIONS = ['i;ascii-casemap', 'i;octet'];

/** Changes that happen all day, and that no capability tells of in the session. */
const NOT_IN_SESSION: ReadonlySet<DirectoryChange['kind']> = new Set(['web-session', 'app-password', 'move-request']);

export interface Session {
  /** Without the addresses: those depend on the name that a client called the server by. */
  readonly object: JsonObject;
  readonly state: string;
}

export class Sessions {
  readonly #directory: Directory;
  readonly #capabilities: readonly Capability[];
  readonly #kept = new Map<AccountId, Promise<Session>>();
  readonly #unwatch: () => void;

  constructor(directory: Directory, capabilities: readonly Capability[]) {
    this.#directory = directory;
    this.#capabilities = capabilities;
    this.#unwatch = directory.watch(({ kind }) => {
      if (!NOT_IN_SESSION.has(kind)) this.#kept.clear();
    });
  }

  close(): void {
    this.#unwatch();
  }

  /** @throws Failure UNAVAILABLE */
  of(user: Account): Promise<Session> {
    const known = this.#kept.get(user.id);
    if (known !== undefined) return known;
    const session = this.#make(user);
    if (this.#kept.size >= KEPT_SESSIONS)
      for (const oldest of this.#kept.keys()) {
        this.#kept.delete(oldest);
        break;
      }
    this.#kept.set(user.id, session);
    session.catch(() => {
      if (this.#kept.get(user.id) === session) this.#kept.delete(user.id);
    });
    return session;
  }

  async #make(user: Account): Promise<Session> {
    const capabilities: Record<string, JsonObject> = {
      [CORE]: { ...JMAP_LIMITS, collationAlgorithms: COLLATIONS },
    };
    for (const one of this.#capabilities) {
      const value = await one.describe(user);
      if (value !== null) capabilities[one.uri] = value;
    }
    const accounts: Record<string, JsonObject> = {};
    const primaryAccounts: Record<string, string> = {};
    for (const account of await accountsOf(this.#directory, user)) {
      const { owner, isReadOnly } = account;
      const own: Record<string, JsonObject> = {};
      for (const one of this.#capabilities) {
        const value = capabilities[one.uri] === undefined ? null : await one.describeAccount(account, user);
        if (value !== null) own[one.uri] = value;
      }
      if (Object.keys(own).length === 0) continue;
      const isPersonal = owner.id === user.id;
      accounts[owner.id] = {
        name: owner.mailbox?.primaryAddress ?? owner.userPrincipalName,
        isPersonal,
        isReadOnly,
        accountCapabilities: own,
      };
      if (isPersonal) for (const uri of Object.keys(own)) primaryAccounts[uri] = owner.id;
    }
    const object = { capabilities, accounts, primaryAccounts, username: user.userPrincipalName };
    const state = createHash('sha256').update(JSON.stringify(object)).digest('base64url').slice(0, 22);
    return { object, state };
  }
}

/** As a client that has called the server `host` (name and perhaps port) reads it. */
export function sessionObject({ object, state }: Session, host: string): JsonObject {
  const { capabilities } = object;
  const base = `https://${host}/jmap`;
  return {
    ...object,
    capabilities: { ...Object(capabilities), [WEBSOCKET]: { url: `wss://${host}/jmap/ws`, supportsPush: true } },
    apiUrl: `${base}/api`,
    downloadUrl: `${base}/download/{accountId}/{blobId}/{name}?type={type}`,
    uploadUrl: `${base}/upload/{accountId}/`,
    eventSourceUrl: `${base}/eventsource?types={types}&closeafter={closeafter}&ping={ping}`,
    state,
  };
}
