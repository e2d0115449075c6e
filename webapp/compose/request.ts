/** What a composer can be opened for. */
import type { Address } from './fields/address-list.ts';

/** `accountId`: the mailbox that is open, or in which the mail is. Who it comes from is chosen by it. */
export type ComposerRequest = { readonly accountId: string } & (
  | {
      readonly kind: 'new';
      readonly to?: readonly Address[];
      readonly subject?: string;
      readonly text?: string;
    }
  | { readonly kind: 'reply' | 'replyAll' | 'forward' | 'draft'; readonly emailId: string }
  | { readonly kind: 'forwardAsAttachment'; readonly emailIds: readonly string[] }
  | { readonly kind: 'mailto'; readonly href: string }
);

export interface OpenedComposer {
  readonly key: number;
  /** How often it has been asked for since it is open. */
  readonly calls: number;
  readonly request: ComposerRequest;
}
