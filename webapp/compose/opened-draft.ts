/** A stored draft as it can be written on: its fields, its text and what is quoted below, its files. */
import type { JmapClient } from '../jmap/client.ts';
import { cleanElement, cleanMail, contentOf } from './clean-html.ts';
import { QUOTE_CLASSES, readAnswers } from './email-object.ts';
import type { Attachment, Body, Message, Sender } from './message.ts';
import type { OriginalEmail, Part } from './methods.ts';
import { htmlToText } from './text/html-text.ts';

export function openedDraft(
  client: JmapClient,
  accountId: string,
  draft: OriginalEmail,
  sender: Sender,
): { readonly message: Message; readonly body: Body } {
  const html = draft.htmlBody.find(({ type }) => type === 'text/html');
  const source = html === undefined ? null : valueOf(draft, html);
  const attachments = draft.attachments.flatMap((part) => attachmentOf(client, accountId, part, source));
  const message: Message = {
    sender,
    to: draft.to,
    cc: draft.cc,
    bcc: draft.bcc,
    subject: draft.subject ?? '',
    inReplyTo: draft.inReplyTo,
    references: draft.references,
    answered: readAnswers(draft['header:X-Penfold-Answers:asText'] ?? null),
    attachments,
  };
  if (source === null) return { message, body: { format: 'text', text: textOf(draft) } };
  return { message, body: splitBody(shownHere(source, attachments)) };
}

const valueOf = (draft: OriginalEmail, { partId }: Part): string => draft.bodyValues[partId ?? '']?.value ?? '';

function textOf(draft: OriginalEmail): string {
  return draft.textBody
    .map((part) => (part.type === 'text/html' ? htmlToText(cleanMail(valueOf(draft, part))) : valueOf(draft, part)))
    .join('\n')
    .replaceAll(/\r\n?/g, '\n');
}

function attachmentOf(client: JmapClient, accountId: string, part: Part, html: string | null): readonly Attachment[] {
  const { blobId, name, type, size, cid, disposition } = part;
  if (blobId === null) return [];
  const isInText = cid !== null && disposition !== 'attachment' && html?.includes(`cid:${cid}`) === true;
  const shownAt = client.downloadUrl(accountId, blobId, name ?? '', type);
  return [
    {
      key: crypto.randomUUID(),
      name: name ?? '',
      type,
      size,
      inline: isInText ? { cid, shownAt } : null,
      state: { kind: 'there', accountId, blobId },
    },
  ];
}

function shownHere(html: string, attachments: readonly Attachment[]): string {
  let shown = html;
  for (const { inline } of attachments)
    if (inline !== null) shown = shown.replaceAll(`cid:${inline.cid}`, inline.shownAt.replaceAll('&', '&amp;'));
  return shown;
}

/** What the editor knows how to keep; everything else stays as it is, below it. */
const KNOWN =
  'a b blockquote br code del div em h1 h2 h3 h4 h5 h6 hr i img li ol p pre s span strike strong u ul'.split(' ');

/** Draft of ours: text, and the quote in a block of its own. Of others: as much as the editor can keep. */
function splitBody(html: string): Body {
  const content = cleanElement(html);
  for (const kind of ['reply', 'forward'] as const) {
    const block = content.querySelector(`.${QUOTE_CLASSES[kind]}`);
    if (block === null) continue;
    const quote = { kind, html: block.innerHTML };
    block.remove();
    return { format: 'html', html: contentOf(content), quote };
  }
  const isKnown = [...content.querySelectorAll('*')].every(({ localName }) => KNOWN.includes(localName));
  if (isKnown) return { format: 'html', html: contentOf(content), quote: null };
  return { format: 'html', html: '', quote: { kind: 'forward', html: content.innerHTML } };
}
