/** What a method works with: the accounts the caller may open, each a mailbox handle for the length of the request. */
import type { Account } from '../../../directory/model.ts';
import type { Mailbox, MessageSink, StageOptions } from '../../../store/api.ts';
import type { MethodArguments } from '../arguments.ts';
import type { UploadedBlobs } from '../blobs.ts';
import { MethodError } from '../method-error.ts';

export interface OpenAccount {
  readonly owner: Account;
  readonly mailbox: Mailbox;
  readonly isReadOnly: boolean;
  /** Takes in a message for this mailbox. */
  stage(options?: StageOptions): MessageSink;
  /** What the caller has uploaded for this account. */
  readonly uploads: UploadedBlobs;
}

export interface MailContext {
  /** Null: there is none, or it is not his to open. @throws Failure UNAVAILABLE */
  account(id: string): Promise<OpenAccount | null>;
}

/** @throws MethodError accountNotFound */
export async function accountOf(context: MailContext, args: MethodArguments): Promise<OpenAccount> {
  const id = args.id('accountId');
  const account = await context.account(id);
  if (account === null) throw new MethodError('accountNotFound', `there is no account ${id} for you`);
  return account;
}

/** For methods that change something. @throws MethodError accountReadOnly */
export async function writableAccountOf(context: MailContext, args: MethodArguments): Promise<OpenAccount> {
  const account = await accountOf(context, args);
  if (account.isReadOnly) throw new MethodError('accountReadOnly', 'this account may only be read');
  return account;
}
