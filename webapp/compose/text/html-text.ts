/**
 * HTML that somebody wrote here, or quotes, as plain text: the text part beside the HTML (RFC 2046 §5.1.4), and what
 * stays when the format becomes plain. Quotes get `>`, lists their marks, links their address. Pure, linear.
 */
import { htmlTokens, VOID_ELEMENTS } from './html-tokens.ts';

const BLOCKS = new Set([
  'address',
  'article',
  'aside',
  'blockquote',
  'body',
  'center',
  'dd',
  'div',
  'dl',
  'dt',
  'fieldset',
  'figcaption',
  'figure',
  'footer',
  'form',
  'h1',
  'h2',
  'h3',
  'h4',
  'h5',
  'h6',
  'header',
  'hr',
  'html',
  'li',
  'main',
  'nav',
  'ol',
  'p',
  'pre',
  'section',
  'table',
  'tbody',
  'tfoot',
  'thead',
  'tr',
  'ul',
]);
/** An empty line stands around them, unless their style has no margin: so the lines that are written here (mail-html.ts). */
const APART = new Set(['p', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'ul', 'ol', 'blockquote', 'pre', 'table', 'dl', 'hr']);
const RULE = '-'.repeat(40);

export function htmlToText(html: string): string {
  const writer = new TextWriter();
  for (const token of htmlTokens(html))
    switch (token.kind) {
      case 'text':
        writer.text(token.text);
        break;
      case 'open':
        writer.open(token.name, token.attributes);
        break;
      case 'close':
        writer.close(token.name);
        break;
    }
  return writer.end();
}

interface List {
  readonly isOrdered: boolean;
  next: number;
}

class TextWriter {
  readonly #lines: string[] = [];
  readonly #lists: List[] = [];
  readonly #blocks: Array<{ readonly name: string; readonly isApart: boolean }> = [];
  readonly #links: Array<{ readonly href: string; readonly from: number }> = [];
  #line = '';
  #quotes = 0;
  #pre = 0;
  /** Space that is written when a word follows it. */
  #space = false;
  /** In front of the first words of a list item. */
  #mark = '';
  /** An empty line is due before the next words. */
  #apart = false;
  #linkText = '';
  /** Nothing has come since the last start of a block: an empty paragraph is an empty line. */
  #isEmptyBlock = false;

