/** How the person wants to write: format, signatures, how long a send can be taken back (AccountSettings). */
import type { JmapClient } from '../jmap/client.ts';
import { can, ownAccount } from '../jmap/session.ts';
import { type ComposeSettings, type Signature, settingsGet } from './methods.ts';
import { asHtml } from './email-object.ts';
import type { Body, Quote } from './message.ts';
import { SIGNATURE_CLASS } from './text/mail-html.ts';
import { textToHtml } from './text/text-html.ts';

const DEFAULTS: ComposeSettings = {
  composeFormat: 'html',
  undoSendSeconds: 10,
  signatures: [],
  newMessageSignature: null,
  replySignature: null,
};

export async function settingsOf(client: JmapClient): Promise<ComposeSettings> {
  const accountId = ownAccount(client.session);
  if (accountId === null || !can(client.session, 'account')) return DEFAULTS;
  const { list } = await client.call(settingsGet, { accountId, ids: null });
  return list[0] ?? DEFAULTS;
}

export function signatureFor(settings: ComposeSettings, kind: 'new' | 'reply'): Signature | null {
  const id = kind === 'new' ? settings.newMessageSignature : settings.replySignature;
  return settings.signatures.find((one) => one.id === id) ?? null;
}

/** RFC 3676 §4.3: the mark, then the signature. Empty: there is none. */
export const plainSignature = (signature: Signature | null): string =>
  signature === null || signature.text.trim() === '' ? '' : `-- \n${signature.text.trimEnd()}\n`;

/** @param clean takes everything out of the signature's HTML that does not belong there */
export function signatureBlock(signature: Signature | null, clean: (html: string) => string): string {
  if (signature === null) return '';
  const html = signature.html.trim() === '' ? asHtml(signature.text.trim()) : clean(signature.html);
  return html === '' ? '' : `<div class="${SIGNATURE_CLASS}">${html}</div>`;
}

/** A fresh text: room to write, the signature, and the quote below. */
export function freshBody(
  format: 'html' | 'text',
  start: {
    readonly text: string;
    readonly signature: Signature | null;
    readonly quote: Quote | null;
    readonly quoteText: string;
    readonly clean: (html: string) => string;
  },
): Body {
  const { text, signature, quote, quoteText, clean } = start;
  if (format === 'text') {
    const below = [plainSignature(signature), quoteText].filter((one) => one !== '');
    return { format, text: [text, ...below].join(below.length > 0 ? '\n\n' : '') };
  }
  const block = signatureBlock(signature, clean);
  return { format, html: `${textToHtml(text)}${block === '' ? '' : `<p></p>${block}`}`, quote };
}
