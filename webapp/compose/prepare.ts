/**
 * What a composer begins with: who writes, what is answered and how it is quoted, the signature; or a draft, continued.
 * Asks the server once for all it needs. Knows no React.
 */
import type { TFunction } from 'i18next';
import type { JmapClient } from '../jmap/client.ts';
import { forwardSubject, type Original, recipientsOf, replySubject, threadingOf } from './answer.ts';
import { cleanContent, openCleaning } from './clean-html.ts';
import { freshBody, settingsOf, signatureFor } from './compose-settings.ts';
import type { StoredDraft } from './draft-saver.ts';
import { type Address, keyOf } from './fields/address-list.ts';
import { readMailto } from './fields/mailto.ts';
import type { Attachment, Body, Message, Sender } from './message.ts';
import {
  type ComposeSettings,
  ORIGINAL_PROPERTIES,
  originalGet,
  type OriginalEmail,
  type Part,
  PART_PROPERTIES,
} from './methods.ts';
import { openedDraft } from './opened-draft.ts';
import { type QuotedOriginal, quotedOriginal, viewOf } from './quoted-original.ts';
import type { ComposerRequest } from './request.ts';
import { senderFor, sendersOf } from './senders.ts';

export interface Prepared {
  readonly senders: readonly Sender[];
  readonly settings: ComposeSettings;
  readonly message: Message;
  readonly body: Body;
  readonly stored: StoredDraft | null;
  /** Where one writes first. */
  readonly focus: 'to' | 'body';
}

/** Texts of the original beyond it are left out of the quote. */
const QUOTED_BYTES = 512 * 1024;

/** @throws what calls throw; NotThere */
export async function prepare(
  client: JmapClient,
  request: ComposerRequest,
  t: TFunction,
  language: string,
): Promise<Prepared> {
  const [senders, settings] = await Promise.all([sendersOf(client), settingsOf(client), openCleaning()]);
  const from = (preferred: readonly Address[]): Sender => senderFor(senders, request.accountId, preferred);
  const format = settings.composeFormat;
  const base = { senders, settings, stored: null };
  const fresh = (text: string, kind: 'new' | 'reply', original?: QuotedOriginal): Body =>
    freshBody(format, {
      text,
      signature: signatureFor(settings, kind),
      quote: original?.quote ?? null,
      quoteText: original?.text ?? '',
      clean: cleanContent,
    });
  switch (request.kind) {
    case 'new': {
      const message = { ...emptyMessage(from([])), to: request.to ?? [], subject: request.subject ?? '' };
      return {
        ...base,
        message,
        body: fresh(request.text ?? '', 'new'),
        focus: message.to.length === 0 ? 'to' : 'body',
      };
    }
    case 'mailto': {
      const wish = readMailto(request.href) ?? { to: [], cc: [], bcc: [], subject: '', body: '' };
      const { body: text, ...fields } = wish;
      const message = { ...emptyMessage(from([])), ...fields };
      return {
        ...base,
        message,
        body: fresh(text, 'new'),
        focus: wish.to.length === 0 ? 'to' : 'body',
      };
    }
    case 'forwardAsAttachment': {
      const originals = await originalsOf(client, request.accountId, request.emailIds);
      const [first] = originals;
      const message: Message = {
        ...emptyMessage(from(first === undefined ? [] : [...first.to, ...first.cc])),
        subject: first === undefined ? '' : forwardSubject(first.subject ?? ''),
        answered: first === undefined ? null : { kind: 'forward', accountId: request.accountId, emailId: first.id },
        attachments: originals.map((one) => ({
          key: crypto.randomUUID(),
          name: `${
            (one.subject ?? '')
              .replaceAll(/[\p{Cc}/\\:*?"<>|]+/gu, ' ')
              .trim()
              .slice(0, 80) || t('message')
          }.eml`,
          type: 'message/rfc822',
          size: one.size,
          inline: null,
          state: { kind: 'there', accountId: request.accountId, blobId: one.blobId },
        })),
      };
      return { ...base, message, body: fresh('', 'new'), focus: 'to' };
    }
    case 'draft': {
      const [draft] = await originalsOf(client, request.accountId, [request.emailId]);
      if (draft === undefined) throw new NotThere();
      const sender = from(draft.from);
      const { message, body } = openedDraft(client, request.accountId, draft, sender);
      return {
        ...base,
        message,
        body,
        stored: { accountId: request.accountId, emailId: draft.id },
        focus: message.to.length === 0 ? 'to' : 'body',
      };
    }
    case 'reply':
    case 'replyAll':
    case 'forward': {
      const kind = request.kind === 'forward' ? 'forward' : 'reply';
      const isForward = kind === 'forward';
      const [[email], view] = await Promise.all([
        originalsOf(client, request.accountId, [request.emailId]),
        viewOf(client, request.accountId, request.emailId),
      ]);
      if (email === undefined) throw new NotThere();
      const original: Original = { ...email, subject: email.subject ?? '' };
      const sender = from([...email.to, ...email.cc]);
      const own = new Set(senders.map(keyOf));
      const quoted = quotedOriginal(client, { accountId: request.accountId, email, view, t, language, kind });
      const recipients = isForward ? { to: [], cc: [] } : recipientsOf(original, own, request.kind === 'replyAll');
      const files = isForward
        ? email.attachments.filter((one) => !quoted.pictures.some(({ partId }) => partId === one.partId))
        : [];
      const message: Message = {
        ...emptyMessage(sender),
        ...recipients,
        subject: isForward ? forwardSubject(original.subject) : replySubject(original.subject),
        ...threadingOf(original),
        answered: { kind, accountId: request.accountId, emailId: email.id },
        attachments: [
          ...quoted.pictures.map(({ attachment }) => attachment),
          ...files.flatMap((part) => asFile(request.accountId, part)),
        ],
      };
      return { ...base, message, body: fresh('', 'reply', quoted), focus: isForward ? 'to' : 'body' };
    }
  }
}

/** The original has gone meanwhile. */
export class NotThere extends Error {
  constructor() {
    super('the message is not there any more');
    this.name = 'NotThere';
  }
}

const emptyMessage = (sender: Sender): Message => ({
  sender,
  to: [],
  cc: [],
  bcc: [],
  subject: '',
  inReplyTo: [],
  references: [],
  answered: null,
  attachments: [],
});

async function originalsOf(
  client: JmapClient,
  accountId: string,
  ids: readonly string[],
): Promise<readonly OriginalEmail[]> {
  const { list } = await client.call(originalGet, {
    accountId,
    ids,
    properties: ORIGINAL_PROPERTIES,
    bodyProperties: PART_PROPERTIES,
    fetchTextBodyValues: true,
    fetchHTMLBodyValues: true,
    maxBodyValueBytes: QUOTED_BYTES,
  });
  return ids.flatMap((id) => list.filter((one) => one.id === id));
}

function asFile(accountId: string, { blobId, name, type, size }: Part): readonly Attachment[] {
  if (blobId === null) return [];
  return [
    {
      key: crypto.randomUUID(),
      name: name ?? '',
      type,
      size,
      inline: null,
      state: { kind: 'there', accountId, blobId },
    },
  ];
}
