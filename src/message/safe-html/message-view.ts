/**
 * The body of a message, decoded and made ready to be shown: its texts, HTML or plain, and the pictures between them, in
 * the order in which they stand. Pure; runs in a worker, because a hostile body can take long.
 */
import { Buffer } from 'node:buffer';
import { decodeText } from '../charset.ts';
import { htmlToText } from '../html-text.ts';
import { decodeTransfer } from '../transfer-encoding.ts';
import { escape, type Flow, plainTextToHtml } from './plain-text.ts';
import { isNestedHostilely, sanitizeMail } from './sanitize.ts';

export type BodySource =
  | {
      readonly kind: 'html' | 'plain';
      /** As they stand in the message. */
      readonly bytes: Uint8Array;
      readonly encoding: string;
      readonly charset: string | null;
      /** RFC 3676; of plain text only. */
      readonly flow: Flow | null;
    }
  | { readonly kind: 'picture'; readonly address: string; readonly name: string | null };

export interface ViewWish {
  readonly remotePictures: boolean;
  /** Addresses of the message's own pictures by Content-ID or Content-Location. */
  readonly ownPictures: ReadonlyMap<string, string>;
  /** HTML is reduced to its text: for what could not be sanitized in time. */
  readonly textOnly: boolean;
}

export interface MessageView {
  readonly html: string;
  readonly css: string;
  /** There is nothing but plain text. */
  readonly isPlain: boolean;
  readonly hasOwnColours: boolean;
  readonly remotePictures: number;
  readonly trackingPixels: number;
  readonly misleadingLinks: number;
  readonly usedPictures: ReadonlySet<string>;
  /** Some HTML was reduced to its text. */
  readonly isReduced: boolean;
}

export function messageView(bodies: readonly BodySource[], wish: ViewWish): MessageView {
  const html: string[] = [];
  const css: string[] = [];
  const usedPictures = new Set<string>();
  let [isPlain, hasOwnColours, isReduced] = [true, false, false];
  let [remotePictures, trackingPixels, misleadingLinks] = [0, 0, 0];
  for (const body of bodies) {
    if (body.kind === 'picture') {
      html.push(`<p><img src="${escape(body.address)}" alt="${escape(body.name ?? '')}"></p>`);
      continue;
    }
    const text = decodeText(decodeTransfer(Buffer.from(body.bytes), body.encoding), body.charset);
    if (body.kind === 'plain') {
      html.push(plainTextToHtml(text, body.flow));
      continue;
    }
    if (wish.textOnly || isNestedHostilely(text)) {
      html.push(
        plainTextToHtml(
          htmlToText(text)
            .replaceAll(/\n[ \t]*(?:\n[ \t]*){2,}/g, '\n\n')
            .trim(),
          null,
        ),
      );
      isReduced = true;
      continue;
    }
    const safe = sanitizeMail(text, { remote: wish.remotePictures, own: wish.ownPictures });
    html.push(safe.html);
    if (safe.css !== '') css.push(safe.css);
    for (const name of safe.usedPictures) usedPictures.add(name);
    isPlain = false;
    hasOwnColours ||= safe.hasOwnColours;
    remotePictures += safe.remotePictures;
    trackingPixels += safe.trackingPixels;
    misleadingLinks += safe.misleadingLinks;
  }
  return {
    html: html.join('<hr>'),
    css: css.join('\n'),
    isPlain,
    hasOwnColours,
    remotePictures,
    trackingPixels,
    misleadingLinks,
    usedPictures,
    isReduced,
  };
}
