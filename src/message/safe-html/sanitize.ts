/**
 * HTML of mail made ready to be shown (design.md §8): sanitize-html with our lists, every attribute rebuilt or checked,
 * addresses of links and pictures judged, style sheets rewritten. What it makes goes through DOMPurify in the browser
 * and into a frame without scripts; it is written so that neither would be needed. Pure; linear but for what the
 * library does, so callers bound the input and run it in a worker.
 */
import { Parser } from 'htmlparser2';
import sanitizeHtml from 'sanitize-html';
import { linkAddress, pictureAddress } from './addresses.ts';
import { annotate } from './annotate.ts';
import { ATTRIBUTES, ELEMENTS, GONE, MARKS, mayStay } from './elements.ts';
import {
  hasOwnColour,
  ID_PREFIX,
  safeDeclarations,
  safeStyleSheet,
  STYLE_SHEET_CHARACTERS,
  type StyleSink,
} from './style.ts';

export interface PictureWish {
  /** Pictures on the web, too, but for those that only count readers. */
  readonly remote: boolean;
  /** Addresses of parts of the message by Content-ID (without brackets) or Content-Location. */
  readonly own: ReadonlyMap<string, string>;
}

export interface SafeHtml {
  readonly html: string;
  /** Rules for the document that it is put into. */
  readonly css: string;
  /** Pictures on the web that it asks for, those of trackingPixels not among them. */
  readonly remotePictures: number;
  /** Pictures that nobody can see. They are never let in. */
  readonly trackingPixels: number;
  readonly misleadingLinks: number;
  /** False: black on white, and can as well be shown light on dark. */
  readonly hasOwnColours: boolean;
  /** Names of own pictures that are in it. */
  readonly usedPictures: ReadonlySet<string>;
}

/** Elements deeper than this are left out, their text stays: browsers stop nesting at 512. */
export const ELEMENT_DEPTH = 256;
/** Mail nested deeper than this is not sanitized at all: the library's time grows with the square of the depth. */
export const HOSTILE_DEPTH = 2000;

/** End tags that people leave out, and elements that have none. */
const UNCLOSED = new Set(
  'area base br col dd dt embed hr img input li link meta option p source tbody td tfoot th thead tr wbr'.split(' '),
);

/** How deep elements may be nested, as far as tags tell without being parsed: never less than they are. */
export function isNestedHostilely(html: string): boolean {
  let depth = 0;
  for (const [, slash, name = ''] of html.matchAll(/<(\/?)([a-z][a-z0-9]{0,20})/gi)) {
    if (UNCLOSED.has(name.toLowerCase())) continue;
    depth = slash === '' ? depth + 1 : Math.max(0, depth - 1);
    if (depth > HOSTILE_DEPTH) return true;
  }
  return false;
}

export function sanitizeMail(html: string, wish: PictureWish): SafeHtml {
  const mail = new Mail(wish);
  const clean = sanitizeHtml(html, {
    allowedTags: [...ELEMENTS],
    allowedAttributes: { '*': [...ATTRIBUTES] },
    allowedSchemes: ['http', 'https', 'mailto', 'tel'],
    allowedSchemesByTag: { img: ['https', 'data'] },
    allowProtocolRelative: false,
    nonTextTags: [...GONE],
    nestingLimit: ELEMENT_DEPTH,
    // Styles are rebuilt by style.ts; the library would run a full CSS parser on each.
    parseStyleAttributes: false,
    transformTags: { '*': (name, attributes) => mail.element(name, attributes) },
  });
  const css = safeStyleSheet(styleSheets(html), mail);
  const { html: marked, misleadingLinks } = annotate(clean);
  return {
    html: marked,
    css,
    remotePictures: mail.remotePictures,
    trackingPixels: mail.trackingPixels,
    misleadingLinks,
    hasOwnColours: mail.hasOwnColours,
    usedPictures: mail.usedPictures,
  };
}

/** One message on its way through: what its elements may keep, and what was seen of them. */
class Mail implements StyleSink {
  remotePictures = 0;
  trackingPixels = 0;
  hasOwnColours = false;
  readonly usedPictures = new Set<string>();
  readonly #wish: PictureWish;

  constructor(wish: PictureWish) {
    this.#wish = wish;
  }

  element(written: string, attributes: sanitizeHtml.Attributes): sanitizeHtml.Tag {
    // The body is an element among others, so that what it says of colours and type counts.
    const name = written === 'body' ? 'div' : written;
    const attribs: Record<string, string> = {};
    for (const [attribute, value] of Object.entries(attributes))
      if (mayStay(name, attribute, value)) attribs[attribute] = value;
    const id = /^[\w.:-]{1,200}$/.exec(attributes['id'] ?? (name === 'a' ? (attributes['name'] ?? '') : ''))?.[0];
    if (id !== undefined) attribs['id'] = ID_PREFIX + id;
    if (written === 'body') {
      attribs[MARKS.body] = '';
      if (COLOUR_NAME.test(attributes['bgcolor'] ?? '')) attribs['bgcolor'] = attributes['bgcolor'] ?? '';
    }
    this.#style(name, attributes, attribs);
    if (name === 'a') this.#link(attributes, attribs);
    if (name === 'img') this.#picture(attributes, attribs);
    this.#colours(attribs);
    return { tagName: name, attribs };
  }

