/**
 * The editor's HTML as it goes out: what style sheets do here stands in each element, because mail programs know none
 * of ours; pictures are named by Content-ID (RFC 2392) instead of where the browser shows them from. Pure, linear.
 */
import { escaped, htmlTokens, VOID_ELEMENTS } from './html-tokens.ts';

/** A line is a paragraph without margin, so that it looks as it was written. */
const STYLES: Readonly<Record<string, string>> = {
  p: 'margin:0',
  ul: 'margin:0;padding-left:2em',
  ol: 'margin:0;padding-left:2em',
  h1: 'margin:0;font-size:1.5em',
  h2: 'margin:0;font-size:1.25em',
  h3: 'margin:0;font-size:1.1em',
  blockquote: 'margin:0;padding-left:1em;border-left:2px solid #b3bcc5',
  pre: 'margin:0;padding:0.5em 0.75em;background:#f3f5f7;border-radius:4px;white-space:pre-wrap;font-family:monospace',
  code: 'font-family:monospace',
  img: 'max-width:100%;height:auto',
};
/** What the editor itself needs of an element, and nobody else. */
const OWN_ATTRIBUTES = new Set(['class', 'style', 'draggable', 'contenteditable', 'target', 'rel', 'data-cid']);

export interface MailHtml {
  readonly html: string;
  /** Content-IDs of pictures that it shows. */
  readonly cids: ReadonlySet<string>;
}

/** @param cidOf Content-ID by the address of a picture here; a picture that has none stands for itself (https, data). */
export function mailHtml(html: string, cidOf: ReadonlyMap<string, string>): MailHtml {
  const cids = new Set<string>();
  let out = '';
  let isEmptyLine = false;
  for (const token of htmlTokens(html)) {
    // It would have no height of its own.
    if (isEmptyLine && token.kind === 'close') out += '<br>';
    isEmptyLine = token.kind === 'open' && token.name === 'p';
    switch (token.kind) {
      case 'text':
        out += escaped(token.text).replaceAll('\u00a0', '&nbsp;');
        break;
      case 'close':
        if (!VOID_ELEMENTS.has(token.name)) out += `</${token.name}>`;
        break;
      case 'open': {
        const attributes = new Map([...token.attributes].filter(([name]) => !OWN_ATTRIBUTES.has(name)));
        if (token.name === 'div' && token.attributes.get('class') === SIGNATURE_CLASS)
          attributes.set('class', SIGNATURE_CLASS);
        const style = STYLES[token.name];
        if (style !== undefined) attributes.set('style', style);
        const cid = token.name === 'img' ? cidOf.get(attributes.get('src') ?? '') : undefined;
        if (cid !== undefined) {
          cids.add(cid);
          attributes.set('src', `cid:${cid}`);
        }
        out += `<${token.name}${[...attributes].map(([name, value]) => ` ${name}="${escaped(value)}"`).join('')}>`;
        break;
      }
    }
  }
  return { html: out, cids };
}

/** Of the block that holds a signature, so that it is found again in a draft. */
export const SIGNATURE_CLASS = 'penfold-signature';

/** Pictures that a quoted original shows from this server, back as parts of the new message. */
export function withContentIds(html: string, cidOf: ReadonlyMap<string, string>): MailHtml {
  const cids = new Set<string>();
  const named = html.replaceAll(PICTURE, (whole, before: string, address: string, after: string) => {
    const cid = cidOf.get(address.replaceAll('&amp;', '&'));
    if (cid === undefined) return whole;
    cids.add(cid);
    return `${before}cid:${escaped(cid)}${after}`;
  });
  return { html: named, cids };
}

/** Addresses of the pictures of well-formed HTML. */
export const picturesOf = (html: string): readonly string[] =>
  Array.from(html.matchAll(PICTURE), ([, , address = '']) => address.replaceAll('&amp;', '&'));

/** Serializers write attributes in double quotes. */
const PICTURE = /(<img\b(?:[^>"]|"[^"]*")*?\ssrc=")([^"]*)(")/gi;
