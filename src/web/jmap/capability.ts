/**
 * What a capability brings to the JMAP session: its URI, what it says of itself (RFC 8620 §2), its methods, and the
 * data types that clients are told of by push. The web host has one list of them; nothing else in the core knows one
 * by name.
 */
import type { DirectoryChange } from '../../directory/api.ts';
import type { Account } from '../../directory/model.ts';
import type { Mailbox } from '../../store/api.ts';
import type { Method } from './dispatch.ts';
import type { JsonObject } from './json.ts';
import type { MailContext } from './mail/context.ts';

/** Who asks, and what he may open. One for each request. */
export interface JmapContext extends MailContext {
  /** Who has signed in; the owner of the primary account if he has a mailbox. */
  readonly user: Account;
  /** Id of his web session; null: he sent a password with the request. */
  readonly webSession: string | null;
  /** Id of the app password he sent; null: his own password or a web session. */
  readonly appPassword: string | null;
  readonly remoteAddress: string;
}

export interface JmapAccount {
  readonly owner: Account;
  readonly isReadOnly: boolean;
}

/** State string by data type (RFC 8620 §7.1), the same as /get answers. */
export type States = Readonly<Record<string, string>>;

/** Data types whose records are in the mailbox: asked behind its changes, on the server that holds it. */
export interface MailboxPush {
  readonly types: readonly string[];
  /** Now. What is the same as last time is not told; so is a type that is missing. */
  states(mailbox: Mailbox): Promise<States>;
}

/** A data type whose records come from the directory: pushed when a change concerns it and its state is another one. */
export interface DirectoryType {
  readonly type: string;
  concerns(change: DirectoryChange, account: JmapAccount, user: Account): boolean;
  /** As its /get answers it to this person. */
  state(account: JmapAccount, user: Account): Promise<string>;
}

export interface Capability {
  readonly uri: string;
  /** Its value in `capabilities` of the session; null: this person does not have it at all. */
  describe(user: Account): Promise<JsonObject | null>;
  /**
   * Its value in `accountCapabilities`; null: not for this account. The caller's own account is there also when he has
   * no mailbox.
   */
  describeAccount(account: JmapAccount, user: Account): Promise<JsonObject | null>;
  readonly methods: readonly Method<JmapContext>[];
  /** No method of it opens a mailbox: they run on the server that took the request, wherever the mailbox is. */
  readonly withoutMailbox?: true;
  readonly mailboxPush?: MailboxPush;
  readonly directoryTypes?: readonly DirectoryType[];
}