  picture(address: string): string | null {
    const place = this.#place(address);
    if (place === null) return null;
    if (place.isRemote) this.remotePictures += 1;
    return place.address;
  }

  ownColour(): void {
    this.hasOwnColours = true;
  }

  #style(name: string, attributes: sanitizeHtml.Attributes, attribs: Record<string, string>): void {
    const declarations = [safeDeclarations(attributes['style'] ?? '', this, name === 'a')];
    const background = attributes['background'];
    if (background !== undefined && background !== '') {
      const address = this.picture(background);
      if (address !== null) declarations.unshift(safeDeclarations(`background-image:url("${address}")`, SAME));
    }
    const text = written(attributes['text']);
    if (text !== '') declarations.unshift(safeDeclarations(`color:${text}`, this));
    const style = declarations.filter((one) => one !== '').join(';');
    if (style !== '') attribs['style'] = style;
  }

  #link(attributes: sanitizeHtml.Attributes, attribs: Record<string, string>): void {
    const href = attributes['href']?.trim() ?? '';
    if (/^#[\w.:-]{1,200}$/.test(href)) {
      attribs['href'] = `#${ID_PREFIX}${href.slice(1)}`;
      return;
    }
    const address = linkAddress(href);
    if (address === null) return;
    attribs['href'] = address;
    attribs['target'] = '_blank';
    attribs['rel'] = 'noopener noreferrer nofollow';
  }

  #picture(attributes: sanitizeHtml.Attributes, attribs: Record<string, string>): void {
    const place = this.#place(attributes['src'] ?? '');
    if (place === null) return;
    if (place.isRemote && isInvisible(attributes)) {
      this.trackingPixels += 1;
      return;
    }
    if (place.isRemote) this.remotePictures += 1;
    if (place.address === null) attribs[MARKS.blocked] = '';
    else attribs['src'] = place.address;
  }

  /** Null: no picture at all. */
  #place(written: string): { readonly address: string | null; readonly isRemote: boolean } | null {
    const { own, remote } = this.#wish;
    const place = pictureAddress(written);
    const name = place.kind === 'own' ? place.name : written.trim();
    const part = own.get(name);
    if (part !== undefined) {
      this.usedPictures.add(name);
      return { address: part, isRemote: false };
    }
    switch (place.kind) {
      case 'data':
        return { address: place.address, isRemote: false };
      case 'remote':
        return { address: remote ? place.address : null, isRemote: true };
      case 'own':
      case 'none':
        return null;
    }
  }

  #colours(attribs: Readonly<Record<string, string>>): void {
    const { bgcolor, color } = attribs;
    if (bgcolor !== undefined && hasOwnColour('background-color', bgcolor, false)) this.hasOwnColours = true;
    if (color !== undefined && hasOwnColour('color', color, false)) this.hasOwnColours = true;
  }
}

const COLOUR_NAME = /^#?[\w]{3,24}$/;
const written = (colour: string | undefined): string => (COLOUR_NAME.test(colour ?? '') ? (colour ?? '') : '');
/** For an address that has been judged already. */
const SAME: StyleSink = { picture: (address) => address, ownColour: () => {} };

/** Of no size, or one that nobody sees: such pictures are there to be fetched. */
function isInvisible({ width, height, style = '' }: sanitizeHtml.Attributes): boolean {
  const isTiny = (size: string | undefined): boolean => size !== undefined && /^\s*[0-2](?:px)?\s*$/.test(size);
  return (
    (isTiny(width) && isTiny(height)) ||
    /(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)/i.test(style) ||
    (/(?:^|;)\s*(?:max-)?width\s*:\s*[0-2](?:px)?\s*(?:;|!|$)/i.test(style) &&
      /(?:^|;)\s*(?:max-)?height\s*:\s*[0-2](?:px)?\s*(?:;|!|$)/i.test(style))
  );
}

/** Text of all `<style>` elements, in order. */
function styleSheets(html: string): string {
  if (!/<style/i.test(html)) return '';
  let css = '';
  let isInside = false;
  const parser = new Parser({
    onopentag: (name) => {
      isInside = name === 'style';
    },
    ontext: (text) => {
      if (isInside && css.length < STYLE_SHEET_CHARACTERS) css += text;
    },
    onclosetag: (name) => {
      if (name !== 'style') return;
      isInside = false;
      css += '\n';
    },
  });
  parser.end(html);
  return css;
}
