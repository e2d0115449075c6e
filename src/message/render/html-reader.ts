/**
 * HTML as a reader of text sees it: paragraphs, list marks, quotes, the targets of links, pictures by their
 * alternative text. Takes any bytes in linear time; knows elements by name only, no tree and no style sheets.
 */
import { Tokenizer } from 'htmlparser2';
import { type RichSink, type Style, StyleStack } from './rich-text.ts';

const HIDDEN = new Set([
  'head',
  'script',
  'style',
  'template',
  'title',
  'noscript',
  'object',
  'svg',
  'select',
  'textarea',
]);
const INLINE = new Set(
  'a abbr acronym b bdi bdo big cite code del dfn em font i img ins kbd label mark q s samp small span strike strong sub sup td th tt u var wbr'.split(
    ' ',
  ),
);
/** An empty line stands before and behind these. */
const PARAGRAPHS = new Set('blockquote dl h1 h2 h3 h4 h5 h6 hr ol p pre table ul'.split(' '));
/** They have no content and no end. */
const VOID = new Set('area base br col embed hr img input link meta source track wbr'.split(' '));
const STYLES: Readonly<Record<string, Style | undefined>> = {
  b: 'bold',
  strong: 'bold',
  h1: 'bold',
  h2: 'bold',
  h3: 'bold',
  th: 'bold',
  i: 'italic',
  em: 'italic',
  cite: 'italic',
  u: 'underline',
  ins: 'underline',
  tt: 'fixed',
  code: 'fixed',
  kbd: 'fixed',
  samp: 'fixed',
  pre: 'fixed',
  big: 'bigger',
  small: 'smaller',
  center: 'center',
  blockquote: 'excerpt',
};
const PIECE_CHARACTERS = 64 * 1024;
/** Longer targets are for machines (tracking), not for reading. */
const LINK_CHARACTERS = 500;
const LIST_DEPTH = 50;
/** Items of deeper lists stand no further in. */
const INDENTS = 8;
const RULE = '-'.repeat(40);

export function readHtml(html: string, sink: RichSink): void {
  const reader = new HtmlReader(html, sink);
  const tokenizer = new Tokenizer({ xmlMode: false, decodeEntities: true }, reader);
  for (let at = 0; at < html.length; at += PIECE_CHARACTERS) tokenizer.write(html.slice(at, at + PIECE_CHARACTERS));
  tokenizer.end();
  reader.finish();
}

class HtmlReader {
  readonly #html: string;
  readonly #sink: RichSink;
  readonly #styles: StyleStack;
  /** Text since the last tag: it comes in many pieces. */
  #raw = '';
  #name = '';
  #attribute = '';
  #value = '';
  #attributes = new Map<string, string>();
  /** The element that hides what follows, and how many of that name are open. */
  #hider = '';
  #hidden = 0;
  #preformatted = 0;
  /** Ends of lines due before the next text; at the start of the text there are none. */
  #breaks = 0;
  #hasText = false;
  #space = false;
  /** Item numbers of open lists; -1: with bullets. */
  readonly #lists: number[] = [];
  #link: string | null = null;
  #linkText = '';

  constructor(html: string, sink: RichSink) {
    this.#html = html;
    this.#sink = sink;
    this.#styles = new StyleStack(sink);
  }

  finish(): void {
    this.#endText();
    this.#endLink();
    this.#styles.closeAll();
  }

