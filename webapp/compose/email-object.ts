/**
 * The Email that a message becomes (RFC 8621 §4.6): fields, multipart/alternative of text and HTML, pictures beside the
 * HTML, files behind. The server writes the MIME. Pure.
 */
import { type Address, wireAddress } from './fields/address-list.ts';
import type { Attachment, Body, Message } from './message.ts';
import { escaped } from './text/html-tokens.ts';
import { htmlToText } from './text/html-text.ts';
import { mailHtml, withContentIds } from './text/mail-html.ts';

/** Of drafts only: which message it answers, so that it is marked when the draft is sent later. */
export const ANSWERS_FIELD = 'X-Penfold-Answers';
export const QUOTE_CLASSES = { reply: 'penfold-quote', forward: 'penfold-forward' } as const;

export interface Placement {
  readonly mailboxId: string;
  /** A draft knows what it answers; what is sent tells nobody. */
  readonly isDraft: boolean;
}

export interface EmailParts {
  readonly text: string;
  readonly html: string | null;
  /** In the order in which they stand in the message: those of the text first. */
  readonly attachments: readonly Attachment[];
}

export function emailObject(message: Message, parts: EmailParts, { mailboxId, isDraft }: Placement): object {
  const { sender, answered } = message;
  return {
    mailboxIds: { [mailboxId]: true },
    keywords: { $draft: true, $seen: true },
    from: [{ name: sender.name === '' ? null : sender.name, email: wireAddress(sender.email) }],
    ...(sender.replyTo.length > 0 ? { replyTo: onTheWire(sender.replyTo) } : {}),
    to: onTheWire(message.to),
    cc: onTheWire(message.cc),
    bcc: onTheWire(isDraft ? message.bcc : [...message.bcc, ...sender.bcc]),
    subject: message.subject,
    ...(message.inReplyTo.length > 0 ? { inReplyTo: message.inReplyTo } : {}),
    ...(message.references.length > 0 ? { references: message.references } : {}),
    ...(isDraft && answered !== null
      ? { [`header:${ANSWERS_FIELD}:asText`]: [answered.kind, answered.accountId, answered.emailId].join(' ') }
      : {}),
    bodyValues: {
      text: { value: parts.text },
      ...(parts.html === null ? {} : { html: { value: parts.html } }),
    },
    textBody: [{ partId: 'text', type: 'text/plain' }],
    ...(parts.html === null ? {} : { htmlBody: [{ partId: 'html', type: 'text/html' }] }),
    ...(parts.attachments.length > 0 ? { attachments: parts.attachments.flatMap(attachmentPart) } : {}),
  };
}

/** Pictures that are no longer in the text are left out, as are files that are not there yet. */
export function partsOf(body: Body, attachments: readonly Attachment[]): EmailParts {
  const there = attachments.filter(({ state }) => state.kind === 'there');
  const files = there.filter(({ inline }) => inline === null);
  if (body.format === 'text') return { text: body.text, html: null, attachments: files };
  const cidOf = new Map(
    there.flatMap(({ inline }) => (inline === null ? [] : [[inline.shownAt, inline.cid] as const])),
  );
  const written = mailHtml(body.html, cidOf);
  const quoted = body.quote === null ? null : withContentIds(body.quote.html, cidOf);
  const cids = written.cids.union(quoted?.cids ?? new Set<string>());
  const quote =
    body.quote === null || quoted === null ? '' : `<div class="${QUOTE_CLASSES[body.quote.kind]}">${quoted.html}</div>`;
  const content = `<div>${written.html}</div>${quote}`;
  return {
    text: htmlToText(content),
    html: `<!DOCTYPE html><html><head><meta charset="utf-8"></head><body>${content}</body></html>`,
    attachments: [...there.filter(({ inline }) => inline !== null && cids.has(inline.cid)), ...files],
  };
}

function attachmentPart({ name, type, inline, state }: Attachment): readonly object[] {
  if (state.kind !== 'there') return [];
  const part = {
    blobId: state.blobId,
    name: name === '' ? null : name,
    type: type === '' ? 'application/octet-stream' : type,
  };
  return [
    inline === null ? { ...part, disposition: 'attachment' } : { ...part, disposition: 'inline', cid: inline.cid },
  ];
}

const onTheWire = (addresses: readonly Address[]): readonly Address[] =>
  addresses.map(({ name, email }) => ({ name, email: wireAddress(email) }));

/** `reply a1 e2` of a draft's field; null: none, or another program's. */
export function readAnswers(field: string | null): Message['answered'] {
  const [kind, accountId, emailId, ...more] = (field ?? '').trim().split(' ');
  if ((kind !== 'reply' && kind !== 'forward') || accountId === undefined || emailId === undefined || more.length > 0)
    return null;
  return { kind, accountId, emailId };
}

/** For an HTML attribute or text of a line that is made here. */
export const asHtml = (text: string): string => escaped(text).replaceAll('\n', '<br>');
