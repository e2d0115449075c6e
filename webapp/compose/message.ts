/** A message while it is written: its fields, its files, and what it answers. The text is the editor's until it is asked. */
import type { Address } from './fields/address-list.ts';

/** Who it comes from: an Identity (RFC 8621 §6) of the account in which it is kept and sent. */
export interface Sender {
  readonly accountId: string;
  readonly identityId: string;
  readonly name: string;
  readonly email: string;
  readonly replyTo: readonly Address[];
  readonly bcc: readonly Address[];
}

export type AttachmentState =
  | { readonly kind: 'uploading'; readonly part: number }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'there'; readonly accountId: string; readonly blobId: string };

export interface Attachment {
  readonly key: string;
  readonly name: string;
  readonly type: string;
  readonly size: number;
  /** Part of the text: its Content-ID, and where the editor shows it from. */
  readonly inline: { readonly cid: string; readonly shownAt: string } | null;
  readonly state: AttachmentState;
}

export type Format = 'html' | 'text';

/** What it answers or passes on: marked when the message has been sent. */
export interface Answered {
  readonly kind: 'reply' | 'forward';
  readonly accountId: string;
  readonly emailId: string;
}

export interface Message {
  readonly sender: Sender;
  readonly to: readonly Address[];
  readonly cc: readonly Address[];
  readonly bcc: readonly Address[];
  readonly subject: string;
  readonly inReplyTo: readonly string[];
  readonly references: readonly string[];
  readonly answered: Answered | null;
  readonly attachments: readonly Attachment[];
}

/** What is written, as the editor has it. */
export type Body =
  | { readonly format: 'text'; readonly text: string }
  /** `quote`: the original below it, HTML of its own, with its attribution. */
  | { readonly format: 'html'; readonly html: string; readonly quote: Quote | null };

export interface Quote {
  readonly kind: 'reply' | 'forward';
  readonly html: string;
}

export const recipientsOfMessage = ({ to, cc, bcc }: Message): readonly Address[] => [...to, ...cc, ...bcc];

/** Nothing that anybody would miss. `body`: its text without signature and quote. */
export const isEmptyMessage = (message: Message, text: string): boolean =>
  text.trim() === '' &&
  message.subject.trim() === '' &&
  message.attachments.every(({ inline }) => inline !== null) &&
  recipientsOfMessage(message).length === 0;