  readonly ontext = (start: number, end: number): void => {
    if (this.#hidden === 0) this.#raw += this.#html.slice(start, end);
  };
  readonly ontextentity = (codepoint: number): void => {
    if (this.#hidden === 0) this.#raw += character(codepoint);
  };
  readonly oncdata = (start: number, end: number, offset: number): void => this.ontext(start, end - offset);

  readonly onopentagname = (start: number, end: number): void => {
    this.#endText();
    this.#name = this.#html.slice(start, end).toLowerCase();
    this.#attributes = new Map();
  };

  readonly onattribname = (start: number, end: number): void => {
    this.#attribute = this.#html.slice(start, end).toLowerCase();
    this.#value = '';
  };

  readonly onattribdata = (start: number, end: number): void => {
    if (ATTRIBUTES.has(this.#attribute)) this.#value += this.#html.slice(start, end);
  };

  readonly onattribentity = (codepoint: number): void => {
    if (ATTRIBUTES.has(this.#attribute)) this.#value += character(codepoint);
  };

  readonly onattribend = (): void => {
    if (ATTRIBUTES.has(this.#attribute) && !this.#attributes.has(this.#attribute)) {
      this.#attributes.set(this.#attribute, this.#value);
    }
  };

  readonly onopentagend = (): void => this.#opened(this.#name);

  readonly onselfclosingtag = (): void => {
    this.#opened(this.#name);
    // HTML has no empty elements but these; `<p/>` opens a paragraph. A hider that is empty hides nothing.
    if (this.#hidden > 0 && this.#name === this.#hider) this.#hidden -= 1;
  };

  readonly onclosetag = (start: number, end: number): void => {
    this.#endText();
    const name = this.#html.slice(start, end).toLowerCase();
    if (this.#hidden > 0) {
      if (name === this.#hider) this.#hidden -= 1;
      return;
    }
    if (name === 'a') this.#endLink();
    if (name === 'pre' && this.#preformatted > 0) this.#preformatted -= 1;
    if (name === 'ul' || name === 'ol') this.#lists.pop();
    // RFC 1896: an excerpt ends with its line, so the break comes behind it.
    const style = STYLES[name];
    if (style !== undefined) this.#styles.close(style);
    this.#block(name);
  };

  readonly oncomment = nothing;
  readonly ondeclaration = nothing;
  readonly onend = nothing;
  readonly onprocessinginstruction = nothing;

  #opened(name: string): void {
    // A body that follows a head which was never closed is shown.
    if (name === 'body') this.#hidden = 0;
    if (this.#hidden > 0) {
      if (name === this.#hider) this.#hidden += 1;
      return;
    }
    if (HIDDEN.has(name)) {
      this.#hider = name;
      this.#hidden = 1;
      return;
    }
    switch (name) {
      case 'br':
        this.#breaks += 1;
        this.#space = false;
        return;
      case 'hr':
        this.#block(name);
        this.#put(RULE);
        this.#block(name);
        return;
      case 'img':
        this.#text(this.#attributes.get('alt') ?? '');
        return;
      case 'a':
        this.#endLink();
        this.#link = this.#attributes.get('href') ?? null;
        this.#linkText = '';
        return;
      case 'td':
      case 'th':
        this.#space = true;
        break;
      default:
        this.#block(name);
    }
    if (name === 'pre') this.#preformatted += 1;
    if ((name === 'ul' || name === 'ol') && this.#lists.length < LIST_DEPTH) this.#lists.push(name === 'ol' ? 0 : -1);
    const style = STYLES[name];
    if (style !== undefined && !VOID.has(name)) {
      // A quote begins on a line of its own, in each form.
      if (style === 'excerpt') this.#flushBreaks();
      this.#styles.open(style);
    }
    if (name === 'li') this.#item();
  }

  #item(): void {
    const depth = this.#lists.length;
    const number = this.#lists[depth - 1] ?? -1;
    if (number >= 0) this.#lists[depth - 1] = number + 1;
    this.#put(`${'  '.repeat(Math.min(INDENTS, Math.max(0, depth - 1)))}${number >= 0 ? `${number + 1}. ` : '* '}`);
  }

  #block(name: string): void {
    if (INLINE.has(name)) return;
    this.#space = false;
    // A list inside a list is no paragraph.
    const wide = PARAGRAPHS.has(name) && this.#lists.length === 0;
    this.#breaks = Math.max(this.#breaks, wide ? 2 : 1);
  }

  #endText(): void {
    if (this.#raw === '') return;
    const raw = this.#raw;
    this.#raw = '';
    this.#text(raw);
  }

  #text(raw: string): void {
    if (this.#preformatted > 0) {
      for (const [i, line] of raw.split(/\r\n|\r|\n/).entries()) {
        if (i > 0) this.#breaks += 1;
        if (line !== '') this.#put(line);
      }
      return;
    }
    const text = raw.replaceAll(/[ \t\r\n\f]+/g, ' ');
    if (text === '') return;
    if (text === ' ') {
      this.#space = true;
      return;
    }
    if (text.startsWith(' ')) this.#space = true;
    const inner = text.startsWith(' ') ? text.slice(1) : text;
    const ended = inner.endsWith(' ');
    this.#put(ended ? inner.slice(0, -1) : inner);
    this.#space = ended;
  }

  #put(text: string): void {
    if (text === '') return;
    const space = this.#space && this.#breaks === 0 && this.#hasText;
    this.#space = false;
    this.#flushBreaks();
    this.#hasText = true;
    // No-break spaces are spaces; they are kept, as many as there are.
    const shown = (space ? ' ' : '') + text.replaceAll('\u00a0', ' ');
    this.#sink.text(shown);
    if (this.#link !== null && this.#linkText.length <= LINK_CHARACTERS) this.#linkText += shown;
  }

  #flushBreaks(): void {
    if (this.#breaks > 0 && this.#hasText) this.#sink.newLine(Math.min(this.#breaks, MOST_BREAKS));
    this.#breaks = 0;
  }

  /** `text <target>`, unless the text is the target. */
  #endLink(): void {
    const target = this.#link?.trim() ?? '';
    const shown = this.#linkText.trim();
    this.#link = null;
    if (!/^(?:https?|ftp|mailto):/i.test(target) || target.length > LINK_CHARACTERS || shown === '') return;
    const plain = bare(target);
    if (bare(shown) === plain) return;
    const space = this.#space;
    this.#space = false;
    this.#sink.text(` <${target.replaceAll(/[\s<>]+/g, '')}>`);
    this.#space = space;
  }
}

const ATTRIBUTES = new Set(['href', 'alt']);
/** More empty lines than these carry nothing. */
const MOST_BREAKS = 4;

function bare(address: string): string {
  return address
    .replace(/^(?:mailto:|https?:\/\/)/i, '')
    .replace(/\/$/, '')
    .toLowerCase();
}

function nothing(): void {}

/** Soft hyphens and zero-width characters cut words in the text of newsletters. */
function character(codepoint: number): string {
  if (codepoint === 0xad || (codepoint >= 0x200b && codepoint <= 0x200d) || codepoint === 0xfeff) return '';
  const valid = codepoint >= 0 && codepoint <= 0x10ffff && (codepoint < 0xd800 || codepoint > 0xdfff);
  return valid ? String.fromCodePoint(codepoint) : '\ufffd';
}
