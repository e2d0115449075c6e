/** The original of an answer, as it stands below it: from its safe view, or its text; with the pictures it shows. */
import type { TFunction } from 'i18next';
import type { JmapClient } from '../jmap/client.ts';
import { can } from '../jmap/session.ts';
import { cleanMail } from './clean-html.ts';
import { writtenAddress } from './fields/address-list.ts';
import type { Attachment, Quote } from './message.ts';
import { type OriginalEmail, viewGet } from './methods.ts';
import { type QuotedHead, quoteHtml, quoteText, type QuoteWords } from './quote.ts';
import { htmlToText } from './text/html-text.ts';
import { mailHtml, picturesOf } from './text/mail-html.ts';
import { textToHtml } from './text/text-html.ts';

export interface OriginalView {
  readonly html: string;
  readonly css: string;
  readonly isPlain: boolean;
}

/** With pictures of the web as they were: the frame that shows them here loads none. Null: no such view. */
export async function viewOf(client: JmapClient, accountId: string, emailId: string): Promise<OriginalView | null> {
  if (!can(client.session, 'mailView')) return null;
  const { list } = await client.call(viewGet, { accountId, ids: [emailId], remotePictures: true });
  return list[0] ?? null;
}

export interface QuotedOriginal {
  readonly quote: Quote;
  /** The same for a plain message. */
  readonly text: string;
  readonly pictures: ReadonlyArray<{ readonly partId: string | null; readonly attachment: Attachment }>;
}

export function quotedOriginal(
  client: JmapClient,
  original: {
    readonly accountId: string;
    readonly email: OriginalEmail;
    readonly view: OriginalView | null;
    readonly kind: Quote['kind'];
    readonly t: TFunction;
    readonly language: string;
  },
): QuotedOriginal {
  const { accountId, email, view, kind, t, language } = original;
  const plain = plainTextOf(email);
  const date = new Intl.DateTimeFormat(language, { dateStyle: 'full', timeStyle: 'short' }).format(
    new Date(email.sentAt ?? email.receivedAt),
  );
  const head: QuotedHead = { from: email.from, to: email.to, cc: email.cc, subject: email.subject ?? '', date };
  const words: QuoteWords = {
    attribution: t('quote.attribution', { date, name: email.from.map(writtenAddress).join(', ') }),
    forwarded: t('quote.forwarded'),
    labels: {
      from: t('fields.from'),
      date: t('quote.date'),
      subject: t('fields.subject'),
      to: t('fields.to'),
      cc: t('fields.cc'),
    },
  };
  const text = quoteText(kind, plain, head, words);
  if (view === null || view.isPlain) {
    const html = mailHtml(textToHtml(plain), new Map()).html;
    return { quote: quoteHtml(kind, html, head, words), text, pictures: [] };
  }
  const html = cleanMail(`${view.css === '' ? '' : `<style>${view.css}</style>`}${view.html}`);
  return { quote: quoteHtml(kind, html, head, words), text, pictures: picturesIn(html, client, accountId, email) };
}

/** Parts of the original that its text shows go along as parts of the new one. */
function picturesIn(
  html: string,
  client: JmapClient,
  accountId: string,
  email: OriginalEmail,
): QuotedOriginal['pictures'] {
  const addresses = [...new Set(picturesOf(html))];
  return email.attachments.flatMap((part) => {
    const { blobId, partId, name, type, size } = part;
    if (blobId === null) return [];
    // The view names parts by the path of their download; the file's name in it may be written differently.
    const start = pathOf(client.downloadUrl(accountId, blobId, 'x')).slice(0, -1);
    return addresses
      .filter((address) => pathOf(address).startsWith(start))
      .map((shownAt) => ({
        partId,
        attachment: {
          key: crypto.randomUUID(),
          name: name ?? '',
          type,
          size,
          inline: { cid: `${crypto.randomUUID()}@penfold`, shownAt },
          state: { kind: 'there', accountId, blobId },
        } satisfies Attachment,
      }));
  });
}

const pathOf = (address: string): string => new URL(address, window.location.href).pathname;

/** The plain form of a message; of its HTML when that is all there is. */
function plainTextOf(email: OriginalEmail): string {
  return email.textBody
    .filter(({ type }) => type === 'text/plain' || type === 'text/html')
    .map(({ partId, type }) => {
      const value = email.bodyValues[partId ?? '']?.value ?? '';
      return type === 'text/html' ? htmlToText(cleanMail(value)) : value;
    })
    .join('\n');
}