  text(text: string): void {
    if (this.#pre > 0) {
      for (const [at, line] of text.split('\n').entries()) {
        if (at > 0) this.#break();
        this.#write(line);
      }
      return;
    }
    for (const piece of text.split(/([ \t\r\n\f]+)/)) {
      if (piece === '') continue;
      if (/^[ \t\r\n\f]/.test(piece)) this.#space = true;
      else {
        if (this.#space && this.#line !== '') this.#line += ' ';
        this.#space = false;
        this.#write(piece);
      }
    }
  }

  open(name: string, attributes: ReadonlyMap<string, string>): void {
    switch (name) {
      case 'br':
        this.#break();
        return;
      case 'img':
        this.#picture(attributes.get('alt') ?? '');
        return;
      case 'a':
        this.#links.push({ href: attributes.get('href') ?? '', from: this.#linkText.length });
        return;
      case 'td':
      case 'th':
        if (this.#line !== '') this.#write('\t');
        return;
    }
    if (!BLOCKS.has(name)) return;
    // Paragraphs in list items and nested lists follow each other closely.
    const isApart =
      APART.has(name) && this.#lists.length === 0 && !/(?:^|;)\s*margin\s*:\s*0/.test(attributes.get('style') ?? '');
    this.#block(isApart);
    if (!VOID_ELEMENTS.has(name)) this.#blocks.push({ name, isApart });
    this.#isEmptyBlock = true;
    if (name === 'hr') {
      this.#write(RULE);
      this.#block(isApart);
    } else if (name === 'blockquote') this.#quotes += 1;
    else if (name === 'pre') this.#pre += 1;
    else if (name === 'ul' || name === 'ol')
      this.#lists.push({ isOrdered: name === 'ol', next: Number(attributes.get('start') ?? 1) || 1 });
    else if (name === 'li') {
      const list = this.#lists.at(-1);
      this.#mark = list?.isOrdered === true ? `${list.next}. ` : '- ';
      if (list !== undefined) list.next += 1;
    }
  }

  close(name: string): void {
    if (name === 'a') {
      const link = this.#links.pop();
      if (link === undefined) return;
      const shown = this.#linkText.slice(link.from).trim();
      if (this.#links.length === 0) this.#linkText = '';
      if (/^(?:https?|ftp|mailto|tel):/i.test(link.href) && !says(shown, link.href)) {
        this.#space = false;
        this.#write(` <${link.href}>`);
      }
      return;
    }
    if (!BLOCKS.has(name)) return;
    const at = this.#blocks.findLastIndex((block) => block.name === name);
    const [block] = at < 0 ? [] : this.#blocks.splice(at);
    if (name === 'p' && this.#isEmptyBlock) this.#break();
    this.#block(block?.isApart ?? false);
    if (name === 'blockquote') this.#quotes = Math.max(0, this.#quotes - 1);
    else if (name === 'pre') this.#pre = Math.max(0, this.#pre - 1);
    else if (name === 'ul' || name === 'ol') this.#lists.pop();
    else if (name === 'li') this.#mark = '';
  }

  /** Without empty lines at both ends; ends with a line end when there is anything. */
  end(): string {
    this.#finishLine();
    while (this.#lines[0] === '') this.#lines.shift();
    while (this.#lines.at(-1) === '') this.#lines.pop();
    return this.#lines.length === 0 ? '' : `${this.#lines.join('\n')}\n`;
  }

  #write(text: string): void {
    if (text === '') return;
    this.#isEmptyBlock = false;
    if (this.#links.length > 0) this.#linkText += text;
    if (this.#line === '') {
      if (this.#apart && this.#lines.length > 0) this.#lines.push('>'.repeat(this.#sharedQuotes()));
      this.#apart = false;
      this.#line = this.#prefix();
    }
    this.#line += text.replaceAll('\u00a0', ' ');
  }

  #prefix(): string {
    const depth = this.#lists.length;
    const indent = depth === 0 ? '' : '  '.repeat(this.#mark === '' ? depth : depth - 1);
    const prefix = `${this.#quotes > 0 ? `${'>'.repeat(this.#quotes)} ` : ''}${indent}${this.#mark}`;
    this.#mark = '';
    return prefix;
  }

  /** The empty line between two quotes is quoted, that at the end of one is not. */
  #sharedQuotes(): number {
    const before = /^>*/.exec(this.#lines.at(-1) ?? '')?.[0].length ?? 0;
    return Math.min(before, this.#quotes);
  }

  #block(isApart: boolean): void {
    this.#finishLine();
    this.#space = false;
    if (isApart) this.#apart = true;
  }

  #picture(alt: string): void {
    if (alt.trim() === '') return;
    if (this.#space && this.#line !== '') this.#line += ' ';
    this.#space = false;
    this.#write(`[${alt.trim()}]`);
  }

  #break(): void {
    this.#isEmptyBlock = false;
    if (this.#line === '') this.#lines.push('>'.repeat(this.#quotes));
    this.#finishLine();
    this.#space = false;
  }

  #finishLine(): void {
    // Trailing space would flow into the next line elsewhere (RFC 3676 §4.1); the signature's mark keeps its own.
    const isMark = this.#line === '-- ' || (this.#line === '--' && this.#space);
    if (this.#line !== '') this.#lines.push(isMark ? '-- ' : this.#line.trimEnd());
    this.#line = '';
  }
}

/** The text of a link shows where it leads. */
function says(text: string, href: string): boolean {
  const bare = (address: string): string =>
    address
      .replace(/^(?:https?:\/\/|mailto:|tel:)/i, '')
      .replace(/\/$/, '')
      .toLowerCase();
  return bare(text) === bare(href) || bare(text) === `www.${bare(href)}`;
}
