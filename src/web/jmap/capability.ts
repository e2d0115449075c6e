/**
 * What a capability brings to the JMAP session: its URI, what it says of itself (RFC 8620 §2) and its methods. The web
 * host has one list of them; nothing else in the core knows one by name.
 */
import type { DirectoryChange } from '../../directory/api.ts';
import type { Account } from '../../directory/model.ts';
import type { Method } from './dispatch.ts';
import type { JsonObject } from './json.ts';
import type { MailContext } from './mail/context.ts';

/** Who asks, and what he may open. One for each request. */
export interface JmapContext extends MailContext {
  /** Who has signed in; the owner of the primary account if he has a mailbox. */
  readonly user: Account;
  /** Id of his web session; null: he sent a password with the request. */
  readonly webSession: string | null;
  readonly remoteAddress: string;
}

export interface JmapAccount {
  readonly owner: Account;
  readonly isReadOnly: boolean;
}

/** A data type whose records come from the directory: pushed when a change concerns it and its state is another one. */
export interface DirectoryType {
  readonly type: string;
  concerns(change: DirectoryChange): boolean;
  /** As its /get answers it to this person. */
  state(account: JmapAccount, user: Account): Promise<string>;
}

export interface Capability {
  readonly uri: string;
  /** Members of `capabilities` in the session; null: this person does not have it at all. */
  describe(user: Account): Promise<JsonObject | null>;
  /** Members of `accountCapabilities`; null: not for this account. */
  describeAccount(account: JmapAccount, user: Account): Promise<JsonObject | null>;
  readonly methods: readonly Method<JmapContext>[];
  /** Data types that clients may be told of by push (RFC 8620 §7.1). */
  readonly pushTypes: readonly string[];
  /** Of `pushTypes`, those that the directory changes and no mailbox. */
  readonly directoryTypes?: readonly DirectoryType[];
}
